"""Who is calling: verifies the OIDC token of a request."""

from __future__ import annotations

import jwt

from chalicelib.api.jwks import Keys, KeysUnavailable, UnknownKey
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.errors import Unauthorized, Unavailable
from chalicelib.observability import logger

_ALGORITHMS = ["RS256", "ES256"]
_TOKEN_USES = ("id", "access")
"""Cognito says what a token is for; its refresh tokens are none of these, other issuers do not say."""
_CLOCK_SKEW_SECONDS = 30
_OWNER_LENGTH = 128
_INVALID = "The token is not valid here."
_UNVERIFIED = "Your identity provider has not verified your address; verify it there and sign in again."
"""An address that nobody has verified may be somebody else's: OIDC Core, `email_verified`, section 5.1."""


class Authenticator:
    """Verifies signature, issuer, audience and times of a token against the issuer's published keys."""

    def __init__(self, config: Config, keys: Keys | None = None) -> None:
        self._config = config
        self._keys = keys or Keys(config.jwks_uri)

    def caller(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header; `Unauthorized` when it does not prove one."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Send a token: Authorization: Bearer <token>.", error=None)
        claims = self._claims(token.strip())
        owner = claims.get(self._config.owner_claim)
        if not isinstance(owner, str) or not 0 < len(owner) <= _OWNER_LENGTH or not owner.isprintable():
            raise Unauthorized("The token does not say who you are.")
        verified = claims.get(f"{self._config.owner_claim}_verified", True)
        if verified is not True and verified != "true":
            raise Unauthorized(_UNVERIFIED)
        groups = claims.get(self._config.groups_claim) or []
        return Caller(
            self._config.owner(owner), isinstance(groups, list) and self._config.admin_group in groups
        )

    def _claims(self, token: str) -> dict[str, object]:
        try:
            claims: dict[str, object] = jwt.decode(
                token,
                self._key(token),
                algorithms=_ALGORITHMS,
                issuer=self._config.issuer,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except KeysUnavailable as error:
            raise Unavailable("The identity provider does not answer.") from error
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired; sign in again.") from error
        except (jwt.PyJWTError, UnknownKey) as error:
            logger.info("token refused", kind=type(error).__name__)
            raise Unauthorized(_INVALID) from error
        # OIDC puts the client into `aud` of an id token; Cognito's access tokens have `client_id` instead.
        audience = claims.get("aud", claims.get("client_id"))
        if self._config.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthorized(_INVALID)
        if claims.get("token_use", "id") not in _TOKEN_USES:
            raise Unauthorized(_INVALID)
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in _ALGORITHMS:  # before anything is fetched for it
            raise jwt.InvalidAlgorithmError
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise UnknownKey(str(key_id))
        return self._keys.find(key_id)
