"""Environments in responses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_JOB,
    EnvironmentId,
    JobWarning,
    Link,
    Page,
    PollAfter,
    ResponseBody,
    Time,
)
from chalicelib.api.responses.notifications import Notifications
from chalicelib.api.responses.outputs import Outputs
from chalicelib.api.responses.receipts import Receipt
from chalicelib.domain.environment import Status
from chalicelib.domain.settings import Settings


class Failure(ResponseBody):
    """Why an environment could not be created or changed, and what to do."""

    resource: Annotated[
        str | None,
        Field(description="Logical ID of the stack resource that failed, if known.", examples=["SotBucket"]),
    ]
    type: Annotated[
        str | None,
        Field(description="CloudFormation type of that resource.", examples=["AWS::S3::Bucket"]),
    ]
    cause: Annotated[
        Literal["permission", "quota", "name_conflict", "throttling", "invalid_request", "internal"],
        Field(description="Class of the cause, for programs.", examples=["quota"]),
    ]
    message: Annotated[
        str,
        Field(
            description="Error message, without names and IDs of other tenants.",
            examples=["You have attempted to create more buckets than allowed"],
        ),
    ]
    fix: Annotated[
        str,
        Field(
            description="What to do.",
            examples=[
                "The AWS account reached a limit. Ask an operator to raise it or to remove unused "
                "environments, then retry."
            ],
        ),
    ]


class Resource(ResponseBody):
    """A resource of an environment's stack."""

    logical_id: Annotated[
        str, Field(description="Logical ID in the template of the release.", examples=["SotBucket"])
    ]
    type: Annotated[str, Field(description="CloudFormation type.", examples=["AWS::S3::Bucket"])]
    status: Annotated[str, Field(description="CloudFormation status.", examples=["CREATE_COMPLETE"])]
    reason: Annotated[
        str | None, Field(description="CloudFormation's explanation of the status.", examples=[None])
    ]


class Progress(ResponseBody):
    """Progress of the stack: `done` of `total` resources."""

    done: Annotated[
        int, Field(ge=0, description="Number of resources created, or deleted while DELETING.", examples=[30])
    ]
    total: Annotated[int, Field(ge=0, description="Number of resources of the stack.", examples=[30])]
    resources: Annotated[
        list[Resource], Field(description="Resources that CloudFormation has started, oldest first.")
    ]


class Queue(ResponseBody):
    """Position of an environment that waits for its creation."""

    position: Annotated[
        int,
        Field(
            ge=0,
            description="Position in the queue, or 0 if creation is about to start.",
            examples=[3],
        ),
    ]
    eta_seconds: Annotated[
        int | None,
        Field(
            ge=0,
            description=(
                "Estimated seconds until creation starts. Null if an environment must be deleted first."
            ),
            examples=[240],
        ),
    ]


class Budget(ResponseBody):
    """Cost of an environment's runs and queries.

    The limit applies to all environments of the owner. `GET /me` returns what is left of it.
    """

    limit_usd: Annotated[float, Field(description="Budget of the owner for one period.", examples=[5.0])]
    spent_usd: Annotated[
        float,
        Field(ge=0, description="Cost of its runs and queries since its creation.", examples=[0.036667]),
    ]
    reserved_usd: Annotated[
        float, Field(ge=0, description="Maximum cost of its active runs and queries.", examples=[0.0])
    ]


class Freeze(ResponseBody):
    """A freeze: nothing of the environment runs, and nothing of it changes."""

    since: Annotated[Time, Field(description="When it was frozen.")]
    by: Annotated[str, Field(description="Admin who froze it, or `service`.", examples=["root"])]
    by_type: Annotated[
        Literal["user", "service"],
        Field(
            description="`user` for an admin, whose freeze stays until an admin thaws it. `service` for the "
            "budget, whose freeze ends when the owner has budget again.",
            examples=["user"],
        ),
    ]
    reason: Annotated[str, Field(description="Why it was frozen.", examples=["The course has ended."])]
    stopped_at: Annotated[
        Time | None,
        Field(
            description="When all active runs and queries had ended, or null until then.",
            examples=["2026-11-24T09:32:10.000Z"],
        ),
    ]


class Forecast(ResponseBody):
    """What the environment will cost at most until it expires, if nobody starts or changes anything.

    Runs that people start, queries, and what runs write are not included. The budget can prevent runs.
    """

    until: Annotated[Time, Field(description="The expiration.", examples=["2026-11-27T09:30:00.000Z"])]
    scheduled_runs: Annotated[
        int, Field(ge=0, description="Number of runs that the schedules start until then.", examples=[3])
    ]
    scheduled_usd: Annotated[
        float,
        Field(
            ge=0,
            description="Maximum cost of these runs, as the budget reserves it: all workers until the "
            "timeout, in every attempt. Most runs cost much less.",
            examples=[1.1],
        ),
    ]
    reserved_usd: Annotated[
        float, Field(ge=0, description="Maximum cost of active runs and queries.", examples=[0.0])
    ]
    estimated_kms_usd: Annotated[
        float,
        Field(ge=0, description="Estimated cost of the environment's own KMS key.", examples=[0.09863]),
    ]
    estimated_s3_usd: Annotated[
        float | None,
        Field(
            ge=0,
            description="Estimated cost of the release's data and the job files in S3. Null if the release "
            "cannot be read.",
            examples=[0.000002],
        ),
    ]
    total_usd: Annotated[float, Field(ge=0, description="The sum of the amounts.", examples=[1.198632])]


class EnvironmentLinks(ResponseBody):
    """Links of an environment."""

    self: Annotated[Link, Field(description="The environment.", examples=[EXAMPLE_ENVIRONMENT])]
    job: Annotated[Link, Field(description="Its job.", examples=[f"/jobs/{EXAMPLE_JOB}"])]
    runs: Annotated[Link, Field(description="The job's runs.", examples=[f"/jobs/{EXAMPLE_JOB}/runs"])]
    job_files: Annotated[
        Link, Field(description="The job's files.", examples=[f"{EXAMPLE_ENVIRONMENT}/job/files"])
    ]
    events: Annotated[Link, Field(description="Its timeline.", examples=[f"{EXAMPLE_ENVIRONMENT}/events"])]
    drift: Annotated[
        Link, Field(description="What was changed by hand.", examples=[f"{EXAMPLE_ENVIRONMENT}/drift"])
    ]
    tables: Annotated[
        Link,
        Field(description="Its databases and tables.", examples=[f"{EXAMPLE_ENVIRONMENT}/tables"]),
    ]
    queries: Annotated[
        Link, Field(description="Its Athena queries.", examples=[f"{EXAMPLE_ENVIRONMENT}/queries"])
    ]


class Environment(ResponseBody):
    """An environment: the sandbox of one owner."""

    id: EnvironmentId
    owner: Annotated[str, Field(description="Name of the owner.", examples=["ana"])]
    status: Annotated[Status, Field(description="State of the environment.", examples=["READY"])]
    reason: Annotated[str | None, Field(description="Explanation of `status`, or null.", examples=[None])]
    failure: Annotated[
        Failure | None,
        Field(description="Why the last operation failed, or null if it did not.", examples=[None]),
    ]
    mode: Annotated[
        Literal["learning", "production"],
        Field(
            description="`learning` runs the release's job, `production` the owner's.", examples=["learning"]
        ),
    ]
    data: Annotated[
        str | None, Field(description="Data set of the release, or null for the default.", examples=[None])
    ]
    release: Annotated[
        str, Field(description="ID of the environment's release.", examples=["1.0.0-2f1c9a7be0d4"])
    ]
    settings: Annotated[Settings, Field(description="All settings, including defaults.")]
    warnings: Annotated[
        list[JobWarning],
        Field(description="Settings that runs do not support, also those of a change in progress."),
    ]
    progress: Annotated[Progress, Field(description="Progress of the stack.")]
    frozen: Annotated[
        Freeze | None, Field(description="The freeze, or null if it is not frozen.", examples=[None])
    ]
    queue: Annotated[
        Queue | None,
        Field(description="Position in the queue while QUEUED, otherwise null.", examples=[None]),
    ]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    outputs: Annotated[
        Outputs | None,
        Field(description="AWS resources of the environment, or null until the stack is complete."),
    ]
    budget: Annotated[Budget, Field(description="Cost of the environment's runs and queries.")]
    forecast: Annotated[
        Forecast | None,
        Field(description="Cost until the expiration, or null once it is being deleted."),
    ]
    notifications: Annotated[Notifications, Field(description="Who is notified of events.")]
    receipt: Annotated[
        Receipt | None,
        Field(description="What the deletion removed and left, or null until DELETED.", examples=[None]),
    ]
    created_at: Annotated[Time, Field(description="When the environment was requested.")]
    ready_at: Annotated[
        Time | None,
        Field(description="When its creation ended, or null.", examples=["2026-11-24T09:32:10.000Z"]),
    ]
    updated_at: Annotated[
        Time, Field(description="When it last changed.", examples=["2026-11-24T09:32:10.000Z"])
    ]
    expires_at: Annotated[
        Time,
        Field(description="Expiration: when the service deletes it.", examples=["2026-11-27T09:30:00.000Z"]),
    ]
    deleted_at: Annotated[Time | None, Field(description="When it was DELETED, or null.", examples=[None])]
    links: Annotated[EnvironmentLinks, Field(description="Related resources.")]


class EnvironmentPage(Page[Environment]):
    """One page of environments."""
