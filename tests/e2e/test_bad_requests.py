"""Invalid and malicious requests over real HTTP."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.local_up import Answer, Caller, Up

UNKNOWN = "aaaaaaaaaa"


def assert_problem(answer: Answer, status: int, code: str | None = None) -> None:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"]
    assert answer.body["status"] == status
    assert {"type", "title", "detail", "instance", "code"} <= set(answer.body)
    assert code is None or answer.body["code"] == code
    assert "Traceback" not in json.dumps(answer.body)


@pytest.fixture(scope="module")
def careless(up: Up) -> Caller:
    return up.caller("careless")


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"expires_in_hours": NaN}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"[]", "application/json", 422),
        (b'{"colour": "red"}', "application/json", 422),
        (b'{"expires_in_hours": "72"}', "application/json", 422),
        (b'{"job": {"number_of_workers": 1000}}', "application/json", 422),
        (b'{"a": "' + b"b" * 65536 + b'"}', "application/json", 413),
    ],
)
def test_an_invalid_body_is_rejected(careless: Caller, raw: bytes, content_type: str, status: int) -> None:
    answer = careless.call("POST", "/environments", raw=raw, headers={"Content-Type": content_type})
    assert_problem(answer, status)
    assert careless.call("GET", "/environments").body["items"] == []


def test_all_invalid_fields_are_returned_together(careless: Caller) -> None:
    answer = careless.call(
        "POST", "/environments", {"expires_in_hours": 0, "kms_key": "yes", "job": {"worker_type": "Z.9X"}}
    )
    assert_problem(answer, 422)
    assert {error["pointer"] for error in answer.body["errors"]} == {
        "/expires_in_hours",
        "/kms_key",
        "/job/worker_type",
    }


@pytest.mark.parametrize(
    "path",
    [
        f"/environments/{UNKNOWN}",
        f"/jobs/terraglue-{UNKNOWN}-sot-ecommerce-br/runs",
        f"/jobs/terraglue-{UNKNOWN}-sot-ecommerce-br/runs/{UNKNOWN}",
        f"/jobs/terraglue-{UNKNOWN}-sot-ecommerce-br/runs/{UNKNOWN}/logs",
        "/jobs/x/runs",
        "/environments/..%2f..",
        "/nowhere",
    ],
)
def test_a_missing_resource_returns_404(careless: Caller, path: str) -> None:
    assert_problem(careless.call("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/environments", "GET, HEAD, OPTIONS, POST"),
        ("POST", f"/environments/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
    ],
)
def test_an_unsupported_method_returns_405(careless: Caller, method: str, path: str, allowed: str) -> None:
    answer = careless.call(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


def test_an_invalid_cursor_returns_400(careless: Caller) -> None:
    assert_problem(careless.call("GET", "/environments?cursor=nonsense"), 400)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=BROKEN", "colour=red"])
def test_an_invalid_query_parameter_returns_422(careless: Caller, query: str) -> None:
    assert_problem(careless.call("GET", f"/environments?{query}"), 422)


def genuine(up: Up) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(up.token("victim"), options={"verify_signature": False})
    return claims


def unsigned(claims: dict[str, Any]) -> str:
    parts = [{"alg": "none", "kid": "dummy"}, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


def test_a_missing_token_returns_401(up: Up) -> None:
    answer = Caller(up.ready["api"], None).call("GET", "/me")
    assert_problem(answer, 401)
    assert answer.headers["x-amzn-Remapped-WWW-Authenticate"].startswith("Bearer")


def test_a_forged_token_returns_401(up: Up) -> None:
    claims = genuine(up)
    other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_key_as_secret = "-----BEGIN PUBLIC KEY-----"
    head, _, signature = up.token("victim").split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims | {"cognito:username": "root"}).encode())
    forged = [
        "nonsense",
        unsigned(claims),
        jwt.encode(claims, other_key, algorithm="RS256", headers={"kid": "dummy"}),
        jwt.encode(claims, public_key_as_secret.ljust(64), algorithm="HS256", headers={"kid": "dummy"}),
        f"{head}.{payload.decode().rstrip('=')}.{signature}",
    ]
    for token in forged:
        assert_problem(Caller(up.ready["api"], token).call("GET", "/me"), 401)
        assert_problem(Caller(up.ready["api"], token).call("POST", "/environments", {}), 401)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1_700_000_000},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"aud": "another-client"},
        {"nbf": 4_000_000_000},
        {"cognito:username": ""},
    ],
)
def test_a_signed_token_with_one_invalid_claim_returns_401(up: Up, changed: dict[str, Any]) -> None:
    token = signed_by_the_embedded_cognito(genuine(up) | changed)
    assert_problem(Caller(up.ready["api"], token).call("GET", "/me"), 401)


def test_a_token_signed_with_the_same_key_is_accepted_if_all_claims_are_valid(up: Up) -> None:
    token = signed_by_the_embedded_cognito(genuine(up) | {"exp": int(time.time()) + 60})
    assert Caller(up.ready["api"], token).call("GET", "/me").body["owner"] == "victim"


def signed_by_the_embedded_cognito(claims: dict[str, Any]) -> str:
    """Sign with moto's private key, to get tokens in which only one claim is invalid."""
    from moto.utilities.utils import load_resource

    key = jwt.PyJWK(load_resource("cognitoidp/resources/jwks-private.json"), algorithm="RS256")
    return jwt.encode(claims, key.key, algorithm="RS256", headers={"kid": "dummy"})
