"""Owner names: letter case and verified addresses."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.auth import Authenticator
from chalicelib.api.jwks import Keys
from chalicelib.config import Config
from chalicelib.domain.owner_names import fold, is_folded
from chalicelib.errors import Unauthorized
from tests.support.size import sized

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWKS = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()).replace("{", '{"keys": [{"kid": "k", ', 1) + "]}"


def owner(issuer: str = "https://tenant.eu.auth0.com/", *, claims: dict[str, Any], **variables: str) -> str:
    environ = {"TABLE_NAME": "table", "ASSETS_BUCKET": "assets", "AUDIENCE": "portal", "ISSUER": issuer}
    environ["SANDBOX_INSPECTOR_ROLE_ARN"] = "arn:aws:iam::123456789012:role/sandbox-inspector"
    environ["SANDBOX_READER_ROLE_ARN"] = "arn:aws:iam::123456789012:role/sandbox-reader"
    environ["SANDBOX_USER_ROLE_ARN"] = "arn:aws:iam::123456789012:role/sandbox-user"
    config = Config.from_environment({**environ, "CURSOR_KEY": "a secret of ours", **variables})
    authenticator = Authenticator(config, Keys(config.jwks_uri, fetch=lambda _: JWKS.encode()))
    token = jwt.encode(
        {"iss": issuer, "aud": "portal", "exp": int(time.time()) + 60, **claims},
        KEY,
        algorithm="RS256",
        headers={"kid": "k"},
    )
    return authenticator.caller(f"Bearer {token}").owner


@pytest.mark.parametrize("issuer", ["https://tenant.eu.auth0.com/", "https://cognito.example/pool"])
def test_an_issuer_is_the_same_with_and_without_a_trailing_slash(issuer: str) -> None:
    assert owner(issuer, claims={"sub": "auth0|1"}) == "auth0|1"


def test_an_issuer_with_a_different_slash_is_rejected() -> None:
    with pytest.raises(Unauthorized):
        owner(claims={"sub": "auth0|1", "iss": "https://tenant.eu.auth0.com"})


@pytest.mark.parametrize(
    ("claim", "given", "expected"),
    [
        ("email", "Ana.Lima@X.Org", "ana.lima@x.org"),
        ("upn", "Ana@X.org", "ana@x.org"),
        ("preferred_username", "Ana", "ana"),
        ("unique_name", "Ana@X.org", "ana@x.org"),
        ("https://example.com/email", "Ana@X.org", "ana@x.org"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "Ana@X.org", "ana@x.org"),
        ("sub", "AbC", "AbC"),
        ("cognito:username", "Ana", "Ana"),
        ("oid", "AbC", "AbC"),
    ],
)
def test_letter_case_is_ignored_in_address_claims(claim: str, given: str, expected: str) -> None:
    assert owner(claims={claim: given}, OWNER_CLAIM=claim) == expected


def test_the_operator_can_override_case_folding() -> None:
    assert owner(claims={"email": "Ana@X.org"}, OWNER_CLAIM="email", FOLD_OWNER="false") == "Ana@X.org"
    assert owner(claims={"sub": "AbC"}, FOLD_OWNER="true") == "abc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÉLODIE@x.org", "élodie@x.org"),
        ("ΣΟΦΙΑ@x.org", "σοφια@x.org"),
        ("ЖЕНЯ@x.org", "женя@x.org"),
        ("ISTANBUL@x.org", "istanbul@x.org"),  # whatever the language of this machine is
    ],
)
def test_case_folding_covers_all_languages(one: str, other: str) -> None:
    assert fold(one) == fold(other) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("strauß@x.org", "strauss@x.org"),
        ("jac\u212a@x.org", "jack@x.org"),  # the sign for Kelvin
        ("\u017fam@x.org", "sam@x.org"),  # long s
        ("\u0131da@x.org", "ida@x.org"),  # dotless i
        ("\u0130da@x.org", "ida@x.org"),  # I with a dot
        ("\uff41na@x.org", "ana@x.org"),  # full width
        ("\ufb01n@x.org", "fin@x.org"),  # a ligature
        ("ana@x.org", "ana@x.org "),
    ],
)
def test_names_that_differ_in_more_than_case_are_different_owners(one: str, other: str) -> None:
    for left in (one, one.upper(), one.lower()):
        if left != other.upper() and left != other.lower():
            assert fold(left) != fold(other), left


def test_folding_merges_only_letters_that_differ_in_case() -> None:
    seen: dict[str, str] = {}
    # Letters with cases are below 0x1F000. The small size takes these alone.
    for letter in map(chr, range(sized(0x1F000, sys.maxunicode + 1))):
        if unicodedata.category(letter) == "Cs":
            continue
        folded = fold(letter)
        other = seen.setdefault(folded, letter)
        assert other == letter or {other.lower(), other.upper()} == {letter.lower(), letter.upper()}, letter
        assert fold(folded) == folded


@given(st.text(max_size=128))
def test_folding_is_idempotent_and_keeps_the_length(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert len(fold(name)) == len(name)


@pytest.mark.parametrize("verified", [False, "false", None, 0, "no"])
def test_an_unverified_address_is_rejected(verified: object) -> None:
    with pytest.raises(Unauthorized, match="has not verified"):
        owner(claims={"email": "ana@x.org", "email_verified": verified}, OWNER_CLAIM="email")


def test_a_missing_verification_claim_is_accepted() -> None:
    for claims in ({}, {"email_verified": True}, {"email_verified": "true"}):
        assert owner(claims={"email": "ana@x.org", **claims}, OWNER_CLAIM="email") == "ana@x.org"
    assert owner(claims={"sub": "ana", "email": "a@x", "email_verified": False}) == "ana"


def test_a_claim_whose_name_only_contains_email_is_not_folded() -> None:
    assert not is_folded("email_hash")
    assert not is_folded("https://example.com/email/id")
