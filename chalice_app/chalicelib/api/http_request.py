"""HTTP requests: ID, base path and body."""

from __future__ import annotations

import functools
import re

from chalice.app import Request


def request_id_of(request: Request) -> str:
    """Return the request ID that the gateway assigned."""
    return str(request.context.get("requestId") or "unknown")


def base_path(request: Request) -> str:
    """Return the part of the URL's path before the route: empty, a stage (`/api`) or a domain's mapping.

    API Gateway puts the full path into `path` of the request's context, and the route, with the names of its
    parameters, into `resourcePath`: "Input format of a Lambda function for proxy integration",
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return _base_path(str(request.context.get("path", "")), str(request.context.get("resourcePath", "")))


@functools.lru_cache(maxsize=1)
def _base_path(full: str, route: str) -> str:
    """Return the base path of the last request once for all items of its response."""
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{\w+}", route.rstrip("/")))
    found = re.fullmatch(f"(.*?){pattern}/?", full)
    return found[1] if found else ""


def raw_body(request: Request) -> bytes:
    """Return the bytes of the request's body."""
    raw = request.raw_body or b""
    return raw.encode() if isinstance(raw, str) else raw
