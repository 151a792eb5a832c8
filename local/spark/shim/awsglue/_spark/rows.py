"""Rows of one or two frames: join, split, merge, union and samples."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from ..utils import refuse
from . import paths as field_paths
from .columns import Named, all_fields, column, select, struct, value_at
from .inference import merge as merged_type
from .types import is_choice, name_of

Keys = str | Sequence[str]

_COMPARATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}


def join(left: DataFrame, right: DataFrame, left_keys: Keys, right_keys: Keys) -> DataFrame:
    """Return the pairs of rows with equal keys and all their fields.

    A name of the right frame that the left one has, too, gets a dot before it, as in
    https://github.com/awslabs/aws-glue-libs/issues/76. Null equals nothing.
    """
    ours, theirs = field_paths.parse_all(left_keys), field_paths.parse_all(right_keys)
    if len(ours) != len(theirs) or not ours:
        raise ValueError("Join needs as many keys of one frame as of the other.")
    taken = set(left.columns)
    names = {name: f".{name}" if name in taken else name for name in right.columns}
    other = select(right, [(names[name], value) for name, value in all_fields(right)])
    moved = [(names[path[0]] if path[0] in names else path[0], *path[1:]) for path in theirs]
    pairs = zip(ours, moved, strict=True)
    condition = [value_at(left, mine) == value_at(other, their) for mine, their in pairs]
    return left.join(other, functools.reduce(operator.and_, condition), "inner")


def split(frame: DataFrame, comparisons: Mapping[str, Mapping[str, Any]]) -> tuple[DataFrame, DataFrame]:
    """Return the rows whose values fulfil all comparisons, and the others."""
    condition = F.lit(True)
    for path, tests in comparisons.items():
        value = value_at(frame, field_paths.parse(path))
        for sign, operand in tests.items():
            if sign not in _COMPARATORS:
                raise ValueError(f"{sign} is not a comparator: use one of {', '.join(_COMPARATORS)}.")
            condition &= _COMPARATORS[sign](value, operand)
    holds = F.coalesce(condition, F.lit(False))
    return frame.where(holds), frame.where(~holds)


def merge(source: DataFrame, staged: DataFrame, keys: Keys) -> DataFrame:
    """Return the staged rows, and the rows of the source whose key is not staged. Duplicates stay."""
    paths = field_paths.parse_all(keys)
    conditions = [value_at(source, path).eqNullSafe(value_at(staged, path)) for path in paths]
    kept = source.join(staged, functools.reduce(operator.and_, conditions), "left_anti")
    return union(kept, staged)


def union(one: DataFrame, other: DataFrame) -> DataFrame:
    """Return the rows of both frames. A field with two types becomes a choice, a missing field is null."""
    target = merged_type(one.schema, other.schema)
    assert isinstance(target, types.StructType)  # noqa: S101
    return _widened_frame(one, target).unionByName(_widened_frame(other, target))


def _widened_frame(frame: DataFrame, target: types.StructType) -> DataFrame:
    known = {field.name: field.dataType for field in frame.schema}
    fields: Named = []
    for field in target:
        kind = known.get(field.name, types.NullType())
        value = column(frame, field.name) if field.name in known else F.lit(None)
        fields.append((field.name, widened(value, kind, field.dataType)))
    return select(frame, fields)


def widened(value: Column, kind: types.DataType, target: types.DataType) -> Column:
    """Return a value with a type that includes its own."""
    if kind == target:
        return value
    if isinstance(kind, types.NullType):
        return F.lit(None).cast(target)
    if is_choice(target) and isinstance(target, types.StructType):
        known = {field.name: field.dataType for field in kind} if is_choice(kind) else {}  # type: ignore[attr-defined]
        fields: Named = []
        for field in target:
            if field.name in known:
                fields.append(
                    (field.name, widened(value.getField(field.name), known[field.name], field.dataType))
                )
            elif not known and field.name == name_of(kind):
                fields.append((field.name, widened(value, kind, field.dataType)))
            else:
                fields.append((field.name, F.lit(None).cast(field.dataType)))
        return F.when(value.isNotNull(), struct(fields)).cast(target)  # with the marks of a choice
    if isinstance(target, types.StructType) and isinstance(kind, types.StructType):
        inner = {field.name: field.dataType for field in kind}
        children: Named = []
        for field in target:
            child = value.getField(field.name) if field.name in inner else F.lit(None)
            own = inner.get(field.name, types.NullType())
            children.append((field.name, widened(child, own, field.dataType)))
        return F.when(value.isNotNull(), struct(children)).cast(target)
    if isinstance(target, types.ArrayType) and isinstance(kind, types.ArrayType):
        ours, theirs = kind.elementType, target.elementType
        return F.transform(value, lambda item: widened(item, ours, theirs)).cast(target)
    return value.cast(target)


def sample(frame: DataFrame, options: Mapping[str, Any]) -> DataFrame:
    """Return the first `topk` rows, each with the probability `prob`."""
    refuse("spigot", dict(options), ("topk", "prob"))
    if "prob" in options:
        frame = frame.sample(float(options["prob"]))
    return frame.limit(int(options["topk"])) if "topk" in options else frame
