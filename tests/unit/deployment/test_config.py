"""Configuration from environment variables, and its errors."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.config import LOG_RETENTION_DAYS, Config
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.settings import Limits
from chalicelib.domain.sign_in import SignIn
from chalicelib.variables import InvalidConfiguration
from tests.support.paths import ROOT
from tests.support.size import sized

FUNCTIONS = ROOT / "chalice_app/functions.json"
ROLE = "arn:aws:iam::123456789012:role/terraglue-shared-analysts"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0b5a3c1e-0000-4000-8000-000000000000"
REQUIRED = {
    "TABLE_NAME": "table",
    "ASSETS_BUCKET": "assets",
    "ISSUER": "https://issuer.example/",
    "AUDIENCE": "portal",
    "CURSOR_KEY": "a secret of ours",
    "SANDBOX_INSPECTOR_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-inspector",
    "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-reader",
    "SANDBOX_USER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-user",
}


class Recorded(Mapping[str, str]):
    """Environment variables that record which names were read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def known() -> list[str]:
    recorded = Recorded()
    with pytest.raises(InvalidConfiguration):
        Config.from_environment(recorded)
    return sorted(recorded.names)


def read(**given: str) -> Config:
    return Config.from_environment({**REQUIRED, **given})


def test_variables_are_read() -> None:
    config = read(
        MAX_CREATING="3",
        MAX_ENVIRONMENTS="",
        BUDGET_USD="12.50",
        MAX_WORKERS="4",
        SHARED_ROLE_ARNS=f" {ROLE} ,{ROLE}-2,",
        SHARED_KMS_KEY_ARNS=KEY,
        STACK_TAGS="team=data=yes, cost center=a=b/c",
        PORTAL_ORIGIN="https://portal.example:8443",
        LOG_RETENTION_DAYS="120",
        FOLD_OWNER="false",
    )
    assert config.capacity == Capacity(creating=3)
    assert config.budget_usd == Decimal("12.5")
    assert config.limits == Limits(number_of_workers=4, role_arns=(ROLE, f"{ROLE}-2"), kms_key_arns=(KEY,))
    assert config.stack_tags == {"team": "data=yes", "cost center": "a=b/c"}
    assert (config.portal_origin, config.log_retention_days) == ("https://portal.example:8443", 120)
    assert (config.fold_owner, read().fold_owner) == (False, None)


def test_the_issuer_is_used_unchanged_and_its_keys_are_at_the_well_known_path() -> None:
    for issuer in ("https://tenant.eu.auth0.com/", "https://issuer.example", "https://a.example/realms/b"):
        config = read(ISSUER=issuer)
        assert config.issuer == issuer
        assert config.jwks_uri == issuer.rstrip("/") + "/.well-known/jwks.json"
    assert read(JWKS_URI="http://127.0.0.1:5000/keys").jwks_uri == "http://127.0.0.1:5000/keys"


SIGN_IN = {
    "SIGN_IN_CLIENT_ID": "portal",
    "SIGN_IN_AUTHORIZATION_ENDPOINT": "https://issuer.example/authorize",
    "SIGN_IN_TOKEN_ENDPOINT": "https://issuer.example/token",
}


def test_a_sign_in_needs_a_client_and_two_endpoints() -> None:
    assert read().sign_in is None
    assert read(**SIGN_IN).sign_in == SignIn(*SIGN_IN.values(), None, "openid", "id_token")
    ends = "https://issuer.example/logout"
    config = read(
        **SIGN_IN,
        SIGN_IN_END_SESSION_ENDPOINT=ends,
        SIGN_IN_SCOPE="email openid offline_access",
        SIGN_IN_TOKEN="access_token",
    )
    assert config.sign_in == SignIn(*SIGN_IN.values(), ends, "email openid offline_access", "access_token")
    for name in SIGN_IN:
        with pytest.raises(InvalidConfiguration, match=f"must be set together with {name}."):
            read(**SIGN_IN | {name: ""})


WRONG = {
    "TABLE_NAME": ["", "a", "a/b", "a b", "x" * 256],
    "ASSETS_BUCKET": ["", "ab", "Upper", "-a-", "s3://assets", "assets/"],
    "ISSUER": [
        "",
        "issuer.example",
        "http://issuer.example",
        "https://",
        "https:// ",
        "ftp://issuer.example",
        "https://issuer.example/?a=b",
        "https://issuer.example/#x",
        "https://issuer.example\n",
        " https://issuer.example",
        "https://issuer.example,https://other.example",
    ],
    "JWKS_URI": ["file:///etc/passwd", "http://issuer.example/keys", "keys", "https://a b"],
    "AUDIENCE": ["", " ", "a\nb", "x" * 257],
    "CURSOR_KEY": ["", "1", "short", "a secret\x00of ours"],
    "OWNER_CLAIM": [" ", "sub ", "a\tb"],
    "GROUPS_CLAIM": [" groups"],
    "ADMIN_GROUP": ["admins\n"],
    "FOLD_OWNER": ["yes", "True", "1", "none"],
    "BUDGET_USD": [
        "abc",
        "NaN",
        "Infinity",
        "-5",
        "-0",
        "1e3",
        "1_000",
        "٣",
        " 5",
        "5,0",
        "0.0000001",
        "1000001",
    ],
    "PRICE_PER_DPU_HOUR_USD": ["0", "0.001", "-0.44", "nan", "sNaN", "inf", "0,44", "1001"],
    "PRICE_PER_TB_SCANNED_USD": ["0", "-5", "nan", "5,0", "1001"],
    "PRICE_PER_M_DPU_HOUR_USD": ["0", "-0.52", "nan", "0,52", "1001"],
    "PRICE_PER_KMS_KEY_MONTH_USD": ["-1", "nan", "1001"],
    "PRICE_PER_S3_GB_MONTH_USD": ["-1", "0,023", "1001"],
    "BUDGET_DAYS": ["0", "-1", "3651", "30.0", "month"],
    "MAX_CREATIONS_PER_DAY": ["0", "-1", "1001", "ten"],
    "CALLS_PER_MINUTE": ["-1", "60001", "1.5"],
    "NOTIFICATIONS_TOPIC_ARN": [
        "topic",
        "arn:aws:sns:us-east-1:123456789012:payroll",
        "arn:aws:sns:us-east-1:123456789012:terraglue-notifications.fifo",
    ],
    "WEBHOOK_PORTS": ["https", "0", "65536x", "443,443"],
    "WEBHOOK_NETWORKS": ["localhost", "0.0.0.0/0", "169.254.0.0/16", "127.0.0.1"],
    "CALL_BURST": ["0", "10001", "x"],
    "ATHENA_SCAN_LIMIT_BYTES": ["0", "9999999", "1GiB", "1e9", "9" * 16],
    "SANDBOX_INSPECTOR_ROLE_ARN": ["", "inspector", "arn:aws:iam::12:role/inspector"],
    "SANDBOX_READER_ROLE_ARN": ["", "reader", "arn:aws:iam::12:role/reader"],
    "SANDBOX_USER_ROLE_ARN": ["", "user", "arn:aws:iam::12:role/user"],
    "FEDERATION_URL": ["signin", "ftp://signin.aws.amazon.com"],
    "LEASE_SECONDS": ["601", "-1", "1.5"],
    "LOG_RETENTION_DAYS": ["0", "2", "31", "4000", "30.0", "forever"],
    "MAX_HOURS": ["0", "721", "²"],
    "MAX_WORKERS": ["0", "1", "11", "three"],
    "MAX_TIMEOUT_MINUTES": ["0", "61", "+5"],
    "UNSUPPORTED_FEATURES": ["mysql", "connection:", "connection:a,connection:a", "argument:x"],
    "MAX_CREATING": ["abc", "0", "-1", "1.5", "²", "1001"],
    "MAX_ENVIRONMENTS": ["0", "9" * 5000, "1 000"],
    "SHARED_ROLE_ARNS": [
        "analysts",
        "arn:aws:iam::123456789012:role/analysts",
        f"{ROLE},x",
        f"{ROLE},{ROLE}",
        "arn:aws:iam::12:role/terraglue-shared-a",
        ROLE + "a" * 64,
        ROLE + "@",
        ROLE.replace("role", "user"),
    ],
    "SERVICE_ROLE_ARNS": ["reader", "arn:aws:iam::12:role/reader", f"{ROLE},{ROLE}"],
    "SHARED_KMS_KEY_ARNS": [
        KEY.partition("/")[2],
        "arn:aws:kms:us-east-1:123456789012:alias/x",
        f"{KEY},{KEY}",
        KEY + "0",
        "*",
    ],
    "STACK_TAGS": [
        "team",
        "=x",
        "team=",
        "team=a,team=b",
        "aws:x=y",
        "AWS:x=y",
        "x=aws:y",
        "terraglue:owner=me",
        "a" * 129 + "=b",
        "a=" + "b" * 257,
        "a=b\x00",
        "a={b}",
        ",".join(f"t{n}=v" for n in range(48)),
    ],
    "SIGN_IN_CLIENT_ID": ["portal", " portal", "x" * 257],
    "SIGN_IN_AUTHORIZATION_ENDPOINT": [
        "https://issuer.example/authorize",
        "http://issuer.example/authorize",
        "https://issuer.example/authorize?audience=x",
        "https://issuer.example; script-src *",
    ],
    "SIGN_IN_TOKEN_ENDPOINT": ["https://issuer.example/token", "token", "https://*.example/token"],
    "SIGN_IN_END_SESSION_ENDPOINT": ["javascript:alert(1)", "https://issuer.example/logout?to=x"],
    "SIGN_IN_SCOPE": ["email", "openidx", "openid  email", " openid", 'openid "'],
    "SIGN_IN_TOKEN": ["refresh_token", "ID_TOKEN"],
    "DEPLOYMENT_ROLE_ARN": ["deployment", "arn:aws:iam::123456789012:user/x", "arn:"],
    "PERMISSIONS_BOUNDARY_ARN": ["boundary", "arn:aws:iam::123456789012:role/x"],
    "PORTAL_ORIGIN": [
        "*",
        "portal.example",
        "https://portal.example/",
        "http://portal.example",
        "null",
        "https://a..b",
        "https://a:0",
    ],
}


@pytest.mark.parametrize(("name", "texts"), WRONG.items())
def test_an_invalid_variable_is_rejected_by_name(name: str, texts: list[str]) -> None:
    for text in texts:
        if text == "" and name not in REQUIRED:
            continue
        with pytest.raises(InvalidConfiguration) as caught:
            read(**{name: text})
        assert re.match(f"{name} (must|is required|contains)", str(caught.value)), text


def test_every_variable_has_invalid_values_above() -> None:
    assert sorted(WRONG) == known()


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        Config.from_environment({**REQUIRED, "AUDIENCE": "", "BUDGET_USD": "abc", "STACK_TAGS": "team"})
    for name in (
        "AUDIENCE is required",
        "BUDGET_USD must be an amount",
        "STACK_TAGS must be a comma-separated list",
    ):
        assert name in str(caught.value)


def test_a_role_of_another_account_cannot_be_shared() -> None:
    assert read(DEPLOYMENT_ROLE_ARN="arn:aws:iam::123456789012:role/d", SHARED_ROLE_ARNS=ROLE)
    with pytest.raises(InvalidConfiguration, match="SHARED_ROLE_ARNS must list roles of the account"):
        read(DEPLOYMENT_ROLE_ARN="arn:aws:iam::210987654321:role/d", SHARED_ROLE_ARNS=ROLE)


def test_the_secret_is_not_shown() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        read(CURSOR_KEY="hush")
    assert "hush" not in str(caught.value)


GARBAGE = st.one_of(
    st.text(max_size=80),
    st.text(string.digits + "+-.,_eE ", max_size=30),
    st.sampled_from(
        ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1e9999", "0x10", "null", "None", "true", "*"]
    ),
    st.lists(st.sampled_from([ROLE, KEY, "a=b", "aws:a=b", "a", "=", ""]), max_size=5).map(",".join),
)


@settings(max_examples=sized(100, 500), deadline=None)
@given(st.dictionaries(st.sampled_from(known()), GARBAGE, min_size=1, max_size=3))
def test_any_string_is_a_valid_value_or_a_named_error(given: dict[str, str]) -> None:
    try:
        config = read(**given)
    except InvalidConfiguration as error:
        assert any(re.search(f"{name} (must|is required|contains)", str(error)) for name in given)
        return
    assert Decimal(0) <= config.budget_usd <= 1_000_000
    assert Decimal(0) < config.price_per_dpu_hour_usd <= 1000
    assert 0 <= config.lease_seconds <= 600
    assert config.log_retention_days in LOG_RETENTION_DAYS
    assert config.issuer.startswith(("https://", "http://127.0.0.1", "http://localhost"))
    assert 2 <= config.limits.number_of_workers <= 10
    assert 1 <= config.capacity.creating <= 1000
    assert len(config.stack_tags) <= 47
    assert not any(key.lower().startswith("aws:") for key in config.stack_tags)


def rendered(parameter: dict[str, Any]) -> list[str]:
    """The minimum, default and maximum of a parameter of the service's stack."""
    if "AllowedValues" in parameter:
        return [str(value) for value in parameter["AllowedValues"]]
    return [str(parameter[key]) for key in ("MinValue", "Default", "MaxValue") if key in parameter]


def test_the_service_accepts_all_parameters_of_its_stack() -> None:
    document = json.loads(FUNCTIONS.read_text(encoding="utf-8"))
    variables = document["Globals"]["Function"]["Environment"]["Variables"]
    for name, value in variables.items():
        parameter = document["Parameters"].get(
            value["Ref"] if isinstance(value, dict) and "Ref" in value else ""
        )
        if parameter is not None:
            for text in rendered(parameter):
                read(**{name: text or REQUIRED.get(name, "")})


@settings(max_examples=sized(50, 200), deadline=None)
@given(st.integers(0, 5000))
def test_log_retention_uses_days_that_cloudwatch_accepts(days: int) -> None:
    assume(days not in LOG_RETENTION_DAYS)
    with pytest.raises(InvalidConfiguration, match="LOG_RETENTION_DAYS"):
        read(LOG_RETENTION_DAYS=str(days))
