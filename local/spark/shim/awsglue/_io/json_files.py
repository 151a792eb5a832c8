"""JSON files as Glue reads them: keys that differ only in case are one column.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-format-json-home.html
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    LongType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
)

from .._spark.paths import quote
from ..utils import refuse, unsupported
from . import json_choices
from .files import Input
from .options import flag

_CASE = "spark.sql.caseSensitive"
_START = re.compile(r"[^\s\ufeff]")
_PATH = re.compile(r"\$((?:\.[A-Za-z0-9_-]+)*)(\[\*\]|\.\*)?")


def read(
    spark: SparkSession,
    source: Input,
    options: Mapping[str, Any],
    schema: StructType | None = None,
    *,
    with_choices: bool = False,
) -> DataFrame:
    """Read files of JSON objects.

    Without `schema`, the names are those of the files. With `schema`, the columns have its names and types,
    and keys match them regardless of case, at every level. `with_choices` finds the types as Glue does.
    Raises `ValueError` for a file that is not JSON.
    """
    refuse("format_options", dict(options), ("jsonPath", "multiLine", "multiline", "optimizePerformance"))
    with _case_sensitive(spark):
        documents = _documents(spark, source, options)
        others = documents.columns[1:]
        found = _infer(spark, documents, source)
        wanted = schema or _merged(found)
        if with_choices and wanted == found:
            return _with_choices(documents, found)
        if not wanted.fields:
            return documents.select(*others)
        parsed = _with_names_of(found, wanted)
        records = F.from_json("value", ArrayType(parsed), {"mode": "FAILFAST"})
        frame = documents.select(F.explode(records).alias("value"), *others)
        values = [_value(F.col("value"), parsed, field).alias(field.name) for field in wanted.fields]
        return frame.select(*values, *others)


def _with_choices(documents: DataFrame, found: StructType) -> DataFrame:
    others = {name: F.col(quote(name)) for name in documents.columns[1:]}
    wanted = json_choices.refined(documents, found)
    frame = json_choices.parsed(documents, found, others)
    values = [
        json_choices.value((field.name,), field.dataType).cast(field.dataType).alias(field.name)
        for field in wanted
    ]
    return frame.select(*values, *map(quote, others))


def _documents(spark: SparkSession, source: Input, options: Mapping[str, Any]) -> DataFrame:
    """Return one JSON text per row in the column `value`, and the columns of partitions."""
    path = str(options.get("jsonPath") or "$")
    whole = path != "$" or flag(options, "multiLine") or flag(options, "multiline")
    reader = spark.read.options(**source.options)
    if source.partitions:
        reader = reader.schema(StructType([StructField("value", StringType()), *source.partitions]))
    texts = reader.text(list(source.paths), wholetext=whole).where(F.trim("value") != "")
    texts = _with_one_value(texts)
    match = _PATH.fullmatch(path)
    if match is None:
        unsupported(f"jsonPath {path}; only paths such as $.a.b and $.records[*] are local")
    if match[1]:
        texts = texts.withColumn("value", F.get_json_object("value", "$" + match[1]))
        texts = texts.where(F.col("value").isNotNull())
    return texts


def _with_one_value(texts: DataFrame) -> DataFrame:
    """Split texts of several JSON values, because Spark reads only the first value of a text.

    Amazon Data Firehose writes such lines, and files with `multiline` can have several records.
    """
    # Between values, or within a string: then the text is split into one part.
    if texts.where(F.col("value").rlike(r"[}\]]\s*[{\[]")).isEmpty():
        return texts
    split = F.udf(_values, ArrayType(StringType()))
    return texts.withColumn("value", F.explode(split("value")))


def _values(text: str) -> list[str]:
    """Return the texts of consecutive JSON values. The last one is the rest if it is not JSON."""
    decoder, values, start = json.JSONDecoder(), [], _START.search(text)
    while start:
        try:
            _, end = decoder.raw_decode(text, start.start())
        except ValueError:
            end = len(text)
        values.append(text[start.start() : end])
        start = _START.search(text, end)
    return values


def _infer(spark: SparkSession, documents: DataFrame, source: Input) -> StructType:
    """Return the schema of the objects. Types that disagree become strings."""
    jvm: Any = spark.sparkContext._jvm
    data: Any = documents.select("value")._jdf
    strings = getattr(data, "as")(jvm.org.apache.spark.sql.Encoders.STRING())
    session: Any = spark._jsparkSession
    try:
        schema = session.read().option("mode", "FAILFAST").json(strings).schema()
    except Exception as error:
        if "MALFORMED" not in str(error).upper():
            raise
        # Glue's message is "Unable to parse file".
        raise ValueError(
            f"Unable to parse a file of {', '.join(source.paths)} as JSON. Each line must be an object, "
            "unless format_options has multiline."
        ) from None
    return StructType.fromJson(json.loads(schema.json()))


def _merged(schema: StructType) -> StructType:
    """Return a schema in which the names that differ only in case are one, with the first spelling."""
    return StructType([StructField(name, _merged_type(group)) for name, group in _groups(schema)])


def _groups(schema: StructType) -> Iterator[tuple[str, list[DataType]]]:
    groups: dict[str, list[StructField]] = {}
    for field in schema.fields:
        groups.setdefault(field.name.lower(), []).append(field)
    for fields in groups.values():
        yield fields[0].name, [field.dataType for field in fields]


def _merged_type(types: Sequence[DataType]) -> DataType:
    first = types[0]
    if all(isinstance(kind, StructType) for kind in types):
        return _merged(StructType([field for kind in types for field in kind.fields]))  # type: ignore[attr-defined]
    if all(isinstance(kind, ArrayType) for kind in types):
        return ArrayType(_merged_type([kind.elementType for kind in types]))  # type: ignore[attr-defined]
    return first if all(kind == first for kind in types) else _common(types)


def _common(types: Sequence[DataType]) -> DataType:
    present = [kind for kind in types if not isinstance(kind, NullType)]
    if all(kind == present[0] for kind in present):
        return present[0]
    is_number = all(isinstance(kind, LongType | DoubleType) for kind in present)
    return DoubleType() if is_number else StringType()


def _with_names_of(found: StructType, wanted: StructType) -> StructType:
    """Return the wanted schema with every spelling of its names that the files have."""
    fields = []
    for field in wanted.fields:
        spellings = [other for other in found.fields if other.name.lower() == field.name.lower()]
        for other in spellings or [field]:
            fields.append(StructField(other.name, _type_with_names_of(other.dataType, field.dataType)))
    return StructType(fields)


def _type_with_names_of(found: DataType, wanted: DataType) -> DataType:
    if isinstance(wanted, StructType) and isinstance(found, StructType):
        return _with_names_of(found, wanted)
    if isinstance(wanted, ArrayType) and isinstance(found, ArrayType):
        return ArrayType(_type_with_names_of(found.elementType, wanted.elementType))
    if isinstance(wanted, MapType) and isinstance(found, StructType):  # an object's keys are data
        values = [_type_with_names_of(field.dataType, wanted.valueType) for field in found.fields]
        return MapType(wanted.keyType, values[0] if values else wanted.valueType)
    return wanted


def _value(source: Column, parsed: StructType, wanted: StructField) -> Column:
    """Return the first value that is not null of the spellings of a field."""
    same = [field for field in parsed.fields if field.name.lower() == wanted.name.lower()]
    values = [_converted(source.getField(field.name), field.dataType, wanted.dataType) for field in same]
    return values[0] if len(values) == 1 else F.coalesce(*values)


def _converted(value: Column, parsed: DataType, wanted: DataType) -> Column:
    if parsed == wanted:
        return value
    if isinstance(parsed, StructType) and isinstance(wanted, StructType):
        fields = [_value(value, parsed, field).alias(field.name) for field in wanted.fields]
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(parsed, ArrayType) and isinstance(wanted, ArrayType):
        inner, outer = parsed.elementType, wanted.elementType
        return F.transform(value, lambda item: _converted(item, inner, outer))
    if isinstance(parsed, MapType) and isinstance(wanted, MapType):
        inner, outer = parsed.valueType, wanted.valueType
        return F.transform_values(value, lambda _, item: _converted(item, inner, outer))
    return value.cast(wanted)


@contextlib.contextmanager
def _case_sensitive(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get(_CASE)
    spark.conf.set(_CASE, "true")
    try:
        yield
    finally:
        spark.conf.set(_CASE, str(before))
