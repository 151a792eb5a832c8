"""Presenter of jobs, their runs and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from chalicelib.api import responses
from chalicelib.api.presenters.environments import warnings_body
from chalicelib.api.presenters.polling import poll_after
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunOutput
from chalicelib.domain.job_warnings import JobWarning
from chalicelib.domain.pricing import WorkerType, usd
from chalicelib.domain.settings import JobSettings


def job_body(
    environment: Environment, settings: JobSettings, max_cost_micro_usd: int, base: str
) -> responses.Job:
    """Return the body of a job of an environment, from the job's settings."""
    shown = type(settings).model_fields.keys() & responses.Job.model_fields.keys()
    job_id = environment.id_of(settings)
    link = f"{base}/jobs/{job_id}"
    return responses.Job(
        id=job_id,
        environment_id=environment.id,
        **{name: getattr(settings, name) for name in shown}
        | {"max_concurrent_runs": environment.max_concurrent_runs(settings)},
        script_uri=environment.job_file_uri(environment.script(settings)),
        max_cost_usd=usd(max_cost_micro_usd),
        next_run_at=environment.next_run_of(settings) if environment.status is Status.READY else None,
        links=responses.JobLinks(
            self=link,
            runs=f"{link}/runs",
            environment=f"{base}/environments/{environment.id}",
            job_files=f"{base}/environments/{environment.id}/job/files",
        ),
    )


def run_body(run: JobRun, base: str, moment: datetime | None = None) -> responses.JobRun:
    """Return the body of a run. `moment` is now, or None if it was just written."""
    link = f"{base}/jobs/{run.job_id}/runs/{run.id}"
    environment = f"{base}/environments/{run.environment_id}"
    return responses.JobRun(
        id=run.id,
        job_id=run.job_id,
        environment_id=run.environment_id,
        status=run.status,
        reason=run.reason,
        glue_run_id=run.glue_run_id,
        arguments=run.arguments,
        worker_type=cast(WorkerType, run.worker_type),
        number_of_workers=run.number_of_workers,
        timeout_minutes=run.timeout_minutes,
        poll_after_seconds=None if run.status.is_final else poll_after(run.requested_at, moment),
        requested_by=run.requested_by,
        requested_by_type=cast(Any, run.requested_by_type),
        stopped_by=run.stopped_by,
        stopped_by_type=cast(Any, run.stopped_by_type),
        requested_at=run.requested_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        execution_seconds=run.execution_seconds,
        dpu_seconds=run.dpu_seconds,
        cost_usd=None if run.cost_micro_usd is None else usd(run.cost_micro_usd),
        max_cost_usd=usd(run.max_cost_micro_usd),
        error=responses.RunError(**asdict(run.error)) if run.error else None,
        output=_output(run.output, environment) if run.output else None,
        outputs=[_output(output, environment) for output in run.outputs],
        links=responses.RunLinks(
            self=link,
            logs=f"{link}/logs",
            metrics=f"{link}/metrics",
            rows=_rows(run.output, environment) if run.output else None,
            environment=environment,
        ),
    )


def job_file_body(environment: Environment, path: str, base: str) -> responses.JobFile:
    """Return the body of a job file."""
    file = environment.job_files[path]
    return responses.JobFile(
        path=path,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        changed_by=file.changed_by,
        changed_by_type=cast(Any, file.changed_by_type),
        changed_at=file.changed_at,
        links=responses.JobFileLinks(self=f"{base}/environments/{environment.id}/job/files/{path}"),
    )


def uploaded_file_body(
    environment: Environment, path: str, base: str, warnings: Iterable[JobWarning]
) -> responses.UploadedJobFile:
    """Return the body of a job file that was just written."""
    file = job_file_body(environment, path, base)
    return responses.UploadedJobFile(**dict(file), warnings=warnings_body(warnings))


def _output(output: RunOutput, environment: str) -> responses.RunOutput:
    links = responses.RunOutputLinks(rows=_rows(output, environment))
    return responses.RunOutput(**asdict(output), links=links)


def _rows(output: RunOutput, environment: str) -> str:
    return f"{environment}/tables/{quote(output.database, safe='')}/{quote(output.table, safe='')}/rows"
