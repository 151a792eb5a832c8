"""Limits per caller over HTTP."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.support.api import Api
from tests.support.small_account import TABLE


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLS_PER_MINUTE", "1")
    monkeypatch.setenv("CALL_BURST", "2")


def test_a_call_above_the_limit_is_429_with_the_time_to_wait(api: Api) -> None:
    first = api.call("POST", "/environments")
    assert first.headers["RateLimit-Policy"] == '"calls";q=2;w=120'
    assert first.headers["RateLimit"] == '"calls";r=1;t=60'
    # A rejected request costs the same, and shows it.
    second = api.call("POST", "/environments")
    assert (second.status, second.headers["RateLimit"].partition(";t=")[0]) == (409, '"calls";r=0')
    third = api.call("DELETE", f"/environments/{first.body['id']}")
    assert (third.status, third.body["code"]) == (429, "rate_limited")
    wait, left = int(third.headers["Retry-After"]), third.headers["RateLimit"]
    assert 55 <= wait <= 60
    assert left == f'"calls";r=0;t={wait}'
    assert api.call("GET", f"/environments/{first.body['id']}").body["status"] != "DELETING"


def test_reads_are_free_and_callers_do_not_share_a_limit(api: Api) -> None:
    for _ in range(2):
        api.call("POST", "/environments")
    for _ in range(5):
        read = api.call("GET", "/environments")
        assert read.status == 200
        assert "RateLimit" not in read.headers
    assert api.call("POST", "/environments").status == 429
    assert api.call("POST", "/environments", owner="ben").status == 202


def test_an_admins_calls_count_for_the_admin(api: Api) -> None:
    admin: dict[str, Any] = {"owner": "root", "groups": ("admins",)}
    asked = api.call("POST", "/environments").body
    for _ in range(2):
        assert api.call("PATCH", f"/environments/{asked['id']}", body={"expires_in_hours": 5}, **admin)
    assert api.call("PATCH", f"/environments/{asked['id']}", body={"expires_in_hours": 6}).status == 200
    assert api.call("DELETE", f"/environments/{asked['id']}", **admin).status == 429


def test_an_idempotent_repetition_costs_like_the_first_request(api: Api) -> None:
    key = {"Idempotency-Key": "one"}
    statuses = [api.call("POST", "/environments", headers=key).status for _ in range(3)]
    assert statuses == [202, 202, 429]


def test_a_table_that_does_not_answer_limits_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = api.app.service().rate_limits
    monkeypatch.setattr(limits._table, "_name", "gone")
    for owner in ("ana", "ben", "cleo"):
        admitted = api.call("POST", "/environments", owner=owner)
        assert admitted.status == 202
        assert "RateLimit" not in admitted.headers


def test_the_item_expires(api: Api) -> None:
    api.call("POST", "/environments")
    item = boto3.client("dynamodb").get_item(
        TableName=TABLE, Key={"pk": {"S": "CALLER#ana"}, "sk": {"S": "RATE"}}
    )["Item"]
    assert set(item) == {"pk", "sk", "full_at", "ttl"}


def test_reads_that_wait_or_start_work_count(api: Api) -> None:
    """Each request that waits holds a worker for 20 seconds."""
    operations = api.app.api.all
    costs = {each.name: each.cost for each in operations}
    waiting = {each.name for each in operations if each.query and "wait" in each.query.model_fields}
    assert waiting == {"get_query", "get_run_logs"}
    assert all(costs[name] for name in waiting)
    assert costs["get_drift"] == costs["get_run_metrics"] == 5
