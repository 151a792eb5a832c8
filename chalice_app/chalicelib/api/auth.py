"""Authentication: verifies the OIDC bearer token of a request."""

from __future__ import annotations

import jwt

from chalicelib.api.jwks import Keys, KeysUnavailable, UnknownKey
from chalicelib.api.signing_keys import SigningKey
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.owner_names import is_name
from chalicelib.errors import Unauthorized, Unavailable
from chalicelib.observability import logger

_ALGORITHMS = ["RS256", "ES256"]
_TOKEN_USES = ("id", "access")
"""Allowed values of `token_use`, which Cognito sets and which is `refresh` in its refresh tokens."""
_CLOCK_SKEW_SECONDS = 30
_INVALID = "The bearer token is invalid for this service."
_UNVERIFIED = "The identity provider has not verified your address. Verify it and sign in again."
"""An unverified address may belong to another person: OIDC Core, section 5.1, `email_verified`."""


class Authenticator:
    """Verifies signature, issuer, audience and times of tokens with the issuer's published keys."""

    def __init__(self, config: Config, keys: Keys | None = None) -> None:
        self._config = config
        self._keys = keys or Keys(config.jwks_uri)

    def caller(self, authorization: str | None) -> Caller:
        """Return the caller that an Authorization header authenticates. Raise `Unauthorized` if none."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Send a bearer token: Authorization: Bearer <token>.", error=None)
        claims = self._claims(token.strip())
        owner = claims.get(self._config.owner_claim)
        if not is_name(owner):
            raise Unauthorized("The bearer token does not identify its owner.")
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
            raise Unavailable(
                "The identity provider is unavailable. Retry after the seconds in Retry-After."
            ) from error
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The bearer token has expired. Sign in again.") from error
        except (jwt.PyJWTError, UnknownKey) as error:
            logger.info("token refused", kind=type(error).__name__)
            raise Unauthorized(_INVALID) from error
        # The audience of ID tokens is in `aud`; Cognito's access tokens have `client_id` instead.
        audience = claims.get("aud", claims.get("client_id"))
        if self._config.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthorized(_INVALID)
        if claims.get("token_use", "id") not in _TOKEN_USES:
            raise Unauthorized(_INVALID)
        return claims

    def _key(self, token: str) -> SigningKey:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in _ALGORITHMS:  # checked before the keys are fetched
            raise jwt.InvalidAlgorithmError
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise UnknownKey(str(key_id))
        return self._keys.find(key_id)
