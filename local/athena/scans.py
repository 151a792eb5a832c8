"""Parts that the readers of table files share: SQL of DuckDB's table functions, and the check of types."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from local.athena.errors import QueryFailed
from local.athena.hive import HiveType, identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Json = dict[str, Any]
Columns = Mapping[str, str]
Read = Callable[["DuckDBPyConnection", list[Path]], str]
"""Function that returns the SQL that reads files."""

LINE_BYTES = 64 * 1024 * 1024

# Groups of types that Athena reads as each other.
_FAMILIES = (
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
    {"FLOAT", "DOUBLE"},
    {"VARCHAR", "BLOB", "ENUM"},
    {
        "TIMESTAMP",
        "TIMESTAMP_S",
        "TIMESTAMP_MS",
        "TIMESTAMP_NS",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMPTZ_NS",
    },
)


def check_type(name: str, stored: str, wanted: str, format_: str) -> None:
    """Raise `QueryFailed` if Athena cannot read a stored type as the column's type in the catalog."""
    # A double does not fit into a float; the opposite is converted.
    if _family(stored) != _family(wanted) or (stored, wanted) == ("DOUBLE", "FLOAT"):
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {name}'s type {stored} in {format_} file is incompatible with type "
            f"{wanted} defined in table schema"
        )


def _family(kind: str) -> str:
    """Return the group of a type. Types of the same group can be read as each other."""
    for family in _FAMILIES:
        if kind in family:
            return min(family)
    for name in ("STRUCT", "MAP", "DECIMAL"):
        if kind.startswith(name) and not kind.endswith("]"):
            return name
    return "LIST" if kind.endswith("]") else kind


def scan_json(columns: Columns, files: list[Path]) -> str:
    """Return the SQL that reads JSON Lines with these columns."""
    options = {
        "format": "'newline_delimited'",
        "compression": "'none'",
        "auto_detect": "false",
        "records": "true",
        "columns": struct(columns),
        "maximum_object_size": str(LINE_BYTES),
        "hive_partitioning": "false",
    }
    return f"SELECT * FROM read_json({listed(files)}, {arguments(options)})"


def scan_rows(columns: Columns, files: list[Path], rows_of: Callable[[Path], Iterable[Json]]) -> str:
    """Return the SQL that reads files which Python decodes. Replaces each file by its rows as JSON Lines."""
    for file in files:
        converted = file.with_name(f"{file.name}.rows")
        with converted.open("w", encoding="utf-8") as lines:
            for row in rows_of(file):
                lines.write(json.dumps(row, allow_nan=False) + "\n")
        converted.replace(file)
    # DuckDB reads \xFF as a byte only when it casts a string.
    texts = {name: kind.replace("BLOB", "VARCHAR") for name, kind in columns.items()}
    outputs = [f"CAST({identifier(n)} AS {kind}) AS {identifier(n)}" for n, kind in columns.items()]
    return f"SELECT {', '.join(outputs)} FROM ({scan_json(texts, files)})"


def for_json(value: Any, kind: HiveType) -> Any:
    """Return a value of a Hive type as JSON that DuckDB reads as the column's type.

    Fields of structs match regardless of case, as in Hive. Missing fields are null.
    """
    if value is None:
        return None
    match kind.name:
        case "struct" if isinstance(value, dict):
            found = {str(name).lower(): item for name, item in value.items()}
            return {name: for_json(found.get(name), child) for name, child in kind.children}
        case "map" if isinstance(value, dict):
            (_, key_kind), (_, item_kind) = kind.children
            return {
                _key(for_json(key, key_kind)): for_json(item, item_kind)
                for key, item in value.items()
                if key is not None
            }
        case "array" if isinstance(value, list | tuple):
            return [for_json(item, kind.children[0][1]) for item in value]
    match value:
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return "".join(f"\\x{byte:02X}" for byte in value)
        case datetime():
            return _milliseconds(value).replace(tzinfo=None).isoformat(sep=" ")
        case Decimal() | date() | UUID():
            return str(value)
    return value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key)


def _milliseconds(value: datetime) -> datetime:
    """Round a time to the precision of Athena's timestamps, as Trino's readers do."""
    micros = value.microsecond
    return value - timedelta(microseconds=micros) + timedelta(milliseconds=(micros + 500) // 1000)


def listed(files: list[Path]) -> str:
    """Return a list of files as SQL."""
    return f"[{', '.join(literal(str(file)) for file in files)}]"


def arguments(options: Mapping[str, str]) -> str:
    """Return named arguments of a table function."""
    return ", ".join(f"{name} = {value}" for name, value in options.items())


def struct(columns: Columns) -> str:
    """Return names and types of columns as SQL."""
    return "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items()) + "}"
