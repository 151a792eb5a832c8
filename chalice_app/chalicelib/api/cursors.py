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
from typing import TYPE_CHECKING

from Cryptodome.Cipher import AES

from chalicelib.domain.json_types import Json
from chalicelib.errors import BadCursor

if TYPE_CHECKING:
    from Cryptodome.Cipher._mode_siv import SivMode

_TAG_BYTES = 16

Scope = tuple[str | bool | None, ...]


class Cursors:
    """Encodes and decodes cursors with the service's secret."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha512(secret.encode()).digest()

    def encode(self, place: Json | None, scope: Scope) -> str | None:
        """Return the cursor of a position in the list `scope`, or None if there is no next page."""
        if place is None:
            return None
        text = json.dumps(place, separators=(",", ":"), sort_keys=True).encode()
        sealed, tag = self._cipher(scope).encrypt_and_digest(text)
        return _text(tag + sealed)

    def decode(self, cursor: str | None, scope: Scope) -> Json | None:
        """Return the position of a cursor. Raise `BadCursor` if `encode` did not make it for this list."""
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if _text(sealed) != cursor:  # several base64 strings decode to the same bytes
                raise BadCursor("The cursor is not valid for this list. Start again without it.")
            tag, sealed = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
            place: Json = json.loads(self._cipher(scope).decrypt_and_verify(sealed, tag))
        except (ValueError, binascii.Error) as error:
            raise BadCursor("The cursor is not valid for this list. Start again without it.") from error
        return place

    def _cipher(self, scope: Scope) -> SivMode:
        cipher = AES.new(self._key, AES.MODE_SIV)
        for part in scope:
            cipher.update(json.dumps(part).encode())
        return cipher


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
