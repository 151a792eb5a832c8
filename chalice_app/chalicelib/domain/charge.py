"""Charges: what owners paid, one record per settlement of a run or a query."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chalicelib.domain.job_run import JobRun
from chalicelib.domain.query import Query


@dataclass(frozen=True)
class Charge:
    """One settlement. Several of the same run or query add up to its cost.

    - `kind`: `run` or `query`; `id` is the ID of the run or query.
    - `number`: the version of the record that was settled, so each settlement has its own charge.
    - `cost_micro_usd`: what the owner's account was charged, in millionths of a dollar.
    - `job_id`, `dpu_seconds`, `scanned_bytes`: the job of a run, and what was used since the last charge.
    """

    at: str
    owner: str
    environment_id: str
    kind: str
    id: str
    number: int
    cost_micro_usd: int
    job_id: str | None = None
    dpu_seconds: float = 0
    scanned_bytes: int = 0

    @property
    def day(self) -> str:
        """Return the date in UTC."""
        return self.at[:10]

    @property
    def of(self) -> tuple[str, str, str]:
        """Return the environment, kind and ID of the run or query, which identify it."""
        return self.environment_id, self.kind, self.id


def charge_of(old: JobRun | Query, new: JobRun | Query, at: str) -> Charge:
    """Return the charge for the cost of a run or a query that is not charged yet.

    If a version of the service without a ledger settled it before, that includes the cost that it recorded.
    """
    is_continued = old.charged_micro_usd > 0
    job_id, dpu_seconds, scanned_bytes = None, Decimal(0), 0
    if isinstance(new, JobRun) and isinstance(old, JobRun):
        before = old.dpu_seconds if is_continued else 0
        job_id, dpu_seconds = new.job_id, Decimal(str(new.dpu_seconds or 0)) - Decimal(str(before or 0))
    elif isinstance(new, Query) and isinstance(old, Query):
        scanned_bytes = (new.scanned_bytes or 0) - ((old.scanned_bytes or 0) if is_continued else 0)
    return Charge(
        at=at,
        owner=old.owner,
        environment_id=old.environment_id,
        kind=old.KIND.lower(),
        id=old.id,
        number=old.version,
        cost_micro_usd=(new.cost_micro_usd or 0) - old.charged_micro_usd,
        job_id=job_id,
        dpu_seconds=float(dpu_seconds),
        scanned_bytes=scanned_bytes,
    )
