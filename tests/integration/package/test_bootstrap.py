"""Operator setup with `bootstrap`, on moto."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import jwt
import pytest
from moto import mock_aws

from local.setup import bootstrap, roles

AWS = "http://127.0.0.1:1"


@pytest.fixture
def make_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="us-east-1")


def claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return decoded


def test_bootstrapping_twice_finds_existing_resources(make_client: Callable[[str], Any]) -> None:
    first = bootstrap.ensure_identity(make_client, AWS, "us-east-1")
    bootstrap.ensure_storage(make_client)
    bootstrap.ensure_storage(make_client)
    assert bootstrap.ensure_identity(make_client, AWS, "us-east-1") == first


def test_a_token_is_for_the_client_and_names_issuer_and_user(make_client: Callable[[str], Any]) -> None:
    identity = bootstrap.ensure_identity(make_client, AWS, "us-east-1")
    token = bootstrap.token(make_client, identity.user_pool_id, identity.client_id, "ana", is_admin=False)
    said = claims(token)
    assert said["cognito:username"] == "ana"
    assert (said["iss"], said["aud"]) == (identity.issuer, identity.client_id)
    assert "cognito:groups" not in said


def test_the_admin_role_lasts_for_the_requested_time(make_client: Callable[[str], Any]) -> None:
    identity = bootstrap.ensure_identity(make_client, AWS, "us-east-1")
    pool = identity.user_pool_id, identity.client_id
    as_admin = claims(bootstrap.token(make_client, *pool, "root", is_admin=True))
    as_learner = claims(bootstrap.token(make_client, *pool, "root", is_admin=False))
    assert as_admin["cognito:groups"] == ["admins"]
    assert "cognito:groups" not in as_learner
    assert as_admin["sub"] == as_learner["sub"]


def test_a_restarted_process_finds_the_roles(make_client: Callable[[str], Any]) -> None:
    first = roles.ensure_all(make_client, bootstrap.TABLE, bootstrap.ASSETS_BUCKET)
    again = roles.ensure_all(make_client, bootstrap.TABLE, bootstrap.ASSETS_BUCKET)
    arns = [(one.deployment, one.boundary, one.service, one.inspector, one.user) for one in (first, again)]
    assert arns[0] == arns[1]
    iam = make_client("iam")
    found = {role["Arn"] for role in iam.list_roles()["Roles"]}
    assert {first.deployment, first.service, first.inspector, first.reader, first.user} <= found
    assert iam.get_policy(PolicyArn=first.boundary)["Policy"]["Arn"] == first.boundary
