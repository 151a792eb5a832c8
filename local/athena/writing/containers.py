"""ORC and Avro files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.athena.errors import QueryFailed
from local.athena.hive import HiveType
from local.athena.writing.file_format import FileFormat

Types = Mapping[str, HiveType]
Row = Sequence[Any]
Json = dict[str, Any]

_AVRO_CODECS = {"DEFLATE": "deflate", "BZIP2": "bzip2", "SNAPPY": "snappy", "NONE": "null"}
_AVRO_TYPES: dict[str, Any] = {
    **{"boolean": "boolean", "tinyint": "int", "smallint": "int", "int": "int", "bigint": "long"},
    **{"float": "float", "double": "double", "string": "string", "varchar": "string", "char": "string"},
    "binary": "bytes",
    "date": {"type": "int", "logicalType": "date"},
    "timestamp": {"type": "long", "logicalType": "timestamp-millis"},
}


def write_orc(file: Path, rows: Iterable[Row], types: Types, format_: FileFormat) -> None:
    """Write rows as an ORC file."""
    import pyorc

    schema = ",".join(f"`{name}`:{_orc_type(kind)}" for name, kind in types.items())
    options: Json = {
        "compression": getattr(pyorc.CompressionKind, format_.compression),
        "struct_repr": pyorc.StructRepr.DICT,
    }
    with file.open("wb") as target, pyorc.Writer(target, f"struct<{schema}>", **options) as writer:
        for row in rows:
            writer.write(dict(zip(types, row, strict=True)))


def write_avro(file: Path, rows: Iterable[Row], types: Types, format_: FileFormat) -> None:
    """Write rows as an Avro file. All columns can be null."""
    import fastavro

    fields = [{"name": name, "type": _avro_type(kind, name)} for name, kind in types.items()]
    schema = {"type": "record", "name": "row", "fields": fields}
    records = (
        {name: _avro_value(value, kind) for value, (name, kind) in zip(row, types.items(), strict=True)}
        for row in rows
    )
    with file.open("wb") as target:
        fastavro.writer(target, schema, records, codec=_AVRO_CODECS[format_.compression])


def _orc_type(kind: HiveType) -> str:
    match kind.name:
        case "array" | "map":
            return f"{kind.name}<{','.join(_orc_type(child) for _, child in kind.children)}>"
        case "struct":
            return f"struct<{','.join(f'`{name}`:{_orc_type(child)}' for name, child in kind.children)}>"
    return f"{kind.name}({','.join(map(str, kind.sizes))})" if kind.sizes else kind.name


def _avro_type(kind: HiveType, path: str) -> list[Any]:
    match kind.name:
        case "array":
            return ["null", {"type": "array", "items": _avro_type(kind.children[0][1], f"{path}_item")}]
        case "map":
            (_, key), (_, value) = kind.children
            if key.name not in ("string", "varchar", "char"):
                raise QueryFailed("NOT_SUPPORTED: Avro only has maps with keys of the type varchar")
            return ["null", {"type": "map", "values": _avro_type(value, f"{path}_value")}]
        case "struct":
            fields = [
                {"name": name, "type": _avro_type(child, f"{path}_{name}")} for name, child in kind.children
            ]
            return ["null", {"type": "record", "name": f"{path}_row", "fields": fields}]
        case "decimal":
            sizes = {"precision": kind.sizes[0], "scale": kind.sizes[1] if len(kind.sizes) > 1 else 0}
            return ["null", {"type": "bytes", "logicalType": "decimal", **sizes}]
    return ["null", _AVRO_TYPES[kind.name]]


def _avro_value(value: Any, kind: HiveType) -> Any:
    """Return a value whose times have a time zone, as fastavro takes others as local times."""
    if value is None:
        return None
    match kind.name:
        case "array":
            return [_avro_value(item, kind.children[0][1]) for item in value]
        case "map":
            return {key: _avro_value(item, kind.children[1][1]) for key, item in value.items()}
        case "struct":
            pairs = zip(value.values(), kind.children, strict=True)
            return {name: _avro_value(item, child) for item, (name, child) in pairs}
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
