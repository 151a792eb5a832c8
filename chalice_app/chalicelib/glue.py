"""How Glue is asked: job runs and the catalog's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import from_boto
from chalicelib.records import RunStatus

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

RUN_MARKER = "--terraglue-run-id"
"""The argument by which a run is recognised: StartJobRun has no request token of its own."""


@dataclass(frozen=True)
class GlueRun:
    """A job run as Glue describes it now. `dpu_seconds` is None where Glue does not report it."""

    id: str
    status: RunStatus
    marker: str | None
    started_at: datetime | None
    completed_at: datetime | None
    execution_seconds: int
    dpu_seconds: float | None
    error: str | None


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
        try:
            response = self._starter.start_job_run(
                JobName=job,
                Arguments={**arguments, RUN_MARKER: marker},
                WorkerType=cast(Any, worker_type),
                NumberOfWorkers=number_of_workers,
                Timeout=timeout_minutes,
            )
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        return response["JobRunId"]

    def find(self, job: str, marker: str) -> GlueRun | None:
        """The run that carries a marker; None when Glue knows none."""
        try:
            for page in self._client.get_paginator("get_job_runs").paginate(JobName=job):
                for run in page["JobRuns"]:
                    if run.get("Arguments", {}).get(RUN_MARKER) == marker:
                        return _run(run)
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        return None

    def get(self, job: str, run_id: str) -> GlueRun:
        """One run by Glue's id."""
        try:
            return _run(self._client.get_job_run(JobName=job, RunId=run_id)["JobRun"])
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def stop(self, job: str, run_id: str) -> None:
        """Ask Glue to stop a run; one that has ended is left as it is."""
        try:
            self._client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def table_location(self, database: str, table: str) -> str | None:
        """Where a catalog table's data lies; None when there is no such table."""
        try:
            found = self._client.get_table(DatabaseName=database, Name=table)["Table"]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "EntityNotFoundException":
                return None
            raise failure from error
        return found.get("StorageDescriptor", {}).get("Location")


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
    )
