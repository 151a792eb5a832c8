"""Records of environments and job runs."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.settings import Settings

AT = "2026-01-01T00:00:0{}.000Z"


def environment(n: int, **more: Any) -> Environment:
    return Environment(
        id=f"env{n}",
        owner=f"owner-{n}",
        status=Status.QUEUED,
        release="r",
        settings=Settings().resolved(),
        created_at=AT.format(n),
        updated_at=AT.format(n),
        expires_at="2026-01-02T00:00:00.000Z",
        due_at=AT.format(n),
    ).replace(**more)


def run(environment: Environment) -> JobRun:
    return JobRun(
        id="run1",
        environment_id=environment.id,
        owner=environment.owner,
        job_id="job",
        status=RunStatus.PENDING,
        arguments={},
        worker_type="G.1X",
        number_of_workers=2,
        timeout_minutes=1,
        requested_by="ana",
        requested_at=AT.format(5),
        max_cost_micro_usd=400,
        log_prefix="/logs",
        due_at=AT.format(6),
    )
