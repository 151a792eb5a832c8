"""Warnings in responses about settings and scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api

SCRIPT = b'import yaml\nframe = g.create_dynamic_frame.from_options(connection_type="mysql")\n'
MISSING = {
    "code": "unknown_module",
    "detail": "Glue 5.1 does not provide the module yaml. Add its package to job.python_modules, or upload "
    "the module as a job file.",
    "line": 1,
}
LAKE = {"job": {"arguments": {"--datalake-formats": "iceberg"}}}


def production(api: Api, **job: Any) -> str:
    environment = api.ready_environment(mode="production", job={"script": "main.py", **job})
    return f"/environments/{environment['id']}"


def put(api: Api, environment: str) -> list[dict[str, Any]]:
    answer = api.call("PUT", f"{environment}/job/files/main.py", raw=SCRIPT)
    assert answer.status == 201, answer.body
    found: list[dict[str, Any]] = answer.body["warnings"]
    return found


def test_an_upload_names_the_modules_that_glue_does_not_provide(api: Api) -> None:
    assert put(api, production(api)) == [MISSING]


def test_an_upload_of_a_script_whose_packages_are_installed_has_no_warnings(api: Api) -> None:
    environment = production(api, python_modules=["PyYAML"], **LAKE["job"])
    assert put(api, environment) == api.call("GET", environment).body["warnings"] == []


def test_the_limits_of_an_installation_are_named_when_they_are_reached(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("UNSUPPORTED_FEATURES", "connection:mysql,argument:--datalake-formats")
    api: Api = request.getfixturevalue("api")
    asked = api.call("POST", "/environments", body=LAKE)
    unsupported = {"code": "unsupported_feature", "line": None}
    lake = [{**unsupported, "detail": "Runs of this service do not support --datalake-formats."}]
    assert asked.body["warnings"] == lake
    assert api.call("GET", f"/environments/{asked.body['id']}").body["warnings"] == lake


def test_an_upload_names_the_limits_of_an_installation(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("UNSUPPORTED_FEATURES", "connection:mysql")
    api: Api = request.getfixturevalue("api")
    detail = "Runs of this service do not support connections of type mysql."
    assert put(api, production(api)) == [
        MISSING,
        {"code": "unsupported_feature", "detail": detail, "line": 2},
    ]
