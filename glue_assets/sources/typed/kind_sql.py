"""SQL that turns values of one kind into another."""

from __future__ import annotations

from collections.abc import Sequence

from glue_assets.sources.duck import literal, quoted
from glue_assets.sources.typed.kinds import (
    Items,
    Kind,
    Leaf,
    Map,
    Struct,
    duckdb_type,
    fields_of,
    has_legal_names,
)


def projection(source: Struct, target: Struct, columns: Sequence[str]) -> str:
    """Return the SQL of the columns of a table. `columns` are the expressions of the source's fields."""
    found = {name: (value, kind) for value, (name, _, kind) in zip(columns, fields_of(source), strict=True)}
    parts = []
    for name, _, wanted in fields_of(target):
        value = f"CAST(NULL AS {duckdb_type(wanted)})"
        if name in found:
            value = converted(found[name][0], found[name][1], wanted)
        parts.append(f"{value} AS {quoted(name)}")
    return ", ".join(parts)


def converted(value: str, source: Kind, target: Kind, depth: int = 0) -> str:
    """Return the SQL that turns a value of one kind into another. Fields are found by their names."""
    if source == target and has_legal_names(source):
        return value
    item = f"x{depth}"
    match source, target:
        case Leaf("null"), _:
            return f"CAST({value} AS {duckdb_type(target)})"
        case Items(first), Items(second):
            return f"list_transform({value}, lambda {item}: {converted(item, first, second, depth + 1)})"
        case Map(), Map():
            key = converted(f"{item}.key", source.key, target.key, depth + 1)
            entry = converted(f"{item}.value", source.value, target.value, depth + 1)
            made = f"struct_pack(key := {key}, value := {entry})"
            return f"map_from_entries(list_transform(map_entries({value}), lambda {item}: {made}))"
        case Struct(), Struct():
            known = {name: (text, kind) for name, text, kind in fields_of(source)}
            parts = []
            for name, _, wanted in fields_of(target):
                part = f"CAST(NULL AS {duckdb_type(wanted)})"
                if name in known:
                    text, found = known[name]
                    part = converted(f"struct_extract({value}, {literal(text)})", found, wanted, depth)
                parts.append(f"{quoted(name)} := {part}")
            return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"
        case Leaf("timestamp_ns" | "timestamptz_ns"), _:
            # DuckDB's cast rounds, which can give the next day.
            since = f"epoch_ns({value})"
            time = f"make_timestamp(({since} - ({since} % 1000 + 1000) % 1000) // 1000)"
            return f"({time} AT TIME ZONE 'UTC')" if target == Leaf("timestamp with time zone") else time
        case Leaf("timestamp with time zone"), Leaf("timestamp"):
            return f"({value} AT TIME ZONE 'UTC')"
        case Leaf("variant"), _:
            return f"CAST(CAST({value} AS JSON) AS VARCHAR)"
        case Leaf("json"), Leaf("varchar"):
            return f"({value} ->> '$')"
    return f"CAST({value} AS {duckdb_type(target)})"
