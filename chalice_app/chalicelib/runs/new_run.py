"""New job runs: the record of a run and its maximum cost."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, sortable_id, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.pricing import Prices
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.settings import JobSettings
from chalicelib.domain.timeline import ActorType

SOT_TABLE = "tbsot_ecommerce_br"
"""Default of the job's OUTPUT_TABLE (glue_assets/jobs/sot_ecommerce.py)."""


def new_run(
    environment: Environment,
    job: JobSettings,
    request: RunRequest,
    *,
    prices: Prices,
    lease_seconds: int,
    moment: datetime,
    requested_by: str,
    requested_by_type: ActorType = ActorType.USER,
    run_id: str | None = None,
) -> JobRun:
    """Return a run of a job. The caller may start it when it is recorded, others after its lease expires.

    StartJobRun gets the workers, the timeout and the arguments, so later changes of the job do not change the
    cost. MaxRetries is read from the job, and does not change while runs are active (lifecycle/update.py).
    """
    worker_type = request.worker_type or job.worker_type
    workers = request.number_of_workers or job.number_of_workers
    timeout = request.timeout_minutes or job.timeout_minutes
    price, retries = prices.of(worker_type), job.max_retries
    return JobRun(
        id=run_id or sortable_id(moment),
        environment_id=environment.id,
        owner=environment.owner,
        job_id=environment.id_of(job),
        status=RunStatus.PENDING,
        arguments={**_output_arguments(environment), **job.arguments, **request.arguments},
        worker_type=worker_type,
        number_of_workers=workers,
        timeout_minutes=timeout,
        requested_by=requested_by,
        requested_by_type=requested_by_type,
        requested_at=timestamp(moment),
        max_cost_micro_usd=pricing.worst_case_micro_usd(
            worker_type, workers, timeout, price, max_retries=retries
        ),
        log_prefix=_log_prefix(environment),
        max_retries=retries,
        price_per_dpu_hour_usd=str(price),
        start_attempts=1,
        due_at=later(moment, lease_seconds),
    )


def missing_files(environment: Environment, job: JobSettings) -> list[str]:
    """Return the paths of the job files that a run of a job needs and that do not exist yet.

    Without them, a run would be billed for a minute and fail.
    """
    return [path for path in environment.files_of_run(job) if path not in environment.job_files]


def _output_arguments(environment: Environment) -> dict[str, str]:
    """Return the template's job arguments that name the output table."""
    return {"--OUTPUT_DB": environment.sot_database, "--OUTPUT_TABLE": SOT_TABLE}


def _log_prefix(environment: Environment) -> str:
    """Return the common prefix of the log groups of an environment's runs."""
    name = environment.outputs.log_groups["output"] if environment.outputs else None
    return (name or f"/aws-glue/jobs/{environment.name}/output").removesuffix("/output")
