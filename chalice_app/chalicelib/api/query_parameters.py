"""Query parameters: the models that validate them."""

from __future__ import annotations

import re
from datetime import date
from itertools import permutations
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from chalicelib.domain.environment import Status
from chalicelib.domain.names import ENVIRONMENT_ID
from chalicelib.domain.patterns import Matching
from chalicelib.domain.settings import Strict
from chalicelib.domain.usage import Dimension

_FIELDS = (
    "Return only these fields of the items, separated by commas. A dot selects a field of an object, or of "
    "each object in a list: `links.self`."
)

_COMBINED = (Dimension.DAY, Dimension.OWNER, Dimension.ENVIRONMENT)
_BY = [",".join(names) for count in (1, 2, 3) for names in permutations(_COMBINED, count)]
_BY += [Dimension.RUN, Dimension.QUERY]
DAY = "2[0-9]{3}-[0-9]{2}-[0-9]{2}"


def _day(value: Any) -> date:
    """Return a date. pydantic would also accept numbers and times."""
    if not isinstance(value, str) or not re.fullmatch(DAY, value):
        raise ValueError("must be a date such as 2026-11-01")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("must be a date that exists, such as 2026-11-01") from error


_CURSOR = "Cursor of the page, from `next` of the previous response. Omit it for the first page."


Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(json_schema_extra={"pattern": f"^{DAY}$"}),
]


class NoQuery(Strict):
    """No parameters. Rejects unknown query parameters, so a misspelled filter is not ignored."""


class AnyQuery(BaseModel):
    """Parameters of others than this API, which it ignores."""


class PageQuery(Strict):
    """A page of a list."""

    limit: Annotated[int, Field(description="Maximum number of items in the page.", ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description=_CURSOR)
    fields: Annotated[str, Field(max_length=1024)] | None = Field(default=None, description=_FIELDS)


class EnvironmentsQuery(PageQuery):
    """A page of environments, filtered by status or owner."""

    status: Status | None = Field(default=None, description="Return only environments with this status.")
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="Return only environments of this owner. Only admins see those of other owners.",
    )

    frozen: Literal["true", "false"] | None = Field(
        default=None, description="Return only environments that are frozen, or only those that are not."
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


class UsageQuery(PageQuery):
    """Usage of some days, added up."""

    limit: Annotated[
        int,
        Field(
            description="Number of items after which a page ends. A page whose items have no run or query "
            "ends with a whole day.",
            ge=1,
            le=5000,
        ),
    ] = 1000
    begin: Day | None = Field(
        default=None,
        alias="from",
        description="First day in UTC. Default: the beginning of the owner's budget period; for admins "
        "without `owner`, of the month.",
    )
    end: Day | None = Field(
        default=None, alias="to", description="Day in UTC before which the usage ends. Default: tomorrow."
    )
    by: Annotated[str, Field(max_length=64, json_schema_extra={"enum": _BY})] = Field(
        default=Dimension.DAY,
        description="What to add up by: one or more of `day`, `owner`, `environment`, or one of `run` and "
        "`query` alone, separated by commas.",
    )
    kind: Literal["run", "query"] | None = Field(
        default=None, description="Return only the charges of runs or of queries, and no estimates."
    )
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="Return only usage of this owner. Only admins see that of other owners."
    )

    @field_validator("by")
    @classmethod
    def _known(cls, value: str) -> str:
        names = value.split(",")
        if not set(names) <= set(Dimension):
            raise ValueError(f"must be one or more of {', '.join(Dimension)}, separated by commas")
        if len(set(names)) < len(names):
            raise ValueError("must not repeat a name")
        if len(names) > 1 and {Dimension.RUN, Dimension.QUERY} & set(names):
            raise ValueError("run and query must stand alone: their items show day, owner and environment")
        return value


class FolderQuery(Strict):
    """How the upload of a folder treats files that the archive does not have."""

    replace: Annotated[
        Literal["true", "false"],
        Field(description="`true` removes the job files that the archive does not have; `false` keeps them."),
    ] = "false"


class DriftQuery(Strict):
    """Whether to detect drift again."""

    refresh: Annotated[
        Literal["true", "false"],
        Field(description="`true` starts another detection, unless one runs. Omit it to poll."),
    ] = "false"


class RowsQuery(Strict):
    """The first rows of a table."""

    limit: Annotated[int, Field(description="Maximum number of rows.", ge=1, le=100)] = 20


class QueryRowsQuery(Strict):
    """A page of a query's rows."""

    limit: Annotated[int, Field(description="Maximum number of rows.", ge=1, le=999)] = 100
    cursor: Annotated[str, Field(max_length=4096)] | None = Field(default=None, description=_CURSOR)
    wait: Annotated[
        int, Field(description="Seconds to wait for the end of the query before the response.", ge=0, le=20)
    ] = 0


class LogsQuery(Strict):
    """A page of a run's log."""

    stream: Annotated[
        Literal["output", "error"], Field(description="Log stream: standard output or standard error.")
    ] = "output"
    limit: Annotated[int, Field(description="Maximum number of lines.", ge=1, le=1000)] = 100
    follow: Annotated[
        Literal["true", "false"],
        Field(description="`true` waits for lines, or for the end of the run, if there are none yet."),
    ] = "false"
    wait: Annotated[
        int, Field(description="Maximum number of seconds to wait with `follow=true`.", ge=0, le=20)
    ] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description=_CURSOR)
