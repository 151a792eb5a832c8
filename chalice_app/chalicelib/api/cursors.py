"""Page cursors: encrypted positions in lists, which callers cannot read, change or invent.

A cursor is valid for one list and one caller: its scope. Callers choose parts of the scope, so these are
authenticated as a list of parts and never joined into one string. Equal positions have equal cursors, because
AES-SIV (RFC 5297) needs no nonce, so an unchanged page keeps its ETag.
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
    """Encodes and decodes cursors with the service's secret."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(hashlib.sha512(secret.encode()).digest())

    def encode(self, place: Json | None, scope: Scope) -> str | None:
        """Return the cursor of a position in the list `scope`, or None if there is no next page."""
        if place is None:
            return None
        text = json.dumps(place, separators=(",", ":"), sort_keys=True).encode()
        return _text(self._cipher.encrypt(text, _sealed_with(scope)))

    def decode(self, cursor: str | None, scope: Scope) -> Json | None:
        """Return the position of a cursor. Raise `BadCursor` if `encode` did not make it for this list."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if _text(sealed) != cursor:  # several base64 strings decode to the same bytes
                raise BadCursor("The cursor is not valid for this list. Start again without it.")
            place: Json = json.loads(self._cipher.decrypt(sealed, _sealed_with(scope)))
        except (ValueError, binascii.Error, InvalidTag) as error:
            raise BadCursor("The cursor is not valid for this list. Start again without it.") from error
        return place


def _sealed_with(scope: Scope) -> list[bytes]:
    return [json.dumps(part).encode() for part in scope]


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
