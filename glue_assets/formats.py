"""Columns of data files: from the header of CSV files, or the content of JSON Lines and Parquet files."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_LENGTH = 128  # Glue allows 255; the sandbox's name precedes a database's name
NAME_RULE = "a name consists of a-z, 0-9 and _, begins with a letter and has at most 128 characters"

_CHECKED_RECORDS = 1000

# Hive types by DuckDB type, https://docs.aws.amazon.com/athena/latest/ug/data-types.html
_HIVE_TYPES = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "utinyint": "smallint",
    "usmallint": "int",
    "float": "float",
    "double": "double",
    "varchar": "string",
    "enum": "string",
    "blob": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp with time zone": "timestamp",
}
# Parquet types that Spark and Athena read differently, or not at all, and what to write instead:
# docs/decisions/0024-parquet-types-that-engines-read-differently.md
_NANOSECONDS = (
    "nanosecond timestamps, which Spark 3.5 cannot read; write microseconds "
    "(pandas: to_parquet(..., coerce_timestamps='us'), DuckDB: CAST(... AS TIMESTAMP))"
)
_UNSIGNED = (
    "unsigned {}-bit integers, which Athena reads as signed ones; write a signed 64-bit integer "
    "(pandas: astype('int64'), DuckDB: CAST(... AS BIGINT)) or a decimal"
)
_REFUSED_TYPES = {
    "timestamp_ns": _NANOSECONDS,
    "timestamptz_ns": _NANOSECONDS,
    "uinteger": _UNSIGNED.format(32),
    "ubigint": _UNSIGNED.format(64),
}
# DuckDB detects times and IDs in JSON strings; Hive's reader accepts only strings there.
_JSON_TYPES = _HIVE_TYPES | {
    **dict.fromkeys(("date", "time", "timestamp", "timestamp with time zone", "uuid", "null"), "string"),
    "hugeint": "decimal(38,0)",
}


class DataError(Exception):
    """The data cannot be turned into tables. The message states the file and the reason."""


@dataclass(frozen=True)
class Column:
    """A column and its Hive type."""

    name: str
    type: str
    comment: str | None = None


def columns_of(files: list[Path], format_: str) -> tuple[Column, ...]:
    """Return the common columns of files in one format. Raises `DataError` if the files are invalid."""
    return {"csv": _csv_columns, "json": _json_columns, "parquet": _parquet_columns}[format_](files)


def _csv_columns(files: list[Path]) -> tuple[Column, ...]:
    header = _header(files[0])
    for file in files:
        if (other := _header(file)) != header:
            differing = sorted(set(header) ^ set(other)) or ["the order of the columns"]
            raise DataError(
                f"{file}:1: the header differs from that of {files[0].name}: {', '.join(differing)}"
            )
    return _columns(f"{files[0]}:1", [(name, "string") for name in header])


def _header(file: Path) -> list[str]:
    """Return the names in a CSV header. The first records must have the same number of fields."""
    records = None
    try:
        with _opened(file) as stream:
            records = csv.reader(stream, strict=True)
            header = next(records, None)
            if header is None:
                raise DataError(f"{file}:1: the file is empty")
            if not header:
                raise DataError(f"{file}:1: the header is an empty line")
            for record in itertools.islice(records, _CHECKED_RECORDS):
                if record and len(record) != len(header):
                    words = f"has {len(record)} fields, but the header has {len(header)}"
                    raise DataError(f"{file}:{records.line_num}: {words}")
    except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as exc:
        line = max(1, records.line_num) if records else 1
        what = "the header" if line == 1 else "a record"
        raise DataError(f"{file}:{line}: {what} cannot be read: {exc}") from exc
    return [name.lower() for name in header]  # the Data Catalog and Spark ignore case


def _opened(file: Path) -> IO[str]:
    if file.name.endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _json_columns(files: list[Path]) -> tuple[Column, ...]:
    # Reads every line, as a sample could miss a column, and treats objects as structs whatever their number
    # of fields. Reads each line as one value, because DuckDB would give the columns `Id` and `id` two names
    # where Hive has one.
    query = (
        "SELECT * FROM read_json(?, format = 'newline_delimited', records = false, union_by_name = true,"
        " hive_partitioning = false, sample_size = -1, maximum_depth = -1, map_inference_threshold = -1)"
    )
    try:
        [(_, line)] = _described(files, query)
        if line.id != "struct":
            raise DataError(f"{files[0].parent}: contains no objects with fields")
        return _columns(str(files[0].parent), _hive_types(files[0], _children(line), _JSON_TYPES))
    except DataError:
        for file in files:
            _check_records(file)  # reports the line
        raise


def _check_records(file: Path) -> None:
    is_empty = True
    with _opened(file) as stream:
        try:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise DataError(f"{file}:{number}: is not an object")
                _columns(f"{file}:{number}", [(name, "") for name in record])
                is_empty = False
        except json.JSONDecodeError as exc:
            raise DataError(f"{file}:{number}: {exc.msg}, column {exc.colno}") from exc
        except (UnicodeDecodeError, EOFError, OSError, zlib.error) as exc:
            raise DataError(f"{file}: cannot be read: {exc}") from exc
    if is_empty:
        raise DataError(f"{file}:1: the file is empty")


def _parquet_columns(files: list[Path]) -> tuple[Column, ...]:
    query = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
    found = [_columns(str(f), _hive_types(f, _described([f], query), _HIVE_TYPES)) for f in files]
    for file, columns in zip(files, found, strict=True):
        if columns != found[0]:
            raise DataError(f"{file}: the columns differ from those of {files[0].name}")
    return found[0]


def _described(files: list[Path], query: str) -> list[tuple[str, DuckDBPyType]]:
    """Return the names and types of a query's columns."""
    import duckdb  # needed only to publish

    # One thread, for the same order of columns on every machine.
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            relation = connection.sql(query, params=[[str(file) for file in files]])
        except duckdb.Error as exc:
            raise DataError(f"{files[0]}: {exc}") from exc
        return list(zip(relation.columns, relation.types, strict=True))


def _hive_types(
    file: Path, named: list[tuple[str, DuckDBPyType]], types: dict[str, str]
) -> list[tuple[str, str]]:
    return [(name, _hive_type(file, name, kind, types)) for name, kind in named]


def _hive_type(file: Path, name: str, kind: DuckDBPyType, types: dict[str, str]) -> str:
    nested = {"list": "array", "array": "array", "map": "map"}
    if kind.id == "struct":
        fields = _columns(str(file), _hive_types(file, _children(kind), types))
        return f"struct<{','.join(f'{field.name}:{field.type}' for field in fields)}>"
    if kind.id == "decimal":
        return str(kind).lower()
    if kind.id in nested:
        inner = [_hive_type(file, name, child, types) for _, child in _children(kind)]
        return f"{nested[kind.id]}<{','.join(inner)}>"
    if reason := _REFUSED_TYPES.get(kind.id):
        raise DataError(f"{file}: the column {name} has {reason}")
    if kind.id not in types:
        raise DataError(f"{file}: the column {name} has the type {kind}, which has no Hive type")
    return types[kind.id]


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    # The children of a type include an array's size and an enum's values.
    return [(n, k) for n, k in kind.children if not isinstance(k, int | list)]


def _columns(place: str, named: list[tuple[str, str]]) -> tuple[Column, ...]:
    columns = tuple(Column(name.lower(), kind) for name, kind in named)
    seen: set[str] = set()
    for column in columns:
        if not NAME.fullmatch(column.name) or len(column.name) > NAME_LENGTH:
            raise DataError(f"{place}: {column.name!r} cannot be a column: {NAME_RULE}")
        if column.name in seen:
            raise DataError(f"{place}: the column {column.name} occurs twice")
        seen.add(column.name)
    return columns
