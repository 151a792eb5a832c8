"""Bounds of AWS's cron fields: the last valid and the first invalid value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings


def is_taken(text: str) -> bool:
    """Return whether every check of a request accepts the schedule."""
    try:
        return invalid_combinations(Settings.model_validate({"job": {"schedule": text}}), Limits()) == []
    except ValidationError:
        return False


@pytest.mark.parametrize(
    "text",
    [
        "cron(0 0 1 1 ? *)",
        "cron(59 23 31 12 ? 2199)",
        "cron(0/55 0 1 * ? *)",
        "cron(0 0/23 * * ? *)",
        "cron(0/5 * * * ? *)",
        "cron(0,55 * * * ? *)",
        "cron(0 0 ? * 7 *)",
        "cron(0 0 ? * 7#5 *)",
        "rate(5 minutes)",
        "rate(60 minutes)",
        "rate(24 hours)",
        "rate(1 day)",
    ],
)
def test_the_last_value_of_a_field_is_accepted(text: str) -> None:
    assert is_taken(text)


@pytest.mark.parametrize(
    "text",
    [
        "cron(60 0 1 1 ? *)",
        "cron(0 24 1 1 ? *)",
        "cron(0 0 0 1 ? *)",
        "cron(0 0 32 1 ? *)",
        "cron(0 0 1 0 ? *)",
        "cron(0 0 1 13 ? *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 1#6 *)",
        "cron(0 0 1 1 ? 1969)",
        "cron(0 0 1 1 ? 2200)",
        "cron(0 0 1 1 ? 2299)",
        "cron(0/0 * * * ? *)",
        "cron(0 0/0 * * ? *)",
        "cron(0 0 */0 * ? *)",
        "cron(0 0 ? * MON-8 *)",
        "cron(0 0 ? JAN-13 1 *)",
        "cron(0/4 * * * ? *)",
        "cron(0-1 * * * ? *)",
        "cron(0,56 * * * ? *)",
        "cron(58,2 * * * ? *)",
        "rate(0 minutes)",
        "rate(4 minutes)",
        "rate(7 minutes)",
        "rate(0 hours)",
        "rate(5 hours)",
    ],
)
def test_the_first_invalid_value_of_a_field_is_rejected(text: str) -> None:
    assert not is_taken(text)
