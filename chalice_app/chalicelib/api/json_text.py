"""JSON text of response bodies."""

from __future__ import annotations

import json

MEDIA_TYPE = "application/json"


def json_text(value: object) -> str:
    """Return a body as JSON text that ends with a newline, so that a terminal shows its prompt below it.

    Characters stand for themselves: JSON is UTF-8 (RFC 8259, section 8.1), which also allows the newline
    (section 2). An unpaired surrogate, which UTF-8 cannot encode, becomes a JSON escape.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
