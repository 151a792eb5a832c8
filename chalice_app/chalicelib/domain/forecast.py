"""Forecast: what an environment will cost at most until it expires, if nobody changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import parse
from chalicelib.domain import estimates, pricing, schedules
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.estimates import Life, StoragePrices
from chalicelib.domain.pricing import Prices

_GOING_ON = {Status.READY, Status.UPDATING, Status.RESETTING}
_HOUR = 3600


@dataclass(frozen=True)
class Forecast:
    """Amounts until the expiration, in millionths of a dollar.

    `scheduled_micro_usd` is the maximum cost of the scheduled runs, as it is reserved for them.
    `kms_micro_usd` and `s3_micro_usd` are estimates; the latter is None if the size of the data is unknown.
    """

    scheduled_runs: int
    scheduled_micro_usd: int
    reserved_micro_usd: int
    kms_micro_usd: int
    s3_micro_usd: int | None

    @property
    def total_micro_usd(self) -> int:
        """Return the sum of what is known."""
        runs = self.scheduled_micro_usd + self.reserved_micro_usd
        return runs + self.kms_micro_usd + (self.s3_micro_usd or 0)


def forecast(
    environment: Environment,
    data_bytes: int | None,
    prices: Prices,
    storage: StoragePrices,
    moment: datetime,
) -> Forecast | None:
    """Return the forecast of an environment, or None if it is being deleted or is deleted."""
    if environment.delete_requested or environment.status in (Status.DELETING, Status.DELETED):
        return None
    runs, worst = _scheduled(environment, prices, moment)
    left = max(0.0, (parse(environment.expires_at) - moment).total_seconds())
    hours = int(-(-left // _HOUR))  # whole hours, so that the forecast does not change with every request
    kms, s3 = estimates.hourly_micro_usd(Life.of(environment), data_bytes or 0, storage)
    return Forecast(
        scheduled_runs=runs,
        scheduled_micro_usd=worst,
        reserved_micro_usd=environment.reserved_micro_usd,
        kms_micro_usd=pricing.rounded(kms * hours),
        s3_micro_usd=None if data_bytes is None else pricing.rounded(s3 * hours),
    )


def _scheduled(environment: Environment, prices: Prices, moment: datetime) -> tuple[int, int]:
    """Return the number of scheduled runs until the expiration, and their maximum cost."""
    if environment.status not in _GOING_ON or environment.frozen is not None:
        return 0, 0
    total, worst = 0, 0
    for job in environment.as_desired.jobs.values():
        if job.schedule is None:
            continue
        try:
            cron = schedules.parse(job.schedule)
        except ValueError:  # stored before a rule changed; it starts no runs
            continue
        next_run = environment.next_run_of(job)
        begin = parse(next_run) if next_run else moment
        number = cron.count(begin, parse(environment.expires_at))
        total += number
        worst += number * pricing.worst_case_micro_usd(
            job.worker_type,
            job.number_of_workers,
            job.timeout_minutes,
            prices.of(job.worker_type),
            max_retries=job.max_retries,
        )
    return total, worst
