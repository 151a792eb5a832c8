"""One run of an environment's job."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.timeline import ActorType


class RunStatus(StrEnum):
    """Where a job run is; from STARTING on these are Glue's own states."""

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
        """Nothing more will happen to a run in this state."""
        return self in _FINAL_RUN_STATES


_FINAL_RUN_STATES = frozenset(
    {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.STOPPED, RunStatus.ERROR}
)


@dataclass(frozen=True)
class RunError:
    """Why a run failed: Glue's message, and the last lines of its error log."""

    message: str
    log_tail: list[str] = field(default_factory=list)


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

    `start_attempts` counts the StartJobRun calls that may have reached Glue; it is raised before each one, so
    that a run whose caller died is looked for before it is started again. `stopped_by` has wanted it stopped,
    since `stop_requested_at`. `requested_by_type` and `stopped_by_type` say what kind of actor each name is.
    `price_per_dpu_hour_usd` is what its worst cost was reserved at, and so what it is settled at. Its lines
    are in the log groups `log_prefix`/output and `log_prefix`/error. `outputs` are the tables that it has
    written, and `output` the first of them.
    """

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

    def but(self, **changes: Any) -> JobRun:
        """The same run with some fields changed."""
        return replace(self, **changes)
