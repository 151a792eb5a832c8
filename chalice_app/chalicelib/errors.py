"""Errors that the service raises on purpose.

    ServiceError                    an RFC 9457 problem
      BadRequest                400
        InvalidJson             400
        BadCursor               400
      Unauthorized              401
      NotFound                  404 missing, or another owner's
      MethodNotAllowed          405
      NotAcceptable             406
      Conflict                  409 the state of an environment or run does not allow the request
        EnvironmentExists       409 an owner has one live environment
        EnvironmentNotReady     409
        EnvironmentNotFailed    409
        EnvironmentNotLive      409
        BudgetExceeded          409
        JobFilesMissing         409
        LearningMode            409
        TooManyFiles            409
        TableUnreadable         409 a table's files do not match its definition
        TableOutOfReach         409 a table refers to data outside its environment
        WorkgroupUnusable       409
      PayloadTooLarge           413
      UnsupportedMediaType      415
      InvalidFields             422 lists every invalid field by JSON pointer
        InvalidCombination      422 the fields are valid alone, but not together
        InvalidFile             422 the content of a job file does not match its name
      IdempotencyKeyReused      422
      TooManyCreations          429
      Throttled                 429 AWS throttles this service
      Unavailable               503 a dependency is unavailable
        QueryTooSlow            503
        TableChanging           503
    StaleRecord                     another process changed the record since it was read

`aws/errors.py` has the errors of AWS calls.

`ServiceError` derives from Chalice's `ChaliceUnhandledError`, the one exception that Chalice passes to the
middleware, which turns it into a problem document. So views need no `try`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalice.app import ChaliceUnhandledError


class ServiceError(ChaliceUnhandledError):
    """An error response."""

    status = 500
    code = "internal_error"
    title = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.links = dict(links or {})


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


class Conflict(ServiceError):
    """The state of the environment or run does not allow the request."""

    status, code, title = 409, "conflict", "Conflict"


class EnvironmentExists(Conflict):
    """The caller already has a live environment."""

    code = "environment_exists"


class EnvironmentNotReady(Conflict):
    """The environment is not READY."""

    code = "environment_not_ready"


class EnvironmentNotFailed(Conflict):
    """The environment is not FAILED."""

    code = "environment_not_failed"


class EnvironmentNotLive(Conflict):
    """The environment is being deleted or is DELETED."""

    code = "environment_not_live"


class BudgetExceeded(Conflict):
    """The owner's remaining budget does not cover the run's maximum cost."""

    code = "budget_exceeded"


class JobFilesMissing(Conflict):
    """Job files that the job's settings name do not exist."""

    code = "job_files_missing"


class JobFileInUse(Conflict):
    """The settings of a job name the file."""

    code = "job_file_in_use"


class LearningMode(Conflict):
    """A learning environment runs the release's job and accepts no files."""

    code = "learning_mode"


class TooManyFiles(Conflict):
    """The environment would have too many job files."""

    code = "too_many_files"


class TableUnreadable(Conflict):
    """Athena cannot read the table: its files do not match its definition."""

    code = "table_unreadable"


class TableOutOfReach(Conflict):
    """The table refers to data that the environment's credentials may not read."""

    code = "table_out_of_reach"


class WorkgroupUnusable(Conflict):
    """The environment's Athena workgroup accepts no queries."""

    code = "workgroup_unusable"


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


class Throttled(ServiceError):
    """AWS throttles this service, and waiting would take too long."""

    status, code, title = 429, "throttled", "Too many requests"

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TooManyCreations(ServiceError):
    """The owner has created as many environments in 24 hours as the operator allows."""

    status, code, title = 429, "too_many_creations", "Too many creations"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(ServiceError):
    """A dependency is unavailable. Reconciliation continues accepted work."""

    status, code, title = 503, "unavailable", "Service unavailable"

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class QueryTooSlow(Unavailable):
    """The query took too long and was stopped."""

    code = "query_too_slow"


class TableChanging(Unavailable):
    """The table's files changed during the query."""

    code = "table_changing"


class StaleRecord(Exception):
    """Another process changed the record since it was read."""
