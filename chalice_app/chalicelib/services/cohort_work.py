"""The work of cohorts in the tick: requests for members, a part at a time, and counts of what became of them.

A cohort is due until nothing of it changes. Each part takes a lease, so that two ticks do not repeat each
other's requests. The result of each member is recorded at once. After a crash, the next tick continues with
the members that have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.cohort import MOST_SHOWN_FAILURES, Cohort, CohortStatus, Member, MemberFailure, Outcome
from chalicelib.domain.environment import Environment, Status
from chalicelib.errors import Conflict, StaleRecord
from chalicelib.observability import logger
from chalicelib.services.cohort_members import CohortMembers
from chalicelib.storage.store import Store

_SECONDS = 20
"""Time of one tick for a cohort, so that other records are not delayed."""
_RETRY_SECONDS = 30
_MOST_REFUSED = 3
"""Number of errors in a row after which AWS probably throttles all requests."""
_COUNT_SECONDS = 60
_MOST_COUNT_SECONDS = 900
_AT_REST = {Status.READY, Status.FAILED, Status.DELETED}


class CohortWork:
    """Carries out the actions of cohorts."""

    def __init__(
        self, store: Store, members: CohortMembers, *, lease_seconds: int, clock: Clock = now
    ) -> None:
        self._store = store
        self._members = members
        self._lease_seconds = lease_seconds
        self._clock = clock

    def step(self, cohort_id: str, seconds: float) -> None:
        """Carry out the action for some members, and count. Raises `AwsError`: the lease then expires."""
        cohort, moment = self._store.cohorts.get(cohort_id), self._clock()
        if cohort is None or (cohort.lease_until or "") > timestamp(moment):
            return
        until = later(moment, self._lease_seconds)
        try:
            leased = self._store.cohorts.save(cohort, cohort.replace(lease_until=until, due_at=until))
            members, delay = self._carry_out(leased, moment.timestamp() + min(seconds, _SECONDS))
            self._store.cohorts.save(leased, self._counted(leased, members, delay))
        except StaleRecord:
            logger.info("cohort changed by another worker", cohort_id=cohort_id)

    def _carry_out(self, cohort: Cohort, deadline: float) -> tuple[list[Member], float]:
        """Carry out the action until the deadline. Return all members, and the delay of the next part."""
        members, delay = self._store.cohorts.members(cohort.id), 0.0
        refused = 0
        for index, member in enumerate(members):
            if member.task == cohort.task.number:
                continue
            if self._clock().timestamp() >= deadline:
                break
            try:
                result = self._members.carry_out(cohort, member, self._clock())
            except (AwsError, Conflict) as error:
                logger.warning("cohort postponed", cohort_id=cohort.id, detail=str(error))
                delay, refused = _RETRY_SECONDS, refused + 1
                if refused == _MOST_REFUSED:
                    break
                continue
            refused = 0
            self._store.cohorts.put_member(result)
            members[index] = result
        return members, delay

    def _counted(self, cohort: Cohort, members: Sequence[Member], delay: float) -> Cohort:
        """Return the cohort with the counts of its members and their environments, and when it is due."""
        found = self._store.cohorts.environments(
            [each.environment_id for each in members if each.environment_id]
        )
        moment, task = self._clock(), cohort.task.number
        outcomes = Counter(
            each.outcome.value if each.task == task else Outcome.PENDING.value for each in members
        )
        statuses = Counter(
            found[each.environment_id].status.value if each.environment_id in found else "NONE"
            for each in members
        )
        failures = [
            MemberFailure(each.owner, each.code or "", each.detail or "")
            for each in members
            if each.task == task and each.outcome is Outcome.FAILED
        ]
        status = CohortStatus.SETTLED
        if outcomes[Outcome.PENDING.value]:
            status = CohortStatus.WORKING
        elif not all(_is_settled(each) for each in found.values()):
            status = CohortStatus.SETTLING
        counted = cohort.replace(
            status=status,
            members=len(members),
            outcomes=dict(outcomes),
            statuses=dict(sorted(statuses.items())),
            frozen=sum(each.frozen is not None and each.status in _AT_REST for each in found.values()),
            failures=failures[:MOST_SHOWN_FAILURES],
            counted_at=timestamp(moment),
            lease_until=None,
        )
        is_same = (counted.statuses, counted.frozen) == (cohort.statuses, cohort.frozen)
        counted = counted.replace(unchanged=cohort.unchanged + 1 if is_same else 0)
        if status is CohortStatus.SETTLED:
            return counted.replace(due_at=None)
        if status is CohortStatus.SETTLING:
            delay = min(_MOST_COUNT_SECONDS, _COUNT_SECONDS << min(counted.unchanged, 4))
        return counted.replace(due_at=later(moment, delay))


def _is_settled(environment: Environment) -> bool:
    stops = environment.frozen is not None and environment.frozen.stopped_at is None
    if environment.delete_requested:
        return environment.status is Status.DELETED
    return environment.status in _AT_REST and not (stops and environment.status is not Status.DELETED)
