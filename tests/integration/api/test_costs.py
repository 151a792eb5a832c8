"""The number of records changes no request's cost: its calls of AWS, and the items that DynamoDB reads."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.support.api import Api
from tests.support.aws_calls import Counter, counted, shortened
from tests.support.size import sized
from tests.support.small_account import TABLE

ACCOUNT = "123456789012"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
ADMIN: dict[str, Any] = {"owner": "root", "groups": ("admins",)}


@pytest.fixture
def counter(api: Api) -> Iterator[Counter]:
    with counted(api) as counter:
        yield counter


def multiply(environments: int) -> None:
    """Fill the table in moto up to `environments`, with copies of the existing one that have other owners."""
    table = dynamodb_backends[ACCOUNT]["us-east-1"].tables[TABLE]
    partitions = [key for key in table.items if key.value.startswith("ENV#")]
    [pattern] = [item for sort_key, item in table.items[partitions[0]].items() if sort_key.value == "ENV"]
    for number in range(len(partitions), environments):
        key, owner = copy.copy(partitions[0]), DynamoType({"S": f"student-{number}"})
        key.value = "ENV#" + "".join(_ALPHABET[number >> shift & 31] for shift in range(45, -1, -5))
        clone = copy.copy(pattern)
        clone.hash_key = key
        clone.attrs = {**pattern.attrs, "pk": key, "owner": owner, "gsi_owner": owner}
        table.items[key] = {pattern.range_key: clone}


def test_the_number_of_environments_changes_neither_calls_nor_items_read(api: Api, counter: Counter) -> None:
    environment = api.ready_environment()
    own, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
    asked = {"timeout_minutes": 1, "number_of_workers": 2}
    run = api.call("POST", f"/jobs/{job}/runs", body=asked).body
    while api.call("GET", f"/jobs/{job}/runs/{run['id']}").body["status"] != "SUCCEEDED":
        pass  # moto's run advances when it is described
    tag = {"If-None-Match": api.call("GET", own).headers["ETag"]}
    names = itertools.count()

    def get(path: str, **more: Any) -> Callable[[], Any]:
        return lambda: api.call("GET", path, **more)

    works: dict[str, Callable[[], Any]] = {
        "an environment": get(own),
        "an unchanged environment": get(own, headers=tag),
        "a job": get(f"/jobs/{job}"),
        "a run": get(f"/jobs/{job}/runs/{run['id']}"),
        "runs": get(f"/jobs/{job}/runs?limit=1"),
        "events": get(f"{own}/events?limit=2"),
        "files": get(f"{own}/job/files"),
        "own environments": get("/environments"),
        "all environments": get("/environments?limit=5", **ADMIN),
        "all READY environments": get("/environments?status=READY&limit=5", **ADMIN),
        "all jobs": get("/jobs?limit=5", **ADMIN),
        "account": get("/me"),
        "own usage": get("/usage"),
        "a new environment": lambda: api.call("POST", "/environments", owner=f"new-{next(names)}"),
        "a new run": lambda: api.call("POST", f"/jobs/{job}/runs", body=asked),
        "the queue's counters": lambda: api.app.service().events._store.queue.counters(),
        "a tick with nothing due": lambda: api.app.service().events.tick(seconds=10),
        "notices with nothing due": lambda: api.app.service().notices.deliver(seconds=10),
    }

    def costs() -> dict[str, tuple[str, list[int]]]:
        found = {}
        api.app.service().notices.deliver(seconds=10)  # those of the last round
        for name, work in works.items():
            counter.clear()
            answer = work()
            assert getattr(answer, "status", 200) in (200, 202, 304), (name, answer)
            found[name] = (shortened(counter.calls), list(counter.items))
        return found

    multiply(10)
    few = costs()
    assert few["all environments"] == ("dynamodb: Query, BatchGetItem", [5, 5])
    assert few["a tick with nothing due"] == ("dynamodb: Query", [0])
    multiply(sized(1_000, 10_000))
    assert costs() == few
