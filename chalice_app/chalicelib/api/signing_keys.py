"""Public keys of a JSON Web Key Set, for PyJWT.

PyJWT's `PyJWK` requires the package `cryptography`: 14 MB, of which two functions would be used. These keys
verify with pycryptodomex (docs/decisions/0035).
"""

from __future__ import annotations

from typing import Any, cast

import jwt
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import ECC, RSA
from Cryptodome.Signature import DSS, pkcs1_15
from jwt.utils import from_base64url_uint

_LEAST_BITS, _MOST_BITS = 2048, 16384
"""RFC 7518, section 3.3: "A key of size 2048 bits or larger MUST be used". OpenSSL's limit is 16384."""
_MOST_BITS_OF_E = 256
"""FIPS 186-4, B.3.1: e is odd and less than 2^256. A larger one makes each verification slow."""
_LONGEST_TEXT = _MOST_BITS // 6 + 1


class SigningKey(jwt.PyJWK):
    """A key that verifies RS256 or ES256, with the attributes that `jwt.decode` reads of a `PyJWK`."""

    def __init__(self, entry: dict[str, Any]) -> None:
        """Read a key set's entry. Raise `PyJWTError`, `KeyError` or `ValueError` if it is no such key."""
        kind = entry.get("kty")
        curve = entry.get("crv") if kind == "EC" else "P-256"
        self.algorithm_name = {"RSA": "RS256", "EC": "ES256"}.get(str(kind), "")
        if (entry.get("alg") or self.algorithm_name) != self.algorithm_name or curve != "P-256":
            raise jwt.InvalidKeyError(f"Unsupported key: {kind}, {entry.get('alg')}, {curve}")
        if kind == "RSA":
            modulus, exponent = _number(entry["n"]), _number(entry["e"])
            if not _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS:
                raise jwt.InvalidKeyError(f"The key has fewer than {_LEAST_BITS} or too many bits.")
            if exponent % 2 == 0 or exponent.bit_length() > _MOST_BITS_OF_E:
                raise jwt.InvalidKeyError("The exponent of the key is even or too large.")
            self.key: Any = RSA.construct((modulus, exponent))
            verifier: Any = pkcs1_15.new(self.key)
        elif kind == "EC":
            point = {"point_x": _number(entry["x"]), "point_y": _number(entry["y"])}
            self.key = ECC.construct(curve=curve, **point)
            if self.key.pointQ.is_point_at_infinity():  # that is (0, 0), for which anybody can sign
                raise jwt.InvalidKeyError("The key is the point at infinity.")
            verifier = DSS.new(self.key, "fips-186-3")  # of 64 bytes, as in RFC 7518, section 3.4
        else:
            raise jwt.InvalidKeyError(f"Unsupported key type: {kind}")
        self.Algorithm = cast(Any, _Verification(verifier))


class _Verification:
    """The methods that `jwt.decode` calls of an `Algorithm`."""

    def __init__(self, verifier: Any) -> None:
        self._verifier = verifier

    def prepare_key(self, key: Any) -> Any:
        return key

    def check_key_length(self, _key: Any) -> None:
        return None

    def verify(self, message: bytes, _key: Any, signature: bytes) -> bool:
        try:
            self._verifier.verify(SHA256.new(message), signature)
        except ValueError:
            return False
        return True


def _number(text: Any) -> int:
    if not isinstance(text, str):
        raise jwt.InvalidKeyError("A number of the key is not a string.")
    if len(text) > _LONGEST_TEXT:
        raise jwt.InvalidKeyError("A number of the key is too large.")
    return from_base64url_uint(text)
