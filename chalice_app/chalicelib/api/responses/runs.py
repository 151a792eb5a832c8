"""Job runs and their logs in responses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_JOB,
    EXAMPLE_SOT,
    EnvironmentId,
    JobId,
    Link,
    Page,
    PollAfter,
    ResponseBody,
    Time,
    Usd,
)
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.pricing import WorkerType

_RUN = "3oc6lp4hbslpve34"
_ROWS = f"{EXAMPLE_ENVIRONMENT}/tables/terraglue_{EXAMPLE_ID}_sot/tbsot_ecommerce_br/rows"


class RunError(ResponseBody):
    """Why a run did not succeed."""

    message: Annotated[
        str,
        Field(
            description="The exception's own sentence, with its file and line if Glue reports them; or "
            "Glue's message.",
            examples=["ValueError: no such column (main.py, line 12)"],
        ),
    ]
    log_tail: Annotated[
        list[str],
        Field(
            description="Last lines of the error log, without the stack frames of Java.",
            examples=[["ValueError: no such column"]],
        ),
    ]
    script: Annotated[
        str | None,
        Field(
            description="Job file that raised the error, with its path; the name of another file, such as a "
            "library's; or null if unknown.",
            examples=["main.py"],
        ),
    ]
    line: Annotated[
        int | None, Field(ge=0, description="Line of this file, or null if unknown.", examples=[12])
    ]
    sql_line: Annotated[
        int | None, Field(ge=0, description="Line of the Spark SQL statement, or null.", examples=[None])
    ]
    sql_position: Annotated[
        int | None,
        Field(ge=0, description="Position in this line, counted from 0, or null.", examples=[None]),
    ]
    cause: Annotated[
        str | None,
        Field(
            description="Cause, for programs, such as `out_of_memory`, `table_not_found` or `unknown`; "
            "docs/api.md lists them. Later versions may add causes. Null for runs that ended before "
            "the service knew causes.",
            examples=["value"],
        ),
    ]
    hint: Annotated[
        str | None,
        Field(
            description="What to do about the cause, or null.",
            examples=["The script passes a value that the function does not accept."],
        ),
    ]


class RunOutputLinks(ResponseBody):
    """Links of a table that a run wrote."""

    rows: Annotated[Link, Field(description="Its first rows.", examples=[_ROWS])]


class RunOutput(ResponseBody):
    """A table that a run wrote."""

    database: Annotated[
        str, Field(description="Database in the Data Catalog.", examples=[f"terraglue_{EXAMPLE_ID}_sot"])
    ]
    table: Annotated[str, Field(description="Name of the table.", examples=["tbsot_ecommerce_br"])]
    location: Annotated[str, Field(description="Location of its files in S3.", examples=[EXAMPLE_SOT])]
    partitions: Annotated[
        list[dict[str, str]],
        Field(
            description="Up to ten partitions that the run wrote, or empty if it wrote the whole table.",
            examples=[[{"anomesdia": "20261124"}]],
        ),
    ]
    links: Annotated[RunOutputLinks, Field(description="Related resources.")]


class RunLinks(ResponseBody):
    """Links of a run."""

    self: Annotated[Link, Field(description="The run.", examples=[f"/jobs/{EXAMPLE_JOB}/runs/{_RUN}"])]
    logs: Annotated[Link, Field(description="Its log.", examples=[f"/jobs/{EXAMPLE_JOB}/runs/{_RUN}/logs"])]
    metrics: Annotated[
        Link, Field(description="Its metrics.", examples=[f"/jobs/{EXAMPLE_JOB}/runs/{_RUN}/metrics"])
    ]
    rows: Annotated[
        Link | None,
        Field(
            description="The first rows of the table in `output`, or null if that is null. The items of "
            "`outputs` have links to theirs.",
            examples=[_ROWS],
        ),
    ]
    environment: Annotated[Link, Field(description="Its environment.", examples=[EXAMPLE_ENVIRONMENT])]


class JobRun(ResponseBody):
    """A run of an environment's job."""

    id: Annotated[str, Field(description="ID of the run.", pattern="^[a-z2-7]{16}$", examples=[_RUN])]
    job_id: JobId
    environment_id: EnvironmentId
    status: Annotated[RunStatus, Field(description="State of the run.", examples=["SUCCEEDED"])]
    reason: Annotated[str | None, Field(description="Explanation of `status`, or null.", examples=[None])]
    glue_run_id: Annotated[
        str | None,
        Field(
            description="Glue's ID of the run, or null until it starts.",
            examples=["jr_8f14e45fceea167a5a36dedd4bea2543"],
        ),
    ]
    arguments: Annotated[
        dict[str, str],
        Field(
            description="Arguments of the script.",
            examples=[{"--OUTPUT_DB": f"terraglue_{EXAMPLE_ID}_sot", "--OUTPUT_TABLE": "tbsot_ecommerce_br"}],
        ),
    ]
    worker_type: Annotated[WorkerType, Field(description="Type of the workers.", examples=["G.1X"])]
    number_of_workers: Annotated[int, Field(description="Number of workers.", examples=[5])]
    timeout_minutes: Annotated[int, Field(description="Timeout in minutes.", examples=[15])]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    requested_by: Annotated[str, Field(description="Name of the user, or `schedule`.", examples=["ana"])]
    requested_by_type: Annotated[
        Literal["user", "schedule"],
        Field(description="Whether a user or the job's schedule requested the run.", examples=["user"]),
    ]
    stopped_by: Annotated[
        str | None,
        Field(description="Name of the user, or `service`; null unless stopped.", examples=[None]),
    ]
    stopped_by_type: Annotated[
        Literal["user", "service"] | None,
        Field(
            description=(
                "`user` if a user stopped the run, `service` if a deletion or reset did, otherwise null."
            ),
            examples=[None],
        ),
    ]
    requested_at: Annotated[
        Time, Field(description="When it was requested.", examples=["2026-11-24T09:40:00.000Z"])
    ]
    started_at: Annotated[
        Time | None,
        Field(description="When Glue started it, or null.", examples=["2026-11-24T09:40:03.000Z"]),
    ]
    completed_at: Annotated[
        Time | None, Field(description="When it ended, or null.", examples=["2026-11-24T09:41:20.000Z"])
    ]
    execution_seconds: Annotated[
        int | None, Field(description="Seconds that it ran, or null until it ends.", examples=[77])
    ]
    dpu_seconds: Annotated[
        float | None, Field(description="DPU-seconds that it used, or null until it ends.", examples=[385.0])
    ]
    cost_usd: Annotated[
        float | None, Field(description="Its cost, or null until it ends.", examples=[0.047056])
    ]
    max_cost_usd: Annotated[
        Usd, Field(description="Its maximum cost, reserved in the owner's budget until it ends.")
    ]
    error: Annotated[RunError | None, Field(description="Why it did not succeed, or null.", examples=[None])]
    output: Annotated[
        RunOutput | None,
        Field(
            description=(
                "The table that the run wrote: the one that its arguments name, or the first of `outputs`. "
                "Null if there is none or the run has not succeeded."
            )
        ),
    ]
    outputs: Annotated[
        list[RunOutput],
        Field(description="Up to 20 tables of the environment that the run wrote."),
    ]
    links: Annotated[RunLinks, Field(description="Related resources.")]


class JobRunPage(Page[JobRun]):
    """One page of runs."""


class LogLine(ResponseBody):
    """A line of a run's log."""

    time: Annotated[Time, Field(description="Time of the line.", examples=["2026-11-24T09:40:31.120Z"])]
    message: Annotated[
        str, Field(description="Text of the line.", examples=["wrote 9921 rows to tbsot_ecommerce_br"])
    ]


class LogPage(Page[LogLine]):
    """One page of a run's log."""

    complete: Annotated[
        bool,
        Field(
            description="True if the run has ended and no line follows this page; then `next` is null.",
            examples=[True],
        ),
    ]
