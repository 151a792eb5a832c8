"""Fault decisions, by rules and a seed."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from local.faults.rules import EVENT_KINDS, Kind, Rule

_DEFAULT_REASON = (
    'Resource handler returned message: "A fault was injected" (HandlerErrorCode: GeneralServiceException)'
)

_logger = logging.getLogger(__name__)


@dataclass
class _RuleState:
    """A rule with its own random generator, so that other rules do not affect its decisions."""

    rule: Rule
    rng: random.Random
    matched: int = 0
    acted: int = 0

    def decide(self) -> bool:
        """Count a match. Return whether the rule acts on it."""
        rule = self.rule
        self.matched += 1
        is_chosen = self.rng.random() < rule.probability
        is_open = self.matched > rule.after and (rule.times is None or self.acted < rule.times)
        self.acted += is_chosen and is_open
        return is_chosen and is_open


class Faults:
    """The active rules. The same rules, seed and sequence of calls give the same faults. Thread-safe."""

    def __init__(self, rules: Iterable[Rule] = (), seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._states: list[_RuleState] = []
        self.replace(rules, seed)

    def replace(self, rules: Iterable[Rule], seed: int) -> None:
        """Replace the rules. Without rules, no faults are injected."""
        states = [_RuleState(rule, random.Random(f"{seed} {n}")) for n, rule in enumerate(rules)]  # noqa: S311
        with self._lock:
            self._states = states

    def __bool__(self) -> bool:
        return bool(self._states)

    def of_call(self, service: str, operation: str) -> Rule | None:
        """Return the first rule that acts on a call of an operation (`glue`, `StartJobRun`), or None."""
        acting = self._acting(f"{service}:{operation}", lambda rule: rule.hits_call(service, operation))
        return next((state.rule for state in acting), None)

    def of_resource(self, action: str, resource_type: str, logical_id: str) -> str | None:
        """Return why CloudFormation fails to `create`, `update` or `delete` a resource, or None."""
        kind = Kind(f"{action}_failed")
        acting = self._acting(
            f"{resource_type} {logical_id}", lambda rule: rule.hits_resource(kind, resource_type, logical_id)
        )
        return next((state.rule.reason or _DEFAULT_REASON for state in acting), None)

    def of_event(self, detail_type: str) -> list[float]:
        """Return the delay in seconds of each delivery of an event. Empty if the event is lost."""
        kind = EVENT_KINDS.get(detail_type, "")
        copies = [0.0]
        for state in self._acting(f"{kind} event", lambda rule: rule.hits_event(kind)):
            seconds = state.rule.seconds
            if state.rule.kind is Kind.LOST:
                return []
            if state.rule.kind is Kind.DOUBLED:
                copies = [*copies, *copies]
            elif state.rule.kind is Kind.LATE:
                copies = [wait + seconds for wait in copies]
            else:
                copies = [wait + seconds * state.rng.random() for wait in copies]
        return copies

    def show(self) -> list[dict[str, Any]]:
        """Return the rules with the number of matches and of injected faults."""
        with self._lock:
            return [{"rule": o.rule.text, "matched": o.matched, "acted": o.acted} for o in self._states]

    def _acting(self, what: str, matches: Callable[[Rule], bool]) -> Iterator[_RuleState]:
        for state in self._states:
            if matches(state.rule):
                with self._lock:
                    acts = state.decide()
                if acts:
                    _logger.info("fault: %s: %s", what, state.rule.text)
                    yield state
