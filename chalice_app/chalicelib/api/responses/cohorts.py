"""Cohorts in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_JOB,
    Link,
    Page,
    PollAfter,
    ResponseBody,
    Time,
    Usd,
)
from chalicelib.domain.cohort import CohortAction, CohortStatus, Outcome
from chalicelib.domain.settings import Settings

EXAMPLE_COHORT = "/cohorts/q5m2x7rtda"

CohortId = Annotated[
    str, Field(description="ID of the cohort.", pattern="^[a-z2-7]{10}$", examples=["q5m2x7rtda"])
]
Owner = Annotated[str, Field(description="Name of the owner.", examples=["ana@school.example"])]
Code = Annotated[
    str | None,
    Field(
        description="Why the action was skipped or failed, for programs: the `code` of an error, "
        "`no_environment` or `cohort_expired`.",
        examples=[None],
    ),
]
Detail = Annotated[str | None, Field(description="The same as a sentence.", examples=[None])]


class CohortTask(ResponseBody):
    """An action for all members."""

    action: Annotated[CohortAction, Field(description="The action.", examples=["create"])]
    by: Annotated[str, Field(description="Admin who requested it.", examples=["root"])]
    at: Annotated[Time, Field(description="When it was requested.")]
    hours: Annotated[int | None, Field(description="Hours of `extend`.", examples=[None])]
    reason: Annotated[str | None, Field(description="Reason of `freeze`.", examples=[None])]


class CohortFailure(ResponseBody):
    """A member for whom the action failed."""

    owner: Owner
    code: Annotated[str, Field(description="`code` of the error.", examples=["too_many_creations"])]
    detail: Annotated[
        str,
        Field(
            description="The error.",
            examples=["An owner can create 10 environments in 24 hours, including retries."],
        ),
    ]


class CohortLinks(ResponseBody):
    """Links of a cohort."""

    self: Annotated[Link, Field(description="The cohort.", examples=[EXAMPLE_COHORT])]
    members: Annotated[Link, Field(description="Its members.", examples=[f"{EXAMPLE_COHORT}/members"])]


class Cohort(ResponseBody):
    """A cohort: the environments of a class."""

    id: CohortId
    name: Annotated[str, Field(description="Name of the cohort.", examples=["Data engineering, autumn"])]
    status: Annotated[
        CohortStatus,
        Field(
            description="`WORKING` while the last action waits for members, `SETTLING` while their "
            "environments change, then `SETTLED`.",
            examples=["SETTLED"],
        ),
    ]
    action: Annotated[CohortTask, Field(description="The last action.")]
    members: Annotated[int, Field(ge=1, description="Number of members.", examples=[300])]
    outcomes: Annotated[
        dict[str, int],
        Field(
            description="Number of members by outcome of the last action: `PENDING`, `DONE`, `SKIPPED`, "
            "`FAILED`.",
            examples=[{"DONE": 298, "SKIPPED": 1, "FAILED": 1}],
        ),
    ]
    environments: Annotated[
        dict[str, int],
        Field(
            description="Number of members by the status of the environment that the cohort created for "
            "them; `NONE` without one.",
            examples=[{"READY": 298, "NONE": 2}],
        ),
    ]
    frozen: Annotated[int, Field(ge=0, description="Number of frozen environments.", examples=[0])]
    failures: Annotated[
        list[CohortFailure], Field(description="The first 20 failures. The members have all.")
    ]
    counted_at: Annotated[
        Time | None,
        Field(
            description="When the numbers were counted, or null before the first count. A request for a "
            "cohort makes the service count again within a minute.",
            examples=["2026-11-24T09:42:10.000Z"],
        ),
    ]
    poll_after_seconds: PollAfter
    warnings: Annotated[
        list[str], Field(description="What to know about the names of the owners.", examples=[[]])
    ]
    settings: Annotated[Settings, Field(description="Settings of new environments.")]
    data: Annotated[
        str | None,
        Field(description="Data set of new environments, or null for the default.", examples=[None]),
    ]
    release: Annotated[
        str, Field(description="Release of new environments.", examples=["1.0.0-2f1c9a7be0d4"])
    ]
    expires_at: Annotated[
        Time | None,
        Field(
            description="When new environments expire, or null for `settings.expires_in_hours`.",
            examples=["2026-12-18T17:00:00.000Z"],
        ),
    ]
    created_by: Annotated[str, Field(description="Admin who created the cohort.", examples=["root"])]
    created_at: Annotated[Time, Field(description="When the cohort was created.")]
    updated_at: Annotated[Time, Field(description="When the last action was requested.")]
    links: Annotated[CohortLinks, Field(description="Related resources.")]


class CohortPage(Page[Cohort]):
    """One page of cohorts."""


class MemberLinks(ResponseBody):
    """Links of a member."""

    environment: Annotated[Link | None, Field(description="The environment.", examples=[EXAMPLE_ENVIRONMENT])]
    runs: Annotated[
        Link | None, Field(description="Runs of its job.", examples=[f"/jobs/{EXAMPLE_JOB}/runs"])
    ]


class CohortMember(ResponseBody):
    """A member of a cohort, and the environment that the cohort created for them."""

    owner: Owner
    outcome: Annotated[Outcome, Field(description="Outcome of the last action.", examples=["DONE"])]
    code: Code
    detail: Detail
    environment_id: Annotated[
        str | None, Field(description="ID of the environment, or null.", examples=[EXAMPLE_ID])
    ]
    status: Annotated[
        str | None, Field(description="Status of the environment, or null.", examples=["READY"])
    ]
    is_frozen: Annotated[bool, Field(description="Whether the environment is frozen.", examples=[False])]
    expires_at: Annotated[
        Time | None,
        Field(description="When the environment expires, or null.", examples=["2026-12-18T17:00:00.000Z"]),
    ]
    spent_usd: Annotated[Usd, Field(description="Cost of its runs and queries.", examples=[0.036667])]
    job_id: Annotated[str | None, Field(description="ID of its job, or null.", examples=[EXAMPLE_JOB])]
    links: Annotated[MemberLinks, Field(description="Related resources.")]


class CohortMemberPage(Page[CohortMember]):
    """One page of members."""


class PlannedMember(ResponseBody):
    """What an action would do for a member."""

    owner: Owner
    outcome: Annotated[
        str,
        Field(
            description="`would_change`, `unchanged`, or the `code` of the reason why it would be skipped or "
            "fail.",
            examples=["would_change"],
        ),
    ]
    detail: Detail
    environment_id: Annotated[
        str | None, Field(description="ID of the environment, or null.", examples=[None])
    ]


class PlannedQueue(ResponseBody):
    """How the creations fit into the operator's limits."""

    environments: Annotated[int, Field(ge=0, description="Environments that exist now.", examples=[12])]
    most_environments: Annotated[
        int, Field(description="Maximum number of environments: `MAX_ENVIRONMENTS`.", examples=[400])
    ]
    most_creating: Annotated[
        int, Field(description="Maximum number of creations at the same time.", examples=[20])
    ]
    would_wait: Annotated[
        int, Field(ge=0, description="New environments that would wait in the queue.", examples=[280])
    ]
    last_starts_at: Annotated[
        Time | None,
        Field(
            description="Estimated start of the last of them. Null if none waits, or if others must be "
            "deleted first.",
            examples=["2026-11-24T10:05:00.000Z"],
        ),
    ]


class CohortPlan(ResponseBody):
    """Result of a dry run. Nothing was changed."""

    action: Annotated[CohortAction, Field(description="The action.", examples=["create"])]
    outcomes: Annotated[
        dict[str, int], Field(description="Number of members by outcome.", examples=[{"would_change": 300}])
    ]
    max_cost_usd: Annotated[
        Usd, Field(description="What the owners can spend at most, by `cost_rule`.", examples=[1500.0])
    ]
    cost_rule: Annotated[
        str,
        Field(
            description="How `max_cost_usd` is computed.",
            examples=["What is left of the budgets of the owners."],
        ),
    ]
    queue: Annotated[PlannedQueue, Field(description="Limits of the service, for `create`.")]
    warnings: Annotated[
        list[str], Field(description="What to know about the names of the owners.", examples=[[]])
    ]
    members: Annotated[list[PlannedMember], Field(description="What would happen for each member.")]
