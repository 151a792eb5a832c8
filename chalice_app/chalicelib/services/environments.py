"""Environments as callers ask for them, from request to delete. Their life is in `reconcile.py`."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from chalicelib.aws.dynamodb import Page
from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, environment_id, later, now, parse, timestamp
from chalicelib.config import Config
from chalicelib.domain import expiry
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Usage
from chalicelib.domain.environment import DesiredState, Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import ENVIRONMENT_ID
from chalicelib.domain.owner_accounts import Account
from chalicelib.domain.requests import EnvironmentChange
from chalicelib.domain.settings import Settings, invalid_combinations
from chalicelib.domain.settings_changes import changed
from chalicelib.domain.timeline import Event
from chalicelib.errors import (
    Conflict,
    EnvironmentExists,
    EnvironmentNotFailed,
    EnvironmentNotLive,
    EnvironmentNotReady,
    InvalidCombination,
    NotFound,
    StaleRecord,
    TooManyCreations,
)
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.observability import logger
from chalicelib.services.idempotency import Created, IdempotentRequest, once
from chalicelib.storage import items
from chalicelib.storage.conflicts import AtCapacity, CreationsUsedUp, OwnerTaken
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store

_REQUEST_SECONDS = 8
"""How long a request may itself work on what it asked for; API Gateway hangs up after 29 s."""
_DUE_AFTER_SECONDS = 10
_WRITE_TRIES = 5


class Environments:
    """What the routes about environments do."""

    def __init__(
        self,
        config: Config,
        store: Store,
        releases: Releases,
        reconciler: Reconciler,
        *,
        clock: Clock = now,
        new_id: Callable[[], str] = environment_id,
    ) -> None:
        self._config = config
        self._store = store
        self._releases = releases
        self._reconciler = reconciler
        self._clock = clock
        self._new_id = new_id

    def request(self, request: IdempotentRequest, settings: Settings) -> Created[Environment]:
        """Record a new environment for the caller and start creating it.

        Raises `EnvironmentExists` if the caller has a live one, `TooManyCreations` if they may not create
        another today, and `InvalidCombination` for settings that do not fit together or that the operator
        does not allow.
        """
        return self._once(request, lambda: self._request(request, settings))

    def _once(self, request: IdempotentRequest, act: Callable[[], Environment]) -> Created[Environment]:
        return once(self._store, self._clock, request, act, items.environment)

    def _request(self, request: IdempotentRequest, settings: Settings) -> Environment:
        if wrong := invalid_combinations(settings, self._config.limits, self._clock()):
            raise InvalidCombination(wrong)
        settings = settings.within(self._config.limits).resolved()
        moment = self._clock()
        created_at = timestamp(moment)
        environment = Environment(
            id=self._new_id(),
            owner=request.caller.owner,
            status=Status.QUEUED,
            release=self._releases.latest().id,
            settings=settings,
            created_at=created_at,
            updated_at=created_at,
            **expiry.ending_in(settings.expires_in_hours, moment),
            due_at=later(moment, _DUE_AFTER_SECONDS),
        )
        event = Event(
            created_at, request.caller.owner, "requested", request.request_id, settings.model_dump()
        )
        try:
            try:
                created = self._add(request, environment.but(admitted_at=created_at), event)
            except AtCapacity as full:
                place = full.usage.place(full.usage.waiting + 1, self._config.capacity, moment)
                created = self._add(
                    request, environment.but(queue=place, due_at=environment.expires_at), event
                )
        except CreationsUsedUp as used_up:
            raise self._too_many(used_up, moment) from used_up
        except StaleRecord as error:
            raise Conflict("Your account is changing too fast; try again.") from error
        except OwnerTaken as taken:
            raise EnvironmentExists(
                "You have an environment already: it must be deleted, and gone, before you can have another.",
                links={"environment": f"/environments/{taken.environment_id}"},
            ) from taken
        return created

    def _add(self, request: IdempotentRequest, environment: Environment, event: Event) -> Environment:
        key = request.used_key(parse(environment.created_at))
        self._store.add_environment(environment, event, key)
        if environment.admitted_at is not None:
            self._begin(environment)
        return environment

    def visible(self, caller: Caller, environment_id: str) -> Environment:
        """An environment that the caller may see; `NotFound` for one that is somebody else's."""
        known = ENVIRONMENT_ID.fullmatch(environment_id) is not None
        environment = self._store.environment(environment_id) if known else None
        if environment is None or not caller.may_see(environment.owner):
            raise NotFound("There is no such environment.")
        return environment

    def page(
        self, caller: Caller, *, owner: str | None, status: Status | None, limit: int, start: Json | None
    ) -> Page[Environment]:
        """The caller's environments, newest first; an admin's are all, or those of an owner."""
        owner = None if owner is None else self._config.owner(owner)
        if not caller.is_admin:
            if owner not in (None, caller.owner):
                return Page([], None)
            owner = caller.owner
        return self._store.environments(owner=owner, status=status, limit=limit, start=start)

    def timeline(self, caller: Caller, environment_id: str, *, limit: int, start: Json | None) -> Page[Event]:
        """A page of what happened to an environment, newest first.

        Every line says whose environment it is, which saves reading that, unless there is no line.
        """
        known = ENVIRONMENT_ID.fullmatch(environment_id) is not None
        page = self._store.events(environment_id, limit=limit, start=start) if known else Page([], None)
        if not page.items:
            self.visible(caller, environment_id)
        if not all(caller.may_see(event.owner) for event in page.items):
            raise NotFound("There is no such environment.")
        return page

    def live(self, caller: Caller) -> Environment | None:
        """The caller's own live environment; None when they have none."""
        environment_id = self._store.live_environment_id(caller.owner)
        return self._store.environment(environment_id) if environment_id else None

    def account(self, caller: Caller) -> Account:
        """What the caller has spent, reserved and created, as of now."""
        return self._store.account(caller.owner).at(self._clock(), self._config.allowance)

    def delete(self, caller: Caller, environment_id: str, request_id: str) -> tuple[Environment, bool]:
        """Want an environment gone and begin to remove it.

        Gives the environment as it is now, and False when it was gone already.
        """

        def wanted(environment: Environment, moment: datetime) -> Json:
            if environment.delete_requested or environment.status is Status.DELETED:
                return {}
            return {"delete_requested": True, "due_at": timestamp(moment)}

        environment = self._change(caller, environment_id, request_id, "delete_requested", wanted)
        if environment.status is Status.DELETED:
            return environment, False
        self._begin(environment)
        return self.visible(caller, environment_id), True

    def retry(self, request: IdempotentRequest, environment_id: str) -> Created[Environment]:
        """Begin a FAILED environment again under the same id; raises `EnvironmentNotFailed` for any other.

        What the failed attempt has left is removed first; a stack that was complete is gone on with. To build
        it again counts as a creation (`TooManyCreations`).
        """

        def wanted(environment: Environment, moment: datetime) -> Json:
            if environment.status is not Status.FAILED or environment.delete_requested:
                raise EnvironmentNotFailed(
                    f"The environment is {environment.condition}; only a FAILED one can be retried."
                )
            if environment.wanted is not None:  # the way back from a change, which AWS would not go
                wanted_again = replace(environment.wanted, rollbacks=0)
                return {"status": Status.UPDATING, "wanted": wanted_again, **_begun(moment)}
            begun = environment.stack_id is not None
            return {
                "status": Status.QUEUED,
                "admitted_at": environment.admitted_at or timestamp(moment),
                "creations": environment.creations + 1,
                "reason": None,
                "failure": None,
                "attempts": 0,
                "resources": environment.resources if begun else {},
                # Somebody who is still cleaning up is not disturbed.
                "due_at": max(timestamp(moment), environment.lease_until or ""),
            }

        def in_line(environment: Environment, moment: datetime, usage: Usage) -> Json:
            place = usage.place(usage.waiting + 1, self._config.capacity, moment)
            return {**wanted(environment, moment), "admitted_at": None, "queue": place}

        return self._once(
            request,
            lambda: self._change_once(request, environment_id, "retry_requested", wanted, in_line),
        )

    def extend(self, caller: Caller, environment_id: str, hours: int, request_id: str) -> Environment:
        """Let an environment end some hours from now, later or sooner than it would have.

        Raises `InvalidCombination` above the operator's ceiling, which counts from now, and
        `EnvironmentNotLive` when the environment is being deleted or is gone.
        """
        if wrong := self._too_long(hours):
            raise InvalidCombination(wrong)

        def wanted(environment: Environment, moment: datetime) -> Json:
            if environment.delete_requested or environment.status in (Status.DELETING, Status.DELETED):
                raise EnvironmentNotLive(
                    f"The environment is {environment.condition}; it cannot be extended."
                )
            fields = expiry.ending_in(hours, moment)
            waits = environment.status in (Status.READY, Status.FAILED) and not environment.clean_up
            return {**fields, "due_at": expiry.next_look(environment.but(**fields))} if waits else fields

        return self._change(caller, environment_id, request_id, "extended", wanted)

    def change(
        self, caller: Caller, environment_id: str, change: EnvironmentChange, request_id: str
    ) -> tuple[Environment, bool]:
        """Want an environment to have other settings or another release, and begin to take it there.

        It must be READY, or FAILED for what was deleted by hand, which is created again on the way.

        Gives the environment as it is now, and False when that needs no work. Raises `EnvironmentNotReady`,
        and `InvalidCombination` for what cannot be changed or does not fit; then nothing is.
        """
        given = change.model_fields_set
        if given == {"expires_in_hours"}:
            return self.extend(caller, environment_id, change.expires_in_hours, request_id), False
        release, wrong = self._release(change.release) if "release" in given else (None, [])
        wrong += self._too_long(change.expires_in_hours) if "expires_in_hours" in given else []

        def wanted(environment: Environment, moment: datetime) -> Json:
            is_mended = _can_be_mended(environment)
            if not is_mended:
                _check_ready(environment, "changed")
            settings, invalid = changed(environment.settings, change.settings, self._config.limits, moment)
            if wrong or invalid:
                raise InvalidCombination([*wrong, *invalid])
            fields: Json = {}
            if "expires_in_hours" in given:
                fields = expiry.ending_in(change.expires_in_hours, moment)
                fields["due_at"] = expiry.next_look(environment.but(**fields))
            lost = environment.wanted.lost if environment.wanted else None
            desired = DesiredState(settings, release or environment.release, lost=lost)
            if not is_mended and desired == DesiredState(
                environment.settings, environment.release, lost=lost
            ):
                return fields
            return {
                **fields,
                "status": Status.UPDATING,
                "wanted": desired,
                "changes": environment.changes + 1,
                "seeded_files": 0,
                **_begun(moment),
            }

        detail = change.model_dump(mode="json", exclude_unset=True)
        environment = self._change(
            caller, environment_id, request_id, "change_requested", wanted, detail=detail
        )
        if environment.status is not Status.UPDATING:
            return environment, False
        self._begin(environment)
        return self.visible(caller, environment_id), True

    def reset(self, request: IdempotentRequest, environment_id: str) -> Created[Environment]:
        """Begin to put a READY environment back to its release; `EnvironmentNotReady` for any other."""

        def wanted(environment: Environment, moment: datetime) -> Json:
            _check_ready(environment, "reset")
            return {
                "status": Status.RESETTING,
                "is_emptied": False,
                "seeded_files": 0,
                **_begun(moment),
            }

        return self._once(
            request, lambda: self._change_once(request, environment_id, "reset_requested", wanted)
        )

    def doubt(self, environment_id: str) -> None:
        """Let a READY environment be compared with AWS at the next tick: a part of it seems to be gone."""
        with suppress(AwsError):
            self._store.doubt(environment_id, timestamp(self._clock()))

    def look_again(self, environment_id: str) -> None:
        """Take the steps that are due now; the schedule would take them within a minute."""
        with suppress(AwsError):
            self._reconciler.reconcile(environment_id, seconds=_REQUEST_SECONDS)

    def _release(self, asked: str) -> tuple[str | None, list[dict[str, str]]]:
        """The id of the release that is asked for, or what is wrong with it."""
        found = self._releases.latest(afresh=True) if asked == "latest" else self._releases.find(asked)
        if found is None:
            return None, [{"pointer": "/release", "detail": "GET /releases lists those that there are."}]
        return found.id, []

    def _too_long(self, hours: int) -> list[dict[str, str]]:
        ceiling = self._config.limits.expires_in_hours
        if 1 <= hours <= ceiling:
            return []
        words = f"The operator allows 1 to {ceiling} hours from now."
        return [{"pointer": "/expires_in_hours", "detail": words}]

    def _change_once(
        self,
        request: IdempotentRequest,
        environment_id: str,
        action: str,
        wanted: Callable[[Environment, datetime], Json],
        at_capacity: Callable[[Environment, datetime, Usage], Json] | None = None,
    ) -> Environment:
        """Record a change and its request's key, and take the first steps. Return the recorded change."""
        written = self._change(
            *(request.caller, environment_id, request.request_id, action),
            *(wanted, at_capacity),
            key=request.used_key,
        )
        self._begin(written)
        return written

    def _change(
        self,
        caller: Caller,
        environment_id: str,
        request_id: str,
        action: str,
        wanted: Callable[[Environment, datetime], Json],
        at_capacity: Callable[[Environment, datetime, Usage], Json] | None = None,
        detail: Json | None = None,
        key: Callable[[datetime], IdempotencyKey | None] = lambda _: None,
    ) -> Environment:
        """Record what a caller wants and that they do; `wanted` gives the fields, none if nothing is new.

        `at_capacity` gives them when it must wait for a place.
        """
        for _ in range(_WRITE_TRIES):
            environment = self.visible(caller, environment_id)
            moment = self._clock()
            fields = wanted(environment, moment)
            if not fields:
                return environment
            event = Event(timestamp(moment), caller.owner, action, request_id, detail)
            after = environment.but(**fields)
            with suppress(StaleRecord):
                try:
                    return self._store.save_environment(environment, after, event, key(moment))
                except CreationsUsedUp as used_up:
                    raise self._too_many(used_up, moment) from used_up
                except AtCapacity as full:
                    if at_capacity is None:
                        raise
                    fields = at_capacity(environment, moment, full.usage)
                    after = environment.but(**fields)
                    return self._store.save_environment(environment, after, event, key(moment))
        raise Conflict("The environment is changing too fast; try again.")

    def _too_many(self, used_up: CreationsUsedUp, moment: datetime) -> TooManyCreations:
        seconds = math.ceil((parse(used_up.next_at) - moment).total_seconds())
        most = self._config.creations_per_day
        words = f"An owner may create {most} environments in 24 hours, retries included; "
        return TooManyCreations(
            f"{words}the next one may be created at {used_up.next_at}.", retry_after=max(1, seconds)
        )

    def _begin(self, environment: Environment) -> None:
        """Take the first steps now; if that fails, the record is due and the schedule takes them."""
        try:
            self._reconciler.reconcile(environment.id, seconds=_REQUEST_SECONDS, written=environment)
        except (AwsError, StaleRecord) as error:
            logger.warning(
                "first steps left to the schedule", environment_id=environment.id, detail=str(error)
            )


def _check_ready(environment: Environment, what: str) -> None:
    if environment.status is not Status.READY or environment.delete_requested:
        raise EnvironmentNotReady(
            f"The environment is {environment.condition}; only a READY one can be {what}."
        )


def _can_be_mended(environment: Environment) -> bool:
    """Whether what it has lost by somebody's hand can be created again by an update of its stack."""
    is_lost = environment.wanted is not None and environment.wanted.lost is not None
    return environment.status is Status.FAILED and is_lost and not environment.delete_requested


def _begun(moment: datetime) -> Json:
    """What a new beginning leaves behind, and that it is due."""
    return {"failure": None, "reason": None, "attempts": 0, "due_at": timestamp(moment)}
