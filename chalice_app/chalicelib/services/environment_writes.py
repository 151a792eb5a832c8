"""Writes environments for requests: conditionally, and once per Idempotency-Key. Takes the first steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, parse, timestamp
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import Conflict, EnvironmentExists, StaleRecord, TooManyCreations
from chalicelib.observability import logger
from chalicelib.services.idempotency import Created, IdempotentRequest, once
from chalicelib.services.optimistic_writes import repeat_if_stale
from chalicelib.storage import items
from chalicelib.storage.conflicts import AtCapacity, CreationsUsedUp, OwnerTaken
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.store import Store

if TYPE_CHECKING:
    from chalicelib.lifecycle.reconcile import Reconciler

REQUEST_SECONDS = 8
"""Time that a request spends on the first steps; API Gateway ends requests after 29 s."""

Change = Callable[[Environment, datetime], Environment]
ChangeAtCapacity = Callable[[Environment, datetime, QueueCounters], Environment]


class EnvironmentWrites:
    """Writes what requests create and change. `visible` reads an environment that a caller may see."""

    def __init__(
        self,
        config: Config,
        store: Store,
        reconciler: Reconciler,
        visible: Callable[[Caller, str], Environment],
        clock: Clock,
    ) -> None:
        self._config = config
        self._store = store
        self._reconciler = reconciler
        self.visible = visible
        self._clock = clock

    def create(
        self,
        request: IdempotentRequest,
        environment: Environment,
        event: TimelineEvent,
        also: Sequence[Json] = (),
        *,
        starts: bool = True,
    ) -> Environment:
        """Write a new environment, in the queue if no slot is free, and take the first steps.

        Without `starts`, the next tick takes them. Raises `EnvironmentExists`, `TooManyCreations` and
        `Conflict`.
        """
        moment = parse(environment.created_at)
        try:
            try:
                admitted = environment.replace(admitted_at=environment.created_at)
                created = self._add(request, admitted, event, also, starts=starts)
            except AtCapacity as full:
                position = full.counters.next_position(self._config.capacity, moment)
                queued = environment.replace(queue=position, due_at=environment.expires_at)
                created = self._add(request, queued, event, also, starts=False)
        except CreationsUsedUp as used_up:
            raise self._too_many(used_up, moment) from used_up
        except StaleRecord as error:
            raise Conflict("Other requests changed your account at the same time. Retry.") from error
        except OwnerTaken as taken:
            raise EnvironmentExists(
                "You already have an environment. Delete it and wait until it is DELETED before you create "
                "another.",
                links={"environment": f"/environments/{taken.environment_id}"},
            ) from taken
        return created

    def _add(
        self,
        request: IdempotentRequest,
        environment: Environment,
        event: TimelineEvent,
        also: Sequence[Json],
        *,
        starts: bool,
    ) -> Environment:
        key = request.used_key(parse(environment.created_at))
        self._store.add_environment(environment, event, key, also)
        if starts:
            self.start(environment)
        return environment

    def once(self, request: IdempotentRequest, act: Callable[[], Environment]) -> Created[Environment]:
        """Run `act`, or return the record that an earlier request with the same key wrote."""
        return once(self._store, self._clock, request, act, items.environment)

    def change_once(
        self,
        request: IdempotentRequest,
        environment_id: str,
        action: str,
        change: Change,
        at_capacity: ChangeAtCapacity | None = None,
        detail: Json | None = None,
        *,
        starts: bool = True,
    ) -> Created[Environment]:
        """Record a change together with its request's key, and take the first steps.

        Without `starts`, the next tick takes them.
        """

        def act() -> Environment:
            written = self.change(
                request.caller,
                environment_id,
                request.request_id,
                action,
                change,
                at_capacity,
                detail,
                key=request.used_key,
            )
            if starts:
                self.start(written)
            return written

        return self.once(request, act)

    def change(
        self,
        caller: Caller,
        environment_id: str,
        request_id: str,
        action: str,
        change: Change,
        at_capacity: ChangeAtCapacity | None = None,
        detail: Json | None = None,
        key: Callable[[datetime], IdempotencyKey | None] = lambda _: None,
    ) -> Environment:
        """Record a change and its event, unless there is nothing to change.

        `at_capacity` computes the change instead if no slot for a creation is free.
        """

        def read_and_write() -> Environment:
            environment = self.visible(caller, environment_id)
            moment = self._clock()
            after = change(environment, moment)
            if after is environment:
                return environment
            event = TimelineEvent(timestamp(moment), caller.owner, action, request_id, detail)
            try:
                return self._store.save_environment(environment, after, event, key(moment))
            except CreationsUsedUp as used_up:
                raise self._too_many(used_up, moment) from used_up
            except AtCapacity as full:
                if at_capacity is None:
                    raise
                after = at_capacity(environment, moment, full.counters)
                return self._store.save_environment(environment, after, event, key(moment))

        return repeat_if_stale(read_and_write, "environment")

    def _too_many(self, used_up: CreationsUsedUp, moment: datetime) -> TooManyCreations:
        seconds = math.ceil((parse(used_up.next_at) - moment).total_seconds())
        maximum = self._config.creations_per_day
        detail = (
            f"An owner can create {maximum} environments in 24 hours, including retries. Create the next one "
            f"after {used_up.next_at}."
        )
        return TooManyCreations(detail, retry_after=max(1, seconds))

    def start(self, environment: Environment) -> None:
        """Take the first steps now. If that fails, the record is due and the next tick takes them."""
        try:
            self._reconciler.reconcile(environment.id, seconds=REQUEST_SECONDS, written=environment)
        except (AwsError, StaleRecord) as error:
            logger.warning("first steps postponed", environment_id=environment.id, detail=str(error))
