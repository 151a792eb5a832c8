"""Queries: SQL in the Athena workgroup of an environment."""

from __future__ import annotations

from urllib.parse import urlencode

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.media_types import CSV, JSON, preferred
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.queries import query_body, query_with_rows_body, rows_csv
from chalicelib.api.query_parameters import PageQuery, QueryRowsQuery
from chalicelib.api.routes.responding import accepted, csv_response, page, response
from chalicelib.domain.query import Query, QueryStatus
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.services.query_results import ResultRows

operations = Operations("Queries")

_PATH = "/environments/{environment_id}/queries"


@operations.add(
    "POST",
    _PATH,
    returns={202: responses.Query},
    errors=(
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
        errors.WorkgroupUnusable,
        errors.BudgetExceeded,
        errors.TooManyQueries,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_query", "stop_query"),
)
def run_query(call: Call, environment_id: str, body: QueryRequest) -> Response:
    """Run a query.

    Runs one SQL statement in the Athena workgroup of a READY environment, with the rights of the
    environment's own credentials. The query's maximum cost is reserved in the owner's budget until it ends.
    """
    created = call.service.queries.start(call.idempotent(body), environment_id, body)
    return accepted(query_body(created.record, call.base), created.replayed)


@operations.add("GET", _PATH, returns={200: responses.QueryPage})
def list_queries(call: Call, environment_id: str, query: PageQuery) -> responses.QueryPage:
    """List an environment's queries.

    Returns the queries of this API and those that users started in AWS with the environment's credentials,
    newest first. The latter appear some minutes later. Queries stay after the environment's deletion.
    """
    items, following = page(
        call,
        query,
        ("queries", environment_id),
        lambda start: call.service.queries.page(call.caller, environment_id, limit=query.limit, start=start),
        lambda found: query_body(found, call.base, call.service.clock()),
    )
    return responses.QueryPage(items=items, next=following)


@operations.add(
    "GET",
    f"{_PATH}/{{query_id}}",
    returns={200: responses.QueryWithRows},
    csv=True,
    cost=1,
    errors=(errors.NotAcceptable, errors.Conflict, errors.QueryNotSucceeded, errors.ResultGone),
)
def get_query(call: Call, environment_id: str, query_id: str, query: QueryRowsQuery) -> Response:
    """Get a query with its rows.

    Poll this operation while `poll_after_seconds` is not null, or let it `wait`. `next` continues after the
    last row of the page. With `Accept: text/csv`, returns the page of rows as CSV, in which an empty string
    is in quotes and null is not, and the next page in the header `Link`; before the query has succeeded, that
    is 409.
    """
    media_type = preferred(call.request.headers.get("accept"), (JSON, CSV))
    found = call.service.queries.query(call.caller, environment_id, query_id, wait_seconds=query.wait)
    if media_type == CSV:
        rows, following = _rows(call, found, query)
        return _csv(call, found, query, rows, following)
    shown: tuple[ResultRows | None, str | None] = None, None
    if found.status is QueryStatus.SUCCEEDED:
        try:
            shown = _rows(call, found, query)
        except errors.ResultGone:
            if query.cursor is not None:
                raise
    return response(query_with_rows_body(found, *shown, call.base, call.service.clock()), 200)


@operations.add(
    "DELETE",
    f"{_PATH}/{{query_id}}",
    returns={202: responses.Query, 200: responses.Query},
    errors=(errors.Conflict,),
)
def stop_query(call: Call, environment_id: str, query_id: str) -> Response:
    """Stop a query.

    Returns 202 while the query is being stopped and 200 if it has ended. A stopped query costs what it has
    read.
    """
    found, running = call.service.queries.stop(call.caller, environment_id, query_id)
    return response(query_body(found, call.base, call.service.clock()), 202 if running else 200)


@operations.add(
    "GET",
    f"{_PATH}/{{query_id}}/results",
    returns={303: None},
    errors=(errors.QueryNotSucceeded, errors.ResultGone),
)
def download_query_results(call: Call, environment_id: str, query_id: str) -> Response:
    """Download the result of a query.

    Redirects to the file in S3 that Athena wrote: CSV, or text for statements such as SHOW. The URL in
    `Location` needs no token, is valid for ten minutes at most, and should not be stored.
    """
    url = call.service.queries.result_link(call.caller, environment_id, query_id)
    return Response("", status_code=303, headers={"Location": url})


def _rows(call: Call, found: Query, query: QueryRowsQuery) -> tuple[ResultRows, str | None]:
    cursors, scope = call.service.cursors, ("rows", *call.caller.scope, found.environment_id, found.id)
    rows = call.service.queries.rows(
        call.caller,
        found.environment_id,
        found,
        limit=query.limit,
        place=cursors.decode(query.cursor, scope),
    )
    return rows, cursors.encode(rows.next, scope)


def _csv(
    call: Call, found: Query, query: QueryRowsQuery, rows: ResultRows, following: str | None
) -> Response:
    path = f"{call.base}/environments/{found.environment_id}/queries/{found.id}"
    more = urlencode({"limit": query.limit, "cursor": following})
    return csv_response(rows_csv(rows), found.id, f"{path}?{more}" if following else None)
