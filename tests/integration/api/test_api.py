"""The HTTP contract on moto: requests and their responses."""

from __future__ import annotations

import time
from typing import Any

import boto3
import jwt
import pytest

from tests.support.api import Api
from tests.support.small_account import RELEASE


def test_a_first_request_is_accepted_and_returns_a_location(api: Api) -> None:
    answer = api.call("POST", "/environments")
    assert answer.status == 202
    assert answer.headers["Location"] == f"/environments/{answer.body['id']}"
    assert answer.body["status"] == "QUEUED"
    assert answer.body["owner"] == "ana"
    assert answer.body["release"] == RELEASE
    assert answer.body["settings"]["job"]["worker_type"] == "G.1X"
    assert answer.headers["X-Request-Id"]


def test_an_environment_becomes_ready_with_its_data_copied(api: Api) -> None:
    environment = api.ready_environment()
    name = f"terraglue-{environment['id']}"
    assert environment["outputs"]["buckets"]["sor"] == f"{name}-sor"
    assert environment["outputs"]["databases"] == {
        "db_shop": f"terraglue_{environment['id']}_db_shop",
        "sot": f"terraglue_{environment['id']}_sot",
    }
    assert environment["progress"]["done"] == environment["progress"]["total"] == 5
    body = boto3.client("s3").get_object(Bucket=f"{name}-sor", Key="db_shop/tbl/a.csv")["Body"]
    assert body.read() == b"id\n1\n"


def test_data_is_omitted_on_request(api: Api) -> None:
    environment = api.ready_environment(upload_data=False)
    sor = boto3.client("s3").list_objects_v2(Bucket=environment["outputs"]["buckets"]["sor"])
    scripts = boto3.client("s3").list_objects_v2(Bucket=environment["outputs"]["buckets"]["glue_assets"])
    assert sor["KeyCount"] == 0
    assert [item["Key"] for item in scripts["Contents"]] == ["jobs/sot_ecommerce.py"]


def test_second_request_of_the_same_user_is_a_conflict(api: Api) -> None:
    first = api.call("POST", "/environments").body
    second = api.call("POST", "/environments")
    assert second.status == 409
    assert second.body["code"] == "environment_exists"
    assert second.body["environment"] == f"/environments/{first['id']}"
    assert api.call("POST", "/environments", owner="ben").status == 202


def test_the_same_idempotency_key_returns_the_first_response(api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    first = api.call("POST", "/environments", headers=key)
    api.stack_event(first.body["id"])
    again = api.call("POST", "/environments", headers=key)
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other_body = api.call("POST", "/environments", headers=key, body={"expires_in_hours": 1})
    assert (other_body.status, other_body.body["code"]) == (422, "idempotency_key_reused")


def test_an_environment_of_another_user_is_not_found(api: Api) -> None:
    environment = api.ready_environment(owner="ana")
    own, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
    nowhere = api.call("GET", "/environments/aaaaaaaaaa", owner="ben")
    for method, path in (
        ("GET", own),
        ("DELETE", own),
        ("POST", f"/jobs/{job}/runs"),
        ("GET", f"/jobs/{job}/runs"),
        ("GET", f"/jobs/{job}/runs/x"),
        ("GET", f"/jobs/{job}/runs/x/logs"),
    ):
        answer = api.call(method, path, owner="ben")
        assert (answer.status, answer.body["code"]) == (404, "not_found"), path
    assert api.call("GET", own, owner="ben").body["detail"] == nowhere.body["detail"]
    assert api.call("GET", own, owner="root", groups=("admins",)).status == 200


def test_lists_show_own_environments_and_admins_all(api: Api) -> None:
    for owner in ("ana", "ben", "cleo"):
        api.call("POST", "/environments", owner=owner)
    assert [e["owner"] for e in api.call("GET", "/environments").body["items"]] == ["ana"]
    admin = {"owner": "root", "groups": ("admins",)}
    assert {e["owner"] for e in api.call("GET", "/environments", **admin).body["items"]} == {
        "ana",
        "ben",
        "cleo",
    }
    ben = api.call("GET", "/environments?owner=ben", **admin).body["items"]
    assert [e["owner"] for e in ben] == ["ben"]
    assert api.call("GET", "/environments?owner=ben").body["items"] == []
    assert api.call("GET", "/environments?status=READY", **admin).body["items"] == []


def test_pages_have_neither_gaps_nor_duplicates(api: Api) -> None:
    for owner in ("ana", "ben", "cleo"):
        api.call("POST", "/environments", owner=owner)
        time.sleep(0.002)  # created_at is in milliseconds
    seen: list[str] = []
    path = "/environments?limit=1"
    for _ in range(4):
        page = api.call("GET", path, owner="root", groups=("admins",)).body
        seen += [item["owner"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/environments?limit=1&cursor={page['next']}"
    assert seen == ["cleo", "ben", "ana"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"colour": "red"}, ["/colour"]),
        ({"expires_in_hours": 0, "kms_key": "yes"}, ["/expires_in_hours", "/kms_key"]),
        (
            {"job": {"worker_type": "X.9", "number_of_workers": 1}},
            ["/job/worker_type", "/job/number_of_workers"],
        ),
        ({"job": {"name": "Bad Name"}}, ["/job/name"]),
        ({"job": {"arguments": {"--JOB_NAME": "x"}}}, ["/job/arguments/--JOB_NAME"]),
        ({"job": {"arguments": {"rm /-rf~": "x"}}}, ["/job/arguments/rm ~1-rf~0"]),
        ({"mode": "wild"}, ["/mode"]),
        ([], [""]),
        (None.__class__.__name__, [""]),
    ],
)
def test_all_invalid_fields_are_returned_together(api: Api, body: Any, pointers: list[str]) -> None:
    answer = api.call("POST", "/environments", body=body)
    assert answer.status == 422
    assert sorted(error["pointer"] for error in answer.body["errors"]) == sorted(pointers)
    assert all(error["detail"].endswith(".") for error in answer.body["errors"])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.call("GET", "/environments").body["items"] == []


@pytest.mark.parametrize(
    ("raw", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b'{"a": NaN}', "application/json", 400, "invalid_json"),
        (b"\xff\xfe", "application/json", 400, "invalid_json"),
        (b"[" * 60_000, "application/json", 400, "invalid_json"),
        (b'{"kms_key": true, "kms_key": false}', "application/json", 400, "invalid_json"),
        (b'{"expires_in_hours": ' + b"9" * 5000 + b"}", "application/json", 400, "invalid_json"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "application/json", 413, "payload_too_large"),
    ],
)
def test_unreadable_bodies_are_rejected(
    api: Api, raw: bytes, content_type: str, status: int, code: str
) -> None:
    answer = api.call("POST", "/environments", raw=raw, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["code"], answer.body["status"]) == (status, code, status)


def test_invalid_combinations_are_returned_together_with_invalid_fields(api: Api) -> None:
    body = {
        "colour": "red",
        "kms_key": 1,
        "buckets": {"sor": "same", "sot": "same", "spec": "Bad Name"},
        "job": {"script": "main.py", "extra_files": [1]},
    }
    answer = api.call("POST", "/environments", body=body)
    assert (answer.status, answer.body["code"]) == (422, "invalid_fields")
    told = {error["pointer"]: error["detail"] for error in answer.body["errors"]}
    assert told.pop("/buckets/spec").startswith("Must have 1 to 40 characters of a-z, 0-9 and -")
    assert told == {
        "/colour": "Unknown field. Check the spelling or remove it.",
        "/kms_key": "Must be true or false.",
        "/job/extra_files/0": "Must be a string.",
        "/buckets/sot": "The bucket sor has the same name.",
        "/job/script": "Not allowed in learning mode, which runs the release's job. Set mode to production.",
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "Must be an object."),
        ({"job": []}, "Must be an object."),
        ({"mode": "wild"}, "Must be 'learning' or 'production'."),
        ({"expires_in_hours": 1.5}, "Must be an integer."),
        ({"expires_in_hours": 721}, "Must be at most 720."),
        ({"job": {"description": ""}}, "Must have at least 1 character(s)."),
        ({"job": {"extra_files": ["a.py"] * 21}}, "Must have at most 20 entries."),
        ({"job": {"description": "\ud800"}}, "Must be valid Unicode, without unpaired surrogates."),
    ],
)
def test_errors_are_plain_sentences(api: Api, body: Any, words: str) -> None:
    [error] = api.call("POST", "/environments", body=body).body["errors"]
    assert error["detail"] == words


def test_an_unknown_parameter_is_rejected_by_every_operation(api: Api) -> None:
    for method, path in (("GET", "/me"), ("POST", "/environments"), ("DELETE", "/environments/aaaaaaaaaa")):
        answer = api.call(method, f"{path}?dry_run=true")
        assert (answer.status, answer.body["errors"][0]["parameter"]) == (422, "dry_run"), path


def test_invalid_tokens_are_rejected(api: Api) -> None:
    good = api.issuer.token("ana")
    header, payload, _ = good.split(".")
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "terraglue-portal", "sub": "ana", "exp": now + 60}
    public_pem = "not the key but long enough to sign with for this test"
    bad = {
        "none sent": None,
        "not a bearer": "Basic YTpi",
        "nonsense": "Bearer abc",
        "no signature": f"Bearer {header}.{payload}.",
        "alg none": f"Bearer {jwt.encode(claims, None, algorithm='none', headers={'kid': 'test'})}",
        "hs256": f"Bearer {jwt.encode(claims, public_pem, algorithm='HS256', headers={'kid': 'test'})}",
        "expired": f"Bearer {api.issuer.token('ana', exp=now - 100)}",
        "not yet": f"Bearer {api.issuer.token('ana', nbf=now + 600)}",
        "other issuer": f"Bearer {api.issuer.token('ana', iss='https://evil.example')}",
        "other audience": f"Bearer {api.issuer.token('ana', aud='someone-else')}",
        "nobody": f"Bearer {api.issuer.token('')}",
    }
    for name, value in bad.items():
        headers = {"Authorization": value} if value else {}
        answer = api.call("GET", "/me", owner=None, headers=headers)
        assert (answer.status, answer.body["code"]) == (401, "unauthorized"), name
        assert answer.headers["x-amzn-Remapped-WWW-Authenticate"].startswith("Bearer"), name
    access = api.call(
        "GET",
        "/me",
        owner=None,
        headers={
            "Authorization": f"Bearer {api.issuer.token('ana', aud=None, client_id='terraglue-portal')}"
        },
    )
    assert access.status == 401, "a null audience is no audience"


def test_me_shows_the_live_environment(api: Api) -> None:
    assert api.call("GET", "/me").body["environment"] is None
    asked = api.call("POST", "/environments").body
    me = api.call("GET", "/me").body
    assert (me["owner"], me["is_admin"], me["environment"]["id"]) == ("ana", False, asked["id"])


def test_health_needs_no_token(api: Api) -> None:
    answer = api.call("GET", "/health", owner=None)
    assert (answer.status, answer.body) == (200, {"status": "ok", "release": RELEASE})


def test_a_deletion_leaves_a_receipt_and_unlocks_the_owner(api: Api) -> None:
    environment = api.ready_environment()
    path = f"/environments/{environment['id']}"
    asked = api.call("DELETE", path)
    assert asked.status == 202
    api.stack_event(environment["id"])
    gone = api.call("DELETE", path)
    assert (gone.status, gone.body["status"]) == (200, "DELETED")
    assert gone.body["deleted_at"]
    assert gone.body["receipt"]
    there = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    assert not there & set(environment["outputs"]["buckets"].values())
    assert api.call("POST", "/environments").status == 202


def test_a_bad_cursor_is_a_bad_request(api: Api) -> None:
    for cursor in ("%21%21", "bm90IGpzb24", "W10"):
        answer = api.call("GET", f"/environments?cursor={cursor}")
        assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), cursor
