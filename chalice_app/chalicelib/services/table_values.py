"""Values of tables as JSON: the query that selects them, and the conversion of Athena's strings.

Integers are numbers of any size, decimals are strings that keep every digit, times are RFC 3339 in UTC, and
structs, arrays and maps are JSON. Values that JSON cannot express (NaN, Infinity, bytes) are strings.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping

from chalicelib.domain.json_types import Json

_NESTED = ("array<", "map<", "struct<", "row(", "array(", "map(")
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_NUMBERS = ("float", "real", "double")
_TIME = re.compile(r"(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)( UTC)?")


def select(database: str, table: str, columns: Mapping[str, str], limit: int) -> str:
    """Return the query for a table's first rows. `columns` maps the catalog's column names to types.

    Nested values are selected as JSON, because Athena's own form of a struct, {a=1, b=x}, is ambiguous.
    """
    chosen = ", ".join(_output(name, kind) for name, kind in columns.items())
    return f"SELECT {chosen} FROM {_quoted(database)}.{_quoted(table)} LIMIT {limit:d}"  # noqa: S608 - quoted


def rows(
    columns: Mapping[str, str], types: Mapping[str, str], texts: Iterable[list[str | None]]
) -> list[Json]:
    """Return rows by column name. `columns` is as in `select`; `types` are Athena's types of the result."""
    return [
        {
            name: value(text, "json" if _is_json(kind) else types.get(name, "varchar"))
            for (name, kind), text in zip(columns.items(), row, strict=True)
        }
        for row in texts
    ]


def _output(name: str, kind: str) -> str:
    column = _quoted(name)
    return f"json_format(CAST({column} AS JSON)) AS {column}" if _is_json(kind) else column


def _is_json(kind: str) -> bool:
    """Return whether a type is nested and can be cast to JSON; bytes cannot."""
    return kind.lower().startswith(_NESTED) and not re.search(r"\b(binary|varbinary)\b", kind.lower())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def value(text: str | None, kind: str) -> object:
    """Return Athena's string of a value of one of Athena's types as JSON."""
    if text is None:
        return None
    if kind == "json":
        return json.loads(text)
    if kind == "boolean":
        return text == "true"
    if kind in _INTEGERS:
        return int(text)
    if kind in _NUMBERS:
        number = float(text)
        return number if math.isfinite(number) else text
    if kind.startswith("timestamp") and (match := _TIME.fullmatch(text)):
        return f"{match[1]}T{match[2]}Z"  # a time of another zone is not converted
    return text
