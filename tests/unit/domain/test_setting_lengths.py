"""Settings that match every pattern but exceed the limits of the services behind them."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings
from chalicelib.domain.settings_changes import SettingsChange, changed
from local.cloudformation.parameters import TemplateError, parameter_values

FOLDER = len("s3://terraglue-abcdefgh23-glue-assets/jobs/")


def production(**job: Any) -> dict[str, Any]:
    return {"mode": "production", "job": {"script": "main.py", **job}}


def wrong(given: dict[str, Any]) -> list[str]:
    return [one["pointer"] for one in invalid_combinations(Settings.model_validate(given), Limits())]


def files(count: int, length: int) -> list[str]:
    """Files whose locations have `length` characters each."""
    folders = f"{'a' * 60}/{'c' * 60}/"
    return [f"{folders}{n:02}{'b' * (length - FOLDER - len(folders) - 5)}.py" for n in range(count)]


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        (production(extra_files=files(20, 170)), []),
        (production(extra_files=files(19, 203) + files(1, 220)), []),  # 4,096 with the 19 commas
        (production(extra_files=files(19, 203) + files(1, 221)), ["/job/extra_files"]),
        (production(extra_files=files(20, 170), files_prefix=f"{'p' * 40}/"), ["/job/extra_files"]),
        ({"job": {"description": "a" * 1024}}, []),
        ({"job": {"description": "\u00e9" * 1024}}, []),
        ({"job": {"description": "\u20ac" * 683}}, ["/job/description"]),
        ({"job": {"description": "\U0001f600" * 513}}, ["/job/description"]),
        (production(script="my.folder/v1.2/main.py"), []),
    ],
)
def test_values_too_long_in_bytes_are_rejected(given: dict[str, Any], pointers: list[str]) -> None:
    assert wrong(given) == pointers


def test_an_update_has_the_same_limits() -> None:
    stored = Settings.model_validate(production()).resolved()
    change = SettingsChange.model_validate(
        {"job": {"extra_files": files(20, 220), "description": "\u20ac" * 700}}
    )
    pointers = {one["pointer"] for one in changed(stored, change, Limits())[1]}
    assert pointers == {"/settings/job/extra_files", "/settings/job/description"}


def test_the_local_cloudformation_has_the_same_limit() -> None:
    rule = {"P": {"Type": "String"}}
    assert parameter_values(rule, {"P": "\u00e9" * 2048})
    with pytest.raises(TemplateError, match="4096 bytes"):
        parameter_values(rule, {"P": "\u00e9" * 2048 + "a"})
