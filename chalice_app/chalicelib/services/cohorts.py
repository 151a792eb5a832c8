"""Requests about cohorts. They only record: the tick carries them out (cohort_work.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.aws.dynamodb import Page
from chalicelib.clock import Clock, environment_id, later, now, parse, timestamp
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.cohort import Cohort, CohortAction, CohortStatus, CohortTask, Member
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import ENVIRONMENT_ID
from chalicelib.domain.requests import CohortActionRequest, CohortRequest
from chalicelib.errors import CohortBusy, Forbidden, InvalidFields, NotFound
from chalicelib.services.cohort_checks import CohortChecks
from chalicelib.services.cohort_plans import CohortPlan, CohortPlans
from chalicelib.services.idempotency import Created, IdempotentRequest, once
from chalicelib.services.optimistic_writes import repeat_if_stale
from chalicelib.storage.cohorts import Owners, cohort_of
from chalicelib.storage.store import Store

_FRESH_SECONDS = 60
"""Age of the counts of a SETTLED cohort from which a request for it makes the tick count again."""

Row = tuple[Member, Environment | None]
"""A member and the environment that the cohort created for it."""


class Cohorts:
    """Creates, shows and changes cohorts, for admins."""

    def __init__(
        self,
        config: Config,
        store: Store,
        checks: CohortChecks,
        plans: CohortPlans,
        *,
        clock: Clock = now,
        new_id: Callable[[], str] = environment_id,
    ) -> None:
        self._config = config
        self._store = store
        self._checks = checks
        self._plans = plans
        self._clock = clock
        self._new_id = new_id

    def create(self, request: IdempotentRequest, wanted: CohortRequest) -> Created[Cohort]:
        """Record a cohort. Raises `Forbidden` and `InvalidFields`."""

        def record() -> Cohort:
            cohort, owners = self._new(request, wanted)
            self._store.cohorts.add(cohort, owners, request.used_key(parse(cohort.created_at)))
            return cohort

        return once(self._store, self._clock, request, record, cohort_of)

    def plan(self, request: IdempotentRequest, wanted: CohortRequest) -> CohortPlan:
        """Return what a request for a cohort would do. Raises as `create`."""
        cohort, owners = self._new(request, wanted)
        members = [Member(cohort.id, number, owner) for number, owner in owners]
        return self._plans.plan(cohort, members, self._clock())

    def page(self, caller: Caller, *, limit: int, start: Json | None) -> Page[Cohort]:
        """Return a page of cohorts, newest first."""
        _require_admin(caller)
        return self._store.cohorts.page(limit, start)

    def get(self, caller: Caller, cohort_id: str) -> Cohort:
        """Return a cohort. If its counts are old, the next tick counts again."""
        cohort, moment = self._visible(caller, cohort_id), self._clock()
        is_old = (cohort.counted_at or "") < later(moment, -_FRESH_SECONDS)
        if cohort.status is CohortStatus.SETTLED and cohort.due_at is None and is_old:
            self._store.cohorts.make_due(cohort_id, timestamp(moment))
        return cohort

    def members(self, caller: Caller, cohort_id: str, *, limit: int, start: Json | None) -> Page[Row]:
        """Return a page of members, by number, with their environments."""
        self._visible(caller, cohort_id)
        after = start["number"] if start else 0
        left = [each for each in self._store.cohorts.owners(cohort_id) if each[0] > after]
        following = {"number": left[limit - 1][0]} if len(left) > limit else None
        return Page(self._rows(self._store.cohorts.members(cohort_id, left[:limit])), following)

    def all_members(self, caller: Caller, cohort_id: str) -> list[Row]:
        """Return all members, by number, with their environments."""
        self._visible(caller, cohort_id)
        return self._rows(self._store.cohorts.members(cohort_id))

    def act(
        self, request: IdempotentRequest, cohort_id: str, action: CohortAction, wanted: CohortActionRequest
    ) -> Created[Cohort]:
        """Record an action for all members.

        Raises `CohortBusy` while another action waits for members, unless this one is EXPIRE, which replaces
        any other.
        """
        self._visible(request.caller, cohort_id)
        self._checks.check_action(action, wanted)

        def record() -> Cohort:
            cohort = self._visible(request.caller, cohort_id)
            if action is not CohortAction.EXPIRE:
                _require_idle(cohort)
            begun = _begun(cohort, request, action, wanted, self._clock())
            return self._store.cohorts.save(cohort, begun, request.used_key(parse(begun.task.at)))

        return once(self._store, self._clock, request, lambda: repeat_if_stale(record, "cohort"), cohort_of)

    def plan_action(
        self, request: IdempotentRequest, cohort_id: str, action: CohortAction, wanted: CohortActionRequest
    ) -> CohortPlan:
        """Return what an action would do. Raises as `act`, except `CohortBusy`."""
        cohort, moment = self._visible(request.caller, cohort_id), self._clock()
        self._checks.check_action(action, wanted)
        begun = _begun(cohort, request, action, wanted, moment)
        return self._plans.plan(begun, self._store.cohorts.members(cohort_id), moment)

    def change_members(
        self, request: IdempotentRequest, cohort_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> Created[Cohort]:
        """Add and remove members, and create the environments of the new ones.

        Removed members keep their environments. Raises `InvalidFields` and `CohortBusy`.
        """

        def record() -> Cohort:
            cohort = self._visible(request.caller, cohort_id)
            _require_idle(cohort)
            before = self._store.cohorts.owners(cohort.id)
            owners = self._checks.changed_owners(before, cohort.last_number, add, remove)
            begun = _begun(cohort, request, CohortAction.CREATE, CohortActionRequest(), self._clock())
            last = max([cohort.last_number, *(number for number, _ in owners)])
            begun = begun.begin(begun.task, len(owners)).replace(last_number=last)
            return self._store.cohorts.save(cohort, begun, request.used_key(parse(begun.task.at)), owners)

        return once(self._store, self._clock, request, lambda: repeat_if_stale(record, "cohort"), cohort_of)

    def _new(self, request: IdempotentRequest, wanted: CohortRequest) -> tuple[Cohort, Owners]:
        """Return the cohort that a request would create, and its owners."""
        _require_admin(request.caller)
        moment = self._clock()
        names, release, wrong = self._checks.checked(wanted, moment)
        if wrong or release is None:
            raise InvalidFields(wrong)
        at = timestamp(moment)
        task = CohortTask(1, CohortAction.CREATE, request.caller.owner, at, request.request_id)
        cohort = Cohort(
            id=self._new_id(),
            name=wanted.name,
            created_by=request.caller.owner,
            created_at=at,
            updated_at=at,
            settings=wanted.settings.within(self._config.limits).resolved(),
            release=release,
            data=wanted.data,
            expires_at=wanted.expires_at and timestamp(parse(wanted.expires_at)),
            task=task,
            members=len(names),
            last_number=len(names),
        )
        return cohort.begin(task, len(names)), list(enumerate(names, 1))

    def _rows(self, members: Sequence[Member]) -> list[Row]:
        ids = [each.environment_id for each in members if each.environment_id]
        found = self._store.cohorts.environments(ids)
        return [(each, found.get(each.environment_id or "")) for each in members]

    def _visible(self, caller: Caller, cohort_id: str) -> Cohort:
        _require_admin(caller)
        known = ENVIRONMENT_ID.fullmatch(cohort_id) is not None
        cohort = self._store.cohorts.get(cohort_id) if known else None
        if cohort is None:
            raise NotFound("The cohort does not exist.")
        return cohort


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only admins can use cohorts.")


def _require_idle(cohort: Cohort) -> None:
    if cohort.status is CohortStatus.WORKING:
        raise CohortBusy(f"The cohort carries out {cohort.task.action} for its members. Wait for it.")


def _begun(
    cohort: Cohort,
    request: IdempotentRequest,
    action: CohortAction,
    wanted: CohortActionRequest,
    moment: datetime,
) -> Cohort:
    """Return the cohort with a new action."""
    task = CohortTask(
        cohort.task.number + 1,
        action,
        request.caller.owner,
        timestamp(moment),
        request.request_id,
        wanted.hours,
        wanted.reason,
    )
    begun = cohort.begin(task, cohort.members)
    if action is CohortAction.EXTEND:  # also for members whose environment is created later
        return begun.replace(expires_at=later(moment, 3600 * (wanted.hours or 1)))
    return begun
