"""Headers of responses in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.json_types import Json

CHALLENGE = "x-amzn-Remapped-WWW-Authenticate"
"""API Gateway renames WWW-Authenticate."""


def _header(description: str, *, required: bool = False, **schema: Any) -> Json:
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


RATE_LIMIT = ["RateLimit", "RateLimit-Policy"]
"""Headers of responses to calls that count towards the caller's limit. Without a limit, they are missing."""

HEADERS: Mapping[str, Json] = {
    "X-Request-Id": _header("ID of the request, as in logs and in `request_id` of events.", required=True),
    "ETag": _header("Version of this response; send it in If-None-Match.", required=True),
    "Location": _header(
        "URL of the created resource, or of the file.", required=True, format="uri-reference"
    ),
    "Retry-After": _header("Seconds to wait before the next request.", type="integer", minimum=1),
    "Idempotency-Replayed": _header("`true` if this repeats an earlier response.", enum=["true"]),
    "Link": _header(
        "Next page of CSV, with `rel=next` (RFC 8288). Missing on the last page.",
        examples=['</usage?by=run&cursor=ZXhhbXBsZQ>; rel="next"'],
    ),
    "RateLimit": _header(
        "Calls that are left (`r`), and the seconds until there is one more (`t`): "
        "draft-ietf-httpapi-ratelimit-headers-11.",
        examples=['"calls";r=299;t=1'],
    ),
    "RateLimit-Policy": _header(
        "Calls that can be made at once (`q`), and the seconds until they are available again (`w`).",
        examples=['"calls";q=300;w=30'],
    ),
    CHALLENGE: _header(
        "Authentication challenge (RFC 6750). API Gateway renames WWW-Authenticate to this.", required=True
    ),
}


def references(names: Iterable[str]) -> Json:
    """Return references to headers by name."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
