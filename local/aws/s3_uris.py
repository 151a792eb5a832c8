"""S3 URIs. `urlsplit` does not fit them: it ends a key at `#` or `?`."""

from __future__ import annotations

import re

SCHEMES = ("s3", "s3a", "s3n")
"""Schemes of URIs of objects: those of Glue, Athena and Hadoop."""

_URI = re.compile(rf"(?:{'|'.join(SCHEMES)})://([^/]+)(?:/(.*))?", re.DOTALL)


def bucket_and_key(uri: str) -> tuple[str, str] | None:
    """Return the bucket and the key, which may be empty, or None if it is no URI of S3."""
    match = _URI.fullmatch(uri)
    return (match[1], match[2] or "") if match else None
