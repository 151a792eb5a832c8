"""One run of an environment's job."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from chalicelib.domain.timeline import ActorType


class RunStatus(StrEnum):
    """State of a run. From STARTING on, the states are Glue's."""

    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    STOPPED = "STOPPED"
    ERROR = "ERROR"

    @property
    def is_final(self) -> bool:
        """Return whether the run has ended."""
        return self in _FINAL_RUN_STATES


_FINAL_RUN_STATES = frozenset(
    {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.STOPPED, RunStatus.ERROR}
)


@dataclass(frozen=True)
class RunError:
    """Why a run failed: the exception's sentence, its place and cause, and the end of the error log.

    - `script`, `line`: the job file that raised it, as a path of the environment or a name, and the line.
    - `sql_line`, `sql_position`: the place in the text of a Spark SQL statement; positions count from 0.
    - `cause`, `hint`: see run_causes.py. Runs that ended before these fields existed have none.
    """

    message: str
    log_tail: list[str] = field(default_factory=list)
    script: str | None = None
    line: int | None = None
    sql_line: int | None = None
    sql_position: int | None = None
    cause: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class RunOutput:
    """A table that a run wrote. `partitions` maps partition keys to values, one dict per partition."""

    database: str
    table: str
    location: str
    partitions: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class JobRun:
    """One run of an environment's job. Grain: one per accepted request to run it.

    - `start_attempts`: number of StartJobRun calls that may have reached Glue. It is incremented before each
      call, so that after a crash the run is searched for in Glue before it is started again.
    - `stopped_by`, `stop_requested_at`: who requested the stop, and when.
    - `requested_by_type`, `stopped_by_type`: the types of these actors.
    - `price_per_dpu_hour_usd`: the price of the reservation, which also applies to the final cost.
    - `log_prefix`: the log groups are `log_prefix`/output and `log_prefix`/error.
    - `checked_at`: when a watcher last made the service ask Glue; not part of the versioned fields.
    - `outputs`: the tables that the run wrote. `output` is the first of them.
    - `charged_micro_usd`: the sum of its charges in the ledger. It is the cost, unless a version of the
      service without a ledger has settled the run.
    """

    KIND: ClassVar = "RUN"

    id: str
    environment_id: str
    owner: str
    job_id: str
    status: RunStatus
    arguments: dict[str, str]
    worker_type: str
    number_of_workers: int
    timeout_minutes: int
    requested_by: str
    requested_at: str
    max_cost_micro_usd: int
    log_prefix: str
    max_retries: int = 0
    price_per_dpu_hour_usd: str | None = None
    version: int = 1
    start_attempts: int = 0
    due_at: str | None = None
    reason: str | None = None
    glue_run_id: str | None = None
    stopped_by: str | None = None
    stop_requested_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    execution_seconds: int | None = None
    dpu_seconds: float | None = None
    cost_micro_usd: int | None = None
    error: RunError | None = None
    output: RunOutput | None = None
    outputs: list[RunOutput] = field(default_factory=list)
    requested_by_type: str = ActorType.USER
    stopped_by_type: str | None = None
    checked_at: str | None = None
    charged_micro_usd: int = 0

    def replace(self, **changes: Any) -> JobRun:
        """Return a copy of the run with some fields replaced."""
        return replace(self, **changes)
