"""`python -m deploy forget`: everything that an owner can create, and then no trace of the name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from deploy import owner_data
from deploy.errors import DeploymentError
from deploy.forget import forget
from tests.support.api import Api
from tests.support.deployed import context, records
from tests.support.moto_runs import end_in_glue
from tests.support.small_account import ASSETS, TABLE

pytestmark = pytest.mark.usefixtures("runs_end_when_told")

OWNER, ADMIN, OTHER = "zelda@school.example", {"groups": ("admins",)}, "otto@school.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def mentions(name: str) -> list[str]:
    """The items and objects that contain a name, in the table and the assets bucket, without the lock."""
    found = [
        f"{i['pk']} {i['sk']}" for i in records() if name in json.dumps(i, default=str, ensure_ascii=False)
    ]
    s3 = boto3.client("s3")
    for item in s3.list_objects_v2(Bucket=ASSETS)["Contents"]:
        body = s3.get_object(Bucket=ASSETS, Key=item["Key"])["Body"].read()
        found += [item["Key"]] if name.encode() in body or name in item["Key"] else []
    return found


def deleted(api: Api, environment: str, owner: str) -> None:
    path = f"/environments/{environment}"
    assert api.call("DELETE", path, owner=owner).status == 202
    for _ in range(3):
        api.stack_event(environment)
    assert api.call("GET", path, owner=owner).body["status"] == "DELETED"


@pytest.fixture
def everything(api: Api) -> tuple[str, str]:
    """All that the owner can create, also as an admin in another owner's environment. Returns both IDs."""
    asked = {"mode": "production", "job": {"script": "main.py", "schedule": "rate(1 hour)"}}
    environment = api.ready_environment(OWNER, **asked)
    path, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
    key = {"Idempotency-Key": "key-1"}
    assert api.call("PUT", f"{path}/job/files/main.py", owner=OWNER, raw=b"print(1)\n").status == 201
    run = {"timeout_minutes": 1, "number_of_workers": 2}
    first, second = (
        api.call("POST", f"/jobs/{job}/runs", owner=OWNER, body=run, headers=more).body
        for more in (key, {"Idempotency-Key": "key-2"})
    )
    assert api.call("DELETE", f"/jobs/{job}/runs/{second['id']}", owner=OWNER).status in (200, 202)
    end_in_glue(job)
    assert api.call("GET", f"/jobs/{job}/runs/{first['id']}", owner=OWNER).body["status"] == "SUCCEEDED"

    others = api.ready_environment(OTHER, **asked)
    path = f"/environments/{others['id']}"
    put = api.call("PUT", f"{path}/job/files/main.py", owner=OWNER, raw=b"print(2)\n", **ADMIN)
    assert put.status == 201
    assert api.call("PATCH", path, owner=OWNER, body={"expires_in_hours": 5}, **ADMIN).status == 200
    runs = f"/jobs/{others['outputs']['job_id']}/runs"
    # The key has a copy of the environment, whose files the admin changed.
    assert api.call("POST", f"{path}/reset", owner=OTHER, headers=key).status == 202
    api.app.service().events.tick(seconds=10)
    assert api.call("GET", path, owner=OTHER).body["status"] == "READY"
    put = api.call("PUT", f"{path}/job/files/main.py", owner=OWNER, raw=b"print(2)\n", **ADMIN)
    begun = [api.call("POST", runs, owner=OTHER, body=run).body["id"] for _ in range(2)]
    assert api.call("DELETE", f"{runs}/{begun[1]}", owner=OWNER, **ADMIN).status in (200, 202)
    end_in_glue(others["outputs"]["job_id"])
    frozen = api.call("POST", f"{path}/freeze", owner=OWNER, body={"reason": "over"}, **ADMIN)
    assert frozen.status == 202
    cohort = {"name": "class", "owners": [OWNER]}
    key = {"Idempotency-Key": "key-3"}
    assert api.call("POST", "/cohorts", owner=OWNER, body=cohort, headers=key, **ADMIN).status == 202
    api.app.service().events.tick(seconds=10)
    return environment["id"], others["id"]


def test_an_owner_with_an_environment_is_refused_and_nothing_changes(
    api: Api, everything: tuple[str, str]
) -> None:
    before = records()
    with pytest.raises(DeploymentError, match=f"has the environment {everything[0]}. Delete it first"):
        forget(context(), OWNER)
    assert records() == before


def test_no_item_contains_a_forgotten_owner(api: Api, everything: tuple[str, str]) -> None:
    environment, others = everything
    deleted(api, environment, OWNER)
    kinds = {line.split()[1].partition("#")[0] for line in mentions(OWNER)}
    assert kinds == {"ENV", "RUN", "EVENT", "KEY", "BUDGET", "CHARGE", "RATE"} | {
        *("COHORT", "OWNERS", "MEMBER", "NOTICE")
    }
    before = {(i["pk"], i["sk"]): i for i in records()}

    said: list[str] = []
    forget(context(said.append), OWNER.upper(), now=NOW)  # an e-mail claim: in any letter case

    assert mentions(OWNER) == []
    assert "  point-in-time recovery of the table: until 2026-02-05" in said
    assert any("until 2026-01-31" in line for line in said)
    gone = {"OWNER#zelda@school.example BUDGET", "CALLER#zelda@school.example RATE"} | {
        f"{pk} {sk}" for (pk, sk), i in before.items() if sk == "KEY" and i["owner"] == OWNER
    }
    assert {f"{pk} {sk}" for pk, sk in before} - {f"{i['pk']} {i['sk']}" for i in records()} == gone
    [alias] = {i["gsi_owner"] for i in records() if i["sk"] == "ENV"} - {OTHER}
    page = api.call("GET", f"/environments?owner={alias}", owner="root", **ADMIN).body["items"]
    assert [item["id"] for item in page] == [environment]
    # The other owner's records work as before, and show the alias as the actor.
    events = api.call("GET", f"/environments/{others}/events", owner=OTHER).body["items"]
    assert alias in {event["actor"] for event in events}
    path = f"/environments/{others}"
    frozen = api.call("GET", path, owner=OTHER).body["frozen"]
    assert (frozen["by"], frozen["reason"]) == (alias, "over")
    assert api.call("POST", f"{path}/thaw", owner="root", **ADMIN).status == 202
    assert api.call("PATCH", path, owner=OTHER, body={"expires_in_hours": 6}).status == 200
    assert api.ready_environment(OWNER)["owner"] == OWNER  # the person can come back


def test_a_second_call_finds_nothing(api: Api, everything: tuple[str, str]) -> None:
    deleted(api, everything[0], OWNER)
    forget(context(), OWNER)
    before, said = records(), list[str]()
    forget(context(said.append), OWNER)
    assert said[0] == f"The table does not contain {OWNER}. Compare the name with `owner` in GET /me."
    assert records() == before


def test_an_interrupted_call_continues_with_the_same_alias(
    api: Api, everything: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted(api, everything[0], OWNER)
    original, calls = owner_data.replacement, 0

    def dying(*given: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return original(*given)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(owner_data, "replacement", dying)
        forget(context(), OWNER)
    assert api.call("POST", "/environments", owner=OWNER).status == 409  # while the lock has the alias
    forget(context(), OWNER)
    assert mentions(OWNER) == []
    aliases = {value for i in records() for value in map(str, i.values()) if value.startswith("forgotten-")}
    assert len(aliases) == 1


def test_a_record_that_changes_at_the_same_time_loses_nothing(
    api: Api, everything: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted(api, everything[0], OWNER)
    original, path, changes = owner_data.replacement, f"/environments/{everything[1]}", [7, 8]

    def slow(item: Any, *given: Any) -> dict[str, Any]:
        if item["sk"] == "ENV" and item["owner"] == OTHER and changes:
            hours = {"expires_in_hours": changes.pop()}
            assert api.call("PATCH", path, owner="root", body=hours, **ADMIN).status == 200
        return original(item, *given)

    monkeypatch.setattr(owner_data, "replacement", slow)
    forget(context(), OWNER)
    assert mentions(OWNER) == []
    assert changes == []
    expirations = [e for e in api.call("GET", f"{path}/events", owner=OTHER).body["items"] if e["changes"]]
    shown = api.call("GET", path, owner=OTHER).body
    assert expirations[0]["changes"][-1]["new"] == shown["expires_at"]


def test_without_a_confirmation_nothing_changes(api: Api, everything: tuple[str, str]) -> None:
    deleted(api, everything[0], OWNER)
    before = records()
    with pytest.raises(DeploymentError, match="Not confirmed"):
        forget(context(assume_yes=False, ask=lambda _: "no"), OWNER)
    assert records() == before


def test_a_name_from_before_names_became_independent_of_letter_case_is_forgotten_too(api: Api) -> None:
    old = boto3.resource("dynamodb").Table(TABLE)
    event = {"pk": "ENV#a", "sk": "EVENT#1", "owner": "Zelda@School.example", "actor": "Zelda@School.example"}
    others = {**event, "pk": "ENV#b", "owner": "zelda@school.example.org", "actor": "Zelda@School.exampl"}
    for item in (event, others):
        old.put_item(Item=item)
    forget(context(), "Zelda@School.example")
    assert mentions("Zelda@School.example") == []
    assert old.get_item(Key={"pk": "ENV#b", "sk": "EVENT#1"})["Item"] == others


@pytest.mark.parametrize("name", ["", "zelda\x1b[2J", "zelda\n", "\udcff"])
def test_a_name_that_nobody_can_have_is_refused(api: Api, name: str) -> None:
    before = records()
    with pytest.raises(DeploymentError, match="is no name of an owner"):
        forget(context(), name)
    assert records() == before
