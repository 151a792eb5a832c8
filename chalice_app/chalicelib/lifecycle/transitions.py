"""What the phases of the life cycle share: how a step is recorded, claimed, and tried again later."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure
from chalicelib.domain.json_types import Json
from chalicelib.domain.timeline import Event
from chalicelib.observability import logger
from chalicelib.storage.store import Store

LOOK_AGAIN_SECONDS = 60
_LONGEST_BACKOFF_SECONDS = 900
_READY_HOURS = (12, 22)
"""A READY environment is looked at again after some hours between these: within a day, with some to spare."""


class Moves:
    """Writes an environment's steps, each on the condition that the record is the one that was read."""

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
        """The time, by the service's clock."""
        return self._clock()

    def move(self, environment: Environment, status: Status, *, why: str, **changes: object) -> Environment:
        """Record a new status and say why in the timeline; due at once unless `changes` say otherwise.

        A READY one is due when it needs attention next.
        """
        moment = self._clock()
        after = environment.but(status=status, **{"due_at": timestamp(moment), **changes})
        # The schedule counts from when the environment is READY, and from the settings that it has then.
        is_ready = status is Status.READY
        after = after.but(next_run_at=expiry.next_run_at(after, moment) if is_ready else None)
        if is_ready:
            after = after.but(due_at=expiry.next_look(after))
        logger.info("environment moved", environment_id=environment.id, status=str(status), why=why)
        return self._store.save_environment(environment, after, self.status_event(environment, status, why))

    def status_event(self, environment: Environment, status: Status, why: str) -> Event:
        """The timeline's line about a new status."""
        detail = {"from": str(environment.status), "to": str(status), "why": why}
        return self.event("status_changed", detail)

    def resource_failed(self, cause: Failure) -> Event:
        """A line about the first failed resource, as soon as it is known."""
        return self.event("resource_failed", asdict(cause))

    def trouble(self, environment: Environment, reason: str) -> Event | None:
        """A line about what keeps the service from going on; None when it was told before."""
        return None if reason == environment.reason else self.event("delayed", {"why": reason})

    def event(self, action: str, detail: Json) -> Event:
        """A line of the timeline about what the service did by itself."""
        return Event.by_service(timestamp(self._clock()), action, detail)

    def fail(self, environment: Environment, cause: Failure) -> Environment:
        """Record that building has failed, and that what is left of it is to be removed."""
        return self.move(
            environment,
            Status.FAILED,
            why=cause.message,
            failure=cause,
            reason=cause.fix,
            clean_up=True,
            attempts=0,
            lease_until=None,
        )

    def lose(self, environment: Environment, cause: Failure, **changes: object) -> Environment:
        """Record that somebody else has deleted what a working environment needs.

        What is left of it stays: it may hold data, so its owner decides by a retry or a delete.
        """
        return self.move(
            environment,
            Status.FAILED,
            why=cause.message,
            failure=cause,
            reason=cause.fix,
            clean_up=False,
            attempts=0,
            lease_until=None,
            look_at=None,
            due_at=expiry.next_look(environment.but(look_at=None, next_run_at=None)),
            **changes,
        )

    def save(self, environment: Environment, event: Event | None = None, /, **changes: object) -> Environment:
        """Record changes within a status."""
        return self._store.save_environment(environment, environment.but(**changes), event)

    def postpone(
        self, environment: Environment, seconds: float, event: Event | None = None, /, **changes: object
    ) -> Environment:
        """Give the lease back and let the record be due again in some seconds."""
        return self.save(
            environment, event, **changes, lease_until=None, due_at=later(self._clock(), seconds)
        )

    def wait(self, environment: Environment) -> bool:
        """Leave it to AWS, whose events tell of news, and look again by the schedule; always False."""
        if self.is_due(environment):
            self.save(environment, due_at=later(self._clock(), LOOK_AGAIN_SECONDS))
        return False

    def is_due(self, environment: Environment) -> bool:
        """Whether the schedule, and not an event, is why it is looked at."""
        return environment.due_at is None or environment.due_at <= timestamp(self._clock())

    def claim(self, environment: Environment, **changes: object) -> Environment | None:
        """Take the lease for a slow step; None while somebody else has it."""
        if environment.lease_until is not None and environment.lease_until > timestamp(self._clock()):
            return None
        return self.renew(environment, **changes)

    def renew(self, environment: Environment, **changes: object) -> Environment:
        """Take or prolong the lease; if its holder dies, the record is due again when it runs out."""
        until = later(self._clock(), self._lease_seconds)
        return self.save(environment, **changes, lease_until=until, due_at=until)

    def half_over(self, claimed: Environment) -> bool:
        """Whether half of the lease has gone by."""
        left = parse(claimed.lease_until or claimed.updated_at) - self._clock()
        return left.total_seconds() < self._lease_seconds / 2

    def next_look_at(self) -> str:
        """When a READY environment is compared with AWS again, with jitter: a class does not come at once."""
        least, most = _READY_HOURS
        return later(self._clock(), 3600 * (least + (most - least) * self._jitter()))

    def backoff(self, attempts: int) -> float:
        """Seconds until the next try: doubling from 5 s, with jitter so that many do not return at once."""
        longest = min(_LONGEST_BACKOFF_SECONDS, 5 << min(attempts, 10))
        return longest * (0.5 + self._jitter() / 2)
