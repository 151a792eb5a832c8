"""File formats of tables, by SerDe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from local.athena.compression import decompress
from local.athena.containers import read_avro, read_orc
from local.athena.csv import read_csv
from local.athena.errors import QueryFailed, unsupported
from local.athena.hive import HiveType, parse_type
from local.athena.parquet import read_parquet
from local.athena.scans import Columns, Json, Read, for_json, scan_json, scan_rows
from local.athena.text import read_lazy_simple, read_regex

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Formats that Athena reads by SerDe, https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
_ATHENA_ONLY = {
    "com.amazonaws.glue.serde.GrokSerDe": "Grok",
    "com.amazon.ionhiveserde.IonHiveSerDe": "Amazon Ion",
    "com.amazon.emr.hive.serde.CloudTrailSerde": "CloudTrail",
    "org.apache.hadoop.hive.serde2.columnar.ColumnarSerDe": "RCFile",
    "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe": "RCFile",
}
_CAPITAL_KEY = re.compile(rb'"[^"]*[A-Z][^"]*"\s*:')
_TEXT_INPUT = "TextInputFormat"
_TEXT_SERDES = ("OpenCSVSerde", "JsonSerDe", "LazySimpleSerDe", "RegexSerDe")


def reader(table: Json, columns: Columns) -> Read:
    """Return the reader of a table's files. `columns` are DuckDB types. Raises `QueryFailed` if unknown."""
    storage = table["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    # Glue and Athena accept most properties of the SerDe as those of the table, and the other way round.
    properties = {**table.get("Parameters", {}), **serde.get("Parameters", {})}
    types = {column["Name"].lower(): parse_type(column["Type"]) for column in storage["Columns"]}
    name = library.rpartition(".")[2]
    _check_input(storage.get("InputFormat", ""), name)
    match name:
        case "OpenCSVSerde":
            return read_csv(columns, properties)
        case "JsonSerDe":
            return _json(columns, types, properties)
        case "ParquetHiveSerDe":
            return read_parquet(columns, properties)
        case "OrcSerde":
            return read_orc(columns, types, properties)
        case "AvroSerDe":
            return read_avro(columns, types, properties)
        case "LazySimpleSerDe":
            return read_lazy_simple(columns, types, properties)
        case "RegexSerDe":
            return read_regex(columns, types, properties)
    if library in _ATHENA_ONLY:
        raise unsupported(f"{_ATHENA_ONLY[library]} tables")
    # https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
    if not library:
        raise QueryFailed("HIVE_UNKNOWN_ERROR: Unable to create input format: the table has no SerDe")
    raise QueryFailed(f"HIVE_UNSUPPORTED_FORMAT: Athena does not support the SerDe {library}")


def _check_input(input_format: str, serde: str) -> None:
    """Raise `QueryFailed` if a SerDe of text lines reads other files than text."""
    name = input_format.rpartition(".")[2]
    if serde in _TEXT_SERDES and name not in ("", _TEXT_INPUT, "SymlinkTextInputFormat"):
        raise unsupported(f"the input format {name} with {serde}")


def _json(columns: Columns, types: Mapping[str, HiveType], properties: Mapping[str, str]) -> Read:
    """Return the reader of a JSON table: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html."""
    mapped = {name: properties.get(f"mapping.{name}", name).lower() for name in types}
    is_lenient = properties.get("ignore.malformed.json", "").lower() == "true"
    by_python = is_lenient or any(name != key for name, key in mapped.items())

    def row(line: str) -> Json:
        try:
            found = {key.lower(): value for key, value in json.loads(line).items()}
        except (ValueError, AttributeError) as error:
            if not is_lenient:
                raise QueryFailed(f"HIVE_CURSOR_ERROR: Row is not a valid JSON Object - {error}") from error
            found = {}
        return {name: for_json(found.get(mapped[name]), kind) for name, kind in types.items()}

    def rows_of(file: Path) -> Iterator[Json]:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield from (row(line) for line in lines if line.strip())

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            decompress(file)
        # Unlike DuckDB, the SerDes ignore the case of keys.
        if by_python or any(_CAPITAL_KEY.search(file.read_bytes()) for file in files):
            return scan_rows(columns, files, rows_of)
        return scan_json(columns, files)

    return read
