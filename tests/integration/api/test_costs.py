"""Number of AWS calls per request, independent of the number of records."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto.dynamodb.models import dynamodb_backends

from chalicelib import wiring
from chalicelib.config import Config
from tests.support.api import Api
from tests.support.size import sized
from tests.support.small_account import TABLE

ACCOUNT = "123456789012"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Counter:
    """Counts the calls that leave through a session."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        session.events.register_first("before-call.*.*", self._before)

    def _before(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_name}:{model.name}")


@pytest.fixture
def counter(api: Api) -> Iterator[Counter]:
    session = boto3.Session()
    counter = Counter(session)
    moment = datetime.now(UTC)  # the clock does not move: the newest release is read once in 30 s
    service = wiring.build(Config.from_environment(), session=session, clock=lambda: moment)
    original, api.app.service = api.app.service, lambda: service
    try:
        service.releases.latest()  # cached by a process that served requests before
        yield counter
    finally:
        api.app.service = original


def multiply(environments: int) -> None:
    """Fill the table in moto up to `count` environments, with copies of the existing one."""
    table = dynamodb_backends[ACCOUNT]["us-east-1"].tables[TABLE]
    partitions = [key for key in table.items if key.value.startswith("ENV#")]
    [pattern] = [item for sort_key, item in table.items[partitions[-1]].items() if sort_key.value == "ENV"]
    for number in range(environments - len(partitions)):
        name = "ENV#" + "".join(
            "abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in range(45, -1, -5)
        )
        key = copy.copy(partitions[-1])
        key.value = name
        clone = copy.copy(pattern)
        clone.hash_key = key
        clone.attrs = {**pattern.attrs, "pk": key}
        table.items[key] = {pattern.range_key: clone}


def calls(counter: Counter, api: Api, *args: Any, **kwargs: Any) -> list[str]:
    counter.calls.clear()
    answer = api.call(*args, **kwargs)
    assert answer.status in (200, 202, 304), answer.body
    return list(counter.calls)


@pytest.mark.parametrize("environments", [10, sized(1_000, 100_000)])
def test_the_number_of_calls_does_not_depend_on_the_number_of_environments(
    api: Api, counter: Counter, environments: int
) -> None:
    environment = api.ready_environment()
    own, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
    run = api.call("POST", f"/jobs/{job}/runs", body={"timeout_minutes": 1, "number_of_workers": 2}).body
    while api.call("GET", f"/jobs/{job}/runs/{run['id']}").body["status"] != "SUCCEEDED":
        pass  # moto's run advances when it is described
    multiply(environments)
    admin = {"owner": "root", "groups": ("admins",)}

    get, query, listed = (
        ["dynamodb:GetItem"],
        ["dynamodb:Query"],
        ["dynamodb:Query", "dynamodb:BatchGetItem"],
    )
    assert calls(counter, api, "GET", own) == get
    tag = {"If-None-Match": api.call("GET", own).headers["ETag"]}
    assert calls(counter, api, "GET", own, headers=tag) == get
    assert calls(counter, api, "GET", f"/jobs/{job}") == get
    assert calls(counter, api, "GET", f"/jobs/{job}/runs/{run['id']}") == get
    assert calls(counter, api, "GET", f"/jobs/{job}/runs") == query
    assert calls(counter, api, "GET", f"{own}/events") == query
    assert calls(counter, api, "GET", f"{own}/job/files") == get
    assert calls(counter, api, "GET", "/environments") == listed
    assert calls(counter, api, "GET", "/environments?limit=25", **admin) == listed
    assert calls(counter, api, "GET", "/environments?status=READY&limit=5", **admin) == listed
    assert calls(counter, api, "GET", "/me") == ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    assert calls(counter, api, "POST", "/environments", owner="ben") == [
        "dynamodb:UpdateItem",  # the limit of the caller
        "dynamodb:GetItem",
        "dynamodb:TransactWriteItems",
        "cloudformation:CreateStack",
        "dynamodb:TransactWriteItems",
    ]
    again = {"timeout_minutes": 1, "number_of_workers": 2}
    assert calls(counter, api, "POST", f"/jobs/{job}/runs", body=again) == [
        "dynamodb:UpdateItem",  # the limit of the caller
        "dynamodb:GetItem",
        "dynamodb:GetItem",
        "dynamodb:TransactWriteItems",
        "dynamodb:GetItem",
        "glue:StartJobRun",
        "dynamodb:TransactWriteItems",
    ]
