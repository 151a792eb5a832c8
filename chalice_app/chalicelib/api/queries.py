"""Query parameters: the models that validate them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from chalicelib.domain.environment import Status
from chalicelib.domain.names import ENVIRONMENT_ID
from chalicelib.domain.patterns import Matching
from chalicelib.domain.settings import Strict

_CURSOR = "Cursor of the page, from `next` of the previous response. Omit it for the first page."


class NoQuery(Strict):
    """No parameters. Rejects unknown query parameters, so a misspelled filter is not ignored."""


class PageQuery(Strict):
    """A page of a list."""

    limit: Annotated[int, Field(description="Maximum number of items in the page.", ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description=_CURSOR)


class EnvironmentsQuery(PageQuery):
    """A page of environments, filtered by status or owner."""

    status: Status | None = Field(default=None, description="Return only environments with this status.")
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="Return only environments of this owner. Only admins see those of other owners.",
    )

    @field_validator("status", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value is not None and value not in list(Status):
            raise ValueError(f"must be one of {', '.join(Status)}")
        return value


class JobsQuery(PageQuery):
    """A page of jobs, filtered by environment or owner."""

    environment: (
        Annotated[str, Matching(ENVIRONMENT_ID.pattern, "must be the ID of an environment")] | None
    ) = Field(default=None, description="Return only the jobs of this environment.")
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="Return only jobs of this owner. Only admins see those of other owners."
    )


class FolderQuery(Strict):
    """How the upload of a folder treats files that the archive does not have."""

    replace: Annotated[
        Literal["true", "false"],
        Field(description="`true` removes the job files that the archive does not have; `false` keeps them."),
    ] = "false"


class RowsQuery(Strict):
    """The first rows of a table."""

    limit: Annotated[int, Field(description="Maximum number of rows.", ge=1, le=100)] = 20


class LogsQuery(Strict):
    """A page of a run's log."""

    stream: Annotated[
        Literal["output", "error"], Field(description="Log stream: standard output or standard error.")
    ] = "output"
    limit: Annotated[int, Field(description="Maximum number of lines.", ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description=_CURSOR)
