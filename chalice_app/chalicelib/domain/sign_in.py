"""Sign-in: the client of the OIDC provider with which users sign in to the portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from chalicelib.variables import URL, Variables

Token = Literal["id_token", "access_token"]

_TOKENS: tuple[Token, ...] = get_args(Token)
# https://www.rfc-editor.org/rfc/rfc6749#section-3.3, with the scope of OpenID Connect among them
_SCOPE = r"(?=(?:.* )?openid(?: |$))[!#-\[\]-~]+(?: [!#-\[\]-~]+)*"


@dataclass(frozen=True)
class SignIn:
    """A public client of an OIDC provider, for the authorization code flow with PKCE.

    `end_session_endpoint` ends the provider's session, if it has such a page. `token` names the issued token
    that the API accepts.
    """

    client_id: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None
    scope: str = "openid"
    token: Token = "id_token"  # noqa: S105 - not a secret

    @classmethod
    def read(cls, variables: Variables) -> SignIn | None:
        """Read the client from environment variables, which also record its errors. None if there is none."""

        def url(name: str) -> str:
            return variables.text(name, "", pattern=URL, expected="an address without a query, https://...")

        client_id = variables.text(
            "SIGN_IN_CLIENT_ID", "", pattern=".{1,256}", expected="at most 256 printable characters"
        )
        client = cls(
            client_id=client_id,
            authorization_endpoint=url("SIGN_IN_AUTHORIZATION_ENDPOINT"),
            token_endpoint=url("SIGN_IN_TOKEN_ENDPOINT"),
            end_session_endpoint=url("SIGN_IN_END_SESSION_ENDPOINT") or None,
            scope=variables.text("SIGN_IN_SCOPE", cls.scope, pattern=_SCOPE, expected="scopes with openid"),
            token=variables.choice("SIGN_IN_TOKEN", cls.token, _TOKENS),
        )
        required = {
            "SIGN_IN_CLIENT_ID": client.client_id,
            "SIGN_IN_AUTHORIZATION_ENDPOINT": client.authorization_endpoint,
            "SIGN_IN_TOKEN_ENDPOINT": client.token_endpoint,
        }
        given = [name for name, value in required.items() if value]
        if given and len(given) < len(required):
            missing = ", ".join(name for name in required if name not in given)
            variables.refuse(given[0], f"must be set together with {missing}.")
        return client if given else None
