"""How Glue is asked about job runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.errors import calling
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.names import RUN_MARKER

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

# https://docs.aws.amazon.com/glue/latest/webapi/API_GetJobRuns.html
_RUNS_A_LOOK = 200
_CLOCKS_APART = timedelta(minutes=10)


@dataclass(frozen=True)
class GlueRun:
    """A job run as Glue describes it now.

    `dpu_seconds` is None where Glue does not report it.
    """

    id: str
    status: RunStatus
    marker: str | None
    started_at: datetime | None
    completed_at: datetime | None
    execution_seconds: int
    dpu_seconds: float | None
    error: str | None
    attempt: int = 0


class Glue:
    """The calls that job runs need; errors come out as `AwsError`."""

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
        """Start a run and return Glue's id for it; called at most once per look at `find`.

        The `starter` client never repeats a call by itself, for a repetition could start a second run.
        """
        with calling():
            return self._starter.start_job_run(
                JobName=job,
                Arguments={**arguments, RUN_MARKER: marker},
                WorkerType=cast(Any, worker_type),
                NumberOfWorkers=number_of_workers,
                Timeout=timeout_minutes,
            )["JobRunId"]

    def attempts(self, job: str, marker: str, since: datetime) -> list[GlueRun]:
        """The runs that carry a marker, oldest first: one, and those by which Glue itself retried it.

        `since` is when the first was asked for; as the newest come first, a job's earlier runs are not read.
        """
        found: list[GlueRun] = []
        with calling():
            for page in self._client.get_paginator("get_job_runs").paginate(JobName=job):
                runs = [_run(run) for run in page["JobRuns"]]
                found += [run for run in runs if run.marker == marker]
                if runs and runs[-1].started_at and runs[-1].started_at < since - _CLOCKS_APART:
                    break
        return sorted(found, key=lambda run: run.attempt)

    def active(self, job: str) -> list[GlueRun]:
        """The runs that have not ended, whoever started them: one call, for they are among the newest."""
        with calling("EntityNotFoundException"):
            newest = self._client.get_job_runs(JobName=job, MaxResults=_RUNS_A_LOOK)["JobRuns"]
            return [run for run in map(_run, newest) if not run.status.is_final]
        return []

    def get(self, job: str, run_id: str) -> GlueRun:
        """One run by Glue's id."""
        with calling():
            return _run(self._client.get_job_run(JobName=job, RunId=run_id)["JobRun"])

    def stop(self, job: str, run_id: str) -> None:
        """Ask Glue to stop a run; one that has ended is left as it is."""
        with calling():
            self._client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])


def _run(run: Any) -> GlueRun:
    state = run["JobRunState"]
    return GlueRun(
        id=run["Id"],
        # WAITING (job run queuing) and EXPIRED are Glue states that the contract folds into its own.
        status=RunStatus({"WAITING": "STARTING", "EXPIRED": "ERROR"}.get(state, state)),
        marker=run.get("Arguments", {}).get(RUN_MARKER),
        started_at=run.get("StartedOn"),
        completed_at=run.get("CompletedOn"),
        execution_seconds=int(run.get("ExecutionTime", 0)),
        dpu_seconds=run.get("DPUSeconds"),
        error=run.get("ErrorMessage"),
        attempt=int(run.get("Attempt", 0)),
    )
