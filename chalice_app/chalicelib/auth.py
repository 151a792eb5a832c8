"""Who is calling: verifies the OIDC token of a request."""

from __future__ import annotations

from dataclasses import dataclass

import jwt

from chalicelib.config import Config
from chalicelib.errors import Unauthorized, Unavailable
from chalicelib.observability import logger

_ALGORITHMS = ["RS256", "ES256"]
_CLOCK_SKEW_SECONDS = 30
_OWNER_LENGTH = 128


@dataclass(frozen=True)
class Caller:
    """Somebody who proved who they are."""

    owner: str
    is_admin: bool

    def may_see(self, owner: str) -> bool:
        """Admins see every environment, everybody else their own."""
        return self.is_admin or self.owner == owner


class Authenticator:
    """Verifies signature, issuer, audience and times of a token against the issuer's published keys."""

    def __init__(self, config: Config, keys: jwt.PyJWKClient | None = None) -> None:
        self._config = config
        self._keys = keys or jwt.PyJWKClient(config.jwks_uri, lifespan=3600, timeout=5)

    def caller(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header; `Unauthorized` when it does not prove one."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Send a token: Authorization: Bearer <token>.", error="invalid_request")
        claims = self._claims(token.strip())
        owner = claims.get(self._config.owner_claim)
        if not isinstance(owner, str) or not 0 < len(owner) <= _OWNER_LENGTH or not owner.isprintable():
            raise Unauthorized("The token does not say who you are.")
        groups = claims.get(self._config.groups_claim) or []
        return Caller(owner, isinstance(groups, list) and self._config.admin_group in groups)

    def _claims(self, token: str) -> dict[str, object]:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: dict[str, object] = jwt.decode(
                token,
                key.key,
                algorithms=_ALGORITHMS,
                issuer=self._config.issuer,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except jwt.PyJWKClientConnectionError as error:
            logger.error("token keys unreachable", jwks_uri=self._config.jwks_uri)
            raise Unavailable("The identity provider does not answer.") from error
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired; sign in again.") from error
        except jwt.PyJWTError as error:
            logger.info("token refused", kind=type(error).__name__)
            raise Unauthorized("The token is not valid here.") from error
        # OIDC puts the client into `aud` of an id token; Cognito's access tokens have `client_id` instead.
        audience = claims.get("aud", claims.get("client_id"))
        if self._config.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthorized("The token is not valid here.")
        return claims
