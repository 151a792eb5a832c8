"""Types of JSON values as Glue finds them: fields whose values have several types are choices.

Spark's inference widens such fields to doubles or strings. Glue "explicitly encodes schema inconsistencies
using a choice type"
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html).
Only fields of objects are examined, not those inside of lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from .._spark.types import choice_of, is_choice, name_of

Path = tuple[str, ...]

_WIDENED = (types.StringType, types.DoubleType, types.LongType)
_PROBES: dict[str, types.DataType] = {
    "boolean": types.BooleanType(),
    "long": types.LongType(),
    "double": types.DoubleType(),
}
_OPTIONS = {"mode": "PERMISSIVE", "allowNonNumericNumbers": "false"}
_INT = 2**31


def refined(documents: DataFrame, schema: types.StructType) -> types.StructType:
    """Return a schema in which widened fields are choices, and numbers that fit are integers of 32 bits."""
    paths = [path for path, kind in _leaves(schema) if isinstance(kind, _WIDENED)]
    if not paths:
        return schema
    records = parsed(documents, schema, {"value": F.col("value")})
    counts: list[Column] = []
    for path in paths:
        base, boolean, long, double = (_at(name, path) for name in ("base", *_PROBES))
        counts += [F.count(base), F.count(boolean), F.count(long), F.count(double)]
        counts += [F.min(long), F.max(long)]
    row = records.agg(*(count.alias(str(index)) for index, count in enumerate(counts))).collect()[0]
    found = {path: _Found(*row[6 * index : 6 * index + 6]) for index, path in enumerate(paths)}
    return _with(schema, found, ())


def parsed(documents: DataFrame, schema: types.StructType, others: Mapping[str, Column]) -> DataFrame:
    """Return one row per record: its values as the schema has them, and as each of the simple types."""
    schemas = {"base": schema, **{name: _as(schema, kind) for name, kind in _PROBES.items()}}
    arrays = [
        F.from_json("value", types.ArrayType(kind), _OPTIONS).alias(name) for name, kind in schemas.items()
    ]
    zipped = F.explode(F.arrays_zip(*(F.col(name) for name in schemas)))
    frame = documents.select(*arrays, *(column.alias(name) for name, column in others.items()))
    return frame.select(zipped.alias("record"), *others).select("record.*", *others)


def value(path: Path, kind: types.DataType) -> Column:
    """Return the value of a field of `parsed` as its refined type."""
    base = _at("base", path)
    if is_choice(kind) and isinstance(kind, types.StructType):
        boolean, long, double = (_at(name, path) for name in _PROBES)
        has_integers = any(isinstance(field.dataType, types.IntegerType | types.LongType) for field in kind)
        number = F.when(long.isNull(), double) if has_integers else double
        text = F.when(boolean.isNull() & double.isNull(), base)
        values = {"boolean": boolean, "int": long.cast("int"), "long": long, "double": number, "string": text}
        inner = [values[field.name].alias(field.name) for field in kind]
        return F.when(base.isNotNull(), F.struct(*inner))
    if isinstance(kind, types.StructType):
        inner = [value((*path, field.name), field.dataType).alias(field.name) for field in kind.fields]
        return F.when(base.isNotNull(), F.struct(*inner))
    return base


@dataclass(frozen=True)
class _Found:
    """How many values of a field are of each type. A long is also counted as a double."""

    all: int
    booleans: int
    longs: int
    doubles: int
    least: int | None
    greatest: int | None

    def type(self, widened: types.DataType) -> types.DataType:
        fits = self.least is not None and self.least >= -_INT and (self.greatest or 0) < _INT
        integer: types.DataType = types.IntegerType() if fits else types.LongType()
        if isinstance(widened, types.LongType):
            return integer
        alternatives = [
            *((types.BooleanType(),) if self.booleans else ()),
            *((types.DoubleType(),) if self.doubles > self.longs else ()),
            *((integer,) if self.longs else ()),
            *((types.StringType(),) if self.all > self.booleans + self.doubles else ()),
        ]
        return choice_of(sorted(alternatives, key=name_of)) if len(alternatives) > 1 else widened


def _leaves(schema: types.StructType, above: Path = ()) -> Iterator[tuple[Path, types.DataType]]:
    for field in schema:
        path = (*above, field.name)
        if isinstance(field.dataType, types.StructType):
            yield from _leaves(field.dataType, path)
        else:
            yield path, field.dataType


def _with(schema: types.StructType, found: Mapping[Path, _Found], above: Path) -> types.StructType:
    fields = []
    for field in schema:
        path, kind = (*above, field.name), field.dataType
        if isinstance(kind, types.StructType):
            kind = _with(kind, found, path)
        elif path in found:
            kind = found[path].type(kind)
        fields.append(types.StructField(field.name, kind))
    return types.StructType(fields)


def _as(schema: types.StructType, kind: types.DataType) -> types.StructType:
    """Return a schema with one type for all fields that may be widened."""

    def changed(old: types.DataType) -> types.DataType:
        if isinstance(old, types.StructType):
            return _as(old, kind)
        return kind if isinstance(old, _WIDENED) else old

    return types.StructType([types.StructField(field.name, changed(field.dataType)) for field in schema])


def _at(root: str, path: Path) -> Column:
    column = F.col(root)
    for name in path:
        column = column.getField(name)
    return column
