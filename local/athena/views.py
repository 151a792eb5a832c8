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


def query(table: Json) -> sql.Query:
    """Return the query of a view. Raises `QueryFailed` if it cannot be parsed."""
    name = f"{table['DatabaseName']}.{table['Name']}"
    match = _TEXT.fullmatch(table.get("ViewOriginalText", ""))
    try:
        stored = json.loads(base64.b64decode(match[1], validate=False)) if match else None
        if not isinstance(stored, dict):
            raise QueryFailed(f"INVALID_VIEW: Invalid view text: {name}")
        return sql.query(sql.read(stored["originalSql"], []), stored.get("schema"))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, Refused) as error:
        raise QueryFailed(f"INVALID_VIEW: Failed analyzing stored view '{name}': {error}") from error
