"""Forecasts: scheduled runs, keys and storage until the expiration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.clock import timestamp
from chalicelib.domain import expiry, schedules
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Frozen
from chalicelib.domain.estimates import StoragePrices
from chalicelib.domain.forecast import Forecast, forecast
from chalicelib.domain.pricing import Prices
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.domain.timeline import ActorType
from tests.support.records import environment

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STORAGE = StoragePrices(Decimal(73), Decimal(730))  # 0.10 USD for a key-hour, 1 USD for a GB-hour
GB = 1024**3


def ready(schedule: str | None, hours: float, **more: object) -> Environment:
    job = JobSettings(number_of_workers=2, timeout_minutes=60, schedule=schedule)
    one = environment(1, settings=Settings(job=job).resolved(), status=Status.READY)
    one = one.replace(expires_at=timestamp(NOW + timedelta(hours=hours)), **more)
    return one.replace(**expiry.next_runs(one, NOW))


def of(one: Environment, data_bytes: int | None = 0, moment: datetime = NOW) -> Forecast:
    found = forecast(one, data_bytes, Prices(), STORAGE, moment)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("schedule", "hours", "runs"),
    [
        (None, 100, 0),
        ("rate(1 hour)", 24, 24),
        ("rate(5 minutes)", 720, 12 * 720 - 1),  # the first is five minutes from now
        ("cron(0 10 * * ? *)", 0.5, 0),  # at the expiration
        ("cron(0 10 * * ? *)", 0.51, 1),
        ("cron(0 12 ? * MON-FRI *)", 168, 5),
        ("cron(0 0 1 * ? *)", 720, 1),
    ],
)
def test_scheduled_runs_are_counted_until_the_expiration(
    schedule: str | None, hours: float, runs: int
) -> None:
    found = of(ready(schedule, hours))
    assert found.scheduled_runs == runs
    assert found.scheduled_micro_usd == runs * 880_000  # 2 workers x 1 DPU x 1 hour x 0.44 USD


def test_the_forecast_adds_reservations_the_key_and_the_data() -> None:
    found = of(ready("rate(1 hour)", 10, reserved_micro_usd=7), GB // 2)
    assert (found.kms_micro_usd, found.s3_micro_usd, found.reserved_micro_usd) == (1_000_000, 5_000_000, 7)
    assert found.total_micro_usd == 10 * 880_000 + 7 + 1_000_000 + 5_000_000
    unknown = of(ready(None, 10), None)
    assert (unknown.s3_micro_usd, unknown.total_micro_usd) == (None, 1_000_000)


def test_the_forecast_stays_the_same_within_an_hour() -> None:
    one = ready("rate(1 hour)", 10)
    assert of(one, GB) == of(one, GB, NOW + timedelta(minutes=59))
    assert of(one, GB) != of(one, GB, NOW + timedelta(minutes=60))


def test_what_is_frozen_failed_or_deleted_starts_no_runs() -> None:
    one = ready("rate(1 hour)", 10)
    frozen = one.replace(frozen=Frozen(timestamp(NOW), "root", ActorType.USER, "why"))
    assert of(frozen).scheduled_runs == of(one.replace(status=Status.FAILED)).scheduled_runs == 0
    for gone in (one.replace(status=Status.DELETED), one.replace(delete_requested=True)):
        assert forecast(gone, 0, Prices(), STORAGE, NOW) is None


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["*", "0", "7,40", "0/20"]),
    st.sampled_from(["*", "3", "0/6", "22-23"]),
    st.sampled_from(["* * ?", "L * ?", "? * MON", "31 * ?", "? 2,11 6#2", "15W * ?"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 9 * 1440),
)
def test_times_are_counted_as_they_follow_each_other(
    minutes: str, hours: str, days: str, begin: datetime, length: int
) -> None:
    cron = schedules.parse(f"cron({'0/5' if minutes == '*' else minutes} {hours} {days} *)")
    end, count, moment = begin + timedelta(minutes=length), 0, begin - timedelta(microseconds=1)
    while (following := cron.next(moment)) is not None and following < end:
        count, moment = count + (following >= begin), following
    assert cron.count(begin, end) == count
