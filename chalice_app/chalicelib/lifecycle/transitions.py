"""Transitions: records steps of environments, holds their leases and schedules retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from enum import Enum, auto

from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure
from chalicelib.domain.json_types import Json
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.observability import logger
from chalicelib.storage.store import Store

CHECK_SECONDS = 60
"""How long a step waits for an event before the schedule checks the environment."""
RUNS_STOP_SECONDS = 5
"""How long a step waits for runs that are stopping."""
_MAX_BACKOFF_SECONDS = 900
_DRIFT_CHECK_HOURS = (12, 22)
"""Bounds of the time between two drift checks: every environment is checked within a day."""


class Next(Enum):
    """What follows a step: another step now, or none until an event arrives or the record is due."""

    AGAIN = auto()
    LATER = auto()


class Outcome(Enum):
    """Outcome of reconciling one record: AWS may have throttled it."""

    DONE = auto()
    THROTTLED = auto()


class Transitions:
    """Writes an environment's steps, each on the condition that the record has not changed since it was read.

    Every write raises `StaleRecord` if the record has changed.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_seconds: int,
        clock: Clock = now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._jitter = jitter

    def now(self) -> datetime:
        """Return the current time of the service's clock."""
        return self._clock()

    # -- status ------------------------------------------------------------------------------------------

    def move(self, environment: Environment, status: Status, *, why: str, **changes: object) -> Environment:
        """Record a new status and add the reason to the timeline.

        The environment is due at once unless `changes` contain `due_at`. A READY environment is due when it
        next needs attention.
        """
        moment = self._clock()
        after = environment.replace(status=status, **{"due_at": timestamp(moment), **changes})
        # The schedule starts when the environment becomes READY, with the settings of that moment.
        is_ready = status is Status.READY
        after = after.replace(**(expiry.next_runs(after, moment) if is_ready else expiry.NO_RUNS))
        if is_ready:
            if after.spent_micro_usd:  # the budget may have been used up meanwhile
                after = after.replace(freeze_check_at=timestamp(moment))
            after = after.replace(due_at=expiry.next_check(after))
        logger.info("environment moved", environment_id=environment.id, status=str(status), why=why)
        return self._store.save_environment(environment, after, self.status_event(environment, status, why))

    def fail(self, environment: Environment, cause: Failure) -> Environment:
        """Record that the creation failed. The clean-up removes what the attempt created."""
        return self._fail(environment, cause, clean_up=True)

    def fail_and_keep(self, environment: Environment, cause: Failure, **changes: object) -> Environment:
        """Record that a working environment failed, and keep its resources.

        The resources may hold data, so the owner decides: they retry or delete the environment.
        """
        due_at = expiry.next_check(environment.replace(look_at=None, **expiry.NO_RUNS))
        return self._fail(environment, cause, clean_up=False, look_at=None, due_at=due_at, **changes)

    def _fail(self, environment: Environment, cause: Failure, **changes: object) -> Environment:
        return self.move(
            environment,
            Status.FAILED,
            why=cause.message,
            failure=cause,
            reason=cause.fix,
            attempts=0,
            lease_until=None,
            **changes,
        )

    def save(
        self, environment: Environment, event: TimelineEvent | None = None, /, **changes: object
    ) -> Environment:
        """Record changes that keep the status."""
        return self.write(environment, environment.replace(**changes), event)

    def write(self, old: Environment, new: Environment, event: TimelineEvent | None = None) -> Environment:
        """Record a new state of an environment."""
        return self._store.save_environment(old, new, event)

    # -- timeline ----------------------------------------------------------------------------------------

    def event(self, action: str, detail: Json) -> TimelineEvent:
        """Return a timeline event of the service."""
        return TimelineEvent.by_service(timestamp(self._clock()), action, detail)

    def status_event(self, environment: Environment, status: Status, why: str) -> TimelineEvent:
        """Return the timeline event of a new status."""
        detail = {"from": str(environment.status), "to": str(status), "why": why}
        return self.event("status_changed", detail)

    def resource_failed(self, cause: Failure) -> TimelineEvent:
        """Return the timeline event of the first resource that failed."""
        return self.event("resource_failed", asdict(cause))

    def delayed(self, environment: Environment, reason: str) -> TimelineEvent | None:
        """Return the timeline event of a delay, or None if the environment already shows this reason."""
        return None if reason == environment.reason else self.event("delayed", {"why": reason})

    # -- waiting and retries -----------------------------------------------------------------------------

    def is_due(self, environment: Environment) -> bool:
        """Return whether the environment is due by the schedule, independent of events."""
        return environment.due_at is None or environment.due_at <= timestamp(self._clock())

    def wait(self, environment: Environment) -> Next:
        """Wait for CloudFormation's events, and schedule a check in case they are lost."""
        if self.is_due(environment):
            self.save(environment, due_at=later(self._clock(), CHECK_SECONDS))
        return Next.LATER

    def postpone(
        self,
        environment: Environment,
        seconds: float,
        event: TimelineEvent | None = None,
        /,
        **changes: object,
    ) -> Environment:
        """Release the lease and make the environment due after some seconds."""
        return self.save(
            environment, event, **changes, lease_until=None, due_at=later(self._clock(), seconds)
        )

    def retry_later(
        self, environment: Environment, reason: str, *, within: float | None = None
    ) -> Environment:
        """Count a failed attempt, show the reason, and postpone the next one, by at most `within` seconds."""
        attempts = environment.attempts + 1
        wait, event = self.backoff(attempts), self.delayed(environment, reason)
        wait = wait if within is None else min(wait, within)
        return self.postpone(environment, wait, event, attempts=attempts, reason=reason)

    def backoff(self, attempts: int) -> float:
        """Return the seconds until the next attempt: doubling from 5 s, with jitter to spread retries."""
        longest = min(_MAX_BACKOFF_SECONDS, 5 << min(attempts, 10))
        return longest * (0.5 + self._jitter() / 2)

    def next_drift_check_at(self) -> str:
        """Return when a READY environment is next checked for drift, with jitter to spread the checks."""
        least, most = _DRIFT_CHECK_HOURS
        return later(self._clock(), 3600 * (least + (most - least) * self._jitter()))

    # -- lease -------------------------------------------------------------------------------------------

    def acquire_lease(self, environment: Environment, **changes: object) -> Environment | None:
        """Acquire the lease for a slow step. Return None while another worker holds it."""
        if environment.lease_until is not None and environment.lease_until > timestamp(self._clock()):
            return None
        return self.renew_lease(environment, **changes)

    def renew_lease(self, environment: Environment, **changes: object) -> Environment:
        """Extend the lease. If its holder dies, the environment is due when the lease expires."""
        until = later(self._clock(), self._lease_seconds)
        return self.save(environment, **changes, lease_until=until, due_at=until)

    def is_half_over(self, leased: Environment) -> bool:
        """Return whether more than half of the lease has passed."""
        left = parse(leased.lease_until or leased.updated_at) - self._clock()
        return left.total_seconds() < self._lease_seconds / 2
