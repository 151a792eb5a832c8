"""The base of all error responses, and the error of a concurrent change."""

from __future__ import annotations

from collections.abc import Mapping
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


class StaleRecord(Exception):
    """Another process changed the record since it was read."""
