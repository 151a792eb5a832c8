"""Hosted sign-in of the embedded Cognito over HTTP: what a client gets, and what an attacker does not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import jwt
import pytest
from moto import mock_aws
from moto.cognitoidp.responses import CognitoIdpJsonWebKeyResponse
from werkzeug.test import Client, TestResponse

from local.identity.hosted import HostedSignIn
from local.identity.registration import register
from local.setup.bootstrap import ensure_identity

REGION = "us-east-1"
AWS = "http://127.0.0.1:8001"
API = "http://127.0.0.1:8000"
PORTAL = f"{API}/"
VERIFIER = "a-verifier-of-the-portal-with-43-characters-or-more"
# The challenge as RFC 7636 defines it: BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def emulator(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the emulator"]


@dataclass
class SignIn:
    """The endpoints, a browser with cookies, and the clock of the provider."""

    cognito: Any
    pool: str
    client_id: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.application = HostedSignIn(emulator, REGION, lambda: self.now)
        self.browser = self.new_browser()

    def new_browser(self) -> Client:
        return Client(self.application)

    def query(self, **changes: str | None) -> str:
        usual = {
            "client_id": self.client_id,
            "redirect_uri": PORTAL,
            "response_type": "code",
            "scope": "openid email",
            "state": "the-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return urlencode({name: value for name, value in {**usual, **changes}.items() if value is not None})

    def get(self, path: str, query: str, **more: Any) -> TestResponse:
        return self.browser.get(f"{path}?{query}", base_url=AWS, **more)

    def submit(self, form: dict[str, str], query: str, **more: Any) -> TestResponse:
        return self.browser.post(f"/login?{query}", data=form, base_url=AWS, **more)

    def code(self, name: str = "ana", **changes: str | None) -> str:
        answer = self.submit({"username": name}, self.query(**changes))
        return str(sent(answer)["code"])

    def token(self, **changes: str | None) -> TestResponse:
        usual = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": PORTAL,
            "code_verifier": VERIFIER,
        }
        form = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        return self.new_browser().post("/oauth2/token", data=form, base_url=AWS)

    def refresh(self, refresh_token: str, client_id: str | None = None) -> TestResponse:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        form["client_id"] = client_id or self.client_id
        return self.new_browser().post("/oauth2/token", data=form, base_url=AWS)


@pytest.fixture(scope="module")
def cognito() -> Iterator[Any]:
    with mock_aws():
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        yield boto3.client("cognito-idp", region_name=REGION, **keys)


@pytest.fixture
def sign_in(cognito: Any) -> Iterator[SignIn]:
    identity = ensure_identity(lambda service: cognito, AWS, REGION)
    register(cognito, identity.user_pool_id, identity.client_id, API)
    yield SignIn(cognito, identity.user_pool_id, identity.client_id)
    pool = {"UserPoolId": identity.user_pool_id}  # kept: a pool reads its key for a second
    for user in cognito.list_users(**pool)["Users"]:
        cognito.admin_delete_user(**pool, Username=user["Username"])
    for client in cognito.list_user_pool_clients(**pool)["UserPoolClients"]:
        cognito.delete_user_pool_client(**pool, ClientId=client["ClientId"])


def sent(answer: TestResponse, to: str = PORTAL) -> dict[str, str]:
    """Return the parameters with which a response sends the user to the client."""
    assert answer.status_code == 303, answer.text
    url, _, query = answer.location.partition("?")
    assert url == to
    return {name: value for name, [value] in parse_qs(query).items()}


def claims(token: str, audience: str) -> dict[str, Any]:
    """Return the claims of a token, verified with the published key."""
    [key] = json.loads(CognitoIdpJsonWebKeyResponse.json_web_key)["keys"]
    verified: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key), ["RS256"], audience=audience)
    return verified


# ---- Signing in


def test_user_signs_in_with_one_click_and_gets_signed_tokens(sign_in: SignIn) -> None:
    shown = sign_in.get("/oauth2/authorize", sign_in.query())
    assert (shown.status_code, urlsplit(shown.location).path) == (303, "/login")
    page = sign_in.browser.get(shown.location, base_url=AWS)
    assert page.status_code == 200
    assert re.findall(r'name="username" value="([^"]*)"', page.text) == ["ana", "bob", "admin", ""]
    action = unescape(re.findall(r'action="([^"]*)"', page.text)[0])
    answer = sent(sign_in.browser.post(action, data={"username": "ana"}, base_url=AWS))
    assert answer.keys() == {"code", "state"}
    assert answer["state"] == "the-state"

    tokens = sign_in.token(code=answer["code"])
    assert tokens.status_code == 200
    assert tokens.headers["Cache-Control"] == "no-store"
    assert tokens.json is not None
    assert tokens.json.keys() == {"id_token", "access_token", "refresh_token", "expires_in", "token_type"}
    assert (tokens.json["token_type"], tokens.json["expires_in"]) == ("Bearer", 3600)
    found = claims(tokens.json["id_token"], sign_in.client_id)
    assert (found["cognito:username"], found["token_use"]) == ("ana", "id")
    assert found["iss"] == f"https://cognito-idp.{REGION}.amazonaws.com/{sign_in.pool}"
    assert "cognito:groups" not in found


def test_admin_is_in_the_group_of_admins_and_other_names_are_not(sign_in: SignIn) -> None:
    groups = []
    for name in ("admin", "Jürgen-Ω!", "administrator"):
        tokens = sign_in.token(code=sign_in.code(name, prompt="login")).json
        assert tokens is not None
        found = claims(tokens["id_token"], sign_in.client_id)
        assert found["cognito:username"] == name
        groups.append(found.get("cognito:groups"))
    assert groups == [["admins"], None, None]


def test_id_token_has_the_nonce_of_the_request(sign_in: SignIn) -> None:
    tokens = sign_in.token(code=sign_in.code(nonce="n-0S6_WzA2Mj")).json
    assert tokens is not None
    assert claims(tokens["id_token"], sign_in.client_id)["nonce"] == "n-0S6_WzA2Mj"


def test_session_signs_in_without_a_page_until_its_hour_or_the_sign_out_ends(sign_in: SignIn) -> None:
    answer = sign_in.submit({"username": "ana"}, sign_in.query())
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= set(cookie.split("; "))
    sign_in.now += timedelta(minutes=59)
    again = sent(sign_in.get("/oauth2/authorize", sign_in.query()))
    tokens = sign_in.token(code=again["code"]).json
    assert tokens is not None
    assert claims(tokens["id_token"], sign_in.client_id)["cognito:username"] == "ana"
    assert sign_in.get("/oauth2/authorize", sign_in.query(prompt="login")).location.startswith("/login?")

    sign_in.now += timedelta(minutes=1)
    assert sign_in.get("/oauth2/authorize", sign_in.query()).location.startswith("/login?")

    # The provider forgets the session, whatever the browser does with the cookie.
    kept = sign_in.submit({"username": "ana"}, sign_in.query()).headers["Set-Cookie"].partition(";")[0]
    out = sign_in.get("/logout", urlencode({"client_id": sign_in.client_id, "logout_uri": PORTAL}))
    assert (out.status_code, out.location) == (303, PORTAL)
    thief = sign_in.new_browser()
    after = thief.get(f"/oauth2/authorize?{sign_in.query()}", base_url=AWS, headers={"Cookie": kept})
    assert after.location.startswith("/login?")


def test_silent_request_without_a_session_returns_login_required(sign_in: SignIn) -> None:
    answer = sent(sign_in.get("/oauth2/authorize", sign_in.query(prompt="none")))
    assert answer == {"error": "login_required", "state": "the-state"}


def test_cancelled_sign_in_is_access_denied(sign_in: SignIn) -> None:
    answer = sent(sign_in.submit({"cancel": "yes"}, sign_in.query()))
    assert (answer["error"], answer["state"]) == ("access_denied", "the-state")


def test_portal_returns_to_both_names_of_the_loopback_interface_and_to_each_api(sign_in: SignIn) -> None:
    register(sign_in.cognito, sign_in.pool, sign_in.client_id, "http://127.0.0.1:9000")
    for url in (PORTAL, "http://localhost:8000/", "http://127.0.0.1:9000/", "http://localhost:9000/"):
        answer = sign_in.submit({"username": "ana"}, sign_in.query(redirect_uri=url))
        assert sent(answer, url)["code"]


def test_discovery_document_names_the_endpoints(sign_in: SignIn) -> None:
    path = f"/{sign_in.pool}/.well-known/openid-configuration"
    found = sign_in.browser.get(path, base_url=AWS).json
    assert found is not None
    assert found["issuer"] == f"https://cognito-idp.{REGION}.amazonaws.com/{sign_in.pool}"
    assert found["authorization_endpoint"] == f"{AWS}/oauth2/authorize"
    assert found["token_endpoint"] == f"{AWS}/oauth2/token"
    assert found["end_session_endpoint"] == f"{AWS}/logout"
    assert found["jwks_uri"] == f"{AWS}/{sign_in.pool}/.well-known/jwks.json"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert sign_in.browser.get("/another/.well-known/openid-configuration", base_url=AWS).status_code == 404


def test_signed_requests_and_other_paths_are_those_of_the_emulator(sign_in: SignIn) -> None:
    signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
    for path, headers in (("/login", signature), ("/oauth2/authorize", signature), ("/bucket/key", {})):
        assert sign_in.browser.get(path, base_url=AWS, headers=headers).text == "the emulator"


# ---- Refresh tokens


def test_refresh_token_renews_until_the_user_is_signed_out_everywhere(sign_in: SignIn) -> None:
    first = sign_in.token(code=sign_in.code()).json
    assert first is not None
    second = sign_in.refresh(first["refresh_token"])
    assert second.status_code == 200
    assert second.json is not None
    # As in Cognito without rotation, the refresh token stays the same and is not repeated.
    assert second.json.keys() == {"id_token", "access_token", "expires_in", "token_type"}
    assert claims(second.json["id_token"], sign_in.client_id)["cognito:username"] == "ana"
    sign_in.cognito.admin_user_global_sign_out(UserPoolId=sign_in.pool, Username="ana")
    refused = sign_in.refresh(first["refresh_token"])
    assert (refused.status_code, refused.json) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("end", ["admin_disable_user", "admin_delete_user"])
def test_refresh_token_of_a_disabled_or_deleted_user_is_invalid(sign_in: SignIn, end: str) -> None:
    tokens = sign_in.token(code=sign_in.code()).json
    assert tokens is not None
    getattr(sign_in.cognito, end)(UserPoolId=sign_in.pool, Username="ana")
    assert sign_in.refresh(tokens["refresh_token"]).json == {"error": "invalid_grant"}


def test_refresh_token_is_bound_to_its_client(sign_in: SignIn) -> None:
    tokens = sign_in.token(code=sign_in.code()).json
    assert tokens is not None
    other = sign_in.cognito.create_user_pool_client(UserPoolId=sign_in.pool, ClientName="other")
    refused = sign_in.refresh(tokens["refresh_token"], other["UserPoolClient"]["ClientId"])
    assert refused.json == {"error": "invalid_grant"}


# ---- Codes under attack


def test_code_is_valid_once(sign_in: SignIn) -> None:
    code = sign_in.code()
    assert sign_in.token(code=code).status_code == 200
    replayed = sign_in.token(code=code)
    assert (replayed.status_code, replayed.json) == (400, {"error": "invalid_grant"})


def test_code_expires_after_five_minutes(sign_in: SignIn) -> None:
    early, late = sign_in.code(), sign_in.code()
    sign_in.now += timedelta(minutes=5) - timedelta(seconds=1)
    assert sign_in.token(code=early).status_code == 200
    sign_in.now += timedelta(seconds=1)
    assert sign_in.token(code=late).json == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another-verifier-with-43-characters-or-more-in-it"},
        {"code_verifier": CHALLENGE},
        {"code_verifier": ""},
        {"code_verifier": None},
        {"redirect_uri": "http://localhost:8000/"},
        {"redirect_uri": "https://evil.example/"},
    ],
    ids=str,
)
def test_code_without_its_verifier_and_redirect_uri_is_refused_and_used_up(
    sign_in: SignIn, changes: dict[str, str | None]
) -> None:
    code = sign_in.code()
    refused = sign_in.token(code=code, **changes)
    assert (refused.status_code, refused.json) == (400, {"error": "invalid_grant"})
    assert sign_in.token(code=code).json == {"error": "invalid_grant"}


def test_code_is_bound_to_its_client(sign_in: SignIn) -> None:
    other = sign_in.cognito.create_user_pool_client(
        UserPoolId=sign_in.pool, ClientName="other", CallbackURLs=[PORTAL]
    )
    refused = sign_in.token(code=sign_in.code(), client_id=other["UserPoolClient"]["ClientId"])
    assert refused.json == {"error": "invalid_grant"}


def test_code_of_a_request_without_a_challenge_takes_no_verifier(sign_in: SignIn) -> None:
    """A stolen request without PKCE must not pass for one with it (RFC 9700, section 2.1.1)."""
    without = {"code_challenge": None, "code_challenge_method": None}
    assert sign_in.token(code=sign_in.code(**without)).json == {"error": "invalid_grant"}
    assert sign_in.token(code=sign_in.code(**without), code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"code": "guessed"}, "invalid_grant"),
    ],
    ids=str,
)
def test_token_request_that_is_incomplete_gets_the_error_of_oauth(
    sign_in: SignIn, form: dict[str, str | None], error: str
) -> None:
    refused = sign_in.token(**{"code": sign_in.code(), **form})
    assert (refused.status_code, refused.json) == (400, {"error": error})


# ---- Redirects under attack


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://127.0.0.1:8000.evil.example/",
        "http://127.0.0.1:8000@evil.example/",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:8000/?next=https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "http://127.0.0.1:8000/\r\nSet-Cookie: a=b",
        "",
        None,
    ],
)
def test_no_endpoint_redirects_to_an_url_that_is_not_registered(sign_in: SignIn, url: str | None) -> None:
    query = sign_in.query(redirect_uri=url)
    out = {
        "client_id": sign_in.client_id,
        **({} if url is None else {"logout_uri": url, "redirect_uri": url}),
    }
    for answer in (
        sign_in.get("/oauth2/authorize", query),
        sign_in.get("/login", query),
        sign_in.submit({"username": "ana"}, query),
        sign_in.submit({"cancel": "yes"}, query),
        sign_in.get("/logout", urlencode(out)),
    ):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "redirect_mismatch" in answer.text
        assert "<script" not in answer.text


def test_unknown_client_is_not_redirected(sign_in: SignIn) -> None:
    answer = sign_in.get("/oauth2/authorize", sign_in.query(client_id="of-an-emulator-that-stopped"))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "Open the portal again" in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "openid aws.cognito.signin.user.admin"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
    ],
    ids=str,
)
def test_other_errors_return_to_the_client_with_its_state(
    sign_in: SignIn, changes: dict[str, str | None], error: str
) -> None:
    answer = sent(sign_in.get("/oauth2/authorize", sign_in.query(**changes)))
    assert (answer["error"], answer["state"]) == (error, "the-state")


def test_repeated_parameter_is_an_invalid_request(sign_in: SignIn) -> None:
    answer = sent(sign_in.get("/oauth2/authorize", f"{sign_in.query()}&scope=openid"))
    assert answer["error"] == "invalid_request"


# ---- The page under attack


def test_script_in_a_name_is_text(sign_in: SignIn) -> None:
    script = '"><script>alert(1)</script> <img src=x onerror=alert(1)>'
    hinted = sign_in.get("/login", sign_in.query(login_hint=script, state=script))
    entered = sign_in.submit({"username": script}, sign_in.query())
    assert (hinted.status_code, entered.status_code) == (200, 400)
    for answer in (hinted, entered):
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert escape(script) in answer.text
        rules = dict(
            part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert rules["default-src"] == "'none'"
        assert rules["frame-ancestors"] == "'none'"
        assert rules["form-action"] == f"'self' {API}"
        assert "script-src" not in rules
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "A name has 1 to 128" in entered.text


@pytest.mark.parametrize("name", ["", "  ", "two words", "a" * 129, "a\tb", "a\x00b", "a\u202eb"])
def test_name_that_cognito_rejects_is_asked_for_again(sign_in: SignIn, name: str) -> None:
    answer = sign_in.submit({"username": name}, sign_in.query())
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert 'aria-describedby="error"' in answer.text
    assert sign_in.cognito.list_users(UserPoolId=sign_in.pool)["Users"] == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", API])
def test_form_of_another_page_signs_nobody_in(sign_in: SignIn, origin: str) -> None:
    answer = sign_in.submit({"username": "eve"}, sign_in.query(), headers={"Origin": origin})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    own = sign_in.submit({"username": "ana"}, sign_in.query(), headers={"Origin": AWS})
    assert sent(own)["code"]


def test_large_form_is_rejected(sign_in: SignIn) -> None:
    assert sign_in.submit({"username": "a" * 100_000}, sign_in.query()).status_code == 413


# ---- CORS


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (API, API),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://evil.example", None),
        ("null", None),
    ],
)
def test_only_pages_of_registered_urls_read_the_tokens(
    sign_in: SignIn, origin: str, allowed: str | None
) -> None:
    for method in ("OPTIONS", "POST"):
        answer = sign_in.browser.open(
            "/oauth2/token", method=method, base_url=AWS, headers={"Origin": origin}
        )
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
