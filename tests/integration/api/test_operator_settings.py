"""Effects of the operator's variables on API requests."""

from __future__ import annotations

import pytest

from tests.support.api import Api


def test_an_empty_request_fits_below_the_ceilings(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("MAX_WORKERS", "3")
    monkeypatch.setenv("MAX_TIMEOUT_MINUTES", "10")
    monkeypatch.setenv("MAX_HOURS", "24")
    api: Api = request.getfixturevalue("api")
    asked = api.call("POST", "/environments", body={})
    assert asked.status == 202, asked.body
    settings = asked.body["settings"]
    assert (settings["expires_in_hours"], settings["job"]["number_of_workers"]) == (24, 3)
    assert settings["job"]["timeout_minutes"] == 10


def test_an_owner_in_another_case_is_the_same(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("FOLD_OWNER", "true")
    api: Api = request.getfixturevalue("api")
    asked = api.call("POST", "/environments", owner="Ana@X.org")
    assert (asked.status, asked.body["owner"]) == (202, "ana@x.org")
    own = f"/environments/{asked.body['id']}"
    assert api.call("POST", "/environments", owner="ANA@x.org").status == 409
    assert api.call("GET", own, owner="ana@X.ORG").status == 200
    assert api.call("GET", own, owner="ben@x.org").status == 404
    for caller, groups in (("aNa@x.org", ()), ("root@x.org", ("admins",))):
        found = api.call("GET", "/environments?owner=ANA%40X.ORG", owner=caller, groups=groups).body
        assert [one["id"] for one in found["items"]] == [asked.body["id"]], caller
    assert api.call("GET", "/me", owner="ANA@X.ORG").body["owner"] == "ana@x.org"


@pytest.mark.parametrize(
    "schedule", ["cron(0 22-4 * * ? *)", "cron(0 12 ? * FRI-MON *)", "cron(0 12 1 1 ? 2020)"]
)
def test_all_errors_of_a_schedule_are_returned_together(api: Api, schedule: str) -> None:
    answer = api.call("POST", "/environments", body={"job": {"schedule": schedule}})
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == ["/job/schedule"]
    environment = api.ready_environment()
    change = {"settings": {"job": {"schedule": schedule}}}
    answer = api.call("PATCH", f"/environments/{environment['id']}", body=change)
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == ["/settings/job/schedule"]
