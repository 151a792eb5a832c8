"""Checks before and after a deployment: credentials, issuer, HTTP, and change sets in readable form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from deploy import aws, changes, http, issuer, package, stage
from deploy.errors import DeploymentError
from deploy.http import Response

ISSUER = "https://issuer.example/"
DISCOVERY = f"{ISSUER}.well-known/openid-configuration"
KEYS = f"{ISSUER}.well-known/jwks.json"
RSA = {"kty": "RSA", "use": "sig"}


def page(document: object, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(document).encode())


def check(jwks_uri: str = "", **pages: Any) -> None:
    answers = {
        DISCOVERY: page({"issuer": ISSUER, "jwks_uri": KEYS}),
        KEYS: page({"keys": [RSA]}),
        **pages.get("pages", {}),
    }
    issuer.check({"Issuer": ISSUER, "JwksUri": jwks_uri}, lambda method, url: answers[url])


def test_an_issuer_that_publishes_itself_and_its_keys_is_accepted() -> None:
    check()
    check(pages={KEYS: page({"keys": [{"kty": "EC", "crv": "P-256"}]})})
    other = f"{ISSUER}keys"
    check(other, pages={DISCOVERY: page({"issuer": ISSUER, "jwks_uri": other}), other: page({"keys": [RSA]})})


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({DISCOVERY: page({"issuer": ISSUER[:-1], "jwks_uri": KEYS})}, "not the issuer of its discovery"),
        ({DISCOVERY: page({"issuer": ISSUER, "jwks_uri": f"{ISSUER}keys"})}, f"Set JWKS_URI={ISSUER}keys"),
        ({DISCOVERY: page({"issuer": ISSUER})}, "does not publish where its keys are"),
        (
            {DISCOVERY: page({"issuer": ISSUER, "jwks_uri": "a\nACCOUNT=1"})},
            "does not publish where its keys",
        ),
        ({DISCOVERY: page({}, 404)}, "answers 404"),
        ({DISCOVERY: page([ISSUER])}, "no JSON object"),
        ({DISCOVERY: Response(200, {}, b"<html>")}, "no JSON object"),
        ({KEYS: page({"keys": []})}, "no key for RS256 or ES256"),
        ({KEYS: page({"keys": [{"kty": "RSA", "use": "enc"}, {"kty": "oct"}, 1]})}, "no key for RS256"),
        ({KEYS: page({"keys": "none"})}, "no key for RS256"),
    ],
)
def test_a_wrong_issuer_is_refused_with_the_correction(pages: dict[str, Response], message: str) -> None:
    with pytest.raises(DeploymentError, match=message):
        check(pages=pages)


@pytest.mark.parametrize("url", ["http://issuer.example", "ftp://localhost/x", "file:///etc/passwd"])
def test_requests_use_tls_except_on_this_machine(url: str) -> None:
    with pytest.raises(http.Unreachable, match="does not use https"):
        http.send("GET", url)


def test_an_unreachable_url_is_a_sentence() -> None:
    with pytest.raises(http.Unreachable, match=r"http://127\.0\.0\.1:1/x does not answer: .*refused"):
        http.send("GET", "http://127.0.0.1:1/x")


def dev(account: str = "123456789012") -> stage.Stage:
    return stage.Stage("dev", Path("dev.env"), account, "us-east-1", "self-service-terraglue-dev")


def test_credentials_of_another_account_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        assert aws.connect(dev(), {}).id == "123456789012"
        with pytest.raises(DeploymentError, match="belong to the account 123456789012"):
            aws.connect(dev("210987654321"), {})


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_another_region_in_the_environment_is_refused(variable: str) -> None:
    with pytest.raises(DeploymentError, match=f"{variable} is eu-west-1, but dev.env has REGION=us-east-1"):
        aws.connect(dev(), {variable: "eu-west-1"})


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Because."}}, "CreateChangeSet")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError(), "There are no AWS credentials. Sign in"),
        (EndpointConnectionError(endpoint_url="https://x"), "Check the network, and REGION"),
        (refusal("ExpiredToken"), "The AWS credentials have expired. Sign in"),
        (refusal("UnrecognizedClientException"), "or REGION is not enabled"),
        (refusal("AccessDenied"), "do not allow CreateChangeSet: Because. Add the permission"),
        (refusal("InternalFailure"), "CreateChangeSet failed with InternalFailure: Because. Run the command"),
    ],
)
def test_errors_of_aws_are_sentences_with_a_fix(error: Any, sentence: str) -> None:
    assert sentence in aws.explain(error)


def change(action: str, name: str, kind: str, **more: Any) -> Any:
    return {
        "Type": "Resource",
        "ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more},
    }


def details(*names: str) -> list[Any]:
    return [{"Target": {"Attribute": "Properties", "Name": name}} for name in names]


def test_a_change_set_is_shown_by_what_happens_to_each_resource() -> None:
    found = [
        change("Add", "UserPool", "AWS::Cognito::UserPool"),
        change(
            *("Modify", "Tick", "AWS::Lambda::Function"),
            Replacement="False",
            Details=details("Code", "Environment", "Code"),
        ),
        change("Modify", "Table", "AWS::DynamoDB::Table", Replacement="True", Details=details("KeySchema")),
        change("Modify", "RestAPI", "AWS::ApiGateway::RestApi", Replacement="Conditional", Scope=["Tags"]),
        change("Remove", "Assets", "AWS::S3::Bucket", PolicyAction="Retain"),
        change("Remove", "Logs", "AWS::Logs::LogGroup", PolicyAction="Delete"),
        change(
            "Modify",
            "Admins",
            "AWS::Cognito::UserPoolGroup",
            Replacement="True",
            Details=details("GroupName"),
        ),
    ]
    assert changes.lines(found) == [
        "1 to add, 1 to change, 3 to replace, 2 to remove",
        "  ! Admins (AWS::Cognito::UserPoolGroup) is replaced: GroupName",
        "  - Assets (AWS::S3::Bucket), which is kept in the account",
        "  - Logs (AWS::Logs::LogGroup)",
        "  ! RestAPI (AWS::ApiGateway::RestApi) may be replaced: Tags",
        "  ! Table (AWS::DynamoDB::Table) is replaced: KeySchema",
        "  ~ Tick (AWS::Lambda::Function): Code, Environment",
        "  + UserPool (AWS::Cognito::UserPool)",
    ]
    assert changes.lost_data(found) == [
        "Table (AWS::DynamoDB::Table)",
        "Assets (AWS::S3::Bucket)",
        "Admins (AWS::Cognito::UserPoolGroup)",
    ]
    assert changes.lost_data(found[:2]) == []


def test_changed_parameters_are_shown_with_both_values() -> None:
    assert changes.parameter_lines(
        {"BudgetUsd": "5", "MaxHours": "24", "Old": "1", "PortalOrigin": ""},
        {"BudgetUsd": "10", "MaxHours": "24", "PortalOrigin": "https://p.example", "Stage": "dev"},
    ) == [
        "  BudgetUsd: 5 -> 10",
        "  Old: 1 -> removed",
        "  PortalOrigin: empty -> https://p.example",
        "  Stage = dev",
    ]


def test_a_package_is_built_again_only_if_one_of_its_files_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def build(out: Path) -> None:
        built.append(out)
        out.mkdir(exist_ok=True)

    monkeypatch.setattr(package, "package", build)
    for _ in range(2):
        package.package_if_changed(tmp_path / "out")
    assert len(built) == 1
    (tmp_path / "more.txt").write_text("boto3==2", encoding="utf-8")
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "REQUIREMENTS", (tmp_path / "more.txt",))
    package.package_if_changed(tmp_path / "out")
    assert len(built) == 2
