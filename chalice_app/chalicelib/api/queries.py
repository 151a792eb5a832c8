"""Query parameters: the models that validate them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from chalicelib.domain.environment import Status
from chalicelib.domain.settings import Strict


class NoQuery(Strict):
    """No parameter at all: one that is not known must not be taken for one that had its effect."""


class PageQuery(Strict):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = None


class EnvironmentsQuery(PageQuery):
    """Which environments, and which page of them."""

    status: Status | None = None
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    @field_validator("status", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value is not None and value not in list(Status):
            raise ValueError(f"status must be one of {', '.join(Status)}")
        return value


class RowsQuery(Strict):
    """How many rows of a table."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class LogsQuery(Strict):
    """Which log stream of a run, and from where on."""

    stream: Literal["output", "error"] = "output"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=2048)] | None = None
