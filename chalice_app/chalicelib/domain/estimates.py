"""Estimates of what a sandbox costs without runs: its KMS key, and its objects in S3.

AWS does not tell the service what they cost. The estimates follow from the record of the environment and from
its release; docs/api.md has the rules in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from chalicelib.clock import parse
from chalicelib.domain.environment import Environment

HOURS_PER_MONTH = 730
"""AWS's pages divide the price of a month by hours: https://aws.amazon.com/kms/pricing/ prorates them."""
_GB = 1024**3
_MICRO = 1_000_000


@dataclass(frozen=True)
class StoragePrices:
    """The region's prices in USD of a key and of a GB in S3 Standard, each for a month.

    The defaults are those of us-east-1 (https://aws.amazon.com/kms/pricing/, https://aws.amazon.com/s3/pricing/).
    """

    key_month: Decimal = Decimal("1.00")
    gb_month: Decimal = Decimal("0.023")


@dataclass(frozen=True)
class Estimate:
    """What one environment costs in a part of one day, in millionths of a dollar, not rounded."""

    day: str
    owner: str
    environment_id: str
    kms_micro_usd: Decimal
    s3_micro_usd: Decimal


@dataclass(frozen=True)
class Life:
    """What the estimates need of an environment's record. `file_bytes` is the size of its job files."""

    id: str
    owner: str
    release: str
    created_at: str
    ready_at: str | None
    deleted_at: str | None
    charged_at: str | None
    has_key: bool
    has_data: bool
    file_bytes: int

    @classmethod
    def of(cls, environment: Environment) -> Life:
        """Return the life of an environment."""
        return cls(
            id=environment.id,
            owner=environment.owner,
            release=environment.release,
            created_at=environment.created_at,
            ready_at=environment.ready_at,
            deleted_at=environment.deleted_at,
            charged_at=environment.charged_at,
            has_key=environment.settings.kms_key,
            has_data=environment.settings.upload_data,
            file_bytes=sum(file.size_bytes for file in environment.job_files.values()),
        )


def hourly_micro_usd(life: Life, data_bytes: int, prices: StoragePrices) -> tuple[Decimal, Decimal]:
    """Return the price of the key and of the objects for an hour, in millionths of a dollar.

    The objects are the data of the release, whose size is `data_bytes`, and the job files.
    """
    key = prices.key_month if life.has_key else Decimal(0)
    gigabytes = Decimal(life.file_bytes + (data_bytes if life.has_data else 0)) / _GB
    return key * _MICRO / HOURS_PER_MONTH, gigabytes * prices.gb_month * _MICRO / HOURS_PER_MONTH


def of_days(
    life: Life, data_bytes: int, prices: StoragePrices, begin: date, end: date, moment: datetime
) -> Iterator[Estimate]:
    """Yield the estimates of the days from `begin` before `end` on which an environment existed until now.

    An environment exists from when it became READY first until it is DELETED.
    """
    if life.ready_at is None:
        return
    since = parse(life.ready_at)
    until = min(moment, parse(life.deleted_at)) if life.deleted_at else moment
    kms, s3 = hourly_micro_usd(life, data_bytes, prices)
    day = max(begin, since.date())
    while day < end and day <= until.date():
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        seconds = (min(until, midnight + timedelta(days=1)) - max(since, midnight)).total_seconds()
        if seconds > 0:
            hours = Decimal(str(seconds)) / 3600
            yield Estimate(day.isoformat(), life.owner, life.id, kms * hours, s3 * hours)
        day += timedelta(days=1)
