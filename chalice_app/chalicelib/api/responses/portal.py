"""Response body of the portal's configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import ResponseBody
from chalicelib.domain.sign_in import Token


class PortalSignIn(ResponseBody):
    """Client of the OIDC provider: authorization code flow with PKCE, without a secret."""

    issuer: Annotated[
        str, Field(description="Issuer of the tokens.", examples=["https://issuer.example/realms/data"])
    ]
    client_id: Annotated[str, Field(description="Client ID of the portal.", examples=["terraglue-portal"])]
    authorization_endpoint: Annotated[
        str,
        Field(
            description="URL of the provider's sign-in page.", examples=["https://issuer.example/authorize"]
        ),
    ]
    token_endpoint: Annotated[
        str,
        Field(description="URL that exchanges a code for tokens.", examples=["https://issuer.example/token"]),
    ]
    end_session_endpoint: Annotated[
        str | None,
        Field(
            description="URL that ends the provider's session, or null if it has none.",
            examples=["https://issuer.example/logout"],
        ),
    ]
    scope: Annotated[
        str, Field(description="Scopes to request, separated by spaces.", examples=["openid email"])
    ]
    token: Annotated[
        Token, Field(description="Which of the issued tokens this API accepts.", examples=["id_token"])
    ]


class PortalConfig(ResponseBody):
    """What the portal needs to know before it can send requests."""

    api: Annotated[
        str | None,
        Field(description="URL of the API, or null if it serves the portal itself.", examples=[None]),
    ]
    sign_in: Annotated[
        PortalSignIn | None,
        Field(description="How to sign in, or null if the operator has not configured it."),
    ]
