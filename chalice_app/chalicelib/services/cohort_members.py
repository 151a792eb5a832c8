"""The requests of a cohort for its members: the same as an admin's for single environments, each once.

Each request has an Idempotency-Key that follows from the cohort, the action and the member, so a repetition
after a crash changes nothing. A cohort touches only environments that it created.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from chalicelib.clock import environment_id, parse, timestamp
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.cohort import Cohort, CohortAction, Member, Outcome
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.owner_accounts import Account
from chalicelib.domain.owner_names import FORGOTTEN
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import Conflict, EnvironmentExists, ServiceError
from chalicelib.observability import logger
from chalicelib.services import requested_changes
from chalicelib.services.environment_writes import Change, EnvironmentWrites
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.services.new_environment import new_environment
from chalicelib.storage.store import Store

_EVENTS = {
    CohortAction.EXTEND: "extended",
    CohortAction.RESET: "reset_requested",
    CohortAction.FREEZE: "frozen",
    CohortAction.THAW: "thawed",
    CohortAction.EXPIRE: "delete_requested",
}
HAS_ONE = "The owner has an environment that the cohort did not create. It stays as it is."
_NONE = "The cohort has not created an environment for this owner."
_GONE = "The environment is deleted."


class Skipped(Exception):
    """There is nothing to do for a member."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


class CohortMembers:
    """Sends the requests of cohorts. The next tick takes the first steps of what they change."""

    def __init__(
        self,
        config: Config,
        store: Store,
        writes: EnvironmentWrites,
        *,
        new_id: Callable[[], str] = environment_id,
    ) -> None:
        self._config = config
        self._store = store
        self._writes = writes
        self._new_id = new_id

    def carry_out(self, cohort: Cohort, member: Member, moment: datetime) -> Member:
        """Carry out the cohort's action for a member. Return the member with the result.

        AWS errors and `Conflict` with other requests are raised: the action must be repeated.
        """
        task = cohort.task
        done = member.replace(task=task.number, outcome=Outcome.DONE, code=None, detail=None)
        try:
            if task.action is CohortAction.CREATE:
                return done.replace(environment_id=self._create(cohort, member, moment))
            self._change(cohort, member)
        except Skipped as skipped:
            return done.replace(outcome=Outcome.SKIPPED, code=skipped.code, detail=skipped.detail)
        except ServiceError as error:
            if type(error) is Conflict:
                raise  # other requests changed the same records at the same time
            return done.replace(outcome=Outcome.FAILED, code=error.code, detail=error.detail)
        except ValueError:  # a defect, which other members may not have
            logger.exception("member failed", cohort_id=cohort.id, number=member.number)
            return done.replace(
                outcome=Outcome.FAILED, code=ServiceError.code, detail="Internal error. Ask an operator."
            )
        return done

    def change_of(
        self, cohort: Cohort, environment: Environment | None, account: Callable[[], Account]
    ) -> Change:
        """Return the change of an action, which raises an error if the environment does not allow it.

        Raises `Skipped` if there is no environment, or if it is deleted already. `account` returns its
        owner's.
        """
        task = cohort.task
        if environment is None:
            raise Skipped("no_environment", _NONE)
        if environment.delete_requested or environment.status is Status.DELETED:
            raise Skipped("environment_not_live", _GONE)
        match task.action:
            case CohortAction.EXTEND:
                # From the time of the request, so that all expire at the same time.
                at = parse(task.at)
                return lambda read, _: requested_changes.extend(read, at, task.hours or 1)
            case CohortAction.RESET:
                return requested_changes.reset
            case CohortAction.FREEZE:
                return partial(requested_changes.freeze, by=task.by, reason=task.reason or cohort.name)
            case CohortAction.THAW:
                allowance = self._config.allowance
                return lambda read, now: requested_changes.thaw(read, now, account(), allowance)
            case _:
                return requested_changes.request_deletion

    def _request(self, cohort: Cohort, member: Member) -> IdempotentRequest:
        # Keys of users contain no spaces.
        key = f"cohort {cohort.id} {cohort.task.number} {member.number}"
        admin = Caller(cohort.task.by, is_admin=True)
        return IdempotentRequest(admin, cohort.task.request_id, key, cohort.id)

    def _create(self, cohort: Cohort, member: Member, moment: datetime) -> str:
        """Create the member's environment, unless it exists. Return its ID. Raises `Skipped`."""
        if known := self._live(cohort, member):
            return known
        if member.owner.startswith(FORGOTTEN):
            raise Skipped("owner_forgotten", "The operator has forgotten this owner.")
        if cohort.expires_at is not None and cohort.expires_at <= timestamp(moment):
            raise Skipped(
                "cohort_expired", f"The cohort has expired at {cohort.expires_at}. Extend it first."
            )
        request = self._request(cohort, member)

        def create() -> Environment:
            environment = new_environment(
                self._new_id(),
                member.owner,
                cohort.settings,
                cohort.release,
                cohort.data,
                moment=moment,
                expires_at=cohort.expires_at,
                cohort=cohort.id,
            )
            detail = {**cohort.settings.as_stored(), "cohort": cohort.id}
            if cohort.data is not None:
                detail["data"] = cohort.data
            event = TimelineEvent(
                environment.created_at, cohort.task.by, "requested", request.request_id, detail
            )
            return self._writes.create(request, environment, event, starts=False)

        try:
            return self._writes.once(request, create).record.id
        except EnvironmentExists as error:
            if known := self._live(cohort, member):
                return known  # created before a crash, more than a day ago
            raise Skipped(error.code, HAS_ONE) from error

    def _live(self, cohort: Cohort, member: Member) -> str | None:
        """Return the ID of the member's live environment if the cohort created it, or None."""
        found = self._store.live_environment_id(member.owner)
        environment = self._store.environment(found) if found else None
        return environment.id if environment and environment.cohort == cohort.id else None

    def _change(self, cohort: Cohort, member: Member) -> None:
        found = self._store.environment(member.environment_id) if member.environment_id else None
        change = self.change_of(cohort, found, lambda: self._store.account(member.owner))
        if found is None:
            return
        self._writes.change_once(
            self._request(cohort, member),
            found.id,
            _EVENTS[cohort.task.action],
            change,
            detail={"cohort": cohort.id},
            starts=False,
        )
