"""The columns that hold the values of all files of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from glue_assets.sources.problems import Problems
from glue_assets.sources.typed.kinds import (
    DECIMAL,
    INSTEAD,
    Items,
    Kind,
    Leaf,
    Map,
    Struct,
    fields_of,
    hive_type,
)

_INTEGERS = {"tinyint": 3, "utinyint": 3, "smallint": 5, "usmallint": 5, "integer": 10, "bigint": 19}
_ORDER = ("tinyint", "smallint", "integer", "bigint", "decimal(20,0)")
_TIMES = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp with time zone"}


def common_kind(files: Sequence[tuple[Path, Struct]], problems: Problems) -> Struct | None:
    """Return the columns of all files. Records types that have nothing in common, and returns None."""
    (first, table), *others = files
    before = len(problems.found)
    for path, columns in others:
        both = widened(table, columns)
        if isinstance(both, Struct):
            table = both
            continue
        known = {name: kind for name, _, kind in fields_of(table)}
        for name, _, kind in fields_of(columns):
            if name in known and not widened(known[name], kind):
                one, other = hive_type(kind), hive_type(known[name])
                what = f"the column {name} has the type {one}, but {other} in {first.name}"
                problems.add(path, f"{what}; write both files with one type")
    return table if len(problems.found) == before else None


def widened(one: Kind, other: Kind) -> Kind | None:
    """Return the kind that has all values of two readable kinds, or None if there is none."""
    if one == other:
        return one
    match one, other:
        case Items(first), Items(second):
            item = widened(first, second)
            return item and Items(item)
        case Map(), Map():
            key, value = widened(one.key, other.key), widened(one.value, other.value)
            return Map(key, value) if key and value else None
        case Struct(), Struct():
            return _widened_fields(one, other)
        case Leaf(first), Leaf(second):
            name = _widened_leaf(first, second) or _widened_leaf(second, first)
            return Leaf(name) if name else None
    return None


def _widened_fields(one: Struct, other: Struct) -> Struct | None:
    """Return a struct with the fields of both."""
    fields = {name: (text, kind) for name, text, kind in fields_of(one)}
    for name, text, kind in fields_of(other):
        known = fields.setdefault(name, (text, kind))
        both = widened(known[1], kind)
        if both is None:
            return None
        fields[name] = (known[0], both)
    texts, kinds = zip(*fields.values(), strict=True)
    return Struct(texts, tuple(fields), kinds)


def _widened_leaf(small: str, large: str) -> str | None:
    """Return the type that has all values of both, if it is the second one or a decimal."""
    if hive_type(Leaf(small)) == hive_type(Leaf(large)):
        return "timestamp" if large in _TIMES else INSTEAD.get(large, large)
    if small in _ORDER and large in _ORDER:
        return max(small, large, key=_ORDER.index)
    if small in _INTEGERS and large in _INTEGERS:
        return max(small, large, key=lambda name: _INTEGERS[name])
    if (small, large) in (("float", "double"), ("date", "timestamp")):
        return large
    if large == "double" and _INTEGERS.get(small, 99) <= 10:
        return large
    if found := DECIMAL.fullmatch(large):
        precision, scale = int(found[1]), int(found[2])
        if inner := DECIMAL.fullmatch(small):
            whole, fraction = int(inner[1]) - int(inner[2]), int(inner[2])
        elif small in _INTEGERS:
            whole, fraction = _INTEGERS[small], 0
        else:
            return None
        whole, scale = max(whole, precision - scale), max(fraction, scale)
        return f"decimal({whole + scale},{scale})" if whole + scale <= 38 else None
    return None
