"""Avro tables, converted to Parquet: Spark reads Avro only with a package that a job must ask for."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from glue_assets.sources.content import TableContent
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems
from glue_assets.sources.records.files import Record, RecordFile, Unreadable, as_parquet
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.kinds import Items, Kind, Leaf, Map, Struct
from glue_assets.sources.typed.table_checks import check_table

# https://avro.apache.org/docs/1.12.0/specification/
_TYPES = {
    **{"boolean": "boolean", "int": "integer", "long": "bigint", "float": "float", "double": "double"},
    **{"string": "varchar", "enum": "varchar", "bytes": "blob", "fixed": "blob", "null": "null"},
}
_LOGICAL_TYPES = {
    **{"date": "date", "uuid": "varchar", "time-millis": "varchar", "time-micros": "varchar"},
    **dict.fromkeys(("timestamp-millis", "timestamp-micros"), "timestamp with time zone"),
    **dict.fromkeys(("local-timestamp-millis", "local-timestamp-micros"), "timestamp"),
}
_DIGITS = 38


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of Avro files. Records faults; None if it has no content."""
    before = len(problems.found)
    check_table(folder, problems)
    files = []
    for file in folder.files:
        try:
            kind = kinds.readable(_kind(_schema(file), {}, ()))
            if not isinstance(kind, Struct):
                raise ValueError("records that are not records with fields")
        except Unreadable as exc:
            problems.add(file, str(exc))
        except ValueError as exc:
            problems.add(file, f"has {exc}, for which Athena has no type; write it with another type")
        else:
            files.append(RecordFile(file, kinds.renamed(kind, options.rename), partial(_records, file)))
    if len(problems.found) > before:
        return None
    why = "Avro, converted to Parquet, which Spark reads without a package"
    return as_parquet(folder, files, why, work, problems)


def _schema(file: Path) -> Any:
    import fastavro  # needed only to publish

    with file.open("rb") as stream:
        if stream.read(4) != b"Obj\x01":
            raise Unreadable("is not an Avro file; check its ending, or export it again")
        stream.seek(0)
        try:
            return fastavro.reader(stream).writer_schema
        except Exception as exc:  # the reader raises errors of every kind for damaged files
            raise _damaged(exc) from exc


def _records(file: Path) -> Iterator[Record]:
    import fastavro  # needed only to publish

    with file.open("rb") as stream:
        try:
            yield from fastavro.reader(stream)
        except (ValueError, EOFError, KeyError, IndexError, TypeError, struct.error, zlib.error) as exc:
            raise _damaged(exc) from exc


def _damaged(exc: Exception) -> Unreadable:
    return Unreadable(f"cannot be read: {exc or type(exc).__name__}; export it again")


def _kind(schema: Any, named: dict[str, Any], within: tuple[str, ...]) -> Kind:
    """Return the kind of a schema. `named` are the types defined so far, `within` those being defined.

    Raises ValueError for a type that is not one of the catalog.
    """
    match schema:
        case list():
            parts = [part for part in schema if part != "null"]
            if len(parts) > 1:
                raise ValueError(f"a union of {len(parts)} types")
            return _kind(parts[0], named, within) if parts else Leaf("null")
        case str() if schema in _TYPES:
            return Leaf(_TYPES[schema])
        case str() if schema in within:
            raise ValueError(f"the type {schema}, which contains itself")
        case str():
            return _kind(named[schema], named, within)
        case {"logicalType": "decimal", "precision": int(precision)}:
            _remember(schema, named)
            if precision > _DIGITS:
                raise ValueError(f"a decimal of {precision} digits")
            return Leaf(f"decimal({precision},{schema.get('scale', 0)})")
        case {"logicalType": str(logical)} if logical in _LOGICAL_TYPES:
            return Leaf(_LOGICAL_TYPES[logical])
        case {"type": "array", "items": items}:
            return Items(_kind(items, named, within))
        case {"type": "map", "values": values}:
            return Map(Leaf("varchar"), _kind(values, named, within))
        case {"type": "record" | "error", "fields": fields}:
            inner = (*within, _remember(schema, named))
            parts = [(field["name"], _kind(field["type"], named, inner)) for field in fields]
            return kinds.struct(parts)
        case {"type": kind}:
            _remember(schema, named)
            return _kind(kind, named, within)
    raise ValueError(f"the type {schema}")


def _remember(schema: Any, named: dict[str, Any]) -> str:
    """Record a named type. Return its name; fastavro has completed it with its namespace."""
    name = str(schema.get("name", ""))
    if name:
        named[name] = schema
    return name
