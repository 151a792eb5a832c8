"""Problem documents (RFC 9457): the JSON body of every error response."""

from __future__ import annotations

from chalice.app import Request, Response

from chalicelib.api.http_request import base_path, request_id_of
from chalicelib.api.json_text import json_text
from chalicelib.domain.json_types import Json
from chalicelib.errors import ServiceError

MEDIA_TYPE = "application/problem+json"

INTERNAL_ERROR = "Internal error. Retry; if it persists, report `instance`."

# Chalice's own errors by status: title, code and detail.
_CHALICE_ERRORS = {
    405: ("Method not allowed", "method_not_allowed", "The path does not support this method."),
    415: ("Unsupported media type", "unsupported_media_type", "Send Content-Type: application/json."),
}
_BUG = ("Internal error", "internal_error", INTERNAL_ERROR)


def problem(error: ServiceError, request: Request) -> Response:
    """Return the response of an error."""
    links = {name: f"{base_path(request)}{path}" for name, path in error.links.items()}
    document = _document(request, error.status, error.title, error.code, error.detail)
    return _response(error.status, {**document, **error.extra, **links}, dict(error.headers))


def chalice_problem(response: Response, request: Request) -> Response:
    """Return the response of an error that Chalice answered: 405, 415 or a bug in a view."""
    title, code, detail = _CHALICE_ERRORS.get(response.status_code, _BUG)
    allow = {name: value for name, value in response.headers.items() if name.lower() == "allow"}
    document = _document(request, response.status_code, title, code, detail)
    return _response(response.status_code, document, allow)


def _document(request: Request, status: int, title: str, code: str, detail: str) -> Json:
    return {
        "type": f"urn:terraglue:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:terraglue:request:{request_id_of(request)}",
        "code": code,
    }


def _response(status: int, document: Json, headers: dict[str, str | list[str]]) -> Response:
    return Response(
        body=json_text(document),
        status_code=status,
        headers={"Content-Type": MEDIA_TYPE, **headers},
    )
