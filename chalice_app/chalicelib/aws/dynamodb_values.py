"""Values of DynamoDB's items as plain Python values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.domain.json_types import Json

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def serialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an item to DynamoDB's types. Omits attributes that are None and converts floats to decimals."""
    return {name: _serializer.serialize(_plain(value)) for name, value in item.items() if value is not None}


def deserialize(item: Mapping[str, Any]) -> Json:
    """Return an item as plain values."""
    return {name: python_value(_deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def python_value(value: Any) -> Any:
    """Return a value of boto3 with int or float instead of Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: python_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [python_value(inner) for inner in value]
    return value
