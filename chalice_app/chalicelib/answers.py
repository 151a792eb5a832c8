"""What callers are answered: the models behind the bodies of all responses, and behind `/openapi.json`.

Every field is always there; what is not known (yet) is null. Times are RFC 3339 in UTC, money is in dollars,
links are relative to the host. `representations.py` fills these models from the records. The examples of the
fields make up the examples of the document.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.pricing import WorkerType
from chalicelib.records import RunStatus, Status
from chalicelib.settings import Settings

_ID = "k3v7q2mzab"
_RUN = "3oc6lp4hbslpve34"
_JOB = f"terraglue-{_ID}-sot-ecommerce-br"
_ENVIRONMENT = f"/environments/{_ID}"
_SOT_TABLE = f"s3://terraglue-{_ID}-sot/tbsot_ecommerce_br"

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T09:30:00.000Z"])]
Link = Annotated[str, Field(json_schema_extra={"format": "uri-reference"}, examples=[_ENVIRONMENT])]
EnvironmentId = Annotated[str, Field(pattern="^[a-z2-7]{10}$", examples=[_ID])]
JobId = Annotated[str, Field(pattern="^terraglue-[a-z2-7]{10}-[a-z0-9][a-z0-9-]{0,63}$", examples=[_JOB])]
Usd = Annotated[float, Field(ge=0, examples=[0.55])]
PollAfter = Annotated[
    int | None,
    Field(description="When it is worth to look again; null when nothing goes on.", examples=[3]),
]


class Answer(BaseModel):
    """Has the fields it says and no other."""

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
    """One thing that is wrong with a request: `pointer` is a JSON pointer (RFC 6901) into body or query."""

    pointer: Annotated[str, Field(examples=["/job/number_of_workers"])]
    detail: Annotated[str, Field(examples=["Input should be greater than or equal to 2."])]
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
    environment: Annotated[
        Link | None, Field(default=None, description="The caller's live environment, for environment_exists.")
    ]


# -- environments ----------------------------------------------------------------------------------------


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

    done: Annotated[int, Field(ge=0, examples=[1])]
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

    sor: Annotated[str, Field(examples=[f"terraglue-{_ID}-sor"])]
    sot: Annotated[str, Field(examples=[f"terraglue-{_ID}-sot"])]
    spec: Annotated[str, Field(examples=[f"terraglue-{_ID}-spec"])]
    glue_assets: Annotated[str, Field(examples=[f"terraglue-{_ID}-glue-assets"])]
    athena_results: Annotated[str, Field(examples=[f"terraglue-{_ID}-athena-results"])]


class LogGroups(Answer):
    """The CloudWatch log groups of an environment's runs."""

    output: Annotated[str, Field(examples=[f"/aws-glue/jobs/terraglue-{_ID}/output"])]
    error: Annotated[str, Field(examples=[f"/aws-glue/jobs/terraglue-{_ID}/error"])]


class Outputs(Answer):
    """What an environment consists of in AWS; `console` has a link into the AWS console for each part."""

    buckets: Buckets
    databases: Annotated[
        dict[str, str],
        Field(
            description="Catalog databases, by the name of the data set; `sot` is the job's.",
            examples=[{"db_ecommerce": f"terraglue_{_ID}_db_ecommerce", "sot": f"terraglue_{_ID}_sot"}],
        ),
    ]
    job_id: JobId
    trigger: Annotated[str | None, Field(examples=[None])]
    athena_workgroup: Annotated[str | None, Field(examples=[f"terraglue-{_ID}"])]
    role_arn: Annotated[str, Field(examples=[f"arn:aws:iam::123456789012:role/terraglue-{_ID}-glue-job"])]
    kms_key_arn: Annotated[
        str | None,
        Field(examples=["arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"]),
    ]
    security_configuration: Annotated[str | None, Field(examples=[f"terraglue-{_ID}"])]
    log_groups: LogGroups
    console: Annotated[
        dict[str, str],
        Field(
            examples=[
                {"bucket_sor": f"https://us-east-1.console.aws.amazon.com/s3/buckets/terraglue-{_ID}-sor"}
            ]
        ),
    ]


class Budget(Answer):
    """An environment's money: what it may spend, has spent, and has set aside for runs that go on."""

    limit_usd: Annotated[float, Field(examples=[5.0])]
    spent_usd: Annotated[float, Field(ge=0, examples=[0.036667])]
    reserved_usd: Annotated[float, Field(ge=0, examples=[0.0])]


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


class Receipt(Answer):
    """The proof of a delete."""

    removed: list[Removed]
    remaining: list[Remaining]


class EnvironmentLinks(Answer):
    """Where an environment's parts are."""

    self: Annotated[Link, Field(examples=[_ENVIRONMENT])]
    job: Annotated[Link, Field(examples=[f"/jobs/{_JOB}"])]
    runs: Annotated[Link, Field(examples=[f"/jobs/{_JOB}/runs"])]
    job_files: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/job/files"])]
    events: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/events"])]
    tables: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/tables"])]


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
        Field(description="Who: an owner, `service`, or `schedule` for runs by cron.", examples=["service"]),
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
    """What the operator allows a sandbox; the ARNs are those that one may bring."""

    environments: Annotated[int, Field(examples=[1])]
    budget_usd: Annotated[float, Field(examples=[5.0])]
    expires_in_hours: Annotated[int, Field(examples=[720])]
    number_of_workers: Annotated[int, Field(examples=[10])]
    timeout_minutes: Annotated[int, Field(examples=[60])]
    role_arns: Annotated[list[str], Field(examples=[[]])]
    kms_key_arns: Annotated[list[str], Field(examples=[[]])]


class Me(Answer):
    """Who is calling, their live environment and their limits."""

    owner: Annotated[str, Field(examples=["ana"])]
    is_admin: Annotated[bool, Field(examples=[False])]
    environment: Environment | None
    limits: Limits


# -- tables ----------------------------------------------------------------------------------------------


class Column(Answer):
    """A column of a table, with its Hive type."""

    name: Annotated[str, Field(examples=["order_id"])]
    type: Annotated[str, Field(examples=["string"])]
    comment: Annotated[str | None, Field(examples=[None])]


class Partition(Answer):
    """A partition: its values, as the catalog has them, by the names of the table's keys."""

    values: Annotated[dict[str, str], Field(examples=[{"anomesdia": "20261124"}])]
    location: Annotated[str | None, Field(examples=[f"{_SOT_TABLE}/anomesdia=20261124"])]


class Partitions(Answer):
    """How many partitions a table has, and the last ten by their values, the last first."""

    count: Annotated[int, Field(ge=0, examples=[1])]
    is_complete: Annotated[
        bool, Field(description="False: there are more than were counted.", examples=[True])
    ]
    last: list[Partition]


class TableLinks(Answer):
    """Where to look into a table."""

    rows: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/tables/sot/tbsot_ecommerce_br/rows"])]


class Table(Answer):
    """A table as the Data Catalog describes it."""

    name: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    description: Annotated[str | None, Field(examples=[None])]
    format: Annotated[str | None, Field(examples=["parquet"])]
    location: Annotated[str | None, Field(examples=[_SOT_TABLE])]
    columns: list[Column]
    partition_keys: Annotated[
        list[Column], Field(examples=[[{"name": "anomesdia", "type": "int", "comment": None}]])
    ]
    partitions: Annotated[
        Partitions | None, Field(description="Null where there can be none, or they were not counted.")
    ]
    updated_at: Annotated[Time | None, Field(examples=["2026-11-24T09:41:20.000Z"])]
    links: TableLinks


class Database(Answer):
    """A database of an environment, by its short name and by the catalog's."""

    name: Annotated[str, Field(examples=["sot"])]
    catalog_name: Annotated[str, Field(examples=[f"terraglue_{_ID}_sot"])]
    is_complete: Annotated[
        bool, Field(description="False: there are more tables than are shown.", examples=[True])
    ]
    tables: list[Table]


class TablesLinks(Answer):
    """Where the tables belong."""

    self: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/tables"])]
    environment: Annotated[Link, Field(examples=[_ENVIRONMENT])]


class Tables(Answer):
    """An environment's databases with their tables."""

    items: list[Database]
    links: TablesLinks


class RowsLinks(Answer):
    """Where the rows belong."""

    self: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/tables/sot/tbsot_ecommerce_br/rows"])]
    tables: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/tables"])]
    environment: Annotated[Link, Field(examples=[_ENVIRONMENT])]


class Rows(Answer):
    """The first rows of a table, in the order in which they were read."""

    database: Annotated[str, Field(examples=["sot"])]
    catalog_database: Annotated[str, Field(examples=[f"terraglue_{_ID}_sot"])]
    table: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    columns: Annotated[list[Column], Field(description="The partition keys are the last of them.")]
    items: Annotated[
        list[dict[str, Any]],
        Field(
            description=(
                "Values by column: integers are numbers of any size, decimals are texts that keep every "
                "digit, timestamps are RFC 3339, nested values are JSON; texts where JSON has no word (NaN)."
            ),
            examples=[[{"order_id": "bc9652f3", "sum_order_price": "96.89", "qty_order_items": 1}]],
        ),
    ]
    scanned_bytes: Annotated[int, Field(ge=0, description="What Athena read for it.", examples=[1843201])]
    links: RowsLinks


# -- jobs and runs ---------------------------------------------------------------------------------------


class JobLinks(Answer):
    """Where a job's parts are."""

    self: Annotated[Link, Field(examples=[f"/jobs/{_JOB}"])]
    runs: Annotated[Link, Field(examples=[f"/jobs/{_JOB}/runs"])]
    environment: Annotated[Link, Field(examples=[_ENVIRONMENT])]
    job_files: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/job/files"])]


class Job(Answer):
    """An environment's Glue job as it runs when a request says nothing else."""

    id: JobId
    environment_id: EnvironmentId
    name: Annotated[str, Field(examples=["sot-ecommerce-br"])]
    description: Annotated[str, Field(examples=["Builds the table tbsot_ecommerce_br, one row per order"])]
    script: Annotated[str, Field(examples=["sot_ecommerce.py"])]
    extra_files: Annotated[list[str], Field(examples=[[]])]
    python_modules: Annotated[list[str], Field(examples=[[]])]
    arguments: Annotated[dict[str, str], Field(examples=[{}])]
    glue_version: Annotated[str, Field(examples=["5.1"])]
    worker_type: Annotated[WorkerType, Field(examples=["G.1X"])]
    number_of_workers: Annotated[int, Field(examples=[5])]
    timeout_minutes: Annotated[int, Field(examples=[15])]
    max_retries: Annotated[int, Field(examples=[0])]
    max_concurrent_runs: Annotated[int, Field(examples=[1])]
    schedule: Annotated[str | None, Field(examples=[None])]
    script_uri: Annotated[str, Field(examples=[f"s3://terraglue-{_ID}-glue-assets/jobs/sot_ecommerce.py"])]
    max_cost_usd: Usd
    links: JobLinks


class RunError(Answer):
    """Why a run did not succeed, with the last lines of its error log."""

    message: Annotated[str, Field(examples=["ValueError: no such column"])]
    log_tail: Annotated[list[str], Field(examples=[["ValueError: no such column"]])]


class RunOutput(Answer):
    """The table that a run has written."""

    database: Annotated[str, Field(examples=[f"terraglue_{_ID}_sot"])]
    table: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    location: Annotated[str, Field(examples=[f"s3://terraglue-{_ID}-sot/tbsot_ecommerce_br"])]


class RunLinks(Answer):
    """Where a run's parts are."""

    self: Annotated[Link, Field(examples=[f"/jobs/{_JOB}/runs/{_RUN}"])]
    logs: Annotated[Link, Field(examples=[f"/jobs/{_JOB}/runs/{_RUN}/logs"])]
    environment: Annotated[Link, Field(examples=[_ENVIRONMENT])]


class JobRun(Answer):
    """One run of an environment's job."""

    id: Annotated[str, Field(pattern="^[a-z2-7]{16}$", examples=[_RUN])]
    job_id: JobId
    environment_id: EnvironmentId
    status: Annotated[RunStatus, Field(examples=["SUCCEEDED"])]
    reason: Annotated[str | None, Field(examples=[None])]
    glue_run_id: Annotated[str | None, Field(examples=["jr_8f14e45fceea167a5a36dedd4bea2543"])]
    arguments: Annotated[
        dict[str, str],
        Field(examples=[{"--OUTPUT_DB": f"terraglue_{_ID}_sot", "--OUTPUT_TABLE": "tbsot_ecommerce_br"}]),
    ]
    worker_type: Annotated[WorkerType, Field(examples=["G.1X"])]
    number_of_workers: Annotated[int, Field(examples=[5])]
    timeout_minutes: Annotated[int, Field(examples=[15])]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    requested_by: Annotated[str, Field(examples=["ana"])]
    stopped_by: Annotated[str | None, Field(examples=[None])]
    requested_at: Annotated[Time, Field(examples=["2026-11-24T09:40:00.000Z"])]
    started_at: Annotated[Time | None, Field(examples=["2026-11-24T09:40:03.000Z"])]
    completed_at: Annotated[Time | None, Field(examples=["2026-11-24T09:41:20.000Z"])]
    execution_seconds: Annotated[int | None, Field(examples=[77])]
    dpu_seconds: Annotated[float | None, Field(examples=[385.0])]
    cost_usd: Annotated[float | None, Field(examples=[0.047056])]
    max_cost_usd: Usd
    error: Annotated[RunError | None, Field(examples=[None])]
    output: RunOutput | None
    links: RunLinks


class JobRunPage(Page[JobRun]):
    """One page of runs."""


class LogLine(Answer):
    """A line of a run's log."""

    time: Annotated[Time, Field(examples=["2026-11-24T09:40:31.120Z"])]
    message: Annotated[str, Field(examples=["wrote 9921 rows to tbsot_ecommerce_br"])]


class LogPage(Page[LogLine]):
    """One page of a run's log."""


class JobFileLinks(Answer):
    """Where a job file is."""

    self: Annotated[Link, Field(examples=[f"{_ENVIRONMENT}/job/files/sot_ecommerce.py"])]


class JobFile(Answer):
    """A file of an environment's job: its script, or what that imports or reads."""

    path: Annotated[str, Field(examples=["sot_ecommerce.py"])]
    size_bytes: Annotated[int, Field(ge=0, examples=[17204])]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["5f" * 32])]
    changed_by: Annotated[str, Field(examples=["release"])]
    changed_at: Time
    links: JobFileLinks


class JobFiles(Answer):
    """All files of an environment's job, by path."""

    items: list[JobFile]


# -- the service -----------------------------------------------------------------------------------------


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
