"""Page cursors: opaque to the caller, a place in one list inside, signed so that nobody makes up another.

A cursor is good for the list and the caller that it was given to, and for no other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from chalicelib.errors import BadCursor
from chalicelib.records import Json

_SIGNATURE_BYTES = 16


class Cursors:
    """Makes and reads cursors with the service's key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def encode(self, place: Json | None, scope: str) -> str | None:
        """The cursor of a place to go on from in the list `scope`; None after the last page."""
        if place is None:
            return None
        text = json.dumps(place, separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._signature(text, scope) + text).decode().rstrip("=")

    def decode(self, cursor: str | None, scope: str) -> Json | None:
        """The place inside a cursor; `BadRequest` for what `encode` did not make for this list."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        signature, text = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not text or not hmac.compare_digest(signature, self._signature(text, scope)):
            raise BadCursor("The cursor is not one that this list gave you.")
        place: Json = json.loads(text)
        return place

    def _signature(self, text: bytes, scope: str) -> bytes:
        message = scope.encode() + b"\0" + text
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
