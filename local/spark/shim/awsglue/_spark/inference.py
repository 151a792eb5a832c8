"""Types of Python values, as Glue computes the schema of records on the fly.

Values of different types in one field make a choice: Glue "explicitly encodes schema inconsistencies using
a choice type"
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html).
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Row, types

from ..gluetypes import DynamicRecord
from .types import choice_of, is_choice, name_of

_INTEGERS: dict[type[types.DataType], int] = {
    types.ByteType: 8,
    types.ShortType: 16,
    types.IntegerType: 32,
    types.LongType: 64,
}
_NULL = types.NullType()


def infer(value: Any, hint: types.DataType = _NULL) -> types.DataType:
    """Return the type of a value: the hint if the value fits, so that an untouched field keeps its type."""
    value = plain(value)
    if value is None:
        return hint
    if is_choice(hint):
        return merge(hint, _infer_alternative(value, hint))
    if isinstance(value, Mapping) and not isinstance(hint, types.MapType):
        known = {field.name: field.dataType for field in hint} if isinstance(hint, types.StructType) else {}
        return types.StructType(
            [
                types.StructField(str(name), infer(item, known.get(name, _NULL)))
                for name, item in value.items()
            ]
        )
    if isinstance(value, list | tuple | set):
        element = hint.elementType if isinstance(hint, types.ArrayType) else _NULL
        found: types.DataType = _NULL
        for item in value:
            found = merge(found, infer(item, element))
        return types.ArrayType(element if isinstance(found, types.NullType) else found)
    return hint if _fits(value, hint) else _own_type(value)


def plain(value: Any) -> Any:
    """Return a row as a dictionary, and a scalar of numpy as a value of Python."""
    if isinstance(value, Row):
        return value.asDict()
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


def _infer_alternative(value: Any, choice: types.DataType) -> types.DataType:
    assert isinstance(choice, types.StructType)  # noqa: S101
    for field in choice:
        found = infer(value, field.dataType)
        if name_of(found) == field.name:
            return found
    return infer(value)


def _fits(value: Any, hint: types.DataType) -> bool:
    if isinstance(value, bool):
        return isinstance(hint, types.BooleanType)
    if isinstance(value, int):
        bits = _INTEGERS.get(type(hint))
        return bits is not None and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
    if isinstance(value, decimal.Decimal):
        if not isinstance(hint, types.DecimalType) or not value.is_finite():
            return False
        exponent = int(value.as_tuple().exponent)
        return -exponent <= hint.scale and value.adjusted() < hint.precision - hint.scale
    if isinstance(value, Mapping):
        return isinstance(hint, types.MapType)
    if isinstance(value, float) and isinstance(hint, types.FloatType):
        return True
    if isinstance(value, datetime.datetime) and isinstance(hint, types.TimestampNTZType):
        return True
    return type(hint) is type(_own_type(value))


def _own_type(value: Any) -> types.DataType:
    if isinstance(value, bool):
        return types.BooleanType()
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return types.IntegerType()
        return types.LongType() if -(2**63) <= value < 2**63 else types.DecimalType(38, 0)
    if isinstance(value, decimal.Decimal):
        scale = max(0, -int(value.as_tuple().exponent)) if value.is_finite() else 0
        return types.DecimalType(38, min(scale, 38))
    for python, kind in (
        (float, types.DoubleType()),
        (str, types.StringType()),
        (bytes | bytearray, types.BinaryType()),
        (datetime.datetime, types.TimestampType()),
        (datetime.date, types.DateType()),
    ):
        if isinstance(value, python):
            return kind
    raise TypeError(f"A value of the type {type(value).__name__} cannot be a field of a record.")


def merge(one: types.DataType, other: types.DataType) -> types.DataType:
    """Return the type of values of both types."""
    if one == other or isinstance(other, types.NullType):
        return one
    if isinstance(one, types.NullType):
        return other
    if {type(one), type(other)} == {types.IntegerType, types.LongType}:
        return types.LongType()
    if is_choice(one) or is_choice(other):
        return _merged_choice(one, other)
    if isinstance(one, types.StructType) and isinstance(other, types.StructType):
        fields = {field.name: field.dataType for field in one}
        for field in other:
            fields[field.name] = merge(fields.get(field.name, _NULL), field.dataType)
        return types.StructType([types.StructField(name, kind) for name, kind in fields.items()])
    if isinstance(one, types.ArrayType) and isinstance(other, types.ArrayType):
        return types.ArrayType(merge(one.elementType, other.elementType))
    if isinstance(one, types.MapType) and isinstance(other, types.MapType):
        return types.MapType(one.keyType, merge(one.valueType, other.valueType))
    if isinstance(one, types.DecimalType) and isinstance(other, types.DecimalType):
        scale = max(one.scale, other.scale)
        digits = max(one.precision - one.scale, other.precision - other.scale)
        return types.DecimalType(min(38, digits + scale), scale)
    return _merged_choice(one, other)


def _merged_choice(one: types.DataType, other: types.DataType) -> types.DataType:
    alternatives: dict[str, types.DataType] = {}
    for kind in (*_alternatives(one), *_alternatives(other)):
        name = name_of(kind)
        if name == "int" and "long" in alternatives:
            continue
        if name == "long":
            alternatives = {other: kept for other, kept in alternatives.items() if other != "int"}
        alternatives[name] = merge(alternatives[name], kind) if name in alternatives else kind
    return choice_of(alternatives.values())


def _alternatives(kind: types.DataType) -> list[types.DataType]:
    if is_choice(kind) and isinstance(kind, types.StructType):
        return [field.dataType for field in kind]
    return [kind]


def encode(value: Any, kind: types.DataType) -> Any:
    """Return a value as Spark stores it: a choice has its value in the field of its type."""
    value = plain(value)
    if value is None or isinstance(kind, types.NullType):
        return None
    if is_choice(kind) and isinstance(kind, types.StructType):
        name = name_of(_infer_alternative(value, kind))
        return tuple(encode(value, field.dataType) if field.name == name else None for field in kind)
    if isinstance(kind, types.StructType):
        return tuple(encode(value.get(field.name), field.dataType) for field in kind)
    if isinstance(kind, types.ArrayType):
        return [encode(item, kind.elementType) for item in value]
    if isinstance(kind, types.MapType):
        return {name: encode(item, kind.valueType) for name, item in value.items()}
    if isinstance(kind, types.DecimalType):
        return decimal.Decimal(value)
    return value


def decode(value: Any, kind: types.DataType) -> Any:
    """Return a value as the functions of `map` and `filter` see it: a choice is its value."""
    if value is None:
        return None
    if is_choice(kind) and isinstance(kind, types.StructType):
        for field, item in zip(kind, value, strict=True):
            if item is not None:
                return decode(item, field.dataType)
        return None
    if isinstance(kind, types.StructType) and isinstance(value, Row | tuple):
        names = (field.name for field in kind)
        items = (decode(item, field.dataType) for item, field in zip(value, kind, strict=True))
        return DynamicRecord(zip(names, items, strict=True))
    if isinstance(kind, types.ArrayType):
        return [decode(item, kind.elementType) for item in value]
    if isinstance(kind, types.MapType):
        return {name: decode(item, kind.valueType) for name, item in value.items()}
    return value
