"""The user pool of `IDENTITY=cognito`: `chalice_app/identity.json`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.paths import ROOT

TEMPLATE = json.loads((ROOT / "chalice_app/identity.json").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]


def test_nothing_exists_without_the_choice_of_cognito() -> None:
    assert TEMPLATE["Parameters"]["Identity"]["Default"] == "oidc"
    for part in (RESOURCES, TEMPLATE["Outputs"]):
        assert {of["Condition"] for of in part.values()} == {"HasUserPool"}


def test_the_functions_accept_id_tokens_of_the_pool_or_of_the_given_issuer() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["ISSUER"]["Fn::If"] == [
        "HasUserPool",
        {"Fn::Sub": "https://${UserPool.ProviderName}"},
        {"Ref": "Issuer"},
    ]
    # The audience of a Cognito ID token is the ID of the app client.
    assert variables["AUDIENCE"]["Fn::If"] == ["HasUserPool", {"Ref": "SignInClient"}, {"Ref": "Audience"}]


def test_the_portal_signs_in_at_the_pools_domain() -> None:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html"""
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    host = "https://terraglue-${Stage}-${AWS::AccountId}.auth.${AWS::Region}.amazoncognito.com"
    assert RESOURCES["SignInDomain"]["Properties"]["Domain"]["Fn::Sub"] in host
    for name, path, parameter in (
        ("AUTHORIZATION", "/oauth2/authorize", "SignInAuthorizationEndpoint"),
        ("TOKEN", "/oauth2/token", "SignInTokenEndpoint"),
        ("END_SESSION", "/logout", "SignInEndSessionEndpoint"),
    ):
        chosen = variables[f"SIGN_IN_{name}_ENDPOINT"]["Fn::If"]
        assert chosen == ["HasUserPool", {"Fn::Sub": host + path}, {"Ref": parameter}]
    client = ["HasUserPool", {"Ref": "SignInClient"}, {"Ref": "SignInClientId"}]
    assert variables["SIGN_IN_CLIENT_ID"]["Fn::If"] == client
    scopes = RESOURCES["SignInClient"]["Properties"]["AllowedOAuthScopes"]
    assert variables["SIGN_IN_SCOPE"]["Fn::If"][1].split() == scopes
    # Only an ID token has the client as its `aud` and the e-mail address among its claims.
    assert variables["SIGN_IN_TOKEN"]["Fn::If"][1] == "id_token"


@pytest.mark.parametrize(
    ("service", "portal", "expected"),
    [
        ("", "", ["http://localhost:8000/"]),
        ("https://x.example/api/", "", ["https://x.example/api/"]),
        ("", "https://static.example", ["https://static.example/"]),
        ("https://x.example/", "https://static.example", ["https://x.example/", "https://static.example/"]),
    ],
)
def test_users_return_to_the_portal_of_the_service_and_to_that_of_another_host(
    service: str, portal: str, expected: list[str]
) -> None:
    values = {"ServiceUrl": service, "PortalOrigin": portal}
    functions = json.loads((ROOT / "chalice_app/functions.json").read_text(encoding="utf-8"))
    conditions = functions["Conditions"] | TEMPLATE["Conditions"]

    def resolved(value: Any) -> Any:
        [(name, inner)] = value.items() if isinstance(value, dict) else [("", value)]
        match name:
            case "Ref":
                return values.get(inner)  # AWS::NoValue is None
            case "Fn::Sub":
                return inner.replace("${PortalOrigin}", portal)
            case "Fn::If":
                return resolved(inner[1] if resolved({"Condition": inner[0]}) else inner[2])
            case "Condition":
                return resolved(conditions[inner])
            case "Fn::Equals":
                return resolved(inner[0]) == resolved(inner[1])
            case "Fn::Not":
                return not resolved(inner[0])
            case "Fn::And":
                return all(map(resolved, inner))
        return value

    client = RESOURCES["SignInClient"]["Properties"]
    for property in ("CallbackURLs", "LogoutURLs"):
        assert [url for url in map(resolved, client[property]) if url is not None] == expected


def test_users_are_created_by_administrators_and_survive_the_stack() -> None:
    pool = RESOURCES["UserPool"]
    assert (pool["DeletionPolicy"], pool["UpdateReplacePolicy"]) == ("Retain", "Retain")
    # With deletion protection, CloudFormation could not remove the pool of a failed first creation.
    assert "DeletionProtection" not in pool["Properties"]
    assert pool["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Properties"]["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12


def test_passwords_are_accepted_only_by_the_sign_in_page_srp_and_callers_with_iam_permissions() -> None:
    client = RESOURCES["SignInClient"]["Properties"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert set(client["ExplicitAuthFlows"]) == {
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_SRP_AUTH",
    }
    assert client["PreventUserExistenceErrors"] == "ENABLED"
