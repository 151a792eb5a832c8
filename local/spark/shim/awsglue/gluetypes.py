"""Types of Glue's schemas.

The JSON form is the documented one: `dataType` and `properties`, with the children of a complex type
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-types.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .atomictypes import AtomicType as AtomicType
from .atomictypes import BinaryType as BinaryType
from .atomictypes import BooleanType as BooleanType
from .atomictypes import ByteType as ByteType
from .atomictypes import DataType as DataType
from .atomictypes import DateType as DateType
from .atomictypes import DecimalType as DecimalType
from .atomictypes import DoubleType as DoubleType
from .atomictypes import EnumType as EnumType
from .atomictypes import FloatType as FloatType
from .atomictypes import IntegerType as IntegerType
from .atomictypes import LongType as LongType
from .atomictypes import NullType as NullType
from .atomictypes import Properties
from .atomictypes import ShortType as ShortType
from .atomictypes import StringType as StringType
from .atomictypes import TimestampNTZType as TimestampNTZType
from .atomictypes import TimestampType as TimestampType
from .atomictypes import UnknownType as UnknownType

_ATOMIC = {kind.typeName(): kind for kind in AtomicType.__subclasses__()}


class _ComplexType(DataType):
    @classmethod
    def fromJsonValue(cls, json_value: Mapping[str, Any]) -> DataType:
        """Return the type that a JSON object describes."""
        return type_of_json(json_value)


class ArrayType(_ComplexType):
    """List of elements of one type."""

    def __init__(self, elementType: DataType | None = None, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.elementType})"

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"elementType": self.elementType.jsonValue()}


class SetType(ArrayType):
    """List without duplicates."""


class MapType(_ComplexType):
    """Values by text keys."""

    def __init__(self, valueType: DataType | None = None, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.valueType = valueType or UnknownType()

    def __repr__(self) -> str:
        return f"MapType({self.valueType})"

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"valueType": self.valueType.jsonValue()}


class ChoiceType(_ComplexType):
    """Values of several types in one field."""

    def __init__(self, choices: Sequence[DataType] = (), properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.choices: dict[str, DataType] = {}
        self.merge(choices)

    def __repr__(self) -> str:
        return f"ChoiceType({list(self.choices.values())})"

    def add(self, new_choice: DataType) -> None:
        """Add a type. Two types of one name become one."""
        name = new_choice.typeName()
        known = self.choices.get(name)
        self.choices[name] = new_choice if known is None else mergeDataTypes(known, new_choice)

    def merge(self, new_choices: DataType | Sequence[DataType]) -> None:
        """Add several types."""
        if isinstance(new_choices, ChoiceType):
            new_choices = list(new_choices.choices.values())
        for choice in [new_choices] if isinstance(new_choices, DataType) else new_choices:
            self.add(choice)

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"choices": [choice.jsonValue() for choice in self.choices.values()]}


class Field:
    """Named part of a structure."""

    def __init__(self, name: str, dataType: DataType, properties: Properties | None = None) -> None:
        self.name = name
        self.dataType = dataType
        self.properties: dict[str, Any] = dict(properties or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash((self.name, self.dataType))

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType}, {self.properties})"

    def jsonValue(self) -> dict[str, Any]:
        """Return the field as a JSON object."""
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, json_value: Mapping[str, Any]) -> Field:
        """Return the field that a JSON object describes."""
        return cls(json_value["name"], type_of_json(json_value["container"]), json_value.get("properties"))


class StructType(_ComplexType):
    """Fields with names."""

    def __init__(self, fields: Sequence[Field] = (), properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.fields = list(fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __repr__(self) -> str:
        return f"StructType({self.fields}, {self.properties})"

    def add(self, field: Field) -> StructType:
        """Add a field."""
        self.fields.append(field)
        return self

    def hasField(self, field: Field | str) -> bool:
        """Return whether there is a field of this name."""
        return any(known.name == _name(field) for known in self.fields)

    def getField(self, field: Field | str) -> Field:
        """Return the field of this name."""
        for known in self.fields:
            if known.name == _name(field):
                return known
        raise KeyError(_name(field))

    def jsonValue(self) -> dict[str, Any]:
        """Return the type as a JSON object."""
        return super().jsonValue() | {"fields": [field.jsonValue() for field in self.fields]}


class EntityType(DataType):
    """Not implemented in Glue either, says its documentation."""

    def __init__(self, entity: Any, base_type: DataType, properties: Properties) -> None:
        raise NotImplementedError("EntityType")


class DynamicRecord(dict[str, Any]):
    """Record that the functions of `map` and `filter` receive: a dictionary with fields as attributes."""

    def __getattr__(self, attr: str) -> Any:
        try:
            return self[attr]
        except KeyError:
            raise AttributeError(attr) from None

    def __setattr__(self, attr: str, value: Any) -> None:
        self[attr] = value


def mergeDataTypes(s1: DataType, s2: DataType) -> DataType:
    """Return the type of values of both types: structures join their fields, other pairs are a choice."""
    if s1 == s2 or isinstance(s2, NullType | UnknownType):
        return s1
    if isinstance(s1, NullType | UnknownType):
        return s2
    if isinstance(s1, ChoiceType) or isinstance(s2, ChoiceType) or s1.typeName() != s2.typeName():
        choice = ChoiceType()
        choice.merge(s1)
        choice.merge(s2)
        return choice
    if isinstance(s1, StructType) and isinstance(s2, StructType):
        fields = {field.name: field for field in s1}
        for field in s2:
            known = fields.get(field.name)
            merged = mergeDataTypes(known.dataType, field.dataType) if known else field.dataType
            fields[field.name] = Field(field.name, merged, field.properties)
        return StructType(list(fields.values()), s1.properties)
    if isinstance(s1, ArrayType) and isinstance(s2, ArrayType):
        return type(s1)(mergeDataTypes(s1.elementType, s2.elementType), s1.properties)
    if isinstance(s1, MapType) and isinstance(s2, MapType):
        return MapType(mergeDataTypes(s1.valueType, s2.valueType), s1.properties)
    return s1


def type_of_json(value: Mapping[str, Any]) -> DataType:
    """Return the type of its JSON form. Not part of AWS's module."""
    name, properties = value["dataType"], value.get("properties", {})
    if name == "struct":
        return StructType([Field.fromJsonValue(field) for field in value["fields"]], properties)
    if name in ("array", "set"):
        kind = ArrayType if name == "array" else SetType
        return kind(type_of_json(value["elementType"]), properties)
    if name == "map":
        return MapType(type_of_json(value["valueType"]), properties)
    if name == "choice":
        return ChoiceType([type_of_json(choice) for choice in value["choices"]], properties)
    return _ATOMIC[name].fromJsonValue(value)


def _name(field: Field | str) -> str:
    return field.name if isinstance(field, Field) else field
