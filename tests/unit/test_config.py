"""What the operator writes into the environment of the functions."""

from __future__ import annotations

import pytest

from chalicelib.capacity import Capacity
from chalicelib.config import Config

REQUIRED = {
    "TABLE_NAME": "table",
    "ASSETS_BUCKET": "assets",
    "ISSUER": "https://issuer.example/",
    "AUDIENCE": "portal",
    "CURSOR_KEY": "secret",
    "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/terraglue-sandbox-reader",
}


def test_limits_are_read() -> None:
    read = Config.from_environment({**REQUIRED, "MAX_CREATING": "3", "MAX_ENVIRONMENTS": ""})
    assert read.capacity == Capacity(creating=3)
    assert read.jwks_uri == "https://issuer.example/.well-known/jwks.json"


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1.5", "²"])
def test_a_number_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="MAX_CREATING must be a whole number of at least 1"):
        Config.from_environment({**REQUIRED, "MAX_CREATING": text})


def test_a_query_may_read_a_gibibyte_unless_the_operator_says_otherwise() -> None:
    assert Config.from_environment(REQUIRED).athena_scan_limit_bytes == 2**30
    read = Config.from_environment({**REQUIRED, "ATHENA_SCAN_LIMIT_BYTES": "10000000"})
    assert read.athena_scan_limit_bytes == 10_000_000
    for text in ("9999999", "-1", "1e9", "NaN"):
        with pytest.raises(ValueError, match="ATHENA_SCAN_LIMIT_BYTES must be a whole number of at least"):
            Config.from_environment({**REQUIRED, "ATHENA_SCAN_LIMIT_BYTES": text})


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        Config.from_environment({key: value for key, value in REQUIRED.items() if key != name})
