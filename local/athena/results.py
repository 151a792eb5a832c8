"""Query results in Athena's format: column metadata, values as strings, pages and the CSV file."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.athena.errors import Refused
from local.athena.functions.calls import ZONED

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from duckdb.sqltypes import DuckDBPyType

Json = dict[str, Any]

_PAGE = 1000

# Athena's types with precision and scale, by DuckDB type ID. A hugeint is a bigint in Trino.
_TYPES = {
    **{"boolean": ("boolean", 0), "tinyint": ("tinyint", 3), "smallint": ("smallint", 5)},
    **{"integer": ("integer", 10), "bigint": ("bigint", 19), "hugeint": ("bigint", 19)},
    **{"float": ("float", 17), "double": ("double", 17), "varchar": ("varchar", 2147483647)},
    **{"blob": ("varbinary", 1073741824), "date": ("date", 0), "timestamp": ("timestamp", 3)},
    **{f"timestamp_{unit}": ("timestamp", 3) for unit in ("s", "ms", "ns")},
    **{"timestamp with time zone": ("timestamp with time zone", 3), "time": ("time", 3)},
    **{"json": ("json", 0), "interval": ("interval day to second", 0), "uuid": ("uuid", 0)},
    **{"list": ("array", 0), "array": ("array", 0), "map": ("map", 0), "struct": ("row", 0)},
    **{"tuple": ("row", 0), '"null"': ("unknown", 0), "null": ("unknown", 0)},
}


@dataclass(frozen=True)
class Result:
    """All rows of a query as strings, or None for null.

    Those of SELECT have a header. `updated` is the number of rows that a statement wrote.
    """

    columns: list[Json]
    rows: list[list[str | None]]
    has_header: bool = True
    updated: int = 0

    def page(self, token: str | None, limit: int | None) -> Json:
        """Return a page of GetQueryResults. That of SELECT begins with the column names."""
        if limit is not None and not 1 <= limit <= _PAGE:
            raise Refused(f"MaxResults is more than maximum allowed length {_PAGE}.")
        if token is not None and not token.isdecimal():
            raise Refused("The NextToken is not valid.")
        begin = int(token or 0)
        end = begin + (limit or _PAGE)
        rows = self._lines()
        answer: Json = {
            "UpdateCount": self.updated,
            "ResultSet": {
                "Rows": [{"Data": [_datum(value) for value in row]} for row in rows[begin:end]],
                "ResultSetMetadata": {"ColumnInfo": self.columns},
            },
        }
        return {**answer, "NextToken": str(end)} if end < len(rows) else answer

    def csv(self) -> bytes:
        """Return the CSV file. All values are quoted, and null is empty."""
        return "".join(",".join(map(_quoted, row)) + "\n" for row in self._lines()).encode()

    def text(self) -> bytes:
        """Return the text file of a statement such as SHOW: values are separated by tabs."""
        return "".join("\t".join(value or "" for value in row) + "\n" for row in self.rows).encode()

    def _lines(self) -> list[list[str | None]]:
        header: list[str | None] = [column["Name"] for column in self.columns]
        return [header, *self.rows] if self.has_header else self.rows


def fetched(relation: DuckDBPyRelation) -> Result:
    """Return the rows of a relation. Timestamps with time zone, structs in DuckDB, come as text."""
    names, kinds = relation.columns, relation.types
    texts = {ZONED: "trino_zoned", "INTERVAL": "trino_interval"}
    outputs = [f"{texts.get(str(kind), '')}(c{place})" for place, kind in enumerate(kinds)]
    if any(output.startswith("trino_") for output in outputs):
        names_ = ", ".join(f"c{place}" for place in range(len(kinds)))
        shown = relation.query("found", f"SELECT {', '.join(outputs)} FROM found AS t({names_})")
        return result(names, kinds, shown.fetchall() if shown else [])
    return result(names, kinds, relation.fetchall())


def result(names: Sequence[str], kinds: Sequence[DuckDBPyType], rows: Sequence[Sequence[Any]]) -> Result:
    """Convert DuckDB's rows to a result."""
    texts = [[_text(v, k) for v, k in zip(row, kinds, strict=True)] for row in rows]
    return Result([_column(name, kind) for name, kind in zip(names, kinds, strict=True)], texts)


def _column(name: str, kind: DuckDBPyType) -> Json:
    scale = 0
    if kind.id == "decimal":
        type_, (precision, scale) = "decimal", (int(str(value)) for _, value in kind.children)
    else:
        type_, precision = _TYPES["timestamp with time zone"] if str(kind) == ZONED else _named(kind)
    return column(name, type_, precision, scale)


def column(name: str, type_: str, precision: int = 0, scale: int = 0) -> Json:
    """Return the ColumnInfo of a column."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": type_,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": type_ == "varchar",
    }


def _named(kind: DuckDBPyType) -> tuple[str, int]:
    return _TYPES.get(_id(kind), (str(kind).lower(), 0))


def _id(kind: DuckDBPyType) -> str:
    return "json" if str(kind) == "JSON" else kind.id


def _text(value: Any, kind: DuckDBPyType) -> str | None:
    """Format a value as Trino does, see https://trino.io/docs/current/language/types.html."""
    if value is None:
        return None
    if str(kind) == ZONED or isinstance(value, str):
        return str(value)
    match kind.id:
        case "boolean":
            return "true" if value else "false"
        case "float" | "double":
            return _number(value, kind.id)
        case "timestamp" | "timestamp_s" | "timestamp_ms" | "timestamp_ns":
            return _moment(value)
        case "timestamp with time zone":
            return f"{_moment(value)} UTC"
        case "time":
            return str(value.isoformat(timespec="milliseconds"))
        case "blob":
            return str(value.hex(" "))
        case "interval":
            return _interval(value)
        case "list" | "array":
            return f"[{', '.join(_inner(item, _child(kind, 0)) for item in value)}]"
        case "map":
            pairs = (f"{_inner(k, _child(kind, 0))}={_inner(v, _child(kind, 1))}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        case "struct":
            children = dict(kind.children)
            return f"{{{', '.join(f'{name}={_inner(v, children[name])}' for name, v in value.items())}}}"
        case "tuple":
            pairs = (f"field{place}={_inner(v, _child(kind, place))}" for place, v in enumerate(value))
            return f"{{{', '.join(pairs)}}}"
    return str(value)


def _inner(value: Any, kind: Any) -> str:
    text = _text(value, kind)
    return "null" if text is None else text


def _child(kind: DuckDBPyType, place: int) -> Any:
    return kind.children[place][1]


def _number(value: float, kind: str) -> str:
    """Format a number as Java does, with the fewest digits that identify it."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    text = repr(value)
    if kind == "float":
        texts = (f"{value:.{digits}g}" for digits in range(1, 10))
        text = repr(float(next(t for t in texts if struct.pack("f", float(t)) == struct.pack("f", value))))
    if value and not 1e-3 <= abs(value) < 1e7:
        digits, _, exponent = f"{float(text):e}".partition("e")
        exact = len(text.partition("e")[0].replace(".", "").replace("-", "").strip("0"))
        digits = f"{float(text):.{max(exact - 1, 1)}e}".partition("e")[0]
        return f"{digits}E{int(exponent)}"
    return text


def _moment(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _interval(value: timedelta) -> str:
    seconds = value.seconds
    time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{value.microseconds // 1000:03}"
    return f"{value.days} {time}"


def _datum(value: str | None) -> Json:
    return {} if value is None else {"VarCharValue": value}


def _quoted(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'
