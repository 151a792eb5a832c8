"""Token verification and caching of the issuer's keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.api.auth import Authenticator
from chalicelib.api.jwks import Keys, KeysUnavailable, UnknownKey
from chalicelib.config import Config
from chalicelib.errors import Unauthorized, Unavailable
from tests.support.tokens import AUDIENCE, CONFIG, EC, RSA, Site, by_hand, jwk, token


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


SITE = Site(jwk(RSA, "rsa"), jwk(EC, "ec"))


def authenticator(**changes: Any) -> Authenticator:
    config = Config(**{**CONFIG.__dict__, **changes})
    return Authenticator(config, Keys(config.jwks_uri, fetch=SITE))


@pytest.mark.parametrize(
    "good",
    [
        lambda: token(),
        lambda: token(EC, "ES256", "ec"),
        lambda: token(aud=["other", AUDIENCE]),
        lambda: token(aud=None, client_id=AUDIENCE, token_use="access"),
        lambda: token(token_use="id"),
        lambda: token(nbf=int(time.time()) - 5),
    ],
)
def test_a_token_of_the_issuer_for_this_audience_is_accepted(good: Callable[[], str]) -> None:
    caller = authenticator().caller(f"Bearer {good()}")
    assert (caller.owner, caller.is_admin) == ("ana@x.org", False)


def test_the_operators_claim_determines_admins() -> None:
    assert authenticator().caller(f"Bearer {token(roles=['admins'])}").is_admin
    assert not authenticator(groups_claim="groups").caller(f"Bearer {token(roles=['admins'])}").is_admin
    assert not authenticator().caller(f"Bearer {token(roles='admins')}").is_admin


PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def spliced(payload: str) -> str:
    """A genuine token with another payload under the same signature."""
    header, _, signature = token().split(".")
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: f"Bearer {spliced(token(email='root').split('.')[1])}", "invalid"),
        (lambda: f"Bearer {token().rpartition('.')[0]}.", "invalid"),
        (lambda: f"Bearer {by_hand({'alg': 'HS256', 'kid': 'rsa'}, PEM)}", "invalid"),
        (lambda: f"Bearer {by_hand({'alg': 'none', 'kid': 'rsa'}, b'')}", "invalid"),
        (lambda: f"Bearer {by_hand({'alg': 'RS256', 'kid': 'rsa'}, PEM)}", "invalid"),
        (lambda: f"Bearer {token(STRANGER)}", "invalid"),
        (lambda: f"Bearer {token(kid=None)}", "invalid"),
        (lambda: f"Bearer {token(kid='made-up')}", "invalid"),
        (lambda: f"Bearer {token(kid='ec')}", "invalid"),
        (lambda: f"Bearer {token(iss='https://evil.example')}", "invalid"),
        (lambda: f"Bearer {token(iss=None)}", "invalid"),
        (lambda: f"Bearer {token(aud='other')}", "invalid"),
        (lambda: f"Bearer {token(aud=None)}", "invalid"),
        (lambda: f"Bearer {token(aud='other', client_id=AUDIENCE)}", "invalid"),
        (lambda: f"Bearer {token(token_use='refresh')}", "invalid"),
        (lambda: f"Bearer {token(exp=int(time.time()) - 60)}", "expired"),
        (lambda: f"Bearer {token(exp=None)}", "invalid"),
        (lambda: f"Bearer {token(nbf=int(time.time()) + 300)}", "invalid"),
        (lambda: f"Bearer {token(email=None)}", "does not identify its owner"),
        (lambda: f"Bearer {token(email='a' * 129)}", "does not identify its owner"),
        (lambda: f"Bearer {token(email='a' + chr(10) + 'b')}", "does not identify its owner"),
        (lambda: f"Bearer {token(email=['ana'])}", "does not identify its owner"),
        (lambda: "Bearer abc", "invalid"),
        (lambda: "Bearer ", "Send a bearer token"),
        (lambda: f"Basic {token()}", "Send a bearer token"),
        (lambda: token(), "Send a bearer token"),
        (lambda: None, "Send a bearer token"),
    ],
)
def test_any_other_token_is_rejected_and_not_logged(
    bad: Callable[[], str | None], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    header = bad()
    with caplog.at_level(logging.DEBUG), pytest.raises(Unauthorized, match=words) as caught:
        authenticator().caller(header)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer ")
    said = str(caught.value) + "".join(str(record.__dict__) for record in caplog.records)
    assert not [part for part in (header or "").split(".") if len(part) > 20 and part in said]


def test_keys_are_fetched_once_and_for_unknown_ids_at_most_once_a_minute() -> None:
    site, clock = Site(jwk(RSA, "a")), Clock()
    keys = Keys("uri", fetch=site, clock=clock)
    for _ in range(3):
        keys.find("a")
    assert site.asked == 1
    for number in range(50):
        with pytest.raises(UnknownKey):
            keys.find(f"made-up-{number}")
    assert site.asked == 1
    site.keys = [jwk(EC, "b")]  # the issuer has rotated its keys
    clock.moment += timedelta(seconds=60)
    keys.find("b")
    assert site.asked == 2
    with pytest.raises(UnknownKey):
        keys.find("a")  # and has revoked the old one


def test_known_keys_stay_valid_while_the_issuer_is_down() -> None:
    site, clock = Site(jwk(RSA, "a")), Clock()
    keys = Keys("uri", fetch=site, clock=clock)
    keys.find("a")
    site.is_down = True
    clock.moment += timedelta(days=1)
    for _ in range(5):
        keys.find("a")
    assert site.asked == 2
    clock.moment += timedelta(minutes=2)
    with pytest.raises(KeysUnavailable):
        keys.find("b")


def test_an_issuer_that_never_answered_is_retried_soon() -> None:
    site, clock = Site(jwk(RSA, "a")), Clock()
    site.is_down = True
    keys = Keys("uri", fetch=site, clock=clock)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            keys.find("a")
    assert site.asked == 1
    site.is_down = False
    clock.moment += timedelta(seconds=5)
    keys.find("a")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"keys": []}', b'{"keys": [{"kid": "a", "kty": "oct"}]}']
)
def test_a_response_without_keys_counts_as_no_response(body: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        Keys("uri", fetch=lambda _: body).find("a")


def test_missing_keys_raise_unavailable_and_not_unauthorized() -> None:
    site = Site()
    site.is_down = True
    with pytest.raises(Unavailable):
        Authenticator(CONFIG, Keys("uri", fetch=site)).caller(f"Bearer {token()}")
