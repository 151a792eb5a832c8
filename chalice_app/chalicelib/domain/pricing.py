"""Prices of job runs, in millionths of a dollar."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

WorkerType = Literal["G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"]

# https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
DPU_PER_WORKER: dict[str, Decimal] = {
    "G.1X": Decimal(1),
    "G.2X": Decimal(2),
    "G.4X": Decimal(4),
    "G.8X": Decimal(8),
    "G.12X": Decimal(12),
    "G.16X": Decimal(16),
    "R.1X": Decimal(1),
    "R.2X": Decimal(2),
    "R.4X": Decimal(4),
    "R.8X": Decimal(8),
}
_MEMORY_OPTIMIZED = "R."
MINIMUM_BILLED_SECONDS = 60
"""Glue bills Spark jobs per second, at least one minute (https://aws.amazon.com/glue/pricing/)."""

MINIMUM_BILLED_MEGABYTES = 10


@dataclass(frozen=True)
class Prices:
    """The region's prices in USD: a DPU-hour, an M-DPU-hour (of R workers), and a TB that Athena scans.

    The defaults are those of us-east-1 (https://aws.amazon.com/glue/pricing/,
    https://aws.amazon.com/athena/pricing/).
    """

    dpu_hour: Decimal = Decimal("0.44")
    m_dpu_hour: Decimal = Decimal("0.52")
    tb_scanned: Decimal = Decimal("5")

    def of(self, worker_type: str) -> Decimal:
        """Return the price of a DPU-hour, or M-DPU-hour, of a worker type."""
        return self.m_dpu_hour if worker_type.startswith(_MEMORY_OPTIMIZED) else self.dpu_hour

    def of_worker_hour(self, worker_type: str) -> Decimal:
        """Return the price of one worker for an hour."""
        return DPU_PER_WORKER[worker_type] * self.of(worker_type)


def dpu_seconds(worker_type: str, number_of_workers: int, execution_seconds: int) -> Decimal:
    """Return the DPU-seconds that Glue bills for a run, or 0 if it never executed."""
    if execution_seconds <= 0:
        return Decimal(0)
    billed = max(MINIMUM_BILLED_SECONDS, execution_seconds)
    return DPU_PER_WORKER[worker_type] * number_of_workers * billed


def cost_micro_usd(dpu_seconds_used: Decimal, price_per_dpu_hour_usd: Decimal) -> int:
    """Return the price of DPU-seconds, rounded half up to a millionth of a dollar."""
    return rounded(dpu_seconds_used * price_per_dpu_hour_usd * 1_000_000 / 3600)


def worst_case_micro_usd(
    worker_type: str,
    number_of_workers: int,
    timeout_minutes: int,
    price_per_dpu_hour_usd: Decimal,
    *,
    max_retries: int = 0,
) -> int:
    """Return the maximum cost of a run: all workers until the timeout, in every attempt.

    Job arguments cannot increase it: autoscaling starts at most NumberOfWorkers, and the executors of
    `--conf` run on these workers (https://docs.aws.amazon.com/glue/latest/dg/auto-scaling.html).
    """
    attempt = dpu_seconds(worker_type, number_of_workers, timeout_minutes * 60)
    return cost_micro_usd(attempt * (1 + max_retries), price_per_dpu_hour_usd)


def query_micro_usd(scanned_bytes: int, price_per_tb_usd: Decimal) -> int:
    """Return the price of a query that Athena charges, rounded half up to a millionth of a dollar.

    Athena rounds the scanned bytes up to the next megabyte, and charges at least 10 MB
    (https://aws.amazon.com/athena/pricing/). A TB has 1,024 GB, as in AWS's pricing calculator.
    """
    megabytes = max(MINIMUM_BILLED_MEGABYTES, -(-scanned_bytes // 2**20))
    return rounded(megabytes * price_per_tb_usd * 1_000_000 / 2**20)


def rounded(micro_usd: Decimal) -> int:
    """Round an amount half up to a millionth of a dollar."""
    return int(micro_usd.to_integral_value(ROUND_HALF_UP))


def usd(micro_usd: int) -> float:
    """Convert millionths of a dollar to dollars."""
    return micro_usd / 1_000_000
