"""Metrics of job runs in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import EXAMPLE_JOB, EXAMPLE_SOT, Link, ResponseBody, Time
from chalicelib.domain.job_run import RunStatus

_LINK = f"/jobs/{EXAMPLE_JOB}/runs/3oc6lp4hbslpve34"
Count = Annotated[int, Field(ge=0, examples=[9921])]
Seconds = Annotated[float, Field(ge=0, examples=[1.25])]


class Amounts(ResponseBody):
    """What tasks read, wrote and used together. Rows and bytes are those of tasks that succeeded."""

    rows_read: Annotated[Count, Field(description="Rows read from files and tables.")]
    bytes_read: Annotated[Count, Field(description="Bytes of files read.")]
    rows_written: Annotated[Count, Field(description="Rows written to files.")]
    bytes_written: Annotated[Count, Field(description="Bytes of files written.")]
    shuffle_rows_read: Annotated[Count, Field(description="Rows read from other tasks.")]
    shuffle_bytes_read: Annotated[Count, Field(description="Bytes read from other tasks.")]
    shuffle_rows_written: Annotated[Count, Field(description="Rows written for other tasks.")]
    shuffle_bytes_written: Annotated[Count, Field(description="Bytes written for other tasks.")]
    spilled_bytes: Annotated[Count, Field(description="Bytes written to disk because memory was short.")]
    task_seconds: Annotated[Seconds, Field(description="Run time of the tasks on the executors.")]
    cpu_seconds: Annotated[Seconds, Field(description="CPU time of the tasks.")]
    gc_seconds: Annotated[Seconds, Field(description="Garbage collection during the tasks.")]
    failed_tasks: Annotated[
        int, Field(ge=0, description="Tasks that failed or were killed. Spark runs them again.", examples=[0])
    ]


class StageMetrics(ResponseBody):
    """One attempt of a stage of Spark."""

    id: Annotated[int, Field(description="Number of the stage.", examples=[3])]
    attempt: Annotated[int, Field(description="Number of the attempt, from 0.", examples=[0])]
    name: Annotated[
        str, Field(description="What started it.", examples=["parquet at NativeMethodAccessorImpl.java:0"])
    ]
    tasks: Annotated[int, Field(ge=0, description="Number of its tasks.", examples=[4])]
    started_at: Annotated[
        Time | None, Field(description="When it started, or null.", examples=["2026-11-24T09:40:31.120Z"])
    ]
    ended_at: Annotated[
        Time | None, Field(description="When it ended, or null.", examples=["2026-11-24T09:40:32.370Z"])
    ]
    seconds: Annotated[
        Seconds | None, Field(description="Its duration, or null until it ends.", examples=[1.25])
    ]
    is_failed: Annotated[bool, Field(description="Whether it failed.", examples=[False])]
    largest_task_seconds: Annotated[
        Seconds | None,
        Field(description="Duration of its longest task, or null if none has succeeded.", examples=[1.1]),
    ]
    median_task_seconds: Annotated[
        Seconds | None, Field(description="Median of its tasks' durations.", examples=[1.0])
    ]
    skew: Annotated[
        float | None,
        Field(ge=0, description="The longest task over the median; null below two tasks.", examples=[1.1]),
    ]
    amounts: Annotated[Amounts, Field(description="What its tasks read, wrote and used.")]


class Dataset(ResponseBody):
    """Files that a run read or wrote. Numbers are those of the scan or write with the most rows."""

    location: Annotated[
        str | None,
        Field(
            description="Location in S3 that the script or the Data Catalog names: of a table, or of a "
            "partition below it.",
            examples=[f"{EXAMPLE_SOT}/anomesdia=20261124"],
        ),
    ]
    table: Annotated[
        str | None,
        Field(description="Name of the table, or null if the script named the location.", examples=[None]),
    ]
    format: Annotated[str | None, Field(description="Format of the files, or null.", examples=["parquet"])]
    rows: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Number of rows, or null if unknown.", examples=[9921]),
    ]
    bytes: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Size of the files, or null if unknown.", examples=[1370337]),
    ]
    files: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Number of the files, or null if unknown.", examples=[1]),
    ]


class RunMetricsLinks(ResponseBody):
    """Links of a run's metrics."""

    self: Annotated[Link, Field(description="The metrics.", examples=[f"{_LINK}/metrics"])]
    run: Annotated[Link, Field(description="The run.", examples=[_LINK])]


class RunMetrics(ResponseBody):
    """Metrics of a run from Spark's event log."""

    status: Annotated[RunStatus, Field(description="State of the run.", examples=["SUCCEEDED"])]
    available: Annotated[
        bool, Field(description="Whether there are metrics. Otherwise `reason` says why.", examples=[True])
    ]
    reason: Annotated[str | None, Field(description="Why there are no metrics, or null.", examples=[None])]
    partial: Annotated[
        bool, Field(description="True while the run is active: the metrics grow.", examples=[False])
    ]
    truncated: Annotated[
        bool,
        Field(description="True if the log was too long to read in one request.", examples=[False]),
    ]
    stage_count: Annotated[int, Field(ge=0, description="Number of stages.", examples=[12])]
    task_count: Annotated[int, Field(ge=0, description="Number of tasks that ended.", examples=[48])]
    application_seconds: Annotated[Seconds, Field(description="Duration of the Spark application.")]
    driver_seconds: Annotated[
        Seconds,
        Field(description="Time without an active stage: the driver planned, listed files, or ran Python."),
    ]
    longest_stage: Annotated[int | None, Field(description="Number of the longest stage.", examples=[3])]
    skewed_stage: Annotated[
        int | None,
        Field(
            description="Number of the stage whose longest task exceeds the median by the most time.",
            examples=[3],
        ),
    ]
    skew: Annotated[float | None, Field(ge=0, description="The skew of that stage.", examples=[1.1])]
    totals: Annotated[Amounts | None, Field(description="Sums of all stages, or null without metrics.")]
    stages: Annotated[
        list[StageMetrics], Field(description="The 100 longest stages, in the order of their numbers.")
    ]
    reads: Annotated[
        list[Dataset] | None,
        Field(
            description="Up to 50 locations that Spark SQL read. Null without metrics, and for runs whose "
            "metrics were stored by an earlier version."
        ),
    ]
    writes: Annotated[
        list[Dataset] | None, Field(description="Up to 50 locations that Spark SQL wrote, in the same way.")
    ]
    links: Annotated[RunMetricsLinks, Field(description="Related resources.")]
