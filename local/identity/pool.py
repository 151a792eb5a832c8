"""Users, app clients and tokens of moto's Cognito, in its own process."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from moto.cognitoidp.exceptions import UsernameExistsException
from moto.cognitoidp.models import CognitoIdpUserPool, CognitoIdpUserPoolClient, cognitoidp_backends

from local.aws.clients import ACCOUNT
from local.identity.registration import ADMIN_GROUP

ADMIN = "admin"
"""Name of the user whom a sign-in makes an administrator."""


class Refused(Exception):
    """An error response of the token endpoint: its `error`, as in RFC 6749, section 5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass(frozen=True)
class AppClient:
    """An app client of a user pool."""

    pool: CognitoIdpUserPool
    client: CognitoIdpUserPoolClient

    @classmethod
    def all(cls, region: str) -> list[AppClient]:
        """Return the app clients of all user pools."""
        pools = list(cognitoidp_backends[ACCOUNT][region].user_pools.values())
        return [cls(pool, client) for pool in pools for client in list(pool.clients.values())]

    @classmethod
    def find(cls, region: str, client_id: str) -> AppClient | None:
        """Return the app client with an ID, or None."""
        return next((each for each in cls.all(region) if each.id == client_id), None)

    @property
    def id(self) -> str:
        """Return the ID of the client."""
        return str(self.client.id)

    def urls(self, kind: str) -> list[str]:
        """Return the registered URLs of a kind: `CallbackURLs` or `LogoutURLs`."""
        return list(self.client.extended_config.get(kind) or [])

    def allows(self, scopes: list[str]) -> bool:
        """Return whether the client may request the scopes."""
        return set(scopes) <= set(self.client.extended_config.get("AllowedOAuthScopes") or [])

    def ensure_user(self, name: str) -> None:
        """Create a user if missing. The user `admin` becomes an administrator."""
        cognito = self.pool.backend
        with contextlib.suppress(UsernameExistsException):
            cognito.admin_create_user(self.pool.id, name, "SUPPRESS", "", [])
        if name == ADMIN and ADMIN_GROUP in self.pool.groups:
            cognito.admin_add_user_to_group(self.pool.id, ADMIN_GROUP, name)

    def tokens(self, name: str, nonce: str | None) -> dict[str, Any]:
        """Return new tokens of a user, as the token endpoint returns them."""
        refresh_token, _ = self.pool.create_refresh_token(self.id, name)
        tokens = self.renewed(refresh_token)
        if nonce is not None:
            key = self.pool.json_web_key
            id_token = jwt.decode(tokens["id_token"], key)
            tokens["id_token"] = jwt.encode(id_token.header, {**id_token.claims, "nonce": nonce}, key)
        return {**tokens, "refresh_token": refresh_token}

    def renewed(self, refresh_token: str) -> dict[str, Any]:
        """Return the new tokens for a refresh token of this client. Raises `Refused`."""
        known = self.pool.refresh_tokens.get(refresh_token)
        if known is None or known[0] != self.id or not self._is_enabled(known[1]):
            raise Refused("invalid_grant")
        access_token, id_token, seconds = self.pool.create_tokens_from_refresh_token(refresh_token)
        return {
            "id_token": id_token,
            "access_token": access_token,
            "expires_in": seconds,
            "token_type": "Bearer",
        }

    def _is_enabled(self, name: str) -> bool:
        user = self.pool.users.get(name)
        return user is not None and user.enabled


def is_user_name(name: str) -> bool:
    """Return whether Cognito accepts a user name.

    Pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+, at most 128 characters.
    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
    """
    return bool(re.fullmatch(r"\S{1,128}", name)) and all(
        unicodedata.category(each)[0] in "LMSNP" for each in name
    )
