"""Conversion of the values of files to the types of a table's columns."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField

from .._spark.paths import quote
from .._spark.types import choice_of, name_of


def from_texts(
    table: str, frame: DataFrame, fields: Sequence[StructField], *, with_choices: bool
) -> DataFrame:
    """Convert columns of strings. An empty text of another type is null.

    A text that is no value of its type is an error, or makes a choice if `with_choices`, as in AWS's example
    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-samples-medicaid.html.
    """
    typed = {field.name: field for field in fields if not isinstance(field.dataType, StringType)}
    mixed: set[str] = set()
    if with_choices and typed:
        bad = [F.expr(f"count_if({_is_bad(name, field.dataType)})") for name, field in typed.items()]
        counts = frame.agg(*bad).collect()[0]
        mixed = {name for name, count in zip(typed, counts, strict=True) if count}

    def converted(name: str) -> Column:
        if name not in typed:
            return F.col(quote(name))
        if name in mixed:
            return _choice(name, typed[name].dataType)
        return _checked(table, _text(name), typed[name])

    return frame.select(*map(converted, frame.columns))


def from_file(table: str, frame: DataFrame, name: str | None, field: StructField) -> Column:
    """Return a column of a file as the type of a table's column."""
    if name is None:
        return F.lit(None).cast(field.dataType).alias(field.name)
    stored = frame.schema[name].dataType
    if stored == field.dataType:
        return F.col(quote(name)).alias(field.name)
    if _is_text(stored) != _is_text(field.dataType):
        raise ValueError(
            f"Column {field.name} of {table} is {field.dataType.simpleString()}, but {stored.simpleString()} "
            "in its files."
        )
    return _checked(table, quote(name), field)


def _choice(name: str, kind: DataType) -> Column:
    text, choice = _text(name), choice_of([kind, StringType()])
    value, rest = F.expr(_converted(text, kind)), F.expr(f"IF({_is_bad(name, kind)}, {quote(name)}, NULL)")
    both = F.struct(value.alias(name_of(kind)), rest.alias("string"))
    return F.when(F.expr(f"{text} IS NOT NULL"), both).cast(choice).alias(name)


def _text(name: str) -> str:
    return f"CASE WHEN trim({quote(name)}) <> '' THEN trim({quote(name)}) END"


def _is_bad(name: str, kind: DataType) -> str:
    return f"{_text(name)} IS NOT NULL AND {_converted(_text(name), kind)} IS NULL"


def _converted(value: str, kind: DataType) -> str:
    return f"try_cast({value} AS {kind.simpleString()})"


def _is_text(kind: DataType) -> bool:
    return kind.typeName() in ("string", "binary", "varchar", "char")


def _checked(table: str, value: str, field: StructField) -> Column:
    """Convert the value of a SQL expression. Fail for one that the type cannot hold: a null would hide it."""
    kind = field.dataType.simpleString()
    message = f"Column {field.name} of {table} is {kind}, but a file has the value "
    text = message.replace("\\", "\\\\").replace("'", "\\'")
    converted = _converted(value, field.dataType)
    failed = f"raise_error(concat('{text}', cast({value} AS string)))"
    return F.expr(f"IF({value} IS NOT NULL AND {converted} IS NULL, {failed}, {converted})").alias(field.name)
