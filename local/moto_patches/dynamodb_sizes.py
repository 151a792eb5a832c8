"""DynamoDB item sizes and size limits.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ITEM_BYTES = 400 * 1024
TRANSACTION_BYTES = 4 * 1024 * 1024


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the size in bytes of an item in DynamoDB JSON, including names and overhead."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(typed: Mapping[str, Any]) -> int:
    [(kind, value)] = typed.items()
    if kind == "S":
        return len(value.encode("utf-8", "surrogatepass"))
    if kind == "N":
        return _number_bytes(value)
    if kind == "B":
        return len(value)
    if kind in ("SS", "NS", "BS"):
        return sum(_value_bytes({kind[0]: each}) for each in value)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(each) for each in value)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in value.items())
    return 1  # BOOL and NULL


def _number_bytes(text: str) -> int:
    digits = text.lower().partition("e")[0].lstrip("-+").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
