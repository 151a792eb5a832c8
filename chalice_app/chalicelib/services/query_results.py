"""Results of queries: pages of typed rows, and the download of the whole file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.athena_queries import MOST_RESULT_ROWS, AthenaQueries, ResultPage
from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.s3 import Buckets
from chalicelib.domain import response_size
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.query import Query, QueryStatus
from chalicelib.errors import Conflict, QueryNotSucceeded, ResultGone
from chalicelib.services import table_values

LINK_SECONDS = 600
"""How long a link to a result is valid, unless the sandbox's session expires before."""
_GONE = "The result no longer exists: "


@dataclass(frozen=True)
class ResultRows:
    """A page of rows, as JSON values and as Athena's strings. `next` is the place of the next page."""

    columns: list[tuple[str, str]]
    values: list[list[Any]]
    texts: list[list[str | None]]
    next: Json | None


class QueryResults:
    """Reads results with the sandbox's own rights."""

    def __init__(
        self,
        athena_of: Callable[[Environment], AthenaQueries],
        buckets_of: Callable[[Environment], Buckets],
    ) -> None:
        self._athena_of = athena_of
        self._buckets_of = buckets_of

    def page(self, environment: Environment, query: Query, *, limit: int, place: Json | None) -> ResultRows:
        """Return a page of the rows of a query that has succeeded.

        A page ends early if its rows would not fit into a response. Raises `QueryNotSucceeded`, `ResultGone`,
        and `Conflict` if a single row does not fit.
        """
        execution_id = _require(environment, query)
        token, skip = (place["token"], place["skip"]) if place else (None, 0)
        header = 1 if token is None else 0
        asked = min(MOST_RESULT_ROWS, limit + skip + header)
        try:
            found = self._athena_of(environment).results(execution_id, limit=asked, token=token)
        except AwsRefused as error:
            if error.code != "InvalidRequestException":
                raise
            raise ResultGone(f"{_GONE}it was deleted, or Athena has forgotten the query.") from error
        rows = found.rows[1:] if token is None and _has_header(query, found) else found.rows
        texts = [_cells(row, len(found.columns)) for row in rows[skip : skip + limit]]
        kinds = [kind for _, kind in found.columns]
        values = [
            [table_values.value(text, kind) for text, kind in zip(row, kinds, strict=False)] for row in texts
        ]
        fitting, is_cut = response_size.first_that_fit(values)
        if is_cut and not fitting:
            raise Conflict("A row is too large for a response. Download the result from links.results.")
        end = skip + len(fitting)
        following: Json | None = {"token": found.next, "skip": 0} if found.next else None
        if end < len(rows):
            following = {"token": token, "skip": end}
        return ResultRows(found.columns, fitting, texts[: len(fitting)], following)

    def link(self, environment: Environment, query: Query) -> str:
        """Return a URL with which anybody can download the result's file for some minutes."""
        _require(environment, query)
        bucket, _, key = (query.output_location or "").removeprefix("s3://").partition("/")
        if bucket != environment.bucket("athena_results") or not key:
            raise ResultGone(f"{_GONE}the statement has no file.")
        buckets = self._buckets_of(environment)
        if not buckets.exists(bucket, key):
            raise ResultGone(f"{_GONE}its file was deleted, or the statement wrote none.")
        return buckets.download_url(bucket, key, LINK_SECONDS)


def _require(environment: Environment, query: Query) -> str:
    """Return the execution's ID. Raise an error if the query has no result."""
    if query.status is not QueryStatus.SUCCEEDED or query.execution_id is None:
        if query.error is not None:
            raise QueryNotSucceeded(f"The query is {query.status}: {query.error.message}")
        raise QueryNotSucceeded(f"The query is {query.status}, so it has no rows.")
    if environment.status in (Status.DELETING, Status.DELETED):
        raise ResultGone(f"{_GONE}the environment is {environment.condition}.")
    return query.execution_id


def _cells(row: list[str | None], count: int) -> list[str | None]:
    """Return a row with a value for each of `count` columns.

    Athena returns a row of DESCRIBE as one value, whose parts have spaces and a tab between them.
    """
    if count == 1 or len(row) != 1 or row[0] is None:
        return row
    parts: list[str | None] = [part.strip() for part in row[0].split("\t", count - 1)]
    return parts + [None] * (count - len(parts))


def _has_header(query: Query, found: ResultPage) -> bool:
    """Return whether the first row has the names of the columns, as that of SELECT and EXPLAIN.

    GetQueryResults does not tell; results of other statements have no such row.
    """
    names = [name for name, _ in found.columns]
    is_query = query.statement_type == "DML" or names == ["Query Plan"]
    return is_query and bool(found.rows) and found.rows[0] == names
