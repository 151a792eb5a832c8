"""What the service knows of the hosted sign-in: the app client's URLs, and the variables of the API."""

from __future__ import annotations

from typing import Any

ADMIN_GROUP = "admins"
SCOPES = ("openid", "profile", "email")


def register(cognito: Any, user_pool_id: str, client_id: str, *portals: str) -> None:
    """Add portals to the URLs to which the app client's users may return.

    Browsers reach an API of the loopback interface as 127.0.0.1 and as localhost.
    """
    client = {"UserPoolId": user_pool_id, "ClientId": client_id}
    known = cognito.describe_user_pool_client(**client)["UserPoolClient"].get("CallbackURLs", [])
    names = [name for url in portals for name in (url, url.replace("//127.0.0.1", "//localhost"))]
    urls = list(dict.fromkeys([*known, *(f"{name}/" for name in names)]))
    cognito.update_user_pool_client(
        **client,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=list(SCOPES),
        SupportedIdentityProviders=["COGNITO"],
        CallbackURLs=urls,
        LogoutURLs=urls,
    )


def variables(aws: str, client_id: str) -> dict[str, str]:
    """Return the API's variables with which the portal finds the sign-in of the emulator at `aws`."""
    return {
        "SIGN_IN_CLIENT_ID": client_id,
        "SIGN_IN_AUTHORIZATION_ENDPOINT": f"{aws}/oauth2/authorize",
        "SIGN_IN_TOKEN_ENDPOINT": f"{aws}/oauth2/token",
        "SIGN_IN_END_SESSION_ENDPOINT": f"{aws}/logout",
        "SIGN_IN_SCOPE": " ".join(SCOPES),
        "SIGN_IN_TOKEN": "id_token",
    }
