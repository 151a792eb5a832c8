"""Every error the service raises on purpose.

    ServiceError                    carries the status and the words of an RFC 9457 problem
      BadRequest                400 it cannot be read
        InvalidJson             400
        BadCursor               400 a cursor that this list did not give to this caller
      Unauthorized              401 no valid token
      NotFound                  404 not there, or not yours
      MethodNotAllowed          405
      NotAcceptable             406 it is not of a type that the caller accepts
      Conflict                  409 the state does not allow it
        EnvironmentExists       409 one live environment per owner; its link is in the problem
        EnvironmentNotReady     409
        EnvironmentNotFailed    409
        EnvironmentNotLive      409
        BudgetExceeded          409
        JobFilesMissing         409
        LearningMode            409
        TooManyFiles            409
        TableUnreadable         409 a table's files are not what the catalog says
        TableOutOfReach         409 a table leads out of its sandbox
        WorkgroupUnusable       409 somebody has changed the sandbox's workgroup
      PayloadTooLarge           413
      UnsupportedMediaType      415
      InvalidFields             422 all wrong fields at once, with JSON pointers
        InvalidCombination      422 each field is right by itself, but not with the others or here
        InvalidFile             422 a job file is not what its name says
      IdempotencyKeyReused      422 the same key with another body
      TooManyCreations          429 the owner has created as many environments as they may in a day
      Throttled                 429 AWS asks us to slow down
      Unavailable               503 a dependency is down
        QueryTooSlow            503
        TableChanging           503 a table's files changed while they were read
    StaleRecord                     somebody else changed the record first: read it again

What AWS answers is in `aws_errors.py`.

`ServiceError` derives from Chalice's `ChaliceUnhandledError` because that is the one exception Chalice hands
on to the middleware, where `http.py` turns it into a response; so routes need no `try`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalice.app import ChaliceUnhandledError


class ServiceError(ChaliceUnhandledError):
    """An answer to the caller that is not a success."""

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
    """The request cannot be read."""

    status, code, title = 400, "bad_request", "Bad request"


class InvalidJson(BadRequest):
    """The body is not valid JSON."""

    code = "invalid_json"


class BadCursor(BadRequest):
    """The cursor is not one that this list gave you."""

    code = "bad_cursor"


class Unauthorized(ServiceError):
    """No token, or one that does not hold; the caller is told which, never why in cryptographic detail."""

    status, code, title = 401, "unauthorized", "Unauthorized"

    def __init__(self, detail: str, *, error: str | None = "invalid_token") -> None:
        # RFC 6750, section 3.1: no error code for who sent no token.
        challenge = 'Bearer realm="terraglue"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotFound(ServiceError):
    """It does not exist, or it is somebody else's, which is the same to the caller."""

    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(ServiceError):
    """The path does not know that method."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The path does not know that method.", headers={"Allow": ", ".join(allowed)})


class NotAcceptable(ServiceError):
    """What the caller accepts is not what there is."""

    status, code, title = 406, "not_acceptable", "Not acceptable"


class Conflict(ServiceError):
    """The state of the environment or the run does not allow it."""

    status, code, title = 409, "conflict", "Conflict"


class EnvironmentExists(Conflict):
    """The caller has a live environment already."""

    code = "environment_exists"


class EnvironmentNotReady(Conflict):
    """The environment is not READY."""

    code = "environment_not_ready"


class EnvironmentNotFailed(Conflict):
    """The environment has not FAILED."""

    code = "environment_not_failed"


class EnvironmentNotLive(Conflict):
    """The environment is being deleted or is gone."""

    code = "environment_not_live"


class BudgetExceeded(Conflict):
    """What is left of the owner's budget does not cover the run's worst case."""

    code = "budget_exceeded"


class JobFilesMissing(Conflict):
    """Files that the job needs are not there yet."""

    code = "job_files_missing"


class LearningMode(Conflict):
    """A learning sandbox runs the release's job and takes no files."""

    code = "learning_mode"


class TooManyFiles(Conflict):
    """There are as many job files as there can be."""

    code = "too_many_files"


class TableUnreadable(Conflict):
    """Athena cannot read the table: its files are not what the catalog says of them."""

    code = "table_unreadable"


class TableOutOfReach(Conflict):
    """The table, or what it is made of, is not in the sandbox: AWS refused to read it with its rights."""

    code = "table_out_of_reach"


class WorkgroupUnusable(Conflict):
    """The environment's Athena workgroup takes no queries."""

    code = "workgroup_unusable"


class PayloadTooLarge(ServiceError):
    """The body is over the limit."""

    status, code, title = 413, "payload_too_large", "Payload too large"


class UnsupportedMediaType(ServiceError):
    """The body is not declared as JSON."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


_MOST_TOLD = 100


class InvalidFields(ServiceError):
    """One or more fields or parameters are wrong: `errors` lists the first hundred.

    Each has a `detail`, and a `pointer` into the body or the `parameter` of path, query or header.
    """

    status, code, title = 422, "invalid_fields", "Invalid fields"

    def __init__(self, errors: Sequence[Mapping[str, Any]], *, detail: str | None = None) -> None:
        what = "parameter" if all("parameter" in error for error in errors) else "field"
        words = f"One {what} is wrong." if len(errors) == 1 else f"{len(errors)} {what}s are wrong."
        super().__init__(detail or words, extra={"errors": list(errors)[:_MOST_TOLD]})
        self.errors = errors


class InvalidCombination(InvalidFields):
    """Each field is right by itself, but they do not fit together, or the operator does not allow them."""

    code, title = "invalid_combination", "Invalid combination of fields"


class InvalidFile(InvalidFields):
    """The file is not what its name says."""

    code, title = "invalid_file", "Invalid file"


class IdempotencyKeyReused(ServiceError):
    """The same Idempotency-Key came with another body."""

    status, code, title = 422, "idempotency_key_reused", "Idempotency key reused"


class Throttled(ServiceError):
    """AWS asks us to slow down, and waiting here would take too long."""

    status, code, title = 429, "throttled", "Too many requests"

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class TooManyCreations(ServiceError):
    """You have created as many environments as you may in 24 hours; Retry-After says when you may again."""

    status, code, title = 429, "too_many_creations", "Too many creations"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(ServiceError):
    """A dependency is down; what was begun is finished by reconcile."""

    status, code, title = 503, "unavailable", "Service unavailable"

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class QueryTooSlow(Unavailable):
    """The query took too long and was stopped."""

    code = "query_too_slow"


class TableChanging(Unavailable):
    """The files of the table changed while they were read."""

    code = "table_changing"


class StaleRecord(Exception):
    """The record was changed by somebody else since it was read."""
