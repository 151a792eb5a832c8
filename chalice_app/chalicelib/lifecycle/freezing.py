"""Freezing: stops what is active in a frozen environment, and freezes and thaws environments by the budget.

An admin's freeze ends when an admin thaws the environment. The budget's begins when the owner's spent money
reaches the limit, and ends when the next period begins or the operator has raised the limit.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.clock import later, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import Frozen
from chalicelib.domain.freezes import due_again, frozen, thawed
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.timeline import ActorType
from chalicelib.lifecycle.active_work import ActiveWork
from chalicelib.lifecycle.transitions import RUNS_STOP_SECONDS, Next, Transitions
from chalicelib.storage.store import Store

USED_UP = "The owner's budget is used up."
_BUDGET_CHECK_SECONDS = 3600
"""How soon a raised budget thaws: the operator's configuration changes without an event."""
_CREDENTIALS_CHECK_SECONDS = 60
"""How often queries are stopped that users start with credentials, which nobody can revoke one by one."""


class Freezing:
    """The step of READY and FAILED environments that are frozen, or whose budget is used up."""

    def __init__(
        self, transitions: Transitions, store: Store, allowance: Allowance, active: ActiveWork
    ) -> None:
        self._transitions = transitions
        self._store = store
        self._allowance = allowance
        self._active = active

    def step(self, environment: Environment) -> Next | None:
        """Freeze, thaw or stop what is active, if the environment is due. Return None if nothing is left."""
        if not self._transitions.is_due(environment):
            return None
        moment = self._transitions.now()
        account = self._store.account(environment.owner).at(moment, self._allowance)
        is_used_up = account.is_used_up(self._allowance)
        if environment.frozen is None and is_used_up:
            by = Frozen(timestamp(moment), ActorType.SERVICE, ActorType.SERVICE, USED_UP)
            return self._save(environment, frozen(environment, moment, by), "frozen", {"reason": USED_UP})
        if environment.frozen is not None and environment.frozen.is_by_budget and not is_used_up:
            why = "The owner has budget again."
            return self._save(environment, thawed(environment, moment), "thawed", {"why": why})
        if environment.freeze_check_at is None or environment.freeze_check_at > timestamp(moment):
            return None
        if environment.frozen is None:
            return self._save(environment, due_again(environment.replace(freeze_check_at=None)))
        return self._stop_all(environment, environment.frozen, account)

    def _stop_all(self, environment: Environment, freeze: Frozen, account: Account) -> Next:
        moment = self._transitions.now()
        if not self._active.stop_all(environment):
            again = environment.replace(freeze_check_at=later(moment, RUNS_STOP_SECONDS))
            self._save(environment, due_again(again))
            return Next.LATER
        if freeze.stopped_at is None:
            freeze = replace(freeze, stopped_at=timestamp(moment))
        check_at = self._next_check(environment, freeze, account)
        return self._save(
            environment, due_again(environment.replace(frozen=freeze, freeze_check_at=check_at))
        )

    def _next_check(self, environment: Environment, freeze: Frozen, account: Account) -> str | None:
        """Return when something may be active again, or the budget may have changed; None for never."""
        moment, times = self._transitions.now(), list[str]()
        # Once more after they expire: the last query may start just before.
        if (environment.credentials_until or "") > later(moment, -_CREDENTIALS_CHECK_SECONDS):
            times.append(later(moment, _CREDENTIALS_CHECK_SECONDS))
        if freeze.is_by_budget:
            ends_at = account.period_ends_at(self._allowance)
            times += [later(moment, _BUDGET_CHECK_SECONDS), *([ends_at] if ends_at else [])]
        return min(times, default=None)

    def _save(
        self,
        environment: Environment,
        after: Environment,
        action: str | None = None,
        detail: dict[str, object] | None = None,
    ) -> Next:
        """Record what changed, and that a delay of the step is over."""
        if environment.attempts:
            fix = environment.failure.fix if environment.failure else None
            after = after.replace(attempts=0, reason=fix)
        event = self._transitions.event(action, detail or {}) if action else None
        self._transitions.write(environment, after, event)
        return Next.AGAIN
