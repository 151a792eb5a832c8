"""Presenter of Athena queries and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from chalicelib.api import responses
from chalicelib.api.presenters.polling import poll_after
from chalicelib.domain.pricing import usd
from chalicelib.domain.query import Query, QueryStatus
from chalicelib.services.query_results import ResultRows


def query_body(query: Query, base: str, moment: datetime | None = None) -> responses.Query:
    """Return the body of a query. `moment` is now, or None if it was just written."""
    return responses.Query(**_fields(query, base, moment))


def query_with_rows_body(
    query: Query, rows: ResultRows | None, following: str | None, base: str, moment: datetime
) -> responses.QueryWithRows:
    """Return the body of a query with a page of rows, if it has any. `following` is the next cursor."""
    columns = [responses.QueryColumn(name=name, type=kind) for name, kind in rows.columns] if rows else None
    return responses.QueryWithRows(
        **_fields(query, base, moment), columns=columns, rows=rows.values if rows else None, next=following
    )


def rows_csv(rows: ResultRows) -> str:
    """Return rows as CSV with a header (RFC 4180).

    As in Athena's files, text is in quotes, so that an empty string differs from null, which is empty:
    https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
    """
    header: list[str | None] = [name for name, _ in rows.columns]
    return "".join(map(_line, [header, *rows.texts]))


def _line(values: Sequence[str | None]) -> str:
    return ",".join("" if text is None else '"' + text.replace('"', '""') + '"' for text in values) + "\r\n"


def _fields(query: Query, base: str, moment: datetime | None) -> dict[str, Any]:
    link = f"{base}/environments/{query.environment_id}/queries/{query.id}"
    return {
        "id": query.id,
        "environment_id": query.environment_id,
        "status": query.status,
        "origin": query.origin,
        "sql": query.sql,
        "parameters": query.parameters,
        "database": query.database,
        "statement_type": query.statement_type,
        "execution_id": query.execution_id,
        "poll_after_seconds": None if query.status.is_final else poll_after(query.requested_at, moment),
        "requested_by": query.requested_by,
        "stopped_by": query.stopped_by,
        "stopped_by_type": cast(Any, query.stopped_by_type),
        "requested_at": query.requested_at,
        "started_at": query.started_at,
        "completed_at": query.completed_at,
        "queue_milliseconds": query.queue_milliseconds,
        "execution_milliseconds": query.execution_milliseconds,
        "scanned_bytes": query.scanned_bytes,
        "cost_usd": None if query.cost_micro_usd is None else usd(query.cost_micro_usd),
        "max_cost_usd": usd(query.max_cost_micro_usd),
        "error": responses.QueryError(**asdict(query.error)) if query.error else None,
        "links": responses.QueryLinks(
            self=link,
            results=f"{link}/results" if query.status is QueryStatus.SUCCEEDED else None,
            environment=f"{base}/environments/{query.environment_id}",
        ),
    }
