"""Types of a query's columns as types of the Data Catalog (Hive) and of Trino."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from local.athena import sql
from local.athena.errors import QueryFailed
from local.athena.functions.calls import ZONED
from local.athena.hive import HiveType, identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from duckdb.sqltypes import DuckDBPyType

# Hive and Trino types by DuckDB type ID. A hugeint is the sum of bigints, which is a bigint in Trino.
_SIMPLE = {
    **{"boolean": ("boolean", "boolean"), "tinyint": ("tinyint", "tinyint")},
    **{"smallint": ("smallint", "smallint"), "integer": ("int", "integer")},
    **{"bigint": ("bigint", "bigint"), "hugeint": ("bigint", "bigint")},
    **{"float": ("float", "real"), "double": ("double", "double"), "varchar": ("string", "varchar")},
    **{"blob": ("binary", "varbinary"), "date": ("date", "date")},
    **{f"timestamp{unit}": ("timestamp", "timestamp(3)") for unit in ("", "_s", "_ms", "_ns")},
}
_SIMPLE_NAMES = dict(_SIMPLE.values())
_NESTED = {"array": ("list", "array"), "map": ("map",), "struct": ("struct", "tuple")}
_WHOLE = ("tinyint", "smallint", "integer", "bigint")
_TRINO_ONLY = {
    **{"timestamp with time zone": "timestamp(3) with time zone", "time": "time(3)", "uuid": "uuid"},
    **{"interval": "interval day to second", "null": "unknown", '"null"': "unknown"},
}


def hive_type(kind: DuckDBPyType) -> str:
    """Return the type that a table stores. Raises `QueryFailed` if Hive has none."""
    if str(kind) != "JSON" and kind.id in _SIMPLE:
        return _SIMPLE[kind.id][0]
    match kind.id:
        case "decimal":
            return str(kind).lower().replace(" ", "")
        case "list" | "array":
            return f"array<{hive_type(_child(kind, 0))}>"
        case "map":
            return f"map<{hive_type(_child(kind, 0))},{hive_type(_child(kind, 1))}>"
        case "struct" if str(kind) != ZONED:
            return f"struct<{','.join(f'{name.lower()}:{hive_type(of)}' for name, of in _children(kind))}>"
    if kind.id == "tuple":
        raise QueryFailed(
            "NOT_SUPPORTED: Anonymous row type is not supported in Hive. "
            f"Please give each field a name: {trino_type(kind)}"
        )
    raise QueryFailed(f"NOT_SUPPORTED: Unsupported Hive type: {trino_type(kind)}")


def trino_type(kind: DuckDBPyType) -> str:
    """Return the type in Trino's words."""
    if str(kind) in ("JSON", ZONED):
        return {"JSON": "json"}.get(str(kind), "timestamp(3) with time zone")
    if kind.id in _SIMPLE:
        return _SIMPLE[kind.id][1]
    match kind.id:
        case "list" | "array":
            return f"array({trino_type(_child(kind, 0))})"
        case "map":
            return f"map({trino_type(_child(kind, 0))}, {trino_type(_child(kind, 1))})"
        case "struct":
            return f"row({', '.join(f'{identifier(name)} {trino_type(of)}' for name, of in _children(kind))})"
        case "tuple":
            return f"row({', '.join(trino_type(of) for _, of in _children(kind))})"
    return _TRINO_ONLY.get(kind.id, str(kind).lower())


def check_columns(tree: sql.Tree, relation: DuckDBPyRelation) -> None:
    """Raise `QueryFailed` if columns of a query cannot be those of a table, as in Trino's analyzer."""
    if (unnamed := next(sql.unnamed(tree), None)) is not None:
        place = unnamed[0] + 1
        raise QueryFailed(f"MISSING_COLUMN_NAME: line 1:1: Column name not specified at position {place}")
    names = [name.lower() for name in relation.columns]
    for place, (name, kind) in enumerate(zip(names, relation.types, strict=True), 1):
        if name in names[: place - 1]:
            raise QueryFailed(
                f"DUPLICATE_COLUMN_NAME: line 1:1: Column name '{name}' specified more than once"
            )
        if trino_type(kind) == "unknown":
            raise QueryFailed(f"COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position {place}")


def _children(kind: DuckDBPyType) -> Sequence[tuple[str, DuckDBPyType]]:
    return kind.children  # type: ignore[return-value]  # of a nested type, pairs of name and type


def _child(kind: DuckDBPyType, place: int) -> DuckDBPyType:
    return _children(kind)[place][1]


def trino_name(kind: HiveType) -> str:
    """Return a Hive type in Trino's words."""
    match kind.name:
        case "array" | "map":
            return f"{kind.name}({', '.join(trino_name(of) for _, of in kind.children)})"
        case "struct":
            return f"row({', '.join(f'{identifier(name)} {trino_name(of)}' for name, of in kind.children)})"
    sizes = f"({','.join(map(str, kind.sizes))})" if kind.sizes else ""
    return _SIMPLE_NAMES.get(kind.name, f"{kind.name}{sizes}")


def can_become(found: DuckDBPyType, wanted: HiveType) -> bool:
    """Return whether Trino inserts a type into a column without a cast (`TypeCoercion.canCoerce`)."""
    given, column = trino_type(found), _SIMPLE_NAMES.get(wanted.name, wanted.name)
    if given == "unknown" or given == column:
        return True
    match wanted.name:
        case "array" | "map" | "struct" if found.id in _NESTED[wanted.name]:
            pairs = list(zip(_children(found), wanted.children, strict=False))
            fits = all(can_become(of, child) for (_, of), (_, child) in pairs)
            return fits and (wanted.name == "array" or len(_children(found)) == len(wanted.children))
        case "decimal":
            return given in _WHOLE or found.id == "decimal"
        case "varchar" | "char":
            return given == "varchar"
    if given in _WHOLE and column in _WHOLE:
        return _WHOLE.index(given) < _WHOLE.index(column)
    if given in _WHOLE or found.id == "decimal":
        return column in ("real", "double")
    return (given, column) in (("real", "double"), ("date", "timestamp(3)"))


def renamed(value: str, found: DuckDBPyType, wanted: HiveType) -> str:
    """Return the SQL of a value whose rows have the names of a column. Trino converts rows by position."""
    match wanted.name:
        case "array" if (
            found.id in _NESTED["array"]
            and (inner := renamed("x", _child(found, 0), wanted.children[0][1])) != "x"
        ):
            return f"list_transform({value}, lambda x: {inner})"
        case "struct" if found.id in ("struct", "tuple"):
            names = [name for name, _ in _children(found)]
            if names == [name for name, _ in wanted.children]:
                return value
            kinds = [kind for _, kind in _children(found)]
            parts = (
                f"{identifier(name)} := {renamed(f'struct_extract_at({value}, {place})', kind, child)}"
                for place, (kind, (name, child)) in enumerate(zip(kinds, wanted.children, strict=True), 1)
            )
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE struct_pack({', '.join(parts)}) END"
    return value
