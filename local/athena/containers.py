"""ORC and Avro tables. Both formats contain the names and types of their columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.athena.errors import QueryFailed
from local.athena.hive import HiveType, duckdb_type
from local.athena.scans import Columns, Json, Read, check_type, for_json, scan_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Types = Mapping[str, HiveType]

# Hive types of Avro's, https://cwiki.apache.org/confluence/display/Hive/AvroSerDe
_AVRO_TYPES = {
    **{"boolean": "boolean", "int": "int", "long": "bigint", "float": "float", "double": "double"},
    **{"string": "string", "enum": "string", "bytes": "binary", "fixed": "binary"},
}
_AVRO_LOGICAL_TYPES = {
    **{"date": "date", "timestamp-millis": "timestamp", "timestamp-micros": "timestamp"},
    **{"local-timestamp-millis": "timestamp", "local-timestamp-micros": "timestamp", "uuid": "string"},
}


def read_orc(columns: Columns, types: Types, serde: Mapping[str, str]) -> Read:
    """Return the reader of an ORC table. Columns are read by position, or by name if the table says so."""
    # https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
    by_position = serde.get("orc.column.index.access", "true").lower() != "false"

    def rows(file: Path) -> Iterator[Json]:
        import pyorc

        with file.open("rb") as source:
            try:
                reader = pyorc.Reader(source, struct_repr=pyorc.StructRepr.DICT)
                stored = list(reader.schema.fields.items())
                found = {name.lower(): (name, kind) for name, kind in stored}
                if by_position:
                    found = dict(zip(types, stored, strict=False))
                for name, (_, kind) in found.items():
                    if name in types:
                        check_type(name, duckdb_type(_orc_type(kind)), columns[name], "orc")
                for row in reader:
                    yield _row({name: row[key] for name, (key, _) in found.items()}, types)
            except pyorc.ParseError as error:
                raise QueryFailed(f"HIVE_BAD_DATA: Malformed ORC file {file}: {error}") from error

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        return scan_rows(columns, files, rows)

    return read


def _orc_type(kind: Any) -> str:
    return str(kind).replace("timestamp with local time zone", "timestamp").replace("`", "")


def read_avro(columns: Columns, types: Types, serde: Mapping[str, str]) -> Read:
    """Return the reader of an Avro table, whose columns are read by name."""
    literal = serde.get("avro.schema.literal")
    if "avro.schema.url" in serde and not literal:
        # https://docs.aws.amazon.com/athena/latest/ug/avro-serde.html
        raise QueryFailed("NOT_SUPPORTED: Athena does not support avro.schema.url; use avro.schema.literal")

    def rows(file: Path) -> Iterator[Json]:
        import fastavro
        from fastavro.schema import SchemaParseException

        with file.open("rb") as source:
            try:
                reader = fastavro.reader(source, json.loads(literal) if literal else None)
                fields = (reader.reader_schema or reader.writer_schema)["fields"]
                found = {field["name"].lower(): field for field in fields}
                for name in types:
                    if name in found and (kind := _avro_type(found[name]["type"])):
                        check_type(name, duckdb_type(kind), columns[name], "avro")
                for row in reader:
                    yield _row({str(name).lower(): value for name, value in row.items()}, types)
            except (
                ValueError,
                EOFError,
                KeyError,
                SchemaParseException,
                fastavro.read.SchemaResolutionError,
            ) as error:
                raise QueryFailed(f"HIVE_BAD_DATA: Malformed Avro file {file}: {error}") from error

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        return scan_rows(columns, files, rows)

    return read


def _avro_type(schema: Any) -> str:
    """Return the Hive type of an Avro schema, or "" for unions of several types and references to a type."""
    match schema:
        case list():
            others = [part for part in schema if part != "null"]
            return _avro_type(others[0]) if len(others) == 1 else ""
        case str():
            return _AVRO_TYPES.get(schema, "")
        case {"logicalType": "decimal", "precision": precision}:
            return f"decimal({precision},{schema.get('scale', 0)})"
        case {"logicalType": str(logical)} if logical in _AVRO_LOGICAL_TYPES:
            return _AVRO_LOGICAL_TYPES[logical]
        case {"type": "array", "items": items}:
            return f"array<{item}>" if (item := _avro_type(items)) else ""
        case {"type": "map", "values": values}:
            return f"map<string,{value}>" if (value := _avro_type(values)) else ""
        case {"type": "record", "fields": fields}:
            kinds = [(field["name"].lower(), _avro_type(field["type"])) for field in fields]
            return f"struct<{','.join(f'{n}:{k}' for n, k in kinds)}>" if all(k for _, k in kinds) else ""
        case {"type": kind}:
            return _avro_type(kind)
    return ""


def _row(values: Mapping[str, Any], types: Types) -> Json:
    return {name: for_json(values.get(name), kind) for name, kind in types.items()}
