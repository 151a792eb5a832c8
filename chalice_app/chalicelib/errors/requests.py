"""Errors of the request itself or of what it names, with status 400 to 406, 410, 413, 415 and 422."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.errors.base import ServiceError


class BadRequest(ServiceError):
    """The request cannot be parsed."""

    status, code, title = 400, "bad_request", "Bad request"


class InvalidJson(BadRequest):
    """The body is not valid JSON."""

    code = "invalid_json"


class BadCursor(BadRequest):
    """The cursor is not valid for this list."""

    code = "bad_cursor"


class Unauthorized(ServiceError):
    """The bearer token is missing or invalid. The detail has no cryptographic reason."""

    status, code, title = 401, "unauthorized", "Unauthorized"

    def __init__(self, detail: str, *, error: str | None = "invalid_token") -> None:
        # RFC 6750, section 3.1: no error code if the request has no token.
        challenge = 'Bearer realm="terraglue"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(ServiceError):
    """Only admins may do this. The caller may know that the resource exists."""

    status, code, title = 403, "forbidden", "Forbidden"


class NotFound(ServiceError):
    """The resource does not exist or belongs to another owner, which callers must not distinguish."""

    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(ServiceError):
    """The path does not support the method."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The path does not support this method.", headers={"Allow": ", ".join(allowed)})


class NotAcceptable(ServiceError):
    """The resource has no media type that the request accepts."""

    status, code, title = 406, "not_acceptable", "Not acceptable"


class ResultGone(ServiceError):
    """The result of a query no longer exists."""

    status, code, title = 410, "result_gone", "Result gone"


class PreconditionFailed(ServiceError):
    """The resource is not in the state that If-Match or If-None-Match requires."""

    status, code, title = 412, "precondition_failed", "Precondition failed"


class PayloadTooLarge(ServiceError):
    """The body is larger than the limit."""

    status, code, title = 413, "payload_too_large", "Payload too large"


class UnsupportedMediaType(ServiceError):
    """The body is not JSON."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


_MOST_ERRORS = 100


class InvalidFields(ServiceError):
    """Fields or parameters are invalid. `errors` lists the first hundred.

    Each has a `detail`, and a `pointer` into the body or the name of a path, query or header `parameter`.
    """

    status, code, title = 422, "invalid_fields", "Invalid fields"

    def __init__(self, errors: Sequence[Mapping[str, Any]], *, detail: str | None = None) -> None:
        what = "parameter" if all("parameter" in error for error in errors) else "field"
        summary = f"One {what} is invalid." if len(errors) == 1 else f"{len(errors)} {what}s are invalid."
        super().__init__(detail or summary, extra={"errors": list(errors)[:_MOST_ERRORS]})
        self.errors = errors


class InvalidCombination(InvalidFields):
    """The fields are valid alone, but not together or under the operator's limits."""

    code, title = "invalid_combination", "Invalid combination of fields"


class InvalidFile(InvalidFields):
    """The content of a job file does not match its name."""

    code, title = "invalid_file", "Invalid file"


class IdempotencyKeyReused(ServiceError):
    """The Idempotency-Key was used with another request."""

    status, code, title = 422, "idempotency_key_reused", "Idempotency key reused"
