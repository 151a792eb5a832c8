"""Operators, UNNEST, intervals and the names of types."""

from __future__ import annotations

import re

from sqlglot import exp

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions import numbers, times
from local.athena.functions.calls import NULL, ZONED, Call, is_number, trino_type
from local.athena.hive import literal

_NAMES = {
    **{"TEXT": "VARCHAR", "INT": "INTEGER", "REAL": "FLOAT", "FLOAT": "FLOAT", "TIMESTAMPTZ": ZONED},
    **{"VARBINARY": "BLOB", "CHAR": "VARCHAR"},
}


def unnest_columns(call: Call, *, numbered: bool) -> str:
    """Return the columns of UNNEST: those of a map are two, https://trino.io/docs/current/sql/select.html#unnest."""
    columns, lengths = [], []
    for value, kind in zip(call.args, call.types, strict=True):
        if kind.startswith("MAP("):
            columns += [f"unnest(map_keys({value}))", f"unnest(map_values({value}))"]
            lengths.append(f"cardinality({value})")
        elif kind.endswith("[]"):
            columns.append(f"unnest({value})")
            lengths.append(f"len({value})")
        else:
            raise QueryFailed(
                f"INVALID_FUNCTION_ARGUMENT: {call.place}: Cannot unnest type: {trino_type(kind)}"
            )
    if numbered:
        columns.append(f"unnest(range(1, coalesce(greatest({', '.join(lengths)}), 0)::BIGINT + 1))")
    return f"SELECT {', '.join(columns)}"


def multiplied(call: Call) -> str:
    """Return `a * b` of numbers and intervals."""
    if "INTERVAL" in call.types:
        return f"({call.args[0]} * {call.args[1]})"
    return numbers.plus(call)


def added(call: Call) -> str:
    """Return `a + b` or `a - b`."""
    if all(is_number(kind) or kind == NULL for kind in call.types):
        return numbers.plus(call)
    return times.interval_plus(call)


def _family(kind: str) -> str:
    if is_number(kind):
        return "number"
    if kind in ("DATE", "TIMESTAMP", ZONED):
        return "time"
    return kind if kind in ("VARCHAR", "BOOLEAN", "BLOB", "JSON", "TIME", "INTERVAL") else "other"


def _check_comparable(call: Call, operator: str, left: str, right: str) -> None:
    if NULL not in (left, right) and _family(left) != _family(right):
        shown = f"{trino_type(left)} {operator} {trino_type(right)}"
        raise QueryFailed(f"TYPE_MISMATCH: {call.place}: Cannot apply operator: {shown}")


def compared(call: Call) -> str:
    """Return a comparison. Raises `QueryFailed` for types that cannot be compared."""
    left, right = call.types
    _check_comparable(call, call.name, left, right)
    one, other = (_instant(value, kind, call) for value, kind in zip(call.args, call.types, strict=True))
    return f"{one} {call.name} {other}"


def _instant(value: str, kind: str, call: Call) -> str:
    if ZONED not in call.types:
        return value
    return f"({value}).instant" if kind == ZONED else f"(({value}) AT TIME ZONE 'UTC')"


def is_in(call: Call) -> str:
    """Return `a IN (b, ...)`."""
    for kind in call.types[1:]:
        if NULL not in (call.types[0], kind) and _family(call.types[0]) != _family(kind):
            names = f"{trino_type(call.types[0])}, {trino_type(kind)}"
            raise QueryFailed(
                f"TYPE_MISMATCH: {call.place}: IN value and list items may not differ in type: {names}"
            )
    values = [_instant(value, kind, call) for value, kind in zip(call.args, call.types, strict=True)]
    return f"{values[0]} IN ({', '.join(values[1:])})"


def interval(node: exp.Interval) -> str:
    """Return an interval literal."""
    unit, text = node.args.get("unit"), node.this.name if isinstance(node.this, exp.Literal) else ""
    if not text:
        raise unsupported("intervals that are not literals")
    if isinstance(unit, exp.IntervalSpan):
        span = f"{unit.this.name} TO {unit.expression.name}".upper()
        if span == "YEAR TO MONTH" and (match := re.fullmatch(r"(-?)(\d+)-(\d+)", text)):
            return f"INTERVAL '{match[1]}{int(match[2]) * 12 + int(match[3])}' MONTH"
        if span == "DAY TO SECOND" and (match := re.fullmatch(r"(\d+) (\d+:\d+:\d+(?:\.\d+)?)", text)):
            return f"(INTERVAL '{match[1]}' DAY + CAST('{match[2]}' AS INTERVAL))"
        raise unsupported(f"intervals of {span}")
    return f"INTERVAL {literal(text)} {unit.name.upper() if unit else 'DAY'}"


def duckdb_type(kind: exp.DataType | exp.ColumnDef) -> str:
    """Return DuckDB's name of a type in Trino's SQL."""
    name = kind.this.name if isinstance(kind.this, exp.DType) else str(kind.this)
    parts = kind.expressions
    if name == "ARRAY":
        return f"{duckdb_type(parts[0])}[]"
    if name == "MAP":
        return f"MAP({', '.join(map(duckdb_type, parts))})"
    if name == "STRUCT":
        fields = []
        for place, part in enumerate(parts):
            if isinstance(part, exp.ColumnDef):
                fields.append(f'"{part.name.lower()}" {duckdb_type(part.args["kind"])}')
            else:
                fields.append(f'"field{place}" {duckdb_type(part)}')
        return f"STRUCT({', '.join(fields)})"
    if name == "DECIMAL":
        sizes = [int(part.name) for part in parts] or [38, 0]
        return f"DECIMAL({sizes[0]},{sizes[1] if len(sizes) > 1 else 0})"
    known = {
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "BIGINT",
        "DOUBLE",
        "VARCHAR",
        "DATE",
        "TIMESTAMP",
        "TIME",
        "JSON",
        "UUID",
    }
    if name in _NAMES or name in known:
        return _NAMES.get(name, name)
    raise unsupported(f"the type {kind.sql(dialect='athena')}")
