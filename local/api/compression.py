"""Compression of responses as Amazon API Gateway does it: gzip or deflate, if the client prefers one of them.

The rules, of the Developer Guide's "Receive an API response with a compressed payload" and "Enable payload
compression for an API":

- The request names a supported coding. Without the header, and for `*`, the response is not compressed.
- The coding with the highest priority must be supported, or the response is not compressed.
- The response has no Content-Encoding, and at least as many bytes as the API's minimumCompressionSize.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-receive-response-with-compressed-payload.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-enable-compression.html

AWS does not document the order of codings with equal weights. Here, the first in the header is preferred.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any

_CODINGS = {"gzip": lambda body: gzip.compress(body, mtime=0), "deflate": zlib.compress}
# Weights of RFC 9110, section 12.4.2: at most three digits after the point, and at most 1.
_MEMBER = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:\s*;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")


def preferred(accept_encoding: str) -> str | None:
    """Return the coding to compress a response with, or None to send it as it is."""
    best, weight = None, 0.0
    for member in accept_encoding.lower().split(","):
        found = _MEMBER.fullmatch(member.strip())
        if found and (quality := float(found[2] or 1)) > weight:
            best, weight = found[1], quality
    return best if best in _CODINGS else None


def compressed(
    body: bytes, headers: dict[str, Any], *, accepted: str, least_bytes: int | None
) -> tuple[bytes, dict[str, Any]]:
    """Return body and headers of a response as API Gateway sends them. `accepted` is Accept-Encoding."""
    coding = preferred(accepted)
    is_small = least_bytes is None or len(body) < least_bytes
    if coding is None or is_small or not body or "content-encoding" in map(str.lower, headers):
        return body, headers
    return _CODINGS[coding](body), {**headers, "Content-Encoding": coding}
