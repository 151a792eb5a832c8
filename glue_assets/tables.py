"""From data folders to catalog tables: `data/<database>/<table>/<files>`.

A table is CSV (`.csv`, `.csv.gz`; the first line names the columns, all of them strings), JSON Lines
(`.json`, `.jsonl`, also `.gz`) or Parquet (`.parquet`; columns and types from the files themselves). Files
directly under `data/` belong to nobody; names that begin with `.` or `_` are hidden, as for Hive and Spark.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

_FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".json.gz": "json",
    ".jsonl": "json",
    ".jsonl.gz": "json",
    ".parquet": "parquet",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NAME_LENGTH = 128  # Glue takes 255; a database's name has the sandbox's in front
_NAME_RULE = "a name has a-z, 0-9 and _, begins with a letter and has at most 128 characters"

# DuckDB's types in Hive's words, https://docs.aws.amazon.com/athena/latest/ug/data-types.html
_HIVE_TYPES = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "utinyint": "smallint",
    "usmallint": "int",
    "uinteger": "bigint",
    "ubigint": "decimal(20,0)",
    "float": "float",
    "double": "double",
    "varchar": "string",
    "enum": "string",
    "blob": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
    "timestamp with time zone": "timestamp",
}
# JSON has texts where DuckDB sees times and ids, and Hive's reader would not take them for anything else.
_JSON_TYPES = _HIVE_TYPES | {
    **dict.fromkeys(("date", "time", "timestamp", "timestamp with time zone", "uuid", "null"), "string"),
    "hugeint": "decimal(38,0)",
}


class DataError(Exception):
    """The data cannot become tables; the message says where and why."""


@dataclass(frozen=True)
class Column:
    """A column and its Hive type."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A catalog table; `format` is csv, json or parquet, `files` are in the order of their names."""

    database: str
    name: str
    format: str
    columns: tuple[Column, ...]
    files: tuple[Path, ...]


def find_tables(data: Path) -> tuple[Table, ...]:
    """The tables of a data folder, by database and name; raises `DataError` for what cannot be one."""
    if not data.is_dir():
        raise DataError(f"{data}: is not a folder")
    tables = [
        _table(database, folder)
        for database in _folders(data)
        for folder in _folders(_checked(database), alone=True)
    ]
    if not tables:
        raise DataError(f"{data}: has no <database>/<table>/<file>")
    return tuple(tables)


def _table(database: Path, folder: Path) -> Table:
    _checked(folder)
    files = _visible(folder)
    if not files:
        raise DataError(f"{folder}: has no files")
    formats = {file: _format(file) for file in files}
    first = files[0]
    for file in files:
        if formats[file] != formats[first]:
            raise DataError(f"{file}: is {formats[file]}, but {first.name} beside it is {formats[first]}")
        if not file.stat().st_size:
            raise DataError(f"{file}:1: the file is empty")
    read = {"csv": _csv_columns, "json": _json_columns, "parquet": _parquet_columns}[formats[first]]
    return Table(database.name, folder.name, formats[first], read(files), tuple(files))


def _folders(parent: Path, *, alone: bool = False) -> list[Path]:
    """The visible folders; with `alone`, there must be at least one and nothing else."""
    found = _visible(parent)
    folders = [path for path in found if path.is_dir()]
    if alone and not folders:
        raise DataError(f"{parent}: has no table folders")
    if alone and len(folders) != len(found):
        stray = next(path for path in found if not path.is_dir())
        raise DataError(f"{stray}: is not in a table's folder")
    return folders


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.name[0] not in "._"), key=lambda path: path.name)


def _checked(folder: Path) -> Path:
    if not _NAME.fullmatch(folder.name) or len(folder.name) > _NAME_LENGTH:
        raise DataError(f"{folder}: cannot be a database or a table: {_NAME_RULE}")
    return folder


def _format(file: Path) -> str:
    for ending, name in _FORMATS.items():
        if file.name.endswith(ending) and file.is_file():
            return name
    raise DataError(f"{file}: is not a file that ends in {', '.join(_FORMATS)}")


def _csv_columns(files: list[Path]) -> tuple[Column, ...]:
    header = _header(files[0])
    for file in files[1:]:
        if (other := _header(file)) != header:
            differing = sorted(set(header) ^ set(other)) or ["the order of the columns"]
            raise DataError(f"{file}:1: the header is not that of {files[0].name}: {', '.join(differing)}")
    return _columns(f"{files[0]}:1", [(name, "string") for name in header])


def _header(file: Path) -> list[str]:
    try:
        with _opened(file) as stream:
            header = next(csv.reader(stream, strict=True), None)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as exc:
        raise DataError(f"{file}:1: the header cannot be read: {exc}") from exc
    if header is None:
        raise DataError(f"{file}:1: the file is empty")
    if not header:
        raise DataError(f"{file}:1: the header is an empty line")
    return [name.lower() for name in header]  # the Data Catalog and Spark tell no capitals


def _opened(file: Path) -> IO[str]:
    if file.name.endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _json_columns(files: list[Path]) -> tuple[Column, ...]:
    # Every line is read (a sample could miss a column); objects are structs however many fields they have.
    # A line is one value: as columns, DuckDB would give `Id` and `id` two names, where Hive has one.
    query = (
        "SELECT * FROM read_json(?, format = 'newline_delimited', records = false, union_by_name = true,"
        " sample_size = -1, maximum_depth = -1, map_inference_threshold = -1)"
    )
    try:
        [(_, line)] = _described(files, query)
        if line.id != "struct":
            raise DataError(f"{files[0].parent}: has no objects with fields")
        return _columns(str(files[0].parent), _hive_types(files[0], _children(line), _JSON_TYPES))
    except DataError:
        for file in files:
            _check_records(file)  # tells the line
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
            raise DataError(f"{file}: the columns are not those of {files[0].name}")
    return found[0]


def _described(files: list[Path], query: str) -> list[tuple[str, DuckDBPyType]]:
    """Names and types of a query's columns over the files."""
    import duckdb  # only those who publish need it

    # One thread: the same columns in the same order on every machine.
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
        inner = [hive_type for _, hive_type in _hive_types(file, _children(kind), types)]
        return f"{nested[kind.id]}<{','.join(inner)}>"
    if kind.id not in types:
        raise DataError(f"{file}: the column {name} is {kind}, which has no Hive type")
    return types[kind.id]


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    # An array's size and an enum's values are among its children, too.
    return [(n, k) for n, k in kind.children if not isinstance(k, int | list)]


def _columns(place: str, named: list[tuple[str, str]]) -> tuple[Column, ...]:
    columns = tuple(Column(name.lower(), kind) for name, kind in named)
    seen: set[str] = set()
    for column in columns:
        if not _NAME.fullmatch(column.name) or len(column.name) > _NAME_LENGTH:
            raise DataError(f"{place}: {column.name!r} cannot be a column: {_NAME_RULE}")
        if column.name in seen:
            raise DataError(f"{place}: the column {column.name} is there twice")
        seen.add(column.name)
    return columns
