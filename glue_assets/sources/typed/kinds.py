"""Types of nested values, whatever the format: the type in the file, and the type that every engine reads.

A `Kind` is the type of a value in DuckDB. `readable` returns what to write instead of it, and `hive_type`
the type in the Data Catalog.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue_assets.sources.content import Column, comment
from glue_assets.sources.duck import quoted
from glue_assets.sources.names import column_names

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType


@dataclass(frozen=True)
class Leaf:
    """A value without parts. `name` is DuckDB's, in lower case: `bigint`, `decimal(12,2)`."""

    name: str


@dataclass(frozen=True)
class Items:
    """A list."""

    item: Kind


@dataclass(frozen=True)
class Map:
    """A map."""

    key: Kind
    value: Kind


@dataclass(frozen=True)
class Struct:
    """Named fields. `texts` are their names in the file, `names` their names in the Data Catalog."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]


Kind = Leaf | Items | Map | Struct

# Hive types by DuckDB type, https://docs.aws.amazon.com/athena/latest/ug/data-types.html
_HIVE = {
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
    "json": "string",
    "enum": "string",
    "blob": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp with time zone": "timestamp",
}
# What to write instead of types that Spark 3.5 and Athena read differently, or not at all:
# docs/decisions/0024-parquet-types-that-engines-read-differently.md
INSTEAD = {
    "timestamp_ns": "timestamp",
    "timestamptz_ns": "timestamp with time zone",
    "uinteger": "bigint",
    "ubigint": "decimal(20,0)",
    "hugeint": "decimal(38,0)",
    "null": "varchar",
    **dict.fromkeys(("time", "time_ns", "time with time zone", "interval"), "varchar"),
    **dict.fromkeys(("uuid", "variant", "geometry", "bit"), "varchar"),
}
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def kind_of(kind: DuckDBPyType) -> Kind:
    """Return the kind of a DuckDB type."""
    match kind.id:
        case "struct":
            return struct([(name, kind_of(part)) for name, part in _parts(kind)])
        case "list" | "array":
            return Items(kind_of(_parts(kind)[0][1]))
        case "map":
            (_, key), (_, value) = _parts(kind)
            return Map(kind_of(key), kind_of(value))
        case "decimal":
            return Leaf(str(kind).lower().replace(" ", ""))
    return Leaf("json" if str(kind) == "JSON" else str(kind.id))


def _parts(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Return the parts of a nested type. DuckDB's children include an array's size."""
    return [(name, part) for name, part in kind.children if not isinstance(part, int | list)]


def struct(fields: list[tuple[str, Kind]]) -> Struct:
    """Return the kind of a struct whose fields have these names in the file."""
    texts = tuple(text for text, _ in fields)
    return Struct(texts, column_names(texts), tuple(kind for _, kind in fields))


def parts_of(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds of which a kind consists."""
    match kind:
        case Items(item):
            return (item,)
        case Map(key, value):
            return key, value
        case Struct(_, _, kinds):
            return kinds
    return ()


def changed(kind: Kind, change: Callable[[Kind], Kind]) -> Kind:
    """Return a kind after a change of each of its parts, the innermost first, and of itself."""
    match kind:
        case Items(item):
            kind = Items(changed(item, change))
        case Map(key, value):
            kind = Map(changed(key, change), changed(value, change))
        case Struct(texts, names, kinds):
            kind = Struct(texts, names, tuple(changed(part, change) for part in kinds))
    return change(kind)


def readable(kind: Kind) -> Kind:
    """Return the kind to write, which every engine reads alike. Raises ValueError if there is none."""
    return changed(kind, _readable)


def _readable(kind: Kind) -> Kind:
    if isinstance(kind, Struct) and not kind.kinds:
        raise ValueError("a struct without fields")
    if not isinstance(kind, Leaf):
        return kind
    name = INSTEAD.get(kind.name, kind.name)
    if name not in _HIVE and not DECIMAL.fullmatch(name):
        raise ValueError(f"the type {kind.name.upper()}")
    return Leaf(name)


def hive_type(kind: Kind) -> str:
    """Return the Hive type of a kind that every engine reads."""
    match kind:
        case Items(item):
            return f"array<{hive_type(item)}>"
        case Map(key, value):
            return f"map<{hive_type(key)},{hive_type(value)}>"
        case Struct(_, names, kinds):
            fields = (f"{name}:{hive_type(part)}" for name, part in zip(names, kinds, strict=True))
            return f"struct<{','.join(fields)}>"
    return _HIVE.get(kind.name, kind.name)


def duckdb_type(kind: Kind) -> str:
    """Return the DuckDB type of a kind, with the names of the Data Catalog."""
    match kind:
        case Items(item):
            return f"{duckdb_type(item)}[]"
        case Map(key, value):
            return f"MAP({duckdb_type(key)}, {duckdb_type(value)})"
        case Struct(_, names, kinds):
            fields = (f"{quoted(name)} {duckdb_type(part)}" for name, part in zip(names, kinds, strict=True))
            return f"STRUCT({', '.join(fields)})"
    return {"null": "VARCHAR", "enum": "VARCHAR"}.get(kind.name, kind.name.upper())


def has_legal_names(kind: Kind) -> bool:
    """Return whether the names of all fields are names of the Data Catalog, in any case."""
    if isinstance(kind, Struct) and tuple(text.lower() for text in kind.texts) != kind.names:
        return False
    return all(map(has_legal_names, parts_of(kind)))


def is_as_readable(source: Kind, target: Kind) -> bool:
    """Return whether every engine reads a kind as the other one without a conversion."""
    match source, target:
        case Struct(), Struct():
            return (
                has_legal_names(source)
                and source.names == target.names
                and all(is_as_readable(a, b) for a, b in zip(source.kinds, target.kinds, strict=True))
            )
        case Items(), Items():
            return is_as_readable(source.item, target.item)
        case Map(), Map():
            return is_as_readable(source.key, target.key) and is_as_readable(source.value, target.value)
        case Leaf(first), Leaf(_):
            return first not in INSTEAD and hive_type(source) == hive_type(target)
    return False


def fields_of(kind: Struct) -> list[tuple[str, str, Kind]]:
    """Return the fields of a struct: name, name in the file, kind."""
    return list(zip(kind.names, kind.texts, kind.kinds, strict=True))


def as_in_file(kind: Kind) -> Kind:
    """Return a kind whose names are those in the file."""
    return changed(
        kind, lambda part: Struct(part.texts, part.texts, part.kinds) if isinstance(part, Struct) else part
    )


def replaced(kind: Kind, others: Mapping[str, str]) -> Kind:
    """Return a kind with other leaves."""
    return changed(
        kind, lambda part: Leaf(others.get(part.name, part.name)) if isinstance(part, Leaf) else part
    )


def replaced_fields(kind: Struct, others: Mapping[str, str]) -> Struct:
    """Return a struct with other leaves."""
    return Struct(kind.texts, kind.names, tuple(replaced(part, others) for part in kind.kinds))


def renamed(kind: Struct, names: Mapping[str, str]) -> Struct:
    """Return the kind of a table with the names that the owner wants, by names in the file."""
    texts = [names.get(text, text) for text in kind.texts]
    return Struct(kind.texts, column_names(texts), kind.kinds)


def leaves(kind: Kind) -> set[str]:
    """Return the names of all leaves of a kind."""
    if isinstance(kind, Leaf):
        return {kind.name}
    return {name for part in parts_of(kind) for name in leaves(part)}


def columns_of_struct(kind: Struct) -> tuple[Column, ...]:
    """Return the columns of a table. A name that differs from that in the file is the comment."""
    return tuple(
        Column(name, hive_type(part), None if text.lower() == name else comment(text))
        for name, text, part in fields_of(kind)
    )
