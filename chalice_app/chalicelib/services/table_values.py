"""Values of tables as JSON: what is selected so that a column can be one, and how Athena's texts become it.

Integers are numbers whatever their size, decimals are texts that keep every digit, times are RFC 3339 in UTC,
structs, arrays and maps are JSON. What JSON has no word for (NaN, Infinity, bytes in hexadecimal) is a text.
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
    """The SQL of a table's first rows; `columns` are the catalog's, with its types.

    Athena shows a struct as {a=1, b=x}, which nobody can read back; so it is asked for JSON.
    """
    chosen = ", ".join(_output(name, kind) for name, kind in columns.items())
    return f"SELECT {chosen} FROM {_quoted(database)}.{_quoted(table)} LIMIT {limit:d}"  # noqa: S608 - quoted


def rows(
    columns: Mapping[str, str], types: Mapping[str, str], texts: Iterable[list[str | None]]
) -> list[Json]:
    """Rows by column name; `columns` as in `select`, `types` are Athena's of the result."""
    return [
        {
            name: _value(text, "json" if _is_json(kind) else types.get(name, "varchar"))
            for (name, kind), text in zip(columns.items(), row, strict=True)
        }
        for row in texts
    ]


def _output(name: str, kind: str) -> str:
    column = _quoted(name)
    return f"json_format(CAST({column} AS JSON)) AS {column}" if _is_json(kind) else column


def _is_json(kind: str) -> bool:
    """Whether a type is nested and can be cast to JSON (bytes cannot)."""
    return kind.lower().startswith(_NESTED) and not re.search(r"\b(binary|varbinary)\b", kind.lower())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(text: str | None, kind: str) -> object:
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
        return f"{match[1]}T{match[2]}Z"  # a time of another zone stays as it is
    return text
