"""Types: Spark's for the data, Glue's for the schema.

A choice (values of several types in one field) is a struct with one field per type in Spark, as `toDF()` of
Glue shows it. Its fields are marked in their metadata, which Spark keeps at any depth of a schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyspark.sql import types as spark

from .. import gluetypes as glue
from ..utils import unsupported
from .paths import quote

_CHOICE = {"awsglue.choice": True}

_ATOMIC: dict[type[spark.DataType], type[glue.AtomicType]] = {
    spark.BinaryType: glue.BinaryType,
    spark.BooleanType: glue.BooleanType,
    spark.ByteType: glue.ByteType,
    spark.DateType: glue.DateType,
    spark.DoubleType: glue.DoubleType,
    spark.FloatType: glue.FloatType,
    spark.IntegerType: glue.IntegerType,
    spark.LongType: glue.LongType,
    spark.NullType: glue.NullType,
    spark.ShortType: glue.ShortType,
    spark.StringType: glue.StringType,
    spark.TimestampNTZType: glue.TimestampNTZType,
    spark.TimestampType: glue.TimestampType,
}
_SPARK: dict[type[glue.DataType], type[spark.DataType]] = {kind: name for name, kind in _ATOMIC.items()}

_CHARACTERS = re.compile(r"\b(?:var)?char\s*\(\s*\d+\s*\)", re.IGNORECASE)
"""Types of tables that are strings in frames: Spark rejects them in the schemas of its readers."""

_ALIASES = {"integer": "int", "bigint": "long", "smallint": "short", "tinyint": "byte", "bool": "boolean"}
_NAMED = {kind.typeName(): name for name, kind in _ATOMIC.items()}


def choice_of(types: Iterable[spark.DataType]) -> spark.StructType:
    """Return the type of a field whose values have one of several types."""
    return spark.StructType([spark.StructField(name_of(kind), kind, True, dict(_CHOICE)) for kind in types])


def is_choice(kind: spark.DataType) -> bool:
    """Return whether a type is a choice."""
    return (
        isinstance(kind, spark.StructType)
        and bool(kind.fields)
        and all(
            field.metadata.get("awsglue.choice") and field.name == name_of(field.dataType) for field in kind
        )
    )


def name_of(kind: spark.DataType) -> str:
    """Return Glue's name of a Spark type, without the digits of a decimal."""
    return to_glue(kind).typeName()


def has_choice(kind: spark.DataType) -> bool:
    """Return whether a type is a choice or contains one."""
    return is_choice(kind) or any(has_choice(child) for child in _children(kind))


def without_choices(kind: spark.DataType) -> spark.DataType:
    """Return a type in which choices are ordinary structs."""
    return _rebuilt(kind, without_choices)


def to_glue(kind: spark.DataType) -> glue.DataType:
    """Return Glue's type of a Spark type."""
    if is_choice(kind):
        return glue.ChoiceType([to_glue(child) for child in _children(kind)])
    if isinstance(kind, spark.StructType):
        return glue.StructType([glue.Field(field.name, to_glue(field.dataType)) for field in kind])
    if isinstance(kind, spark.ArrayType):
        return glue.ArrayType(to_glue(kind.elementType))
    if isinstance(kind, spark.MapType):
        return glue.MapType(to_glue(kind.valueType))
    if isinstance(kind, spark.DecimalType):
        return glue.DecimalType(kind.precision, kind.scale)
    known = _ATOMIC.get(type(kind))
    return known() if known else unsupported(f"the type {kind.simpleString()}")


def to_spark(kind: glue.DataType) -> spark.DataType:
    """Return Spark's type of a Glue type."""
    if isinstance(kind, glue.ChoiceType):
        return choice_of(map(to_spark, kind.choices.values()))
    if isinstance(kind, glue.StructType):
        return to_spark_struct(kind)
    if isinstance(kind, glue.ArrayType):
        return spark.ArrayType(to_spark(kind.elementType))
    if isinstance(kind, glue.MapType):
        return spark.MapType(spark.StringType(), to_spark(kind.valueType))
    if isinstance(kind, glue.DecimalType):
        return spark.DecimalType(kind.precision, kind.scale)
    if isinstance(kind, glue.UnknownType | glue.EnumType):
        return spark.StringType()
    return _SPARK[type(kind)]()


def to_spark_struct(kind: glue.StructType) -> spark.StructType:
    """Return Spark's type of a structure, for example of a schema."""
    return spark.StructType([spark.StructField(field.name, to_spark(field.dataType)) for field in kind])


def parse(name: str) -> spark.DataType | None:
    """Return the Spark type of a name in a mapping. `array`, `struct`, `map` and `null` alone give None."""
    lowered = name.strip().lower()
    lowered = _ALIASES.get(lowered, lowered)
    if lowered in ("array", "struct", "map", "set", "choice", "null"):
        return None
    if lowered in _NAMED:
        return _NAMED[lowered]()
    if lowered == "decimal":  # Glue's default; Hive's and Spark's is decimal(10,0)
        return spark.DecimalType(10, 2)
    try:
        return of_ddl(lowered)
    except Exception as error:
        raise ValueError(f"{name} is not a type of Glue.") from error


def of_ddl(text: str) -> spark.DataType:
    """Return the type that Spark's or Hive's notation describes. A session must have been started."""
    kind: spark.DataType = spark._parse_datatype_string(_CHARACTERS.sub("string", text))
    return kind


def of_columns(columns: Iterable[Mapping[str, Any]]) -> spark.StructType:
    """Return the type of columns of the Data Catalog. A session must have been started."""
    ddl = ", ".join(f"{quote(column['Name'])} {column['Type']}" for column in columns)
    kind = of_ddl(ddl) if ddl else spark.StructType()
    assert isinstance(kind, spark.StructType)  # noqa: S101
    return kind


def tree(kind: spark.StructType) -> str:
    """Return a schema as `printSchema` of Glue prints it."""
    lines = ["root"]
    for field in kind:
        lines += _tree(field.name, to_glue(field.dataType), "|-- ")
    return "\n".join(lines)


def _tree(name: str, kind: glue.DataType, prefix: str) -> list[str]:
    text = kind.typeName()
    if isinstance(kind, glue.DecimalType):
        text = f"decimal({kind.precision},{kind.scale})"
    lines = [f"{prefix}{name}: {text}" if name else f"{prefix}{text}"]
    below = prefix[:-3] + "    |-- "
    if isinstance(kind, glue.StructType):
        for field in kind:
            lines += _tree(field.name, field.dataType, below)
    elif isinstance(kind, glue.ArrayType):
        lines += _tree("element", kind.elementType, below)
    elif isinstance(kind, glue.MapType):
        lines += [f"{below}keyType: string", *_tree("valueType", kind.valueType, below)]
    elif isinstance(kind, glue.ChoiceType):
        for choice in kind.choices.values():
            lines += _tree("", choice, below)
    return lines


def _children(kind: spark.DataType) -> list[spark.DataType]:
    if isinstance(kind, spark.StructType):
        return [field.dataType for field in kind]
    if isinstance(kind, spark.ArrayType):
        return [kind.elementType]
    if isinstance(kind, spark.MapType):
        return [kind.keyType, kind.valueType]
    return []


def _rebuilt(kind: spark.DataType, change: Callable[[spark.DataType], spark.DataType]) -> spark.DataType:
    if isinstance(kind, spark.StructType):
        fields = []
        for field in kind:
            metadata = {name: value for name, value in field.metadata.items() if name not in _CHOICE}
            fields.append(spark.StructField(field.name, change(field.dataType), field.nullable, metadata))
        return spark.StructType(fields)
    if isinstance(kind, spark.ArrayType):
        return spark.ArrayType(change(kind.elementType), kind.containsNull)
    if isinstance(kind, spark.MapType):
        return spark.MapType(kind.keyType, change(kind.valueType), kind.valueContainsNull)
    return kind
