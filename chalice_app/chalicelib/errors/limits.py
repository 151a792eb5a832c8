"""Errors with status 429 and 503: the request may succeed later."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.errors.base import ServiceError


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


class TooManyQueries(ServiceError):
    """The environment has the maximum number of active queries."""

    status, code, title = 429, "too_many_queries", "Too many active queries"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class RateLimited(ServiceError):
    """The caller made too many calls that change or compute something."""

    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str, *, retry_after: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after), **(headers or {})})


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
