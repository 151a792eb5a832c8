"""Page cursors: opaque to the caller, nothing but a DynamoDB key inside."""

from __future__ import annotations

import base64
import binascii
import json

from chalicelib.errors import BadRequest
from chalicelib.records import Json


def encode(key: Json | None) -> str | None:
    """The cursor of a key to go on from; None after the last page."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Json | None:
    """The key inside a cursor; `BadRequest` for what `encode` did not make."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise BadRequest("The cursor is not one that this API gave.", code="bad_cursor") from error
    if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
        raise BadRequest("The cursor is not one that this API gave.", code="bad_cursor")
    return key
