"""What callers are answered about jobs, their runs and files: more of `answers.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_JOB,
    Answer,
    EnvironmentId,
    JobId,
    Link,
    Page,
    PollAfter,
    Time,
    Usd,
)
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.pricing import WorkerType

_RUN = "3oc6lp4hbslpve34"


class JobLinks(Answer):
    """Where a job's parts are."""

    self: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}"])]
    runs: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}/runs"])]
    environment: Annotated[Link, Field(examples=[EXAMPLE_ENVIRONMENT])]
    job_files: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/job/files"])]


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
    script_uri: Annotated[
        str, Field(examples=[f"s3://terraglue-{EXAMPLE_ID}-glue-assets/jobs/sot_ecommerce.py"])
    ]
    max_cost_usd: Usd
    next_run_at: Annotated[
        Time | None,
        Field(
            description="When the schedule starts the next run; null without one or unless READY.",
            examples=[None],
        ),
    ]
    links: JobLinks


class RunError(Answer):
    """Why a run did not succeed, with the last lines of its error log."""

    message: Annotated[str, Field(examples=["ValueError: no such column"])]
    log_tail: Annotated[list[str], Field(examples=[["ValueError: no such column"]])]


class RunOutput(Answer):
    """A table that a run has written."""

    database: Annotated[str, Field(examples=[f"terraglue_{EXAMPLE_ID}_sot"])]
    table: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    location: Annotated[str, Field(examples=[f"s3://terraglue-{EXAMPLE_ID}-sot/tbsot_ecommerce_br"])]
    partitions: Annotated[
        list[dict[str, str]],
        Field(
            description="Up to ten partitions that it has written; empty where the table was as a whole.",
            examples=[[{"anomesdia": "20261124"}]],
        ),
    ]


class RunLinks(Answer):
    """Where a run's parts are."""

    self: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}/runs/{_RUN}"])]
    logs: Annotated[Link, Field(examples=[f"/jobs/{EXAMPLE_JOB}/runs/{_RUN}/logs"])]
    environment: Annotated[Link, Field(examples=[EXAMPLE_ENVIRONMENT])]


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
        Field(
            examples=[{"--OUTPUT_DB": f"terraglue_{EXAMPLE_ID}_sot", "--OUTPUT_TABLE": "tbsot_ecommerce_br"}]
        ),
    ]
    worker_type: Annotated[WorkerType, Field(examples=["G.1X"])]
    number_of_workers: Annotated[int, Field(examples=[5])]
    timeout_minutes: Annotated[int, Field(examples=[15])]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    requested_by: Annotated[str, Field(examples=["ana"])]
    requested_by_type: Annotated[
        Literal["user", "schedule"],
        Field(description="Whether `requested_by` is a user or the job's schedule.", examples=["user"]),
    ]
    stopped_by: Annotated[str | None, Field(examples=[None])]
    stopped_by_type: Annotated[
        Literal["user", "service"] | None,
        Field(
            description="Whether `stopped_by` is a user or the service, for a delete or a reset.",
            examples=[None],
        ),
    ]
    requested_at: Annotated[Time, Field(examples=["2026-11-24T09:40:00.000Z"])]
    started_at: Annotated[Time | None, Field(examples=["2026-11-24T09:40:03.000Z"])]
    completed_at: Annotated[Time | None, Field(examples=["2026-11-24T09:41:20.000Z"])]
    execution_seconds: Annotated[int | None, Field(examples=[77])]
    dpu_seconds: Annotated[float | None, Field(examples=[385.0])]
    cost_usd: Annotated[float | None, Field(examples=[0.047056])]
    max_cost_usd: Usd
    error: Annotated[RunError | None, Field(examples=[None])]
    output: Annotated[
        RunOutput | None,
        Field(
            description="The table that the run has written; of several, the one that its arguments name, or "
            "the first. Null if it has written none that the catalog knows, or has not succeeded."
        ),
    ]
    outputs: Annotated[
        list[RunOutput],
        Field(
            description="Up to twenty tables of the sandbox that have the run's mark or changed while it ran."
        ),
    ]
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

    self: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/job/files/sot_ecommerce.py"])]


class JobFile(Answer):
    """A file of an environment's job: its script, or what that imports or reads."""

    path: Annotated[str, Field(examples=["sot_ecommerce.py"])]
    size_bytes: Annotated[int, Field(ge=0, examples=[17204])]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["5f" * 32])]
    changed_by: Annotated[str, Field(examples=["release"])]
    changed_by_type: Annotated[
        Literal["user", "release"],
        Field(description="Whether `changed_by` is a user or the release.", examples=["release"]),
    ]
    changed_at: Time
    links: JobFileLinks


class JobFiles(Answer):
    """All files of an environment's job, by path."""

    items: list[JobFile]
