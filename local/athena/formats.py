"""File formats of tables: OpenCSVSerde, the JSON SerDes and Parquet."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.athena.errors import QueryFailed, unsupported
from local.athena.hive import identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Json = dict[str, Any]
Columns = Mapping[str, str]
Read = Callable[["DuckDBPyConnection", list[Path]], str]
"""Function that returns the SQL that reads files."""

_COMPRESSED = (".bz2", ".deflate", ".lz4", ".lzo", ".snappy", ".zip", ".zst")
_LINE_BYTES = 64 * 1024 * 1024
# https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
_CSV_TYPES = {"VARCHAR", "BOOLEAN", "BIGINT", "INTEGER", "DOUBLE"}


def reader(table: Json, columns: Columns) -> Read:
    """Return the reader of a table's files. `columns` are DuckDB types. Raises `QueryFailed` if unknown."""
    serde = table["StorageDescriptor"].get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    match library.rpartition(".")[2]:
        case "OpenCSVSerde":
            return _csv(columns, serde.get("Parameters", {}), table.get("Parameters", {}))
        case "JsonSerDe":
            return _json(columns)
        case "ParquetHiveSerDe":
            return _parquet(columns)
    raise unsupported(f"the SerDe {library or 'of a table without a SerDe'}")


def check_compression(key: str) -> None:
    """Raise `QueryFailed` for a compression other than gzip."""
    if key.endswith(_COMPRESSED) and not key.endswith(".snappy.parquet"):
        raise unsupported(f"the compression of {key}; use gzip")


def _csv(columns: Columns, serde: Mapping[str, str], parameters: Mapping[str, str]) -> Read:
    if others := sorted(set(columns.values()) - _CSV_TYPES):
        raise unsupported(f"OpenCSVSerde with the types {', '.join(others)}")
    quote = serde.get("quoteChar", '"')
    options = {
        "auto_detect": "false",
        "header": "false",
        "skip": str(int(parameters.get("skip.header.line.count", "0"))),
        "delim": literal(serde.get("separatorChar", ",")),
        "quote": literal(quote),
        "escape": literal(quote),  # doubled, as in RFC 4180; a backslash is literal
        "columns": _struct(dict.fromkeys(columns, "VARCHAR")),
        "force_not_null": f"[{', '.join(map(literal, columns))}]",  # empty values are not null
        "null_padding": "true",
        "parallel": "false",  # required for line breaks in quotes
        "strict_mode": "false",
        "max_line_size": str(_LINE_BYTES),
        "hive_partitioning": "false",
    }
    outputs = [f"CAST({identifier(n)} AS {kind}) AS {identifier(n)}" for n, kind in columns.items()]

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        return f"SELECT {', '.join(outputs)} FROM read_csv({_listed(files)}, {_options(options)})"

    return read


def _json(columns: Columns) -> Read:
    options = {
        "format": "'newline_delimited'",
        "auto_detect": "false",
        "records": "true",
        "columns": _struct(columns),
        "maximum_object_size": str(_LINE_BYTES),
        "hive_partitioning": "false",
    }

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            _lower_keys(file)
        return f"SELECT * FROM read_json({_listed(files)}, {_options(options)})"

    return read


def _lower_keys(file: Path) -> None:
    """Convert the keys of JSON objects to lower case: unlike DuckDB, the SerDes ignore case."""
    is_zipped = file.suffix == ".gz"
    content = gzip.decompress(file.read_bytes()) if is_zipped else file.read_bytes()
    if not re.search(rb'"[^"]*[A-Z][^"]*"\s*:', content):
        return

    def lower(pairs: list[tuple[str, Any]]) -> Json:
        return {key.lower(): value for key, value in pairs}

    try:
        records = [json.loads(line, object_pairs_hook=lower) for line in content.splitlines() if line.strip()]
    except ValueError as error:
        raise QueryFailed(f"HIVE_CURSOR_ERROR: Row is not a valid JSON Object - {error}") from error
    content = "".join(json.dumps(record) + "\n" for record in records).encode()
    file.write_bytes(gzip.compress(content) if is_zipped else content)


# Groups of Parquet types that Athena reads as each other.
_FAMILIES = (
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
    {"FLOAT", "DOUBLE"},
    {"VARCHAR", "BLOB", "ENUM"},
    {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"},
)


def _parquet(columns: Columns) -> Read:
    def read(connection: DuckDBPyConnection, files: list[Path]) -> str:
        source = f"read_parquet({_listed(files)}, union_by_name = true, hive_partitioning = false)"
        relation = connection.sql(f"SELECT * FROM {source}")
        found = {name.lower(): str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
        outputs = []
        for name, kind in columns.items():
            stored = found.get(name)
            if stored is not None and _family(stored) != _family(kind):
                raise QueryFailed(
                    f"HIVE_BAD_DATA: Field {name}'s type {stored} in parquet file is incompatible with type "
                    f"{kind} defined in table schema"
                )
            value = "NULL" if stored is None else identifier(name)
            outputs.append(f"CAST({value} AS {kind}) AS {identifier(name)}")
        return f"SELECT {', '.join(outputs)} FROM {source}"

    return read


def _family(kind: str) -> str:
    """Return the group of a type. Types of the same group can be read as each other."""
    for family in _FAMILIES:
        if kind in family:
            return min(family)
    for name in ("STRUCT", "MAP", "DECIMAL"):
        if kind.startswith(name) and not kind.endswith("]"):
            return name
    return "LIST" if kind.endswith("]") else kind


def _listed(files: list[Path]) -> str:
    return f"[{', '.join(literal(str(file)) for file in files)}]"


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in options.items())


def _struct(columns: Columns) -> str:
    return "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items()) + "}"
