"""Usage: what owners were charged, and what their environments cost by estimate."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.cursors import Scope
from chalicelib.api.media_types import prefers_csv
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.usage import usage_body, usage_csv
from chalicelib.api.query_parameters import UsageQuery
from chalicelib.api.routes.responding import csv_response
from chalicelib.domain.json_types import Json
from chalicelib.domain.usage import Dimension, Kind, View

operations = Operations("Usage")

MOST_DAYS = 92


@operations.add(
    "GET", "/usage", returns={200: responses.Usage}, errors=(errors.InvalidCombination,), csv=True, cost=1
)
def get_usage(call: Call, query: UsageQuery) -> responses.Usage | Response:
    """Get usage.

    Adds up what the caller's budget was charged for job runs and queries, and what the caller's environments
    cost by estimate, by day, environment, run or query. Admins get the usage of all owners. `rules` tell how
    each amount is computed. Send `Accept: text/csv` for CSV with the same fields, whose next page is in the
    header `Link`.
    """
    cursors, asked = call.service.cursors, query.model_dump(mode="json", by_alias=True, exclude_none=True)
    chosen = {name: str(value) for name, value in asked.items() if name not in ("cursor", "limit", "fields")}
    scope: Scope = ("usage", *call.caller.scope, *(part for item in sorted(chosen.items()) for part in item))
    start = cursors.decode(query.cursor, scope)
    view = _view(call, query, start)
    found = call.service.usage.page(
        call.caller, view, owner=query.owner, limit=query.limit, start=start and start["place"]
    )
    # The days are in the cursor, because the defaults can change between two pages.
    days = {"from": view.begin.isoformat(), "to": view.end.isoformat()}
    following = cursors.encode({**days, "place": found.next} if found.next else None, scope)
    if not prefers_csv(call.request.headers.get("accept")):
        return usage_body(view, found, following, call.service.config)
    more = f"{call.base}/usage?{urlencode({**asked, 'cursor': following})}" if following else None
    return csv_response(usage_csv(found, query.fields), f"usage-{days['from']}-{days['to']}", more)


def _view(call: Call, query: UsageQuery, start: Json | None) -> View:
    """Return what a query requests. Raise `InvalidCombination` if its days do not fit."""
    begin, end = query.begin, query.end
    if start:
        begin, end = date.fromisoformat(start["from"]), date.fromisoformat(start["to"])
    if begin is None or end is None:
        first, tomorrow = call.service.usage.period(call.caller, query.owner)
        begin, end = begin or first, end or tomorrow
    problem = None
    if end <= begin:
        problem = f"Must be after {begin.isoformat()}, the first day."
    elif (end - begin).days > MOST_DAYS:
        problem = f"Must be at most {MOST_DAYS} days after {begin.isoformat()}, the first day."
    if problem:
        raise errors.InvalidCombination([{"parameter": "to", "detail": problem}])
    by = tuple(Dimension(name) for name in query.by.split(","))
    return View(begin, end, by, Kind(query.kind) if query.kind else None)
