"""Fault rules in text form. docs/faults.md describes the grammar.

cloudformation:CreateStack throttle 0.5
glue:StartJobRun 500_after 1 times 2
stack:AWS::Glue::Job create_failed "no capacity"
events:* late 0.3 seconds 30
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import botocore.session

_TIMEOUT_SECONDS = 15.0  # the service's clients time out after 10 s
_EVENT_SECONDS = 30.0
_ERROR = re.compile(r"(5\d\d)(_after)?")
_WILD = re.compile(r"[*?\[]")
_WHOLE = re.compile(r"\d+")
_DECIMAL = re.compile(r"\d+(\.\d+)?|\.\d+")
_TO_QUOTE = re.compile(r"""[\s;'"\\]|^$""")
_T = TypeVar("_T")

EVENT_KINDS = {
    "CloudFormation Stack Status Change": "stack",
    "CloudFormation Resource Status Change": "resource",
    "Glue Job State Change": "job",
}
"""Names that rules use for the emulator's events, by detail type."""


class BadRule(ValueError):
    """The rule is invalid. The message states the reason."""


class Kind(StrEnum):
    """Kinds of faults."""

    THROTTLE = "throttle"
    ACCESS_DENIED = "access_denied"
    ERROR = "5xx"
    TIMEOUT = "timeout"
    KILL = "kill"
    CREATE_FAILED = "create_failed"
    UPDATE_FAILED = "update_failed"
    DELETE_FAILED = "delete_failed"
    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"
    REORDERED = "reordered"


# Faults of calls: the kind, and whether the call still has its effect.
_OF_CALLS = {
    "500": (Kind.ERROR, False),
    "500_after": (Kind.ERROR, True),
    "throttle": (Kind.THROTTLE, False),
    "access_denied": (Kind.ACCESS_DENIED, False),
    "timeout": (Kind.TIMEOUT, False),
    "timeout_after": (Kind.TIMEOUT, True),
    "kill_before": (Kind.KILL, False),
    "kill_after": (Kind.KILL, True),
}
_OF_STACKS = {str(kind): kind for kind in (Kind.CREATE_FAILED, Kind.UPDATE_FAILED, Kind.DELETE_FAILED)}
_OF_EVENTS = {str(kind): kind for kind in (Kind.LOST, Kind.DOUBLED, Kind.LATE, Kind.REORDERED)}


@dataclass(frozen=True)
class Rule:
    """A fault rule.

    `scope` is `stack`, `events` or a pattern of services. `pattern` selects resources, events or operations
    in the scope. With `effect`, the call is executed and only its response is lost. The first `after` matches
    are skipped, and the rule acts at most `times` times (None: unlimited).
    """

    text: str
    scope: str
    pattern: str
    kind: Kind
    effect: bool = False
    status: int = 0
    probability: float = 1.0
    after: int = 0
    times: int | None = None
    seconds: float = 0.0
    reason: str = ""

    def hits_call(self, service: str, operation: str) -> bool:
        """Return whether the rule applies to a call."""
        is_call = self.scope not in ("stack", "events")
        return is_call and fnmatchcase(service, self.scope) and fnmatchcase(operation, self.pattern)

    def hits_resource(self, kind: Kind, resource_type: str, logical_id: str) -> bool:
        """Return whether the rule applies to a fault of this kind on a resource."""
        names = (resource_type, logical_id)
        return self.kind is kind and any(fnmatchcase(name, self.pattern) for name in names)

    def hits_event(self, kind: str) -> bool:
        """Return whether the rule applies to an event."""
        return self.scope == "events" and fnmatchcase(kind, self.pattern)


def parse_all(text: str) -> list[Rule]:
    """Parse rules that are separated by semicolons. Raises `BadRule` for the first invalid rule."""
    words = shlex.shlex(text, posix=True, punctuation_chars=";")
    words.whitespace_split = True
    words.commenters = ""
    rules: list[list[str]] = [[]]
    try:
        for word in words:
            if set(word) == {";"}:
                rules.append([])
            else:
                rules[-1].append(word)
    except ValueError as error:
        raise BadRule(f"The fault {text!r} is invalid: a quote is not closed.") from error
    return [_rule(words) for words in rules if words]


def parse(text: str) -> Rule:
    """Parse one rule. Raises `BadRule` if it is invalid."""
    rules = parse_all(text)
    if len(rules) != 1:
        raise BadRule(f"{text!r} is not a single fault.")
    return rules[0]


def _rule(words: list[str]) -> Rule:
    text = " ".join(shlex.quote(word) if _TO_QUOTE.search(word) else word for word in words)
    try:
        if len(words) < 2:
            raise BadRule("it requires a target and a fault, as in 'glue:StartJobRun throttle 0.5'")
        target, fault, *options = words
        scope, _, pattern = target.partition(":")
        return Rule(
            text,
            scope=scope,
            pattern=pattern,
            **_fault(scope, pattern, fault) | _options(options, may_have_reason=scope == "stack"),
        )
    except BadRule as why:
        raise BadRule(f"The fault {text!r} is invalid: {why}.") from why


def _fault(scope: str, pattern: str, fault: str) -> dict[str, Any]:
    if not scope or not pattern:
        raise BadRule("the target must be SERVICE:OPERATION, stack:TYPE-OR-LOGICAL-ID or events:KIND")
    if scope == "stack":
        return {"kind": _known(fault, _OF_STACKS, "a resource's fault")}
    if scope == "events":
        if not any(fnmatchcase(kind, pattern) for kind in EVENT_KINDS.values()):
            raise BadRule(f"the events must be {_listed(EVENT_KINDS.values())}, or * for all")
        return {"kind": _known(fault, _OF_EVENTS, "an event's fault"), "seconds": _EVENT_SECONDS}
    _check_call(scope, pattern)
    if error := _ERROR.fullmatch(fault):
        return {"kind": Kind.ERROR, "status": int(error[1]), "effect": error[2] is not None}
    kind, effect = _known(fault, _OF_CALLS, "a call's fault")
    return {"kind": kind, "effect": effect, "seconds": _TIMEOUT_SECONDS}


def _check_call(service: str, pattern: str) -> None:
    """Reject misspelled services and operations."""
    if _WILD.search(service):
        return
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        raise BadRule(f"the service {service!r} does not exist")
    if not any(fnmatchcase(name, pattern) for name in session.get_service_model(service).operation_names):
        raise BadRule(f"{service} has no operation {pattern!r}")


def _options(words: list[str], *, may_have_reason: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        if word in ("after", "times"):
            found[word] = int(_number(next(left, ""), _WHOLE, f"{word} requires a whole number"))
        elif word == "seconds":
            found[word] = _number(next(left, ""), _DECIMAL, "seconds requires a number")
        elif _DECIMAL.fullmatch(word):
            found["probability"] = float(word)
            if found["probability"] > 1:
                raise BadRule(f"a probability must be at most 1, not {word}")
        elif may_have_reason and "reason" not in found:
            found["reason"] = word
        else:
            raise BadRule(f"{word!r} is neither a probability nor 'after N', 'times N' or 'seconds N'")
    return found


def _number(word: str, pattern: re.Pattern[str], why: str) -> float:
    if not pattern.fullmatch(word):
        raise BadRule(f"{why}, not {word!r}")
    return float(word)


def _known(word: str, names: Mapping[str, _T], what: str) -> _T:
    if word not in names:
        raise BadRule(f"{what} must be {_listed(names)}, not {word!r}")
    return names[word]


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
