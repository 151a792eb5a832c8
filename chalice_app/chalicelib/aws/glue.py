"""Glue client: starts, reads and stops job runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.errors import call_or_none, calling
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.names import RUN_MARKER

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

# https://docs.aws.amazon.com/glue/latest/webapi/API_GetJobRuns.html
_RUNS_PER_CALL = 200
_CLOCKS_APART = timedelta(minutes=10)
_S3A_REGION = "spark.hadoop.fs.s3a.endpoint.region"
"""Without it, S3A of Glue 5.1 uses us-east-2, and writes to buckets elsewhere can time out.

https://docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html#migrating-version-51-from-50
"""


@dataclass(frozen=True)
class GlueRun:
    """A job run as Glue describes it. `dpu_seconds` is None if Glue does not report it."""

    id: str
    status: RunStatus
    marker: str | None
    started_at: datetime | None
    completed_at: datetime | None
    execution_seconds: int
    dpu_seconds: float | None
    error: str | None
    attempt: int = 0
    previous: str | None = None


class Glue:
    """Starts, reads and stops job runs. Methods raise `AwsError`.

    `starter` is a client that does not retry calls: a retried StartJobRun could start a second run.
    """

    def __init__(self, client: GlueClient, starter: GlueClient) -> None:
        self._client = client
        self._starter = starter

    def start(
        self,
        job: str,
        *,
        marker: str,
        arguments: Mapping[str, str],
        worker_type: str,
        number_of_workers: int,
        timeout_minutes: int,
    ) -> str:
        """Start a run and return Glue's ID of it.

        Call `attempts` before each repetition, because StartJobRun has no request token. The run gets
        `--conf` of the template, because jobs of older releases do not have it.
        """
        own = {RUN_MARKER: marker, "--conf": f"{_S3A_REGION}={self._client.meta.region_name}"}
        with calling():
            return self._starter.start_job_run(
                JobName=job,
                Arguments={**arguments, **own},
                WorkerType=cast(Any, worker_type),
                NumberOfWorkers=number_of_workers,
                Timeout=timeout_minutes,
            )["JobRunId"]

    def attempts(self, job: str, marker: str, since: datetime, known: str | None = None) -> list[GlueRun]:
        """Return the run with a marker, or with the `known` ID, and Glue's retries of it, oldest first.

        A retry names the run before it, in case a user has changed the job so that runs have no marker.
        `since` is when the run was requested. Glue lists runs newest first, so pages of earlier runs are not
        read.
        """
        listed: list[GlueRun] = []
        with calling():
            for page in self._client.get_paginator("get_job_runs").paginate(JobName=job):
                runs = [_run(run) for run in page["JobRuns"]]
                listed += runs
                if runs and runs[-1].started_at and runs[-1].started_at < since - _CLOCKS_APART:
                    break
        found: list[GlueRun] = []
        ids = {known}
        for run in reversed(listed):
            if run.marker == marker or run.id == known or (run.previous and run.previous in ids):
                found.append(run)
                ids.add(run.id)
        return sorted(found, key=lambda run: run.attempt)

    def max_retries(self, job: str) -> int:
        """Return how often Glue retries a failed run of a job, 0 if the job does not exist."""
        found = call_or_none(lambda: self._client.get_job(JobName=job)["Job"], "EntityNotFoundException")
        return int(found.get("MaxRetries", 0)) if found else 0

    def active(self, job: str) -> list[GlueRun]:
        """Return the runs that have not ended, started by any client.

        Makes one call, because active runs are among the newest. Returns an empty list if the job does not
        exist.
        """
        newest = call_or_none(
            lambda: self._client.get_job_runs(JobName=job, MaxResults=_RUNS_PER_CALL)["JobRuns"],
            "EntityNotFoundException",
        )
        return [run for run in map(_run, newest or ()) if not run.status.is_final]

    def get(self, job: str, run_id: str) -> GlueRun:
        """Return a run by Glue's ID."""
        with calling():
            return _run(self._client.get_job_run(JobName=job, RunId=run_id)["JobRun"])

    def stop(self, job: str, run_id: str) -> None:
        """Stop a run. Does nothing if it has ended."""
        with calling():
            self._client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])

    def reset_bookmark(self, job: str) -> None:
        """Delete the bookmark of a job. Does nothing if it has none."""
        with calling(ignore=("EntityNotFoundException",)):
            self._client.reset_job_bookmark(JobName=job)


def _run(run: Any) -> GlueRun:
    state = run["JobRunState"]
    return GlueRun(
        id=run["Id"],
        # The API has no WAITING (job run queuing) and no EXPIRED.
        status=RunStatus({"WAITING": "STARTING", "EXPIRED": "ERROR"}.get(state, state)),
        marker=run.get("Arguments", {}).get(RUN_MARKER),
        started_at=run.get("StartedOn"),
        completed_at=run.get("CompletedOn"),
        execution_seconds=int(run.get("ExecutionTime", 0)),
        dpu_seconds=run.get("DPUSeconds"),
        error=run.get("ErrorMessage"),
        attempt=int(run.get("Attempt", 0)),
        previous=run.get("PreviousRunId"),
    )
