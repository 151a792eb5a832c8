"""When a schedule is due next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain import schedules


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("cron(0 21 ? * 6 *)", "2026-11-26 21:00", "2026-11-27 21:00"),  # Friday is 6
        ("cron(0 21 ? * 6 *)", "2026-11-27 21:00", "2026-12-04 21:00"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-22 08:45", "2026-11-23 08:00"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-23 18:45", "2026-11-24 08:00"),
        ("cron(5/20 * * * ? *)", "2026-11-23 00:20", "2026-11-23 00:25"),
        ("cron(30 6 L * ? *)", "2028-02-28 06:30", "2028-02-29 06:30"),
        ("cron(0 0 LW * ? *)", "2026-05-02 00:00", "2026-05-29 00:00"),  # the 31st is a Sunday
        ("cron(0 0 1W * ? *)", "2026-07-31 00:00", "2026-08-03 00:00"),  # the 1st is a Saturday
        ("cron(0 0 15W * ? *)", "2026-11-14 00:00", "2026-11-16 00:00"),  # the 15th is a Sunday
        ("cron(0 0 ? * 6#3 2027)", "2026-11-23 00:00", "2027-01-15 00:00"),
        ("cron(0 0 ? * FRI#3 2027)", "2026-11-23 00:00", "2027-01-15 00:00"),
        ("cron(0 0 ? * MONL *)", "2026-11-23 00:00", "2026-11-30 00:00"),
        ("cron(0 12 1,15 JAN,JUL ? *)", "2026-01-15 12:00", "2026-07-01 12:00"),
        ("cron(59 23 31 DEC ? *)", "2026-12-31 23:59", "2027-12-31 23:59"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00", "2032-02-29 00:00"),
        ("rate(5 minutes)", "2026-11-23 00:04:59.999", "2026-11-23 00:05"),
        ("rate(5 minutes)", "2026-11-23 00:05", "2026-11-23 00:10"),
        ("rate(1 hour)", "2026-11-23 00:05", "2026-11-23 01:00"),
        ("rate(1 day)", "2026-11-23 23:59", "2026-11-24 00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, after: str, due: str) -> None:
    assert schedules.parse(schedule).next(at(after)) == at(due)


def test_a_schedule_that_is_over_has_no_next_time() -> None:
    assert schedules.parse("cron(0 0 * * ? 2025)").next(at("2026-01-01 00:00")) is None
