"""Avro files, which Spark reads only with a package that is not part of it.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-format-avro-home.html
Spark's Avro libraries turn each record into JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, types
from pyspark.sql import functions as F

from .._spark.paths import quote
from ..utils import refuse, unsupported
from .files import Input

_INPUT = "org.apache.avro.mapred.AvroAsTextInputFormat"
_TEXT = "org.apache.hadoop.io.Text"
_SIMPLE: dict[str, types.DataType] = {
    "null": types.StringType(),
    "boolean": types.BooleanType(),
    "int": types.IntegerType(),
    "long": types.LongType(),
    "float": types.FloatType(),
    "double": types.DoubleType(),
    "string": types.StringType(),
    "enum": types.StringType(),
}
_DATES = ("1.8", "1.9", "1.10", "1.11")


def read(spark: SparkSession, source: Input, options: Mapping[str, Any]) -> DataFrame:
    """Read files. The columns are those of all files together. Names of folders are no columns.

    Glue's default `version` 1.7 reads dates and timestamps as numbers.
    """
    refuse("format_options", dict(options), ("version",))
    columns: dict[str, Any] = {}
    for path in source.paths:
        for field in _fields(_schema(spark, path)):
            if columns.setdefault(field["name"], field["type"]) != field["type"]:
                unsupported(f"Avro files that disagree on the type of the field {field['name']}")
    schema = types.StructType([types.StructField(name, _type(kind, name)) for name, kind in columns.items()])
    paths = ",".join(path.replace(",", "\\,") for path in source.paths)
    texts: Any = spark.sparkContext.hadoopFile(paths, _INPUT, _TEXT, _TEXT).keys()
    frame = spark.read.schema(schema).json(texts, mode="FAILFAST")
    if str(options.get("version") or "1.7") not in _DATES:
        return frame
    return frame.select(*(_typed(name, _logical(columns[name])) for name in frame.columns))


def _schema(spark: SparkSession, path: str) -> Any:
    jvm: Any = spark.sparkContext._jvm
    session: Any = spark.sparkContext._jsc
    avro = jvm.org.apache.avro
    source = avro.mapred.FsInput(jvm.org.apache.hadoop.fs.Path(path), session.hadoopConfiguration())
    reader = avro.file.DataFileReader(source, avro.generic.GenericDatumReader())
    try:
        return json.loads(reader.getSchema().toString())
    finally:
        reader.close()


def _fields(document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, dict) or document.get("type") != "record":
        unsupported("Avro files whose schema is no record")
    return list(document["fields"])


def _type(document: Any, name: str) -> types.DataType:
    if isinstance(document, list):
        others = [other for other in document if other != "null"]
        if len(others) > 1:
            unsupported(f"the Avro union of the field {name}")
        return _type(others[0] if others else "null", name)
    kind = document["type"] if isinstance(document, dict) else document
    if isinstance(kind, dict | list):
        return _type(kind, name)
    if kind == "record":
        fields = [(field["name"], field["type"]) for field in _fields(document)]
        return types.StructType([types.StructField(inner, _type(of, inner)) for inner, of in fields])
    if kind == "array":
        return types.ArrayType(_type(document["items"], name))
    if kind == "map":
        return types.MapType(types.StringType(), _type(document["values"], name))
    if kind not in _SIMPLE:
        unsupported(f"the Avro type {kind} of the field {name}")
    return _SIMPLE[kind]


def _logical(document: Any) -> str | None:
    if isinstance(document, list):
        return next((found for found in map(_logical, document) if found), None)
    return document.get("logicalType") if isinstance(document, dict) else None


def _typed(name: str, logical: str | None) -> Column:
    """Return a column with the type that Glue's Avro reader 1.8 gives it. It converts no microseconds."""
    value = F.col(quote(name))
    if logical == "date":
        return F.date_add(F.lit("1970-01-01"), value).alias(name)
    if logical == "timestamp-millis":
        return F.timestamp_millis(value).alias(name)
    return value
