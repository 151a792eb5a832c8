"""Page cursors: a place in one list, encrypted, so that nobody reads it, alters it or makes up another.

A cursor is good for the list and the caller that it was given to, and for no other: both are its scope, whose
parts callers choose, so it is sealed with them as a list and never joined to one text. The same place has the
same cursor (AES-SIV, RFC 5297, needs no nonce), so a page that has not changed keeps its ETag.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from chalicelib.domain.json_types import Json
from chalicelib.errors import BadCursor

Scope = tuple[str | bool | None, ...]


class Cursors:
    """Makes and reads cursors with the service's secret."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(hashlib.sha512(secret.encode()).digest())

    def encode(self, place: Json | None, scope: Scope) -> str | None:
        """The cursor of a place to go on from in the list `scope`; None after the last page."""
        if place is None:
            return None
        text = json.dumps(place, separators=(",", ":"), sort_keys=True).encode()
        return _text(self._cipher.encrypt(text, _sealed_with(scope)))

    def decode(self, cursor: str | None, scope: Scope) -> Json | None:
        """The place inside a cursor; `BadCursor` for what `encode` did not make for this list."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if _text(sealed) != cursor:  # base64 has several texts for the same bytes
                raise BadCursor("The cursor is not one that this list gave you.")
            place: Json = json.loads(self._cipher.decrypt(sealed, _sealed_with(scope)))
        except (ValueError, binascii.Error, InvalidTag) as error:
            raise BadCursor("The cursor is not one that this list gave you.") from error
        return place


def _sealed_with(scope: Scope) -> list[bytes]:
    return [json.dumps(part).encode() for part in scope]


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
