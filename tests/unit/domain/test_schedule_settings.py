"""`job.schedule` in creation and update requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings
from chalicelib.domain.settings_changes import SettingsChange, changed

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("cron(0 22-4 * * ? *)", "The hour range '22-4' is descending"),
        ("cron(0 12 ? * FRI-MON *)", "The day of week range 'FRI-MON' is descending"),
        ("cron(1-0 * * * ? *)", "The minute range '1-0' is descending"),
        ("cron(0 12 1 1 ? 2020)", "The schedule never runs again: all its times are in the past."),
        ("cron(0 12 26 11 ? 2026)", "The schedule never runs again: all its times are in the past."),
        ("cron(0 12 31 FEB ? *)", "The schedule never runs"),
    ],
)
def test_a_schedule_that_cannot_run_is_rejected(schedule: str, words: str) -> None:
    [wrong] = invalid_combinations(Settings.model_validate({"job": {"schedule": schedule}}), Limits(), NOW)
    assert wrong["pointer"] == "/job/schedule"
    assert wrong["detail"].startswith(words)


@pytest.mark.parametrize(
    "schedule", ["cron(1 12 26 11 ? 2026)", "cron(0 12 ? * fri-SAT,Sun-mon *)", "rate(2 hours)"]
)
def test_a_schedule_that_will_run_is_accepted(schedule: str) -> None:
    assert invalid_combinations(Settings.model_validate({"job": {"schedule": schedule}}), Limits(), NOW) == []


def patched(stored: str, **job: Any) -> list[str]:
    settings = Settings().resolved()
    scheduled = settings.job.model_copy(update={"schedule": stored})
    settings = settings.model_copy(update={"job": scheduled})
    change = SettingsChange.model_validate({"job": job})
    return [wrong["pointer"] for wrong in changed(settings, change, Limits(), NOW)[1]]


def test_an_update_to_an_expired_schedule_is_rejected() -> None:
    assert patched("cron(0 12 * * ? *)", schedule="cron(0 12 1 1 ? 2020)") == ["/settings/job/schedule"]


def test_an_expired_schedule_does_not_block_other_updates() -> None:
    assert patched("cron(0 12 1 1 ? 2020)", timeout_minutes=20) == []


def test_an_invalid_stored_schedule_is_shown_and_can_be_removed() -> None:
    assert patched("cron(0 22-4 * * ? *)", timeout_minutes=20) == ["/settings/job/schedule"]
    assert patched("cron(0 22-4 * * ? *)", timeout_minutes=20, schedule=None) == []
