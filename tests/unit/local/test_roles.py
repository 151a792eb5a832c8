"""Policies of the service's functions in the local AWS emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.setup import roles

KNOWN = roles.arns("records", "assets", "arn:aws:iam::123456789012:role/deployer", "eu-west-1")


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="eu-west-1")


def document(clients: Callable[[str], Any], role: str) -> Any:
    [name] = clients("iam").list_role_policies(RoleName=role)["PolicyNames"]
    return clients("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def test_a_role_has_the_statements_of_all_its_policies_with_local_names(
    clients: Callable[[str], Any],
) -> None:
    read = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    index = {**read, "Resource": [{"Fn::Sub": "${Table.Arn}/index/due"}]}
    policies = [{"Statement": [{"Sid": "A", **read}]}, {"Statement": [{"Sid": "A", **read}, index]}]
    for _ in range(2):  # a restarted process repeats the calls
        arn = roles.ensure(clients, "service", policies, KNOWN)
    assert arn == "arn:aws:iam::123456789012:role/service"
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/records"
    assert document(clients, "service")["Statement"] == [
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table},
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": [f"{table}/index/due"]},
    ]


def test_the_session_has_the_roles_credentials(clients: Callable[[str], Any]) -> None:
    policies = roles.functions().values()
    credentials = roles.session(clients, roles.ensure(clients, "service", policies, KNOWN))
    sts = boto3.client("sts", region_name="eu-west-1", **credentials.client_arguments)  # type: ignore[call-overload]
    assert ":assumed-role/service/" in sts.get_caller_identity()["Arn"]


def test_no_placeholders_remain() -> None:
    for policy in roles.functions().values():
        text = json.dumps(roles.resolved(policy, KNOWN))
        assert "Fn::" not in text and "${" not in text


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match="Alarm"):
        roles.resolved({"Resource": {"Fn::Sub": "${Alarm.Arn}/*"}}, KNOWN)
