"""Tokens that are rejected without a key: they cause no download of the issuer's keys."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from chalicelib.api.auth import Authenticator
from chalicelib.api.jwks import Keys
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.errors import Unauthorized
from tests.support.tokens import AUDIENCE, CONFIG, EC, ISSUER, RSA, Site, by_hand, jwk, token


def asking(site: Site) -> Authenticator:
    return Authenticator(Config(**CONFIG.__dict__), Keys(CONFIG.jwks_uri, fetch=site))


def unsigned(header: dict[str, Any]) -> str:
    parts = [header, {"iss": ISSUER, "aud": AUDIENCE, "email": "eve", "exp": int(time.time()) + 60}]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


@pytest.mark.parametrize(
    "sent",
    [
        by_hand({"alg": "HS256", "kid": "unknown"}, b"secret"),
        by_hand({"alg": "HS512", "kid": "rsa"}, b"secret"),
        by_hand({"kid": "unknown"}, b"secret"),
        unsigned({"alg": "none", "kid": "unknown"}),
        token(kid=None),
        by_hand({"alg": "RS256", "kid": 7}, b"secret"),
        by_hand({"alg": "RS256", "kid": ["unknown"]}, b"secret"),
        "x.y.z",
    ],
)
def test_no_key_is_fetched(sent: str) -> None:
    site = Site(jwk(RSA, "rsa"))
    with pytest.raises(Unauthorized):
        asking(site).caller(f"Bearer {sent}")
    assert site.asked == 0


def test_a_key_is_fetched_for_an_algorithm_that_is_allowed() -> None:
    site = Site(jwk(RSA, "rsa"), jwk(EC, "ec"))
    assert asking(site).caller(f"bearer  {token(EC, 'ES256', 'ec')} ") == Caller("ana@x.org", is_admin=False)
    assert site.asked == 1


@pytest.mark.parametrize(("seconds", "is_valid"), [(-25, True), (-35, False)])
def test_clocks_may_differ_by_half_a_minute(seconds: int, is_valid: bool) -> None:
    sent = f"Bearer {token(exp=int(time.time()) + seconds)}"
    if is_valid:
        assert asking(Site(jwk(RSA, "rsa"))).caller(sent).owner == "ana@x.org"
        return
    with pytest.raises(Unauthorized) as refused:
        asking(Site(jwk(RSA, "rsa"))).caller(sent)
    assert isinstance(refused.value.__cause__, jwt.ExpiredSignatureError)


@pytest.mark.parametrize(("owner", "is_valid"), [("x" * 128, True), ("x" * 129, False), ("", False)])
def test_an_owner_has_one_to_128_characters(owner: str, is_valid: bool) -> None:
    sent = f"Bearer {token(email=owner)}"
    if is_valid:
        assert asking(Site(jwk(RSA, "rsa"))).caller(sent).owner == owner
        return
    with pytest.raises(Unauthorized):
        asking(Site(jwk(RSA, "rsa"))).caller(sent)


@pytest.mark.parametrize("header", [None, "", "Basic eDp5", "Bearer", "Bearer  "])
def test_a_challenge_without_a_token_has_no_error_code(header: str | None) -> None:
    """RFC 6750, 3.1: without any token, the challenge has no error code."""
    with pytest.raises(Unauthorized) as refused:
        asking(Site()).caller(header)
    assert "error" not in refused.value.headers["WWW-Authenticate"]
