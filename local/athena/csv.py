"""CSV tables of OpenCSVSerde."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from local.athena.compression import decompress
from local.athena.errors import QueryFailed
from local.athena.hive import identifier, literal
from local.athena.scans import LINE_BYTES, Columns, Read, arguments, listed, struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html: a date is a number of days since 1970-01-01,
# and a timestamp a number of milliseconds.
_VALUES = {
    **{kind: f"TRY_CAST({{0}} AS {kind})" for kind in ("BOOLEAN", "BIGINT", "INTEGER", "DOUBLE")},
    "VARCHAR": "{0}",
    "DATE": "DATE '1970-01-01' + TRY_CAST({0} AS INTEGER)",
    "TIMESTAMP": "make_timestamp_ms(TRY_CAST({0} AS BIGINT))",
}


def read_csv(columns: Columns, properties: Mapping[str, str]) -> Read:
    """Return the reader of a CSV table. Values that cannot be parsed are bad data."""
    if others := sorted(set(columns.values()) - set(_VALUES)):
        raise QueryFailed(
            f"NOT_SUPPORTED: OpenCSVSerde does not support the types {', '.join(others)}; use string columns"
        )
    quote = properties.get("quoteChar", '"')
    options = {
        "auto_detect": "false",
        "compression": "'none'",
        "header": "false",
        "skip": str(int(properties.get("skip.header.line.count", "0"))),
        "delim": literal(properties.get("separatorChar", ",")),
        "quote": literal(quote),
        "escape": literal(quote),  # doubled, as in RFC 4180; a backslash is literal
        "columns": struct(dict.fromkeys(columns, "VARCHAR")),
        "force_not_null": f"[{', '.join(map(literal, columns))}]",  # empty values are not null
        "null_padding": "true",
        "parallel": "false",  # required for line breaks in quotes
        "strict_mode": "false",
        "max_line_size": str(LINE_BYTES),
        "hive_partitioning": "false",
    }
    is_lenient = properties.get("use.null.for.invalid.data", "").lower() == "true"
    outputs = [
        f"{_value(name, kind, place, is_lenient=is_lenient)} AS {identifier(name)}"
        for place, (name, kind) in enumerate(columns.items())
    ]

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            decompress(file)
        return f"SELECT {', '.join(outputs)} FROM read_csv({listed(files)}, {arguments(options)})"

    return read


def _value(name: str, kind: str, place: int, *, is_lenient: bool) -> str:
    column = identifier(name)
    value = _VALUES[kind].format(column)
    if kind == "VARCHAR":
        return value
    if is_lenient:
        # DuckDB moves a bare TRY_CAST into its CSV reader, where it fails instead of being null.
        return f"CASE WHEN length({column}) > 0 THEN {value} END"
    reason = f"'HIVE_BAD_DATA: Error parsing field value ''' || {column} || ''' for field {place}'"
    # COALESCE would evaluate error() in any case.
    return f"CASE WHEN {column} IS NOT NULL AND {value} IS NULL THEN error({reason}) ELSE {value} END"
