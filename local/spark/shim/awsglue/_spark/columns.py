"""Columns: a change at a path of a nested schema, and casts as Glue does them."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from .paths import Path, quote
from .types import is_choice

Named = list[tuple[str, Column]]
Change = Callable[[str, types.DataType, Column], Named]
"""Returns the fields that replace a field with this name, type and value."""


def column(frame: DataFrame, name: str) -> Column:
    """Return a top-level column, whose name may contain dots."""
    return frame[quote(name)]


def select(frame: DataFrame, fields: Named) -> DataFrame:
    """Return a frame of named columns."""
    return frame.select(*[value.alias(name) for name, value in fields])


def all_fields(frame: DataFrame) -> Named:
    """Return the top-level columns with their names."""
    return [(name, column(frame, name)) for name in frame.columns]


def find(kind: types.DataType, path: Path) -> types.DataType | None:
    """Return the type at a path, through the elements of arrays, or None if there is no such field."""
    if not path:
        return kind
    if isinstance(kind, types.ArrayType):
        return find(kind.elementType, path)
    if isinstance(kind, types.StructType) and path[0] in kind.fieldNames() and not is_choice(kind):
        return find(kind[path[0]].dataType, path[1:])
    return None


def crosses_array(kind: types.DataType, path: Path) -> bool:
    """Return whether a path leads through the elements of an array."""
    return any(isinstance(find(kind, path[:length]), types.ArrayType) for length in range(1, len(path)))


def value_at(frame: DataFrame, path: Path) -> Column:
    """Return the value at a path of structs."""
    value = column(frame, path[0])
    for name in path[1:]:
        value = value.getField(name)
    return value


def edited(frame: DataFrame, path: Path, change: Change) -> DataFrame:
    """Return a frame in which the field at a path is replaced. A path that does not exist changes nothing."""
    if find(frame.schema, path) is None:
        return frame
    return select(frame, _edited(frame.schema, lambda name: column(frame, name), path, change))


def _edited(kind: types.StructType, get: Callable[[str], Column], path: Path, change: Change) -> Named:
    fields: Named = []
    for field in kind:
        value = get(field.name)
        if field.name != path[0]:
            fields.append((field.name, value))
        elif len(path) == 1:
            fields += change(field.name, field.dataType, value)
        else:
            inner = _nested(field.dataType, value, path[1:], change)
            fields += [] if inner is None else [(field.name, inner)]
    return fields


def _nested(kind: types.DataType, value: Column, path: Path, change: Change) -> Column | None:
    if isinstance(kind, types.ArrayType):
        element = kind.elementType
        if _nested(element, value, path, change) is None:
            return None
        return F.transform(value, lambda item: _nested(element, item, path, change))  # type: ignore[arg-type,return-value]
    if not isinstance(kind, types.StructType):
        return value
    fields = _edited(kind, value.getField, path, change)
    return F.when(value.isNotNull(), struct(fields)) if fields else None  # Spark writes no empty struct


def alternative(value: Column, field: types.StructField) -> Column:
    """Return the value of one type of a choice, without the mark that an alias of its field would keep."""
    return value.getField(field.name).cast(field.dataType)


def struct(fields: Named) -> Column:
    """Return a struct of named columns."""
    return F.struct(*[value.alias(name) for name, value in fields])


def cast(value: Column, kind: types.DataType, target: types.DataType | None) -> Column:
    """Convert a value, of whichever of its types if it is a choice. What cannot be converted becomes null."""
    if is_choice(kind):
        assert isinstance(kind, types.StructType)  # noqa: S101
        return F.coalesce(*[cast(value.getField(field.name), field.dataType, target) for field in kind])
    if target is None or kind == target:
        return value
    if isinstance(kind, types.StructType | types.ArrayType | types.MapType):
        if isinstance(target, types.StringType):
            return F.to_json(value)
        if type(kind) is not type(target):
            return F.lit(None).cast(target)
    if isinstance(kind, types.NullType):
        return F.lit(None).cast(target)
    return value.cast(target)
