"""Idempotency-Key on every POST: one effect and one response per key."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.api import Api
from tests.support.small_account import TABLE

KEY = {"Idempotency-Key": "k"}


def test_every_post_accepts_an_idempotency_key_but_for_secrets(api: Api) -> None:
    """The response to repeat is stored. Secrets are not."""
    posts = [operation for operation in api.app.api.all if operation.method == "POST"]
    assert len(posts) >= 4
    assert [operation.name for operation in posts if not operation.idempotent] == ["issue_credentials"]


def failed(environment_id: str) -> None:
    boto3.resource("dynamodb").Table(TABLE).update_item(
        Key={"pk": f"ENV#{environment_id}", "sk": "ENV"},
        UpdateExpression="SET #s = :s, gsi_status = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": "FAILED"},
    )


def path_of(api: Api, action: str) -> str:
    environment = api.ready_environment()
    if action == "retry":
        failed(environment["id"])
    if action == "runs":
        return f"/jobs/{environment['outputs']['job_id']}/runs"
    return f"/environments/{environment['id']}/{action}"


@pytest.mark.parametrize("action", ["reset", "retry", "runs"])
def test_a_repeated_request_returns_the_first_response(api: Api, action: str) -> None:
    path = path_of(api, action)
    first = api.call("POST", path, headers=KEY)
    assert (first.status, first.headers.get("Idempotency-Replayed")) == (202, None), first.body
    again = api.call("POST", path, headers=KEY)
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert api.call("GET", first.headers["Location"]).status == 200


@pytest.mark.parametrize("action", ["reset", "retry"])
def test_a_key_has_its_effect_once(api: Api, action: str) -> None:
    path = path_of(api, action)
    for _ in range(3):
        assert api.call("POST", path, headers=KEY).status == 202
    environment = path.rpartition("/")[0]
    events = api.call("GET", f"{environment}/events?limit=100").body["items"]
    assert [event["action"] for event in events].count(f"{action}_requested") == 1
    api.call("DELETE", environment)
    replayed = api.call("POST", path, headers=KEY)
    assert (replayed.status, replayed.headers["Idempotency-Replayed"]) == (202, "true")
    assert api.call("POST", path, headers={"Idempotency-Key": "another"}).status == 409


def test_a_key_of_a_different_request_is_rejected(api: Api) -> None:
    one = path_of(api, "reset")
    assert api.call("POST", one, headers=KEY).status == 202
    for path, raw in ((one, b'{"x": 1}'), (one.replace("/reset", "/retry"), None), ("/environments", None)):
        answer = api.call("POST", path, headers=KEY, raw=raw)
        assert (answer.status, answer.body["code"]) == (422, "idempotency_key_reused"), path


def test_a_key_is_scoped_to_one_job(api: Api) -> None:
    admin: dict[str, Any] = {"owner": "root", "groups": ("admins",)}
    jobs = [api.ready_environment(owner)["outputs"]["job_id"] for owner in ("ana", "ben")]
    assert api.call("POST", f"/jobs/{jobs[0]}/runs", headers=KEY, **admin).status == 202
    other = api.call("POST", f"/jobs/{jobs[1]}/runs", headers=KEY, **admin)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


def test_a_rejected_request_does_not_use_its_key(api: Api) -> None:
    path = path_of(api, "reset")
    environment = path.rpartition("/")[0]
    retry = f"{environment}/retry"
    assert api.call("POST", retry, headers=KEY).status == 409
    failed(environment.rpartition("/")[2])
    assert api.call("POST", retry, headers=KEY).status == 202


@pytest.mark.parametrize("action", ["reset", "retry"])
def test_the_response_is_returned_after_the_first_process_was_killed(api: Api, action: str) -> None:
    class Died(Exception):
        pass

    path = path_of(api, action)
    writes = api.app.service().environments._writes
    start, writes.start = writes.start, lambda _: (_ for _ in ()).throw(Died())
    assert api.call("POST", path, headers=KEY).status == 500
    writes.start = start
    again = api.call("POST", path, headers=KEY)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (202, "true")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b#c"), ("a#b", "c")),
        (("a", "#"), ("a#", "")),
        (("a", '", "b'), ('a", "', "b")),
        (("KEY#a", "k"), ("KEY", "#a#k")),
        (("a\\", "k"), ("a", "\\k")),
    ],
)
def test_keys_of_two_owners_are_independent(api: Api, one: tuple[str, str], other: tuple[str, str]) -> None:
    environments = api.app.service().environments
    for owner, key in (one, other):
        asked = IdempotentRequest(Caller(owner, is_admin=False), "r", key, "f")
        created = environments.create(asked, Settings())
        assert (created.replayed, created.record.owner) == (False, owner)
