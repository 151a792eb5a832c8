"""Keys and tokens of a test issuer, without HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chalicelib.config import Config

ISSUER, AUDIENCE = "https://issuer.example", "portal"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
CONFIG = Config(
    "t", "b", ISSUER, AUDIENCE, f"{ISSUER}/jwks", "key", owner_claim="email", groups_claim="roles"
)


def jwk(key: Any, kid: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


class Site:
    """The issuer's JWKS, and the number of its downloads."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.is_down = False

    def __call__(self, _: str) -> bytes:
        self.asked += 1
        if self.is_down:
            raise ConnectionError("down")
        return json.dumps({"keys": self.keys}).encode()


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", **claims: Any) -> str:
    payload = {"iss": ISSUER, "aud": AUDIENCE, "email": "ana@x.org", "exp": int(time.time()) + 60} | claims
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def by_hand(header: dict[str, Any], secret: bytes) -> str:
    """A token signed with HMAC over any content. PyJWT does not create such tokens."""
    parts = [header, {"iss": ISSUER, "aud": AUDIENCE, "email": "eve", "exp": int(time.time()) + 60}]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
