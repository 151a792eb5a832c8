"""Athena queries and their rows in responses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EnvironmentId,
    Link,
    Page,
    PollAfter,
    ResponseBody,
    Time,
)
from chalicelib.domain.query import QueryOrigin, QueryStatus

_QUERY = "3oc6lp4hbslpve34"
_LINK = f"{EXAMPLE_ENVIRONMENT}/queries/{_QUERY}"


class QueryError(ResponseBody):
    """Why a query did not succeed."""

    message: Annotated[
        str,
        Field(
            description="Athena's message.",
            examples=["COLUMN_NOT_FOUND: line 1:8: Column 'ordr_id' cannot be resolved"],
        ),
    ]
    hint: Annotated[
        str | None,
        Field(description="What to do, or null.", examples=["DESCRIBE a table to see its columns."]),
    ]
    line: Annotated[
        int | None,
        Field(description="Line that the message names, from 1, or null.", examples=[1]),
    ]
    column: Annotated[int | None, Field(description="Column in that line, from 1, or null.", examples=[8])]


class QueryLinks(ResponseBody):
    """Links of a query."""

    self: Annotated[Link, Field(description="The query.", examples=[_LINK])]
    results: Annotated[
        Link | None,
        Field(
            description="Download of the whole result, or null if the query has not succeeded.",
            examples=[f"{_LINK}/results"],
        ),
    ]
    environment: Annotated[Link, Field(description="Its environment.", examples=[EXAMPLE_ENVIRONMENT])]


class Query(ResponseBody):
    """An Athena query of an environment."""

    id: Annotated[str, Field(description="ID of the query.", pattern="^[a-z2-7]{16}$", examples=[_QUERY])]
    environment_id: EnvironmentId
    status: Annotated[QueryStatus, Field(description="State of the query.", examples=["SUCCEEDED"])]
    origin: Annotated[
        QueryOrigin,
        Field(
            description="`api`, or `credentials` if a user started it in AWS with such credentials.",
            examples=["api"],
        ),
    ]
    sql: Annotated[
        str, Field(description="The statement.", examples=["SELECT count(*) AS orders FROM orders"])
    ]
    parameters: Annotated[
        list[str], Field(description="Values of the question marks in it.", examples=[["'delivered'"]])
    ]
    database: Annotated[
        str | None,
        Field(
            description="Database of tables that it names without one.",
            examples=[f"terraglue_{EXAMPLE_ID}_db_ecommerce"],
        ),
    ]
    statement_type: Annotated[
        str | None,
        Field(
            description="Athena's type of the statement, `DML`, `DDL` or `UTILITY`; null until it ends.",
            examples=["DML"],
        ),
    ]
    execution_id: Annotated[
        str | None,
        Field(
            description="Athena's ID of the query, or null until it starts.",
            examples=["5d174d36-6e84-4bd3-a9a0-0f7a3c2f9d11"],
        ),
    ]
    poll_after_seconds: Annotated[PollAfter, Field(examples=[None])]
    requested_by: Annotated[
        str,
        Field(
            description="Name of the user; the environment's owner if `origin` is `credentials`.",
            examples=["ana"],
        ),
    ]
    stopped_by: Annotated[
        str | None,
        Field(description="Name of the user, or `service`; null unless stopped.", examples=[None]),
    ]
    stopped_by_type: Annotated[
        Literal["user", "service"] | None,
        Field(
            description="`user` if a user stopped the query, `service` if a deletion, reset or freeze did, "
            "otherwise null.",
            examples=[None],
        ),
    ]
    requested_at: Annotated[
        Time, Field(description="When it was requested.", examples=["2026-11-24T09:40:00.000Z"])
    ]
    started_at: Annotated[
        Time | None,
        Field(description="When Athena began to run it, or null.", examples=["2026-11-24T09:40:00.310Z"]),
    ]
    completed_at: Annotated[
        Time | None, Field(description="When it ended, or null.", examples=["2026-11-24T09:40:01.540Z"])
    ]
    queue_milliseconds: Annotated[
        int | None,
        Field(description="How long Athena queued it, or null until it ends.", examples=[120]),
    ]
    execution_milliseconds: Annotated[
        int | None, Field(description="How long it ran, or null until it ends.", examples=[1230])
    ]
    scanned_bytes: Annotated[
        int | None, Field(description="Bytes that it read, or null until it ends.", examples=[1843201])
    ]
    cost_usd: Annotated[
        float | None, Field(description="Its cost, or null until it ends.", examples=[0.000048])
    ]
    max_cost_usd: Annotated[
        float,
        Field(
            ge=0,
            description="Its maximum cost, reserved in the owner's budget until it ends. 0 if `origin` is "
            "`credentials`.",
            examples=[0.004883],
        ),
    ]
    error: Annotated[QueryError | None, Field(description="Why it failed, or null.", examples=[None])]
    links: Annotated[QueryLinks, Field(description="Related resources.")]


class QueryColumn(ResponseBody):
    """A column of a result."""

    name: Annotated[str, Field(description="Name, which can be empty or repeated.", examples=["orders"])]
    type: Annotated[str, Field(description="Athena's type.", examples=["bigint"])]


class QueryWithRows(Query):
    """An Athena query with a page of its rows."""

    columns: Annotated[
        list[QueryColumn] | None,
        Field(
            description="Columns of the result, or null until the query has succeeded.",
            examples=[[{"name": "orders", "type": "bigint"}]],
        ),
    ]
    rows: Annotated[
        list[list[Any]] | None,
        Field(
            description="Values of each row in the order of `columns`, or null until the query has "
            "succeeded, and if the result no longer exists. Numbers, booleans and nulls are JSON's, integers "
            "of any size. Decimals, dates and times are strings, timestamps in RFC 3339. Arrays, maps and "
            "rows are Athena's strings: select `json_format(CAST(x AS JSON))` for JSON.",
            examples=[[[99441]]],
        ),
    ]
    next: Annotated[
        str | None,
        Field(description="Cursor of the next page of rows, or null on the last page.", examples=[None]),
    ]


class QueryPage(Page[Query]):
    """One page of queries."""
