"""Hive types of the Data Catalog, and their DuckDB types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.athena.errors import unsupported

# https://docs.aws.amazon.com/athena/latest/ug/data-types.html
_SIMPLE = {
    **{"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER"},
    **{"integer": "INTEGER", "bigint": "BIGINT", "float": "FLOAT", "real": "FLOAT", "double": "DOUBLE"},
    **{"string": "VARCHAR", "binary": "BLOB", "date": "DATE", "timestamp": "TIMESTAMP"},
}
_SIZED = re.compile(r"(decimal|varchar|char)\(([\d, ]+)\)")


@dataclass(frozen=True)
class HiveType:
    """A type in lower case, its sizes (of decimal, varchar and char), and its children by name.

    An array has the child `item`, a map has `key` and `value`, and a struct has its fields.
    """

    name: str
    sizes: tuple[int, ...] = ()
    children: tuple[tuple[str, HiveType], ...] = ()


def parse_type(text: str) -> HiveType:
    """Parse a Hive type. Raises `QueryFailed` if Athena does not know it."""
    duckdb_type(text)
    kind = re.sub(r"\s+", "", text.lower())
    if match := _SIZED.fullmatch(kind):
        return HiveType(match[1], tuple(map(int, match[2].split(","))))
    name, _, inner = kind.partition("<")
    parts = split(inner[:-1]) if inner else []
    match name:
        case "array":
            return HiveType(name, (), (("item", parse_type(parts[0])),))
        case "map":
            return HiveType(name, (), (("key", parse_type(parts[0])), ("value", parse_type(parts[1]))))
        case "struct":
            fields = [part.partition(":") for part in parts]
            return HiveType(name, (), tuple((field, parse_type(of)) for field, _, of in fields))
        case "decimal":
            return HiveType(name, (10, 0))
    return HiveType({"integer": "int", "real": "float"}.get(name, name))


def duckdb_type(text: str) -> str:
    """Return the DuckDB type of a Hive type, such as `array<int>`. Raises `QueryFailed` if unknown."""
    kind = text.strip().lower()
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind == "decimal":
        return "DECIMAL(10,0)"
    if match := _SIZED.fullmatch(kind):
        return f"DECIMAL({match[2]})" if match[1] == "decimal" else "VARCHAR"
    name, bracket, inner = kind.partition("<")
    if bracket and inner.endswith(">"):
        parts = split(inner[:-1])
        if name == "array" and len(parts) == 1:
            return f"{duckdb_type(parts[0])}[]"
        if name == "map" and len(parts) == 2:
            return f"MAP({duckdb_type(parts[0])}, {duckdb_type(parts[1])})"
        if name == "struct":
            fields = [part.partition(":") for part in parts]
            return f"STRUCT({', '.join(f'{identifier(f.strip())} {duckdb_type(t)}' for f, _, t in fields)})"
    raise unsupported(f"the type {text}")


def split(text: str) -> list[str]:
    """Split a text at commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("'", "''") + "'"


def without_rows(columns: Mapping[str, str]) -> str:
    """Return a query without rows. `columns` have DuckDB types."""
    outputs = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
    return f"SELECT {outputs} WHERE false"
