"""Redaction of AWS's messages: no other environments and no account, in any notation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.clock import environment_id
from chalicelib.domain.failures import redacted

OWN = "abcdefgh23"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_HEX = "0123456789abcdef"

ids = st.text(_ALPHABET, min_size=10, max_size=10).filter(lambda id: not id.isalpha() and id != OWN)
uuids = st.uuids().map(str)
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
principals = st.builds(
    str.__add__,
    st.sampled_from(["AKIA", "ASIA", "AROA", "AIDA", "ANPA", "AGPA"]),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=17),
)
partitions = st.sampled_from(["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"])

# Contexts of a name: none, punctuation of any kind, letters of other scripts, a path.
_PUNCTUATION = " \t\n.,;:!?'\"`()[]{}<>|/\\=#&@*+~^$-_"
behind = st.text(_PUNCTUATION + "äλ中🦊", max_size=4)
before = st.one_of(
    behind,
    st.sampled_from(
        ["for key ", "Bucket: '", "s3://", "s3://assets/environments/", "https://h/?id=", "%2F", "ENV#"]
    ),
)

NAMES = (
    "{id}",
    "terraglue-{id}",
    "terraglue-{id}-sot",
    "terraglue_{id}_db_ecommerce",
    "terraglue{id}",
    "terraglue.{id}",
    "terraglue%2D{id}%2Dsot",
    "s3://terraglue-{id}-sot/tbsot/part-0.parquet",
    "s3a://assets/environments/{id}/arguments.json",
    "alias/terraglue-{id}",
    "/aws-glue/jobs/terraglue-{id}/output",
    "arn:{partition}:s3:::terraglue-{id}-sot/x",
    "arn:{partition}:glue:us-east-1:{account}:table/terraglue_{id}_sot/t",
    "arn:{partition}:kms:us-east-1:{account}:key/{uuid}",
    "arn:{partition}:kms:us-east-1:{account}:key/mrk-{hex}",
    "{uuid}",
    "mrk-{hex}",
    "{account}",
    "aws-glue-assets-{account}-us-east-1",
    "{principal}:{id}",
    "{principal}",
)


@st.composite
def cased(draw: st.DrawFn, text: str) -> str:
    how = draw(st.sampled_from(["as it is", "upper", "lower", "title", "each"]))
    if how == "each":
        dice = random.Random(draw(st.integers(0, 99)))
        return "".join(dice.choice((c.upper(), c.lower())) for c in text)
    return {"as it is": text, "upper": text.upper(), "lower": text.lower(), "title": text.title()}[how]


@settings(deadline=None)
@given(st.data(), ids, uuids, accounts, principals, partitions, st.text(_HEX, min_size=32, max_size=32))
def test_names_of_other_environments_and_the_account_are_redacted(
    data: st.DataObject, id: str, uuid: str, account: str, principal: str, partition: str, hexed: str
) -> None:
    said = data.draw(st.sampled_from(NAMES)).format(
        id=id, uuid=uuid, account=account, principal=principal, partition=partition, hex=hexed
    )
    mine = f"terraglue-{OWN}-sot terraglue_{OWN}_sot s3://terraglue-{OWN}-sot/tbsot/ {OWN}"
    shown = redacted(f"{mine} {data.draw(before)}{data.draw(cased(said))}{data.draw(behind)} {mine}", OWN)
    for secret in (id, uuid, account, principal, hexed):
        assert secret.lower() not in shown.lower()
    assert shown.startswith(f"{mine} ") and shown.endswith(f" {mine}")


@pytest.mark.parametrize(
    "words",
    [
        f"Access denied on arn:aws:s3:::terraglue-{OWN}-sot/tbsot",
        f"TERRAGLUE-{OWN.upper()}-SOT is not there",
        f"s3://terraglue-{OWN}-sot/validation/environments/ of job terraglue-{OWN}-sot-ecommerce-br",
        "The permission validation of this statement requesting resources was refused.",
        "An environment validation failed: 1048576 rows, 2026-11-26T12:00:00.000Z, Status Code: 403",
        "Run jr_8f14e45fceea167a5a36dedd4bea2543c0ffee008f14e45fceea167a5a36dedd failed",
        "s3://commoncrawl/crawl-data/CC-MAIN-2024-10/warc.paths.gz does not exist",
    ],
)
def test_own_and_public_names_stay_readable(words: str) -> None:
    assert redacted(words, OWN) == words


def test_an_old_id_without_a_digit_is_hidden_in_known_positions() -> None:
    for words in ("terraglue-zzzzzzzzzz-sot", "TERRAGLUE_ZZZZZZZZZZ_SOT", "s3://a/environments/zzzzzzzzzz/x"):
        assert "zzzzzzzzzz" not in redacted(words, OWN).lower()


def test_every_new_id_has_a_digit() -> None:
    assert not any(environment_id().isalpha() for _ in range(500))


@pytest.mark.parametrize("piece", ["x", "a.", "terraglue-", "arn:aws:", "@", "zzzzzzzz77 ", "0", "a@"])
def test_a_very_long_message_is_processed_in_bounded_time(piece: str) -> None:
    assert len(redacted(piece * 300_000, OWN).encode()) <= 600


@pytest.mark.parametrize("escape", ["%2F", "%2f", "%20", "%3A"])
@pytest.mark.parametrize(
    "secret",
    ["e3e70682-c209-4cac-629f-6fbed82c07cd", "123456789012", "AROAEXAMPLEEXAMPLE123", "0123456789abcdef" * 2],
)
def test_a_url_encoded_secret_is_hidden(escape: str, secret: str) -> None:
    assert secret.lower() not in redacted(f"https://x.invalid/a?b={escape}{secret} failed", OWN).lower()
