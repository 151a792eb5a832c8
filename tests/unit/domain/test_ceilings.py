"""The operator's ceilings: higher values are rejected, and defaults are capped."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings
from chalicelib.domain.settings_changes import SettingsChange, changed

LIMITS = Limits(expires_in_hours=24, number_of_workers=3, timeout_minutes=10)


def within(given: dict[str, Any]) -> tuple[int, int, int]:
    settings = Settings.model_validate(given)
    assert invalid_combinations(settings, LIMITS) == []
    settings = settings.within(LIMITS).resolved()
    return settings.expires_in_hours, settings.job.number_of_workers, settings.job.timeout_minutes


def test_defaults_are_capped() -> None:
    assert within({}) == (24, 3, 10)
    assert within({"job": {"number_of_workers": 2}}) == (24, 2, 10)
    assert within({"expires_in_hours": 1, "job": {"timeout_minutes": 5}}) == (1, 3, 5)


def test_ceilings_above_the_defaults_do_not_change_them() -> None:
    settings = Settings().within(Limits())
    assert settings.resolved() == Settings().resolved()


def test_values_above_a_ceiling_are_rejected() -> None:
    given = {
        "expires_in_hours": 72,
        "job": {"number_of_workers": 5, "timeout_minutes": 15},
    }  # the defaults, given explicitly
    wrong = invalid_combinations(Settings.model_validate(given), LIMITS)
    assert [one["pointer"] for one in wrong] == [
        "/expires_in_hours",
        "/job/number_of_workers",
        "/job/timeout_minutes",
    ]
    assert wrong[0]["detail"] == "The operator allows at most 24."


def patched(limits: Limits, job: dict[str, Any], **change: Any) -> tuple[dict[str, Any], list[str]]:
    stored = Settings.model_validate({"job": job}).resolved()
    after, wrong = changed(stored, SettingsChange.model_validate({"job": change}), limits)
    return after.job.model_dump(), [one["pointer"] for one in wrong]


def test_null_restores_the_capped_default() -> None:
    job, wrong = patched(LIMITS, {"number_of_workers": 2, "timeout_minutes": 5}, number_of_workers=None)
    assert (job["number_of_workers"], job["timeout_minutes"], wrong) == (3, 5, [])


def test_a_sandbox_above_a_lowered_ceiling_can_be_updated() -> None:
    job, wrong = patched(LIMITS, {}, description="Other")
    assert (job["number_of_workers"], job["timeout_minutes"], wrong) == (3, 10, [])
    _, wrong = patched(LIMITS, {"number_of_workers": 8}, description="Other")
    assert wrong == ["/settings/job/number_of_workers"]
