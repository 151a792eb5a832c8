"""Warnings before the expiration."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain import expiry
from tests.support.records import environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "warnings"), [(1, []), (2, [1]), (23, [1]), (24, [1]), (25, [24, 1]), (720, [24, 1])]
)
def test_only_warnings_in_the_future_are_scheduled(hours: int, warnings: list[int]) -> None:
    assert expiry.ending_in(hours, NOW)["warnings_due"] == warnings


def test_the_next_check_is_at_the_next_warning_and_then_at_the_expiration() -> None:
    fields = expiry.ending_in(48, NOW)
    assert fields["expires_at"] == "2026-01-03T00:00:00.000Z"
    sandbox = environment(1, **fields)
    looks = [expiry.next_check(sandbox.replace(warnings_due=left)) for left in ([24, 1], [1], [])]
    assert looks == ["2026-01-02T00:00:00.000Z", "2026-01-02T23:00:00.000Z", "2026-01-03T00:00:00.000Z"]
