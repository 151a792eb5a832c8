"""Athena views: queries that are stored in the Data Catalog in base64.

https://docs.aws.amazon.com/athena/latest/ug/views-console.html. The format is Presto's,
https://prestodb.io/docs/current/connector/hive.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from local.athena import sql
from local.athena.errors import QueryFailed, Refused

Json = dict[str, Any]

_TEXT = re.compile(r"\s*/\* Presto View: ([A-Za-z0-9+/=\s]*) \*/\s*")


def is_view(table: Json) -> bool:
    """Return whether a table of the catalog is a view."""
    return bool(table.get("TableType") == "VIRTUAL_VIEW")


def text(table: Json) -> str:
    """Return the SQL of a view. Raises `QueryFailed` if it cannot be read."""
    return str(_stored(table)["originalSql"])


def query(table: Json) -> sql.Query:
    """Return the query of a view. Raises `QueryFailed` if it cannot be parsed."""
    stored = _stored(table)
    try:
        return sql.query(sql.read(stored["originalSql"], []), stored.get("schema"))
    except (AttributeError, TypeError, Refused) as error:
        raise _invalid(table, error) from error


def stored_as(select: str, database: str | None, columns: list[tuple[str, str]]) -> Json:
    """Return the part of a TableInput that makes it a view. `columns` have Trino's types."""
    content = {
        "originalSql": select,
        "catalog": sql.CATALOG,
        **({"schema": database} if database else {}),
        "columns": [{"name": name, "type": kind} for name, kind in columns],
    }
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    return {
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }


def _stored(table: Json) -> Json:
    match = _TEXT.fullmatch(table.get("ViewOriginalText", ""))
    try:
        stored = json.loads(base64.b64decode(match[1], validate=False)) if match else None
    except (binascii.Error, ValueError) as error:
        raise _invalid(table, error) from error
    if not isinstance(stored, dict) or "originalSql" not in stored:
        raise QueryFailed(f"INVALID_VIEW: Invalid view text: {table['DatabaseName']}.{table['Name']}")
    return stored


def _invalid(table: Json, error: Exception) -> QueryFailed:
    name = f"{table['DatabaseName']}.{table['Name']}"
    return QueryFailed(f"INVALID_VIEW: Failed analyzing stored view '{name}': {error}")
