"""The user pool of `IDENTITY=cognito`: `chalice_app/identity.json`."""

from __future__ import annotations

import json

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
