"""What callers are answered: the models behind the bodies of all responses, and behind `/openapi.json`.

Every field is always there; what is not known (yet) is null. Times are RFC 3339 in UTC, money is in dollars,
links are relative to the host. `representations.py` fills these models from the records. The examples of the
fields make up the examples of the document.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.domain.environment import Status
from chalicelib.domain.settings import Settings

EXAMPLE_ID = "k3v7q2mzab"
EXAMPLE_JOB = f"terraglue-{EXAMPLE_ID}-sot-ecommerce-br"
EXAMPLE_ENVIRONMENT = f"/environments/{EXAMPLE_ID}"
EXAMPLE_SOT = f"s3://terraglue-{EXAMPLE_ID}-sot/tbsot_ecommerce_br"
"""The names that the examples have in common."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T09:30:00.000Z"])]
Link = Annotated[str, Field(json_schema_extra={"format": "uri-reference"}, examples=[EXAMPLE_ENVIRONMENT])]
EnvironmentId = Annotated[str, Field(pattern="^[a-z2-7]{10}$", examples=[EXAMPLE_ID])]
JobId = Annotated[
    str, Field(pattern="^terraglue-[a-z2-7]{10}-[a-z0-9][a-z0-9-]{0,63}$", examples=[EXAMPLE_JOB])
]
Usd = Annotated[float, Field(ge=0, examples=[0.55])]
PollAfter = Annotated[
    int | None,
    Field(description="When it is worth to look again; null when nothing goes on.", examples=[3]),
]


class Answer(BaseModel):
    """Has the fields it says and no other; its schema is open, for later versions may have more."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: Annotated[
        str | None,
        Field(description="The cursor of the next page; null: this was the last.", examples=[None]),
    ]


class FieldProblem(BaseModel):
    """One thing that is wrong with a request: a field of its body, or a parameter."""

    pointer: Annotated[
        str | None,
        Field(
            default=None,
            description="JSON pointer (RFC 6901) into the body.",
            examples=["/job/number_of_workers"],
        ),
    ]
    parameter: Annotated[
        str | None, Field(default=None, description="Name of the parameter, if it is not in the body.")
    ]
    detail: Annotated[str, Field(examples=["It must be at least 2."])]
    line: int | None = None
    column: int | None = None


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` is for programs, `detail` for people."""

    type: Annotated[str, Field(examples=["urn:terraglue:problem:not_found"])]
    title: Annotated[str, Field(examples=["Not found"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str, Field(examples=["There is no such environment."])]
    instance: Annotated[str, Field(examples=["urn:terraglue:request:9c2f7c1e-6a53-4ad0-9b6e-0a53c2f5a1d4"])]
    code: Annotated[str, Field(examples=["not_found"])]
    errors: Annotated[
        list[FieldProblem],
        Field(default_factory=list, description="All that is wrong with the request, for 422."),
    ]
    line: Annotated[int | None, Field(default=None, description="Where the body is not JSON.")]
    column: Annotated[int | None, Field(default=None, description="Where the body is not JSON.")]
    environment: Annotated[
        Link | None, Field(default=None, description="The caller's live environment, for environment_exists.")
    ]


# -- environments ---------------------------------------------------------------------------------------


class Failure(Answer):
    """Why an environment could not be made or changed, and what to do about it."""

    resource: Annotated[str | None, Field(examples=["SotBucket"])]
    type: Annotated[str | None, Field(examples=["AWS::S3::Bucket"])]
    cause: Annotated[
        Literal["permission", "quota", "name_conflict", "throttling", "invalid_request", "internal"],
        Field(examples=["quota"]),
    ]
    message: Annotated[str, Field(examples=["You have attempted to create more buckets than allowed"])]
    fix: Annotated[
        str,
        Field(
            examples=[
                "The AWS account is at a limit: an operator must raise it or remove unused environments."
            ]
        ),
    ]


class Resource(Answer):
    """One resource of an environment's stack."""

    logical_id: Annotated[str, Field(examples=["SotBucket"])]
    type: Annotated[str, Field(examples=["AWS::S3::Bucket"])]
    status: Annotated[str, Field(examples=["CREATE_COMPLETE"])]
    reason: Annotated[str | None, Field(examples=[None])]


class Progress(Answer):
    """How far the stack is: `done` of `total` resources, and those that were begun, oldest first."""

    done: Annotated[int, Field(ge=0, examples=[30])]
    total: Annotated[int, Field(ge=0, examples=[30])]
    resources: list[Resource]


class Queue(Answer):
    """Where an environment waits that has no stack yet."""

    position: Annotated[int, Field(ge=0, description="0: its turn has come.", examples=[3])]
    eta_seconds: Annotated[
        int | None,
        Field(
            ge=0,
            description="Until it is begun, learned from the last creations; null: somebody must delete one.",
            examples=[240],
        ),
    ]


class Buckets(Answer):
    """The names of an environment's buckets."""

    sor: Annotated[str, Field(examples=[f"terraglue-{EXAMPLE_ID}-sor"])]
    sot: Annotated[str, Field(examples=[f"terraglue-{EXAMPLE_ID}-sot"])]
    spec: Annotated[str, Field(examples=[f"terraglue-{EXAMPLE_ID}-spec"])]
    glue_assets: Annotated[str, Field(examples=[f"terraglue-{EXAMPLE_ID}-glue-assets"])]
    athena_results: Annotated[str, Field(examples=[f"terraglue-{EXAMPLE_ID}-athena-results"])]


class LogGroups(Answer):
    """The CloudWatch log groups of an environment's runs."""

    output: Annotated[str, Field(examples=[f"/aws-glue/jobs/terraglue-{EXAMPLE_ID}/output"])]
    error: Annotated[str, Field(examples=[f"/aws-glue/jobs/terraglue-{EXAMPLE_ID}/error"])]


class Outputs(Answer):
    """What an environment consists of in AWS; `console` has a link into the AWS console for each part."""

    buckets: Buckets
    databases: Annotated[
        dict[str, str],
        Field(
            description="Catalog databases, by the name of the data set; `sot` is the job's.",
            examples=[
                {"db_ecommerce": f"terraglue_{EXAMPLE_ID}_db_ecommerce", "sot": f"terraglue_{EXAMPLE_ID}_sot"}
            ],
        ),
    ]
    job_id: JobId
    athena_workgroup: Annotated[str | None, Field(examples=[f"terraglue-{EXAMPLE_ID}"])]
    role_arn: Annotated[
        str, Field(examples=[f"arn:aws:iam::123456789012:role/terraglue-{EXAMPLE_ID}-glue-job"])
    ]
    kms_key_arn: Annotated[
        str | None,
        Field(examples=["arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"]),
    ]
    security_configuration: Annotated[str | None, Field(examples=[f"terraglue-{EXAMPLE_ID}"])]
    log_groups: LogGroups
    console: Annotated[
        dict[str, str],
        Field(
            examples=[
                {
                    "bucket_sor": f"https://us-east-1.console.aws.amazon.com/s3/buckets/terraglue-{EXAMPLE_ID}-sor"
                }
            ]
        ),
    ]


class Budget(Answer):
    """What an environment's runs have cost, and what is reserved for those that go on.

    The limit is the owner's, over all their environments; GET /me says what is left of it.
    """

    limit_usd: Annotated[float, Field(description="What the owner may spend in a period.", examples=[5.0])]
    spent_usd: Annotated[
        float, Field(ge=0, description="By this environment, since it was created.", examples=[0.036667])
    ]
    reserved_usd: Annotated[
        float, Field(ge=0, description="The worst costs of this environment's active runs.", examples=[0.0])
    ]


class OwnerBudget(Answer):
    """The caller's money in the current period, over all their environments, deleted ones too."""

    limit_usd: Annotated[float, Field(ge=0, examples=[5.0])]
    spent_usd: Annotated[
        float, Field(ge=0, description="By the runs that were settled in the period.", examples=[0.036667])
    ]
    reserved_usd: Annotated[
        float, Field(ge=0, description="The worst costs of active runs.", examples=[0.55])
    ]
    available_usd: Annotated[
        float, Field(ge=0, description="The most that another run may cost.", examples=[4.413333])
    ]
    period_begins_at: Annotated[
        Time | None,
        Field(description="Null before the first environment.", examples=["2026-11-24T09:30:00.000Z"]),
    ]
    period_ends_at: Annotated[
        Time | None,
        Field(
            description="When all is available again but what is reserved.",
            examples=["2026-12-24T09:30:00.000Z"],
        ),
    ]


class Creations(Answer):
    """The environments that the caller has created in the last 24 hours; retries of failed ones count."""

    limit: Annotated[int, Field(ge=1, examples=[10])]
    used: Annotated[int, Field(ge=0, examples=[1])]
    next_at: Annotated[
        Time | None, Field(description="When the next one may be created; null: now.", examples=[None])
    ]


class Removed(Answer):
    """Something that a delete has removed."""

    type: Annotated[str, Field(examples=["AWS::S3::Bucket"])]
    logical_id: Annotated[str | None, Field(examples=["SotBucket"])]
    id: Annotated[str | None, Field(examples=["terraglue-abcdefgh23-sot"])]
    count: Annotated[int | None, Field(examples=[None])]
    why: Annotated[str | None, Field(examples=[None])]


class Remaining(Answer):
    """Something that a delete has left, why, and until when."""

    type: Annotated[str, Field(examples=["AWS::KMS::Key"])]
    logical_id: Annotated[str | None, Field(examples=[None])]
    id: Annotated[str | None, Field(examples=["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"])]
    why: Annotated[
        str, Field(examples=["AWS keeps a deleted key for a waiting period, in which it cannot be used."])
    ]
    until: Annotated[Time | None, Field(examples=["2026-12-01T00:00:00.000Z"])]
    count: Annotated[
        int | None,
        Field(description="How many of the type, where they are not listed one by one.", examples=[None]),
    ]


class Receipt(Answer):
    """The proof of a delete."""

    removed: list[Removed]
    remaining: list[Remaining]


class EnvironmentLinks(Answer):
    """Where an environment's parts are."""

    self: Annotated[Link, Field(examples=[EXAMPLE_ENVIRONMENT])]
    job: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}"])]
    runs: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}/runs"])]
    job_files: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/job/files"])]
    events: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/events"])]
    tables: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/tables"])]


class Environment(Answer):
    """One person's sandbox."""

    id: EnvironmentId
    owner: Annotated[str, Field(examples=["ana"])]
    status: Annotated[Status, Field(examples=["READY"])]
    reason: Annotated[
        str | None, Field(description="Why it is where it is, when that needs saying.", examples=[None])
    ]
    failure: Annotated[Failure | None, Field(examples=[None])]
    mode: Annotated[Literal["learning", "production"], Field(examples=["learning"])]
    release: Annotated[str, Field(examples=["1.0.0-2f1c9a7be0d4"])]
    settings: Settings
    progress: Progress
    queue: Annotated[Queue | None, Field(description="While QUEUED.", examples=[None])]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    outputs: Annotated[Outputs | None, Field(description="Once the stack is complete.")]
    budget: Budget
    receipt: Annotated[Receipt | None, Field(description="Once DELETED.", examples=[None])]
    created_at: Time
    ready_at: Annotated[Time | None, Field(examples=["2026-11-24T09:32:10.000Z"])]
    updated_at: Annotated[Time, Field(examples=["2026-11-24T09:32:10.000Z"])]
    expires_at: Annotated[Time, Field(examples=["2026-11-27T09:30:00.000Z"])]
    deleted_at: Annotated[Time | None, Field(examples=[None])]
    links: EnvironmentLinks


class EnvironmentPage(Page[Environment]):
    """One page of environments."""


class Change(Answer):
    """One value that an event has changed, by its JSON pointer in the environment (or run)."""

    pointer: Annotated[str, Field(examples=["/status"])]
    old: Annotated[Any, Field(examples=["SEEDING"])]
    new: Annotated[Any, Field(examples=["READY"])]


class Event(Answer):
    """One line of an environment's timeline."""

    at: Time
    actor: Annotated[
        str,
        Field(
            description="The user's name. For other types the type itself; a user may have such a name, too.",
            examples=["service"],
        ),
    ]
    actor_type: Annotated[
        Literal["user", "service", "schedule"],
        Field(
            description="`user`: by a request. `service`: without one. `schedule`: by the job's schedule.",
            examples=["service"],
        ),
    ]
    as_admin: Annotated[
        bool, Field(description="An admin acted on what is somebody else's.", examples=[False])
    ]
    action: Annotated[str, Field(examples=["status_changed"])]
    request_id: Annotated[str | None, Field(examples=[None])]
    detail: Annotated[dict[str, Any] | None, Field(examples=[{"why": "data and scripts copied"}])]
    changes: list[Change]


class EventPage(Page[Event]):
    """One page of an environment's timeline."""


class Limits(Answer):
    """What the operator allows an owner and a sandbox; the ARNs are those that one may bring."""

    environments: Annotated[int, Field(examples=[1])]
    budget_usd: Annotated[float, Field(description="For `budget_days`.", examples=[5.0])]
    budget_days: Annotated[int, Field(examples=[30])]
    creations_per_day: Annotated[int, Field(examples=[10])]
    expires_in_hours: Annotated[int, Field(examples=[720])]
    number_of_workers: Annotated[int, Field(examples=[10])]
    timeout_minutes: Annotated[int, Field(examples=[60])]
    role_arns: Annotated[list[str], Field(examples=[[]])]
    kms_key_arns: Annotated[list[str], Field(examples=[[]])]


class Me(Answer):
    """Who is calling, their live environment, what is left to them, and their limits."""

    owner: Annotated[str, Field(examples=["ana"])]
    is_admin: Annotated[bool, Field(examples=[False])]
    environment: Environment | None
    budget: OwnerBudget
    creations: Creations
    limits: Limits


# -- the service ----------------------------------------------------------------------------------------


class Health(Answer):
    """That the service runs, and which release new environments get."""

    status: Annotated[Literal["ok"], Field(examples=["ok"])]
    release: Annotated[str, Field(examples=["1.0.0-2f1c9a7be0d4"])]


class Release(Answer):
    """A published release: template, scripts and data."""

    id: Annotated[str, Field(examples=["1.0.0-2f1c9a7be0d4"])]
    version: Annotated[str, Field(examples=["1.0.0"])]
    latest: Annotated[bool, Field(examples=[True])]
    published_at: Time
    notes: Annotated[str, Field(examples=["The first release."])]


class Releases(Answer):
    """Every published release, newest first."""

    items: list[Release]
