"""Keys and signatures of the issuer. `cryptography`, which the service does not ship, is the judge."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from chalicelib.api.auth import Authenticator
from chalicelib.api.jwks import Keys, KeysUnavailable, UnknownKey
from chalicelib.errors import Unauthorized
from tests.support.tokens import AUDIENCE, CONFIG, EC, ISSUER, RSA, Site, jwk, token

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of P-256: FIPS 186-4, D.1.2.3."""
GENERATOR_X = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256: RFC 8017, 9.2, note 1."""
SIZE = 256
EM = b"\x00\x01" + b"\xff" * 202 + b"\x00" + SHA256_PREFIX
THREE = rsa.generate_private_key(public_exponent=3, key_size=2048)


def text(value: int | bytes, size: int | None = None) -> str:
    if isinstance(value, int):
        value = value.to_bytes(size or max(1, (value.bit_length() + 7) // 8), "big")
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def message(algorithm: str, kid: str) -> bytes:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "email": "ana@x.org", "exp": int(time.time()) + 60}
    parts = ({"alg": algorithm, "kid": kid}, claims)
    return ".".join(text(json.dumps(part).encode()) for part in parts).encode()


def owner(signing: bytes, signature: bytes, *keys: dict[str, Any]) -> str:
    """Return the owner whom the service sees in a signed token. Raise `Unauthorized` if it refuses it."""
    authenticator = Authenticator(CONFIG, Keys("uri", fetch=Site(*keys)))
    return authenticator.caller(f"Bearer {signing.decode()}.{text(signature)}").owner


def digest(signing: bytes) -> bytes:
    return hashlib.sha256(signing).digest()


def rsa_signature(key: rsa.RSAPrivateKey, encoded: bytes) -> bytes:
    """Return the signature whose encoded message (RFC 8017, 8.2.2) is this one."""
    private = key.private_numbers()
    raised = pow(int.from_bytes(encoded, "big"), private.d, private.public_numbers.n)
    return raised.to_bytes(key.key_size // 8, "big")


def ec_numbers(signing: bytes) -> tuple[int, int]:
    return utils.decode_dss_signature(EC.sign(signing, ec.ECDSA(hashes.SHA256())))


def both(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("exponent", [3, 65537])
@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_signatures_of_another_implementation_are_accepted_with_every_usual_key(
    bits: int, exponent: int
) -> None:
    key, signing = rsa.generate_private_key(exponent, bits), message("RS256", "a")
    signature = key.sign(signing, padding.PKCS1v15(), hashes.SHA256())
    assert owner(signing, signature, jwk(key, "a")) == "ana@x.org"
    with pytest.raises(Unauthorized):
        owner(signing, signature[:-1] + bytes([signature[-1] ^ 1]), jwk(key, "a"))


def test_hundred_signatures_of_another_implementation_with_p256_are_accepted() -> None:
    for _ in range(100):  # some have an r, an s or a coordinate that begins with a zero byte
        key, signing = ec.generate_private_key(ec.SECP256R1()), message("ES256", "a")
        r, s = utils.decode_dss_signature(key.sign(signing, ec.ECDSA(hashes.SHA256())))
        assert owner(signing, both(r, s), jwk(key, "a")) == "ana@x.org"


@pytest.mark.parametrize(
    "encoded",
    [
        lambda d: b"\x00\x01\xff" + b"\x00" + SHA256_PREFIX + d + b"\x55" * 201,  # text after the digest
        lambda d: b"\x00\x01" + b"\xff" * 8 + b"\x00" + SHA256_PREFIX + d + b"\x00" * 194,
        lambda d: b"\x00\x01" + b"\xff" * 201 + b"\x00" + SHA256_PREFIX + d + b"\x00",
        lambda d: b"\x00\x01" + b"\xfe" * 202 + b"\x00" + SHA256_PREFIX + d,
        lambda d: b"\x00\x02" + b"\xff" * 202 + b"\x00" + SHA256_PREFIX + d,
        lambda d: b"\x00\x00" + b"\xff" * 202 + b"\x00" + SHA256_PREFIX + d,
        lambda d: b"\x00\x01" + b"\xff" * 221 + b"\x00" + d,  # no DigestInfo
        lambda d: b"\x00\x01" + b"\xff" * 202 + b"\x00" + SHA256_PREFIX[:-19] + b"\x31" * 19 + d,
        lambda d: EM + hashlib.sha256(d).digest(),
        lambda d: b"\x00" * 255 + b"\x01",
    ],
)
@pytest.mark.parametrize("key", [RSA, THREE], ids=["65537", "3"])
def test_an_encoded_message_other_than_that_of_pkcs1_is_refused(
    key: rsa.RSAPrivateKey, encoded: Callable[[bytes], bytes]
) -> None:
    signing = message("RS256", "a")
    assert owner(signing, rsa_signature(key, EM + digest(signing)), jwk(key, "a")) == "ana@x.org"
    forged = encoded(digest(signing))
    assert len(forged) == SIZE
    with pytest.raises(Unauthorized):
        owner(signing, rsa_signature(key, forged), jwk(key, "a"))


def test_a_cube_root_is_no_signature() -> None:
    """Bleichenbacher's forgery of 2006: its cube begins with a right encoded message with little padding."""
    signing = message("RS256", "a")
    start = b"\x00\x01\xff\x00" + SHA256_PREFIX + digest(signing)
    wanted, low, high = int.from_bytes(start.ljust(SIZE, b"\xff"), "big"), 0, 1 << 700
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= wanted else (low, middle - 1)
    assert (low**3).to_bytes(SIZE, "big").startswith(start)
    with pytest.raises(Unauthorized):
        owner(signing, low.to_bytes(SIZE, "big"), jwk(THREE, "a"))


def test_numbers_and_lengths_that_no_rsa_signature_has_are_refused() -> None:
    signing = message("RS256", "a")
    good, modulus = rsa_signature(RSA, EM + digest(signing)), RSA.public_key().public_numbers().n
    beyond = int.from_bytes(good, "big") + modulus
    forged = [b"", b"\x00", good[1:], good[:-1], b"\x00" + good, good + b"\x00", bytes(SIZE)]
    forged += [beyond.to_bytes(SIZE + 1, "big"), modulus.to_bytes(SIZE, "big"), b"\xff" * SIZE]
    for signature in [*forged, beyond.to_bytes(SIZE + 1, "big")[-SIZE:], secrets.token_bytes(100_000)]:
        with pytest.raises(Unauthorized):
            owner(signing, signature, jwk(RSA, "a"))


def test_numbers_and_lengths_that_no_signature_of_p256_has_are_refused() -> None:
    signing = message("ES256", "a")
    r, s = ec_numbers(signing)
    assert owner(signing, both(r, s), jwk(EC, "a")) == "ana@x.org"
    refused = [both(*pair) for pair in [(0, 0), (0, s), (r, 0), (0, 1), (1, 1), (ORDER, s), (r, ORDER)]]
    refused += [both(2**256 - 1, 2**256 - 1), both(s, r), both(r, s)[:-1], both(r, s) + b"\x00", b""]
    refused += [b"\x00" + both(r, s), r.to_bytes(33, "big") + s.to_bytes(33, "big")]
    refused += [utils.encode_dss_signature(r, s), utils.encode_dss_signature(0, 0), bytes(64), bytes(100_000)]
    for signature in refused:
        with pytest.raises(Unauthorized):
            owner(signing, signature, jwk(EC, "a"))


@pytest.mark.parametrize(
    "algorithm", ["RS384", "RS512", "PS256", "ES384", "ES256", "EdDSA", "rs256", "HS256"]
)
def test_the_key_decides_the_algorithm(algorithm: str) -> None:
    signing = message(algorithm, "a")
    kind = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
    for signature in (RSA.sign(signing, padding.PKCS1v15(), kind), both(*ec_numbers(signing))):
        with pytest.raises(Unauthorized):
            owner(signing, signature, jwk(RSA, "a"))
    with pytest.raises(Unauthorized):
        owner(message("RS256", "a"), both(*ec_numbers(message("RS256", "a"))), jwk(EC, "a"))


def rsa_entry(n: Any, e: Any, **more: Any) -> dict[str, Any]:
    n, e = (text(value) if isinstance(value, int) else value for value in (n, e))
    return {"kty": "RSA", "kid": "bad", "n": n, "e": e, **more}


def ec_entry(**changes: Any) -> dict[str, Any]:
    entry = {**jwk(EC, "bad"), **changes}
    return {name: value for name, value in entry.items() if value is not None}


N = RSA.public_key().public_numbers().n
X, Y = EC.public_key().public_numbers().x, EC.public_key().public_numbers().y
BAD_ENTRIES: dict[str, Any] = {
    "no n": {"kty": "RSA", "kid": "bad", "e": "AQAB"},
    "no e": {"kty": "RSA", "kid": "bad", "n": text(N)},
    "n is a number": rsa_entry([N], 65537),
    "n is null": rsa_entry(None, 65537),
    "n is empty": rsa_entry("", "AQAB"),
    "n has a surrogate": rsa_entry("\ud800", "AQAB"),
    "n is 0": rsa_entry(0, 65537),
    "n is 1": rsa_entry(1, 65537),
    "n is even": rsa_entry(N + 1, 65537),
    "n has 1024 bits": rsa_entry((1 << 1024) - 105, 65537),
    "n has 20,000 bits": rsa_entry(secrets.randbits(19_999) | 1 | 1 << 19_999, 65537),
    "n has 2,000,000 bits": rsa_entry(secrets.randbits(1_999_999) | 1 | 1 << 1_999_999, 65537),
    "e is 0": rsa_entry(N, 0),
    "e is 1": rsa_entry(N, 1),
    "e is 2": rsa_entry(N, 2),
    "e is 65536": rsa_entry(N, 65536),
    "e is n": rsa_entry(N, N),
    "e has as many bits as n": rsa_entry(N, N - 2),
    "key of RS512": rsa_entry(N, 65537, alg="RS512"),
    "RSA key of ES256": rsa_entry(N, 65537, alg="ES256"),
    "alg is a list": rsa_entry(N, 65537, alg=["RS256"]),
    "point is not on the curve": ec_entry(x=text(X ^ 1, 32)),
    "point at infinity": ec_entry(x=text(0, 32), y=text(0, 32)),
    "point at infinity, empty": ec_entry(x="", y=""),
    "x is 100,000 bytes": ec_entry(x=text(secrets.token_bytes(100_000))),
    "no x": ec_entry(x=None),
    "y is an object": ec_entry(y={}),
    "no crv": ec_entry(crv=None),
    "crv is P-384": ec_entry(crv="P-384"),
    "crv is secp256k1": ec_entry(crv="secp256k1"),
    "crv is a list": ec_entry(crv=["P-256"]),
    "EC key of RS256": ec_entry(alg="RS256"),
    "oct": {"kty": "oct", "kid": "bad", "k": text(b"secret")},
    "kty is a list": {"kty": ["RSA"], "kid": "bad"},
    "no kty": {"kid": "bad"},
    "kid is a list": {**rsa_entry(N, 65537), "kid": ["bad"]},
    "entry is a list": [],
    "entry is null": None,
}


@pytest.mark.parametrize("entry", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_key_is_skipped_at_once_and_hides_no_good_one(entry: Any) -> None:
    key_set = json.dumps({"keys": [entry, jwk(RSA, "rsa"), entry, jwk(EC, "ec"), entry]}).encode()
    keys = Keys("uri", fetch=lambda _: key_set)
    authenticator = Authenticator(CONFIG, keys)
    assert authenticator.caller(f"Bearer {token()}").owner == "ana@x.org"
    assert authenticator.caller(f"Bearer {token(EC, 'ES256', 'ec')}").owner == "ana@x.org"
    with pytest.raises(UnknownKey):
        keys.find("bad")


def test_nobody_can_sign_for_the_point_at_infinity() -> None:
    """With it, u2 * Q vanishes, so r is the x of (hash / s) * G: that of G itself if s is the hash."""
    signing = message("ES256", "bad")
    signature = both(GENERATOR_X, int.from_bytes(digest(signing), "big") % ORDER)
    with pytest.raises(Unauthorized):
        owner(signing, signature, ec_entry(x=text(0, 32), y=text(0, 32)), jwk(RSA, "rsa"))


@pytest.mark.parametrize(
    "body",
    [b'{"keys": null}', b'{"keys": 5}', b'{"keys": {"a": 1}}', b'{"keys": "a"}', b"[" * 100_000, b"\xff"],
)
def test_a_key_set_that_is_none_is_an_unavailable_issuer(body: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        Keys("uri", fetch=lambda _: body).find("a")


@pytest.mark.parametrize("error", [http.client.BadStatusLine("x"), http.client.IncompleteRead(b"")])
def test_an_issuer_that_does_not_speak_http_is_unavailable(error: Exception) -> None:
    def fetch(_: str) -> bytes:
        raise error

    with pytest.raises(KeysUnavailable):
        Keys("uri", fetch=fetch).find("a")
