"""Types of Glue's schemas that have no children. `gluetypes` exports them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Properties = Mapping[str, Any]


class DataType:
    """Base class of the types."""

    def __init__(self, properties: Properties | None = None) -> None:
        self.properties: dict[str, Any] = dict(properties or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(json.dumps(self.jsonValue(), sort_keys=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @classmethod
    def typeName(cls) -> str:
        """Return the name of the type, for example `string`."""
        return cls.__name__.removesuffix("Type").lower()

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return {"dataType": self.typeName(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, json_value: Mapping[str, Any]) -> DataType:
        """Return the type that a JSON object describes."""
        arguments = {name: value for name, value in json_value.items() if name != "dataType"}
        return cls(**arguments)


class AtomicType(DataType):
    """Base class of the types without children."""


class BinaryType(AtomicType):
    """Bytes."""


class BooleanType(AtomicType):
    """True or false."""


class ByteType(AtomicType):
    """Integer of 8 bits."""


class DateType(AtomicType):
    """Day."""


class DoubleType(AtomicType):
    """Floating-point number of 64 bits."""


class FloatType(AtomicType):
    """Floating-point number of 32 bits."""


class IntegerType(AtomicType):
    """Integer of 32 bits."""

    @classmethod
    def typeName(cls) -> str:
        """Return `int`."""
        return "int"


class LongType(AtomicType):
    """Integer of 64 bits."""


class NullType(AtomicType):
    """Type of a field that is always null."""


class ShortType(AtomicType):
    """Integer of 16 bits."""


class StringType(AtomicType):
    """Text."""


class TimestampType(AtomicType):
    """Point in time."""


class TimestampNTZType(AtomicType):
    """Date and time of day without a time zone."""


class UnknownType(AtomicType):
    """Type that is not known yet."""


class DecimalType(AtomicType):
    """Decimal number with a fixed number of digits."""

    def __init__(self, precision: int = 10, scale: int = 2, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.precision = precision
        self.scale = scale

    def __repr__(self) -> str:
        return f"DecimalType({self.precision}, {self.scale})"

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"precision": self.precision, "scale": self.scale}


class EnumType(AtomicType):
    """One of several values."""

    def __init__(self, options: Sequence[str], properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.options = list(options)

    def __repr__(self) -> str:
        return f"EnumType({self.options})"

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"options": self.options}
