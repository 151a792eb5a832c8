"""A job run as it is recorded first, whoever asks for it: with all that its worst cost follows from."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, sortable_id, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.pricing import Prices
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.timeline import ActorType
from chalicelib.runs.job_runs import default_arguments, log_prefix


def new_run(
    environment: Environment,
    wanted: RunRequest,
    *,
    prices: Prices,
    lease_seconds: int,
    moment: datetime,
    requested_by: str,
    requested_by_type: ActorType = ActorType.USER,
    run_id: str | None = None,
) -> JobRun:
    """A run that whoever records it may start at once; its lease says when others may.

    Workers, timeout and arguments are handed to StartJobRun, so nothing that happens to the job meanwhile
    makes it dearer; MaxRetries is the job's alone, which does not change while a run goes on (updating.py).
    """
    job = environment.settings.job
    worker_type = wanted.worker_type or job.worker_type
    workers = wanted.number_of_workers or job.number_of_workers
    timeout = wanted.timeout_minutes or job.timeout_minutes
    price, retries = prices.of(worker_type), job.max_retries
    return JobRun(
        id=run_id or sortable_id(moment),
        environment_id=environment.id,
        owner=environment.owner,
        job_id=environment.job_id,
        status=RunStatus.PENDING,
        arguments={**default_arguments(environment), **job.arguments, **wanted.arguments},
        worker_type=worker_type,
        number_of_workers=workers,
        timeout_minutes=timeout,
        requested_by=requested_by,
        requested_by_type=requested_by_type,
        requested_at=timestamp(moment),
        max_cost_micro_usd=pricing.worst_case_micro_usd(
            worker_type, workers, timeout, price, max_retries=retries
        ),
        log_prefix=log_prefix(environment),
        max_retries=retries,
        price_per_dpu_hour_usd=str(price),
        start_attempts=1,
        due_at=later(moment, lease_seconds),
    )


def missing_files(environment: Environment) -> list[str]:
    """The job files that a run needs and that are not there yet.

    Without its script it would only cost a minute of Spark to say so.
    """
    return [path for path in environment.files_of_run if path not in environment.job_files]
