"""Parquet tables: columns are read by name, or by position if the table says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from local.athena.hive import identifier
from local.athena.scans import Columns, Read, check_type, listed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Trino reads the bits of an unsigned integer as the signed integer of the same size:
# `ColumnReaderFactory` of its Parquet reader does not look at the sign of the annotation.
_SIGNED = {"UBIGINT": (2**63, 2**64), "UINTEGER": (2**31, 2**32)}


def read_parquet(columns: Columns, serde: Mapping[str, str]) -> Read:
    """Return the reader of a Parquet table."""
    # https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
    by_position = serde.get("parquet.column.index.access", "").lower() == "true"

    # DuckDB keeps the case of a file's names in a struct. Of a union, it takes those of the first part.
    named = [f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items()]

    def read(connection: DuckDBPyConnection, files: list[Path]) -> str:
        parts = [_file(connection, file, columns, by_position=by_position) for file in files]
        return " UNION ALL ".join([f"SELECT {', '.join(named)} WHERE false", *parts])

    return read


def _file(connection: DuckDBPyConnection, file: Path, columns: Columns, *, by_position: bool) -> str:
    source = f"read_parquet({listed([file])}, hive_partitioning = false)"
    relation = connection.sql(f"SELECT * FROM {source}")
    stored = list(zip(relation.columns, map(str, relation.types), strict=True))
    found = {name.lower(): (name, kind) for name, kind in stored}
    if by_position:
        found = dict(zip(columns, stored, strict=False))
    outputs = []
    for name, wanted in columns.items():
        value = "NULL"
        if name in found:
            check_type(name, found[name][1], wanted, "parquet")
            value = _value(*found[name], wanted)
        outputs.append(f"CAST({value} AS {wanted}) AS {identifier(name)}")
    return f"SELECT {', '.join(outputs)} FROM {source}"


def _value(name: str, stored: str, wanted: str) -> str:
    column = identifier(name)
    if stored in _SIGNED:
        middle, modulus = _SIGNED[stored]
        return f"CASE WHEN {column} >= {middle} THEN {column}::HUGEINT - {modulus} ELSE {column}::HUGEINT END"
    if wanted == "TIMESTAMP":  # Athena's timestamps have milliseconds, and Trino rounds
        zoned = "::TIMESTAMPTZ" if stored == "TIMESTAMPTZ_NS" else ""  # DuckDB has no direct cast
        return f"date_trunc('millisecond', {column}{zoned}::TIMESTAMP + INTERVAL 500 MICROSECOND)"
    return column
