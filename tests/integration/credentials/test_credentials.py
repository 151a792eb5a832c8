"""POST /environments/{id}/credentials: who gets them, what is recorded, and what is not."""

from __future__ import annotations

import io
from typing import Any

import boto3
import pytest

from chalicelib.domain.environment_parts import Frozen
from chalicelib.domain.timeline import ActorType
from chalicelib.observability import logger
from chalicelib.services.sandbox_access import session_name
from tests.support.api import Answer, Api
from tests.support.small_account import TABLE


def issue(api: Api, environment_id: str, **more: Any) -> Answer:
    return api.call("POST", f"/environments/{environment_id}/credentials", **more)


def stored(environment_id: str) -> Any:
    key = {"pk": {"S": f"ENV#{environment_id}"}, "sk": {"S": "ENV"}}
    return boto3.client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]


def events(api: Api, environment_id: str) -> list[Any]:
    items = api.call("GET", f"/environments/{environment_id}/events").body["items"]
    return [event for event in items if event["action"] == "credentials_issued"]


def test_the_owner_gets_credentials_and_the_timeline_says_so(api: Api) -> None:
    environment = api.ready_environment()
    answer = issue(api, environment["id"], body={"duration_seconds": 900})
    assert answer.status == 201
    given, outputs = answer.body, environment["outputs"]
    assert given["access_key_id"].startswith("ASIA")
    assert answer.headers["Cache-Control"] == "no-store"
    assert given["region"] == "us-east-1"
    assert given["athena_workgroup"] == outputs["athena_workgroup"]
    assert given["buckets"] == sorted(outputs["buckets"].values())
    assert given["databases"] == sorted(outputs["databases"].values())
    assert given["console_url"] is None  # nothing listens at the federation endpoint of this test
    assert "sign-in endpoint" in given["console_error"]
    [event] = events(api, environment["id"])
    assert (event["actor"], event["as_admin"]) == ("ana", False)
    assert event["request_id"] == answer.headers["X-Request-Id"]
    assert event["detail"] == {"expires_at": given["expires_at"], "access_key_id": given["access_key_id"]}
    assert stored(environment["id"])["credentials_until"] == {"S": given["expires_at"]}
    who = boto3.client(
        "sts",
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        aws_session_token=given["session_token"],
    ).get_caller_identity()
    assert who["Arn"].endswith(f"sandbox-user/{environment['id']}-ana")


def test_the_last_expiration_is_recorded(api: Api) -> None:
    environment = api.ready_environment()
    longest = issue(api, environment["id"]).body["expires_at"]
    issue(api, environment["id"], body={"duration_seconds": 900})
    assert stored(environment["id"])["credentials_until"] == {"S": longest}
    assert len(events(api, environment["id"])) == 2


def test_an_admin_is_named(api: Api) -> None:
    environment = api.ready_environment()
    answer = issue(api, environment["id"], owner="root", groups=("admins",))
    assert answer.status == 201
    [event] = events(api, environment["id"])
    assert (event["actor"], event["as_admin"]) == ("root", True)


def test_nothing_keeps_the_secret(api: Api) -> None:
    environment = api.ready_environment()
    written = io.StringIO()
    before = logger.registered_handler.setStream(written)
    try:
        key = {"Idempotency-Key": "k"}
        first, second = (issue(api, environment["id"], headers=key).body for _ in range(2))
    finally:
        logger.registered_handler.setStream(before)
    assert first["secret_access_key"] != second["secret_access_key"]
    kept = str(boto3.client("dynamodb").scan(TableName=TABLE)["Items"]) + written.getvalue()
    assert first["access_key_id"] in kept
    for given in (first, second):
        assert given["secret_access_key"] not in kept
        assert given["session_token"] not in kept


def test_a_frozen_environment_issues_none(api: Api) -> None:
    environment = api.ready_environment()
    store = api.app.service().environments._store
    record = store.environment(environment["id"])
    frozen = Frozen("2026-01-01T00:00:00.000Z", "root", ActorType.USER, "the class is over")
    store.save_environment(record, record.replace(frozen=frozen))
    answer = issue(api, environment["id"])
    assert (answer.status, answer.body["code"]) == (409, "environment_frozen")
    assert "credentials_until" not in stored(environment["id"])


def test_only_a_ready_environment_issues_credentials(api: Api) -> None:
    environment = api.ready_environment()
    api.call("DELETE", f"/environments/{environment['id']}")
    answer = issue(api, environment["id"])
    assert (answer.status, answer.body["code"]) == (409, "environment_not_ready")


def test_a_deletion_in_between_wins(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that AWS issued while the deletion was requested are not returned."""
    environment = api.ready_environment()
    service = api.app.service()
    issue_of_sts = service.access._credentials.issue

    def issue_late(*args: Any, **kwargs: Any) -> Any:
        issued = issue_of_sts(*args, **kwargs)
        api.call("DELETE", f"/environments/{environment['id']}")
        return issued

    monkeypatch.setattr(service.access._credentials, "issue", issue_late)
    answer = issue(api, environment["id"])
    assert (answer.status, answer.body["code"]) == (409, "environment_not_ready")
    assert events(api, environment["id"]) == []


@pytest.mark.parametrize("seconds", [0, 899, 3601, 900.5, "900", True, None])
def test_the_duration_is_limited(api: Api, seconds: Any) -> None:
    answer = issue(api, api.ready_environment()["id"], body={"duration_seconds": seconds})
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"] == "/duration_seconds"


@pytest.mark.parametrize(
    ("person", "name"),
    [
        ("ana@example.org", "abcdefgh23-ana@example.org"),
        ("auth0|x y", "abcdefgh23-auth0=7Cx=20y"),
        ("a=7C", "abcdefgh23-a=3D7C"),
        ("zoë", "abcdefgh23-zo=C3=AB"),
        ("x" * 100, "abcdefgh23-" + "x" * 53),
    ],
)
def test_a_session_is_named_after_the_person(person: str, name: str) -> None:
    assert session_name("abcdefgh23", person) == name
