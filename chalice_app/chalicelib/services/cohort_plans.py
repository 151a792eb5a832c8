"""Dry runs of cohorts: what an action would do for each member, and what it may cost at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.clock import later, parse
from chalicelib.config import Config
from chalicelib.domain.cohort import Cohort, CohortAction, Member
from chalicelib.domain.environment import Environment
from chalicelib.domain.owner_accounts import Account
from chalicelib.errors import EnvironmentExists, ServiceError, TooManyCreations
from chalicelib.services.cohort_members import HAS_ONE, CohortMembers, Skipped
from chalicelib.storage.store import Store

WOULD_CHANGE, UNCHANGED = "would_change", "unchanged"
COST_RULE = (
    "What is left of the budgets of the owners whose environments the action creates or keeps, in this "
    "period and in those that begin before the expiration. Runs and queries cannot cost more. KMS keys and "
    "S3 are not part of budgets."
)
_COSTS = {CohortAction.CREATE, CohortAction.EXTEND, CohortAction.RESET, CohortAction.THAW}


@dataclass(frozen=True)
class PlannedMember:
    """What an action would do for a member: a change, nothing, or the code of an error, and why."""

    owner: str
    outcome: str
    detail: str | None = None
    environment_id: str | None = None


@dataclass(frozen=True)
class CohortPlan:
    """What an action would do. `starts_at` is when the last creation would start, if that is known."""

    cohort: Cohort
    members: list[PlannedMember]
    max_cost_micro_usd: int
    live: int
    waiting: int
    would_wait: int
    starts_at: str | None


class CohortPlans:
    """Computes what actions of cohorts would do. Writes nothing."""

    def __init__(self, config: Config, store: Store, members: CohortMembers) -> None:
        self._config = config
        self._store = store
        self._members = members

    def plan(self, cohort: Cohort, members: Sequence[Member], moment: datetime) -> CohortPlan:
        """Return what the action of a cohort would do now."""
        accounts = self._store.cohorts.accounts([each.owner for each in members])
        is_creation = cohort.task.action is CohortAction.CREATE
        plan = self._creations if is_creation else self._changes
        planned = plan(cohort, members, accounts, moment)
        capacity, counters = self._config.capacity, self._store.queue.counters()
        begun = sum(each.outcome == WOULD_CHANGE for each in planned) if is_creation else 0
        wait = max(0, begun - counters.free(capacity))
        last = counters.estimate(counters.waiting + wait, capacity, moment).begins_at if wait else None
        cost = self._most_of_all(cohort, planned, accounts, moment)
        return CohortPlan(cohort, planned, cost, counters.live, counters.waiting, wait, last)

    def _creations(
        self, cohort: Cohort, members: Sequence[Member], accounts: Mapping[str, Account], moment: datetime
    ) -> list[PlannedMember]:
        ids = self._store.cohorts.live_environment_ids([each.owner for each in members])
        live = self._store.cohorts.environments([*ids.values()])
        return [
            self._creation(cohort, each, live.get(ids.get(each.owner, "")), accounts[each.owner], moment)
            for each in members
        ]

    def _creation(
        self, cohort: Cohort, member: Member, live: Environment | None, account: Account, moment: datetime
    ) -> PlannedMember:
        if live is not None and live.cohort == cohort.id:
            return PlannedMember(member.owner, UNCHANGED, None, live.id)
        if live is not None:
            return PlannedMember(member.owner, EnvironmentExists.code, HAS_ONE, live.id)
        allowance = self._config.allowance
        next_at = account.at(moment, allowance).next_creation_at(allowance)
        if next_at is not None:
            detail = f"The owner can create the next environment after {next_at}."
            return PlannedMember(member.owner, TooManyCreations.code, detail)
        return PlannedMember(member.owner, WOULD_CHANGE)

    def _changes(
        self, cohort: Cohort, members: Sequence[Member], accounts: Mapping[str, Account], moment: datetime
    ) -> list[PlannedMember]:
        ids = [each.environment_id for each in members if each.environment_id]
        found = self._store.cohorts.environments(ids)
        return [
            self._change(cohort, each, found.get(each.environment_id or ""), accounts[each.owner], moment)
            for each in members
        ]

    def _change(
        self,
        cohort: Cohort,
        member: Member,
        environment: Environment | None,
        account: Account,
        moment: datetime,
    ) -> PlannedMember:
        outcome, detail = WOULD_CHANGE, None
        try:
            change = self._members.change_of(cohort, environment, lambda: account)
            if environment is not None and change(environment, moment) is environment:
                outcome = UNCHANGED
        except Skipped as skipped:
            outcome, detail = skipped.code, skipped.detail
        except ServiceError as error:
            outcome, detail = error.code, error.detail
        return PlannedMember(member.owner, outcome, detail, member.environment_id)

    def _most_of_all(
        self,
        cohort: Cohort,
        planned: Sequence[PlannedMember],
        accounts: Mapping[str, Account],
        moment: datetime,
    ) -> int:
        if cohort.task.action not in _COSTS:
            return 0
        ends_at = cohort.expires_at or later(moment, 3600 * cohort.settings.expires_in_hours)
        kept = [each.owner for each in planned if each.outcome in (WOULD_CHANGE, UNCHANGED)]
        return sum(self._most(accounts[owner], ends_at, moment) for owner in kept)

    def _most(self, account: Account, ends_at: str, moment: datetime) -> int:
        """Return the most that an owner can spend until a time."""
        allowance = self._config.allowance
        account = account.at(moment, allowance)
        length = timedelta(days=allowance.budget_days)
        period_ends_at = account.period_ends_at(allowance)
        first = parse(period_ends_at) if period_ends_at else moment + length
        periods = max(0, -((first - parse(ends_at)) // length))  # those that begin before the expiration
        return account.available_micro_usd(allowance) + periods * allowance.budget_micro_usd
