"""Values of DynamoDB's items as plain Python values, and back.

boto3's converters (`boto3.dynamodb.types`) try each type in turn and return Decimals. An environment has some
400 values, so reading one would take them longer than the rest of a request. These convert the types that the
table has in one pass, and leave others, such as binary values, to boto3's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from chalicelib.domain.json_types import Json
from chalicelib.lazy import Once, imported

_serializer = Once(imported("boto3.dynamodb.types", "TypeSerializer"))
_deserializer = Once(imported("boto3.dynamodb.types", "TypeDeserializer"))
_MOST_DIGITS = 38
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""


def serialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an item to DynamoDB's types. Omits attributes that are None and converts floats to decimals."""
    return {name: _serialized(value) for name, value in item.items() if value is not None}


def deserialize(item: Mapping[str, Any]) -> Json:
    """Return an item as plain values."""
    return {name: _deserialized(value) for name, value in item.items()}


def python_value(value: Any) -> Any:
    """Return a value of boto3 with int or float instead of Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: python_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [python_value(inner) for inner in value]
    return value


def _serialized(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, dict):
        return {"M": {name: _serialized(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_serialized(inner) for inner in value]}
    if isinstance(value, int) and -(10**_MOST_DIGITS) < value < 10**_MOST_DIGITS:
        return {"N": str(int(value))}
    if isinstance(value, float):
        value = Decimal(str(value))
    return cast(dict[str, Any], _serializer().serialize(value))


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number: int | float = python_value(Decimal(text))
        return number


_READERS: dict[str, Callable[[Any], Any]] = {
    "N": _number,
    "BOOL": lambda value: value,
    "NULL": lambda _: None,
    "M": deserialize,
    "L": lambda values: [_deserialized(value) for value in values],
    "SS": set,
}
"""Converts a value that is no string, by its type."""


def _deserialized(value: Mapping[str, Any]) -> Any:
    [(kind, inner)] = value.items()
    if kind == "S":
        return inner
    read = _READERS.get(kind)
    return python_value(_deserializer().deserialize(cast(Any, value))) if read is None else read(inner)
