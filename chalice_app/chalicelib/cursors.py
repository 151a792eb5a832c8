"""Page cursors: a place in one list, encrypted, so that nobody reads it, alters it or makes up another.

A cursor is good for the list and the caller that it was given to, and for no other. The same place has the
same cursor (AES-SIV, RFC 5297, needs no nonce), so a page that has not changed keeps its ETag.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from chalicelib.errors import BadCursor
from chalicelib.records import Json


class Cursors:
    """Makes and reads cursors with the service's secret."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(hashlib.sha512(secret.encode()).digest())

    def encode(self, place: Json | None, scope: str) -> str | None:
        """The cursor of a place to go on from in the list `scope`; None after the last page."""
        if place is None:
            return None
        text = json.dumps(place, separators=(",", ":"), sort_keys=True).encode()
        return _text(self._cipher.encrypt(text, [scope.encode()]))

    def decode(self, cursor: str | None, scope: str) -> Json | None:
        """The place inside a cursor; `BadCursor` for what `encode` did not make for this list."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if _text(sealed) != cursor:  # base64 has several texts for the same bytes
                raise BadCursor("The cursor is not one that this list gave you.")
            place: Json = json.loads(self._cipher.decrypt(sealed, [scope.encode()]))
        except (ValueError, binascii.Error, InvalidTag) as error:
            raise BadCursor("The cursor is not one that this list gave you.") from error
        return place


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
