"""Cohorts: the sandboxes of a class, and what an admin requested for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.settings import Settings

MOST_OWNERS = 500
MOST_SHOWN_FAILURES = 20


class CohortAction(StrEnum):
    """What a cohort does with its sandboxes. CREATE makes those that do not exist."""

    CREATE = "create"
    EXTEND = "extend"
    RESET = "reset"
    FREEZE = "freeze"
    THAW = "thaw"
    EXPIRE = "expire"


class CohortStatus(StrEnum):
    """WORKING: members wait for their request. SETTLING: their environments change. SETTLED: nothing does."""

    WORKING = "WORKING"
    SETTLING = "SETTLING"
    SETTLED = "SETTLED"


class Outcome(StrEnum):
    """Result of an action for one member."""

    PENDING = "PENDING"
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class CohortTask:
    """The action that is in progress or was the last one: what, by whom, when. Numbers count from 1."""

    number: int
    action: CohortAction
    by: str
    at: str
    request_id: str
    hours: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Member:
    """A member's last result. `number` identifies the member in the cohort, and is never used again.

    - `environment_id`: the environment that the cohort created for the member, or None.
    - `task`: number of the last action that was carried out for the member, or 0.
    - `code`, `detail`: why it was skipped or failed.
    """

    cohort_id: str
    number: int
    owner: str
    environment_id: str | None = None
    task: int = 0
    outcome: Outcome = Outcome.PENDING
    code: str | None = None
    detail: str | None = None

    def replace(self, **changes: Any) -> Member:
        """Return a copy of the member with some fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True)
class MemberFailure:
    """Why an action failed for a member."""

    owner: str
    code: str
    detail: str


@dataclass(frozen=True)
class Cohort:
    """A cohort: its settings, its last action, and how far it is. Grain: one per accepted request.

    The members are records of their own. `statuses`, `outcomes`, `frozen` and `failures` are what the tick
    counted at `counted_at`, so that reading a cohort costs the same for any number of members.

    - `last_number`: the highest number that a member ever had.
    - `unchanged`: number of counts in a row that found the same.
    """

    id: str
    name: str
    created_by: str
    created_at: str
    updated_at: str
    settings: Settings
    release: str
    task: CohortTask
    members: int
    last_number: int
    data: str | None = None
    expires_at: str | None = None
    status: CohortStatus = CohortStatus.WORKING
    statuses: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    frozen: int = 0
    failures: list[MemberFailure] = field(default_factory=list)
    counted_at: str | None = None
    unchanged: int = 0
    version: int = 1
    due_at: str | None = None
    lease_until: str | None = None

    def replace(self, **changes: Any) -> Cohort:
        """Return a copy of the cohort with some fields replaced."""
        return replace(self, **changes)

    def begin(self, task: CohortTask, members: int) -> Cohort:
        """Return the cohort with a new action, which is pending for all members."""
        return self.replace(
            task=task,
            updated_at=task.at,
            members=members,
            status=CohortStatus.WORKING,
            outcomes={Outcome.PENDING.value: members},
            failures=[],
            unchanged=0,
            due_at=task.at,
            lease_until=None,
        )
