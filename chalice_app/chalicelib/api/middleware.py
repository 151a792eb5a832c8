"""Middleware: problem documents, response headers, conditional GET and CORS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from chalice.app import Request, Response

from chalicelib.api import json_text
from chalicelib.api.http_request import request_id_of
from chalicelib.api.problems import INTERNAL_ERROR, MEDIA_TYPE, chalice_problem, problem
from chalicelib.domain.json_types import Json
from chalicelib.errors import ServiceError
from chalicelib.observability import logger

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Defaults for every response."""

VARY = "Accept, Accept-Encoding"
"""Some responses are JSON or CSV. API Gateway compresses, but AWS does not document that it adds Vary."""

_EXPOSED_HEADERS = (
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
)


_VARYING = ("forecast", "poll_after_seconds")
"""Fields that change with time although the resource does not. The ETag does not cover them."""


def complete(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Add the request ID and safe headers to the response, and turn an error into a problem document."""
    request_id = request_id_of(request)
    # `append_keys` would apply to all threads. These keys belong to this thread and end with the request.
    logger.thread_safe_append_keys(request_id=request_id)
    try:
        return _completed(request, request_id, get_response)
    finally:
        logger.thread_safe_clear_keys()


def _completed(request: Request, request_id: str, get_response: Callable[[Request], Response]) -> Response:
    try:
        response = get_response(request)
    except ServiceError as error:
        response = problem(error, request)
    except Exception:  # from other middleware: Chalice catches those of views
        logger.exception("unhandled error")
        response = problem(ServiceError(INTERNAL_ERROR), request)
    if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
        response = chalice_problem(response, request)
    if isinstance(response.body, dict):
        response.headers.setdefault("Content-Type", json_text.MEDIA_TYPE)
        response.body = json_text.json_text(response.body)
    response.headers["X-Request-Id"] = request_id
    for name, value in {**SAFE_HEADERS, "Vary": VARY}.items():
        response.headers.setdefault(name, value)
    if request.method == "HEAD":
        response.body = ""
    return response


def conditional(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Add an ETag to the response of a GET, and return 304 if If-None-Match contains it.

    Also copies `poll_after_seconds` to Retry-After. The ETag is weak (RFC 9110, section 8.8.1): it does not
    cover every field, and API Gateway sends the same one with the compressed response.
    """
    response = get_response(request)
    body = response.body
    if isinstance(body, dict) and (pause := body.get("poll_after_seconds")):
        response.headers["Retry-After"] = str(pause)
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    tag = f'"{hashlib.sha256(_tagged(body)).hexdigest()[:32]}"'
    response.headers["ETag"] = f"W/{tag}"
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if _matches(request.headers.get("if-none-match"), tag):
        return Response("", status_code=304, headers=response.headers)
    return response


def cross_origin(request: Request, response: Response, origin: str | None) -> Response:
    """Allow the pages of the portal's `origin`, and no others, to read the response."""
    if origin is not None:
        response.headers["Vary"] = f"{VARY}, Origin"
        if request.headers.get("origin") == origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    return response


def preflight(methods: Iterable[str]) -> Response:
    """Return the response to a browser's CORS preflight request."""
    headers: dict[str, str | list[str]] = {
        "Allow": ", ".join(methods),
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": (
            "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
        ),
        "Access-Control-Max-Age": "600",
    }
    return Response("", status_code=204, headers=headers)


def _tagged(body: Any) -> bytes:
    """Return the bytes that the ETag covers."""
    if isinstance(body, dict):
        return json.dumps(_lasting(body), sort_keys=True).encode()
    return body if isinstance(body, bytes) else str(body).encode()


def _lasting(body: Json) -> Json:
    """Return a body without the fields that vary, also in the items of a page.

    Rows of tables are in `items` too, but are no page: their columns can have any name.
    """
    lasting = {name: value for name, value in body.items() if name not in _VARYING}
    if {"items", "next"} <= lasting.keys():
        lasting["items"] = [_lasting(item) for item in lasting["items"]]
    return lasting


def _matches(header: str | None, tag: str) -> bool:
    """Return whether an If-None-Match header contains the tag (RFC 9110, weak comparison)."""
    named = [item.strip().removeprefix("W/") for item in (header or "").split(",")]
    return tag in named or "*" in named
