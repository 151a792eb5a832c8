"""When AWS's cron is due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.glue_runs.schedule import matches


@pytest.mark.parametrize(
    ("expression", "due", "not_due"),
    [
        ("cron(0 21 ? * 6 *)", "2026-11-27 21:00", "2026-11-26 21:00"),  # Friday is 6
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-23 08:45", "2026-11-22 08:45"),
        ("cron(5/20 * * * ? *)", "2026-11-23 00:25", "2026-11-23 00:20"),
        ("cron(30 6 L * ? *)", "2028-02-29 06:30", "2028-02-28 06:30"),
        ("cron(0 0 LW * ? *)", "2026-05-29 00:00", "2026-05-31 00:00"),  # the 31st is a Sunday
        ("cron(0 0 1W * ? *)", "2026-08-03 00:00", "2026-08-01 00:00"),  # the 1st is a Saturday
        ("cron(0 0 15W * ? *)", "2026-11-16 00:00", "2026-11-15 00:00"),  # the 15th is a Sunday
        ("cron(0 0 ? * 6#3 2027)", "2027-01-15 00:00", "2027-01-22 00:00"),
        ("cron(0 0 ? * 2L *)", "2026-11-30 00:00", "2026-11-23 00:00"),
        ("cron(0 12 1,15 JAN,JUL ? *)", "2026-07-15 12:00", "2026-08-15 12:00"),
        ("cron(0 0 * * ? 2026)", "2026-01-01 00:00", "2027-01-01 00:00"),
    ],
)
def test_a_minute_is_due_or_not(expression: str, due: str, not_due: str) -> None:
    assert matches(expression, datetime.fromisoformat(due).replace(tzinfo=UTC))
    assert not matches(expression, datetime.fromisoformat(not_due).replace(tzinfo=UTC))


def test_what_is_not_cron_is_an_error() -> None:
    with pytest.raises(ValueError, match="six fields"):
        matches("cron(* * * *)", datetime(2026, 1, 1, tzinfo=UTC))
