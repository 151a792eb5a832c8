"""Functions that Python runs for each record: map, filter, and JSON in a field.

"error records" do not fail the job: they leave the frame and are counted
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html).
"""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pyspark import StorageLevel
from pyspark.rdd import RDD
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from ..gluetypes import DynamicRecord
from .columns import column
from .inference import decode, encode, infer, merge
from .types import is_choice

Outcome = tuple[Any, str | None, str | None, Any]
"""Record or None, message and stack of an error, and the row that caused it."""

_ERROR = types.StructType(
    [
        types.StructField("keep", types.BooleanType()),
        types.StructField("msg", types.StringType()),
        types.StructField("stackTrace", types.StringType()),
    ]
)
_NULL: types.DataType = types.NullType()
_VERDICT = "__awsglue_verdict"


class Split(NamedTuple):
    """Frame and its error records: columns `msg`, `stackTrace`, `input` and `dynamicRecord`."""

    frame: DataFrame
    errors: DataFrame | None


def filter_records(frame: DataFrame, predicate: Callable[[DynamicRecord], Any]) -> Split:
    """Keep the records for which a function returns true. Where it raises, the record is an error."""
    schema = frame.schema

    def verdict(row: Any) -> tuple[bool, str | None, str | None]:
        try:
            return bool(predicate(decode(row, schema))), None, None
        except Exception as error:
            return False, _message(error), traceback.format_exc()

    # A nondeterministic function is not run again where Spark moves the filter.
    judge = F.udf(verdict, _ERROR).asNondeterministic()
    names = [column(frame, name) for name in frame.columns]
    judged = frame.withColumn(_VERDICT, judge(F.struct(*names)))
    kept = judged.where(F.col(f"{_VERDICT}.keep")).drop(_VERDICT)
    failed = judged.where(F.col(f"{_VERDICT}.msg").isNotNull())
    errors = failed.select(
        F.col(f"{_VERDICT}.msg"),
        F.col(f"{_VERDICT}.stackTrace"),
        F.lit("").alias("input"),
        F.struct(*[column(failed, name) for name in frame.columns]).alias("dynamicRecord"),
    )
    return Split(kept, errors)


def map_records(frame: DataFrame, function: Callable[[DynamicRecord], Any]) -> Split:
    """Replace each record by the result of a function. Where it raises, the record is an error."""
    schema = frame.schema

    def partition(rows: Iterable[Any]) -> Iterator[Outcome]:
        for row in rows:
            try:
                record = function(decode(row, schema))
                infer(record)  # raises an error for a value that no type can hold
                yield record, None, None, None
            except Exception as error:
                yield None, _message(error), traceback.format_exc(), tuple(row)

    return _collected(frame, frame.rdd.mapPartitions(partition))


def map_partitions(
    frame: DataFrame, function: Callable[[int, Iterator[DynamicRecord]], Iterable[Any]]
) -> Split:
    """Replace the records of each partition by those that a function returns."""
    schema = frame.schema

    def run(index: int, rows: Iterable[Any]) -> Iterator[Outcome]:
        for record in function(index, (decode(row, schema) for row in rows)):
            yield record, None, None, None

    return _collected(frame, frame.rdd.mapPartitionsWithIndex(run))


def _collected(frame: DataFrame, outcomes: RDD[Outcome]) -> Split:
    spark, source = frame.sparkSession, frame.schema
    # The schema needs a pass over the results: keep them, so that the function runs once per record.
    outcomes = outcomes.persist(StorageLevel.MEMORY_AND_DISK)
    found = _schema_of(outcomes.filter(lambda item: item[1] is None).map(lambda item: item[0]), source)
    schema = found if isinstance(found, types.StructType) else source
    rows = outcomes.filter(lambda item: item[1] is None and item[0] is not None)
    result = spark.createDataFrame(rows.map(lambda item: encode(item[0], schema)), schema, verifySchema=False)
    failed = outcomes.filter(lambda item: item[1] is not None)
    shape = types.StructType(
        [
            types.StructField("msg", types.StringType()),
            types.StructField("stackTrace", types.StringType()),
            types.StructField("input", types.StringType()),
            types.StructField("dynamicRecord", source),
        ]
    )
    errors = spark.createDataFrame(
        failed.map(lambda item: (item[1], item[2], "", item[3])), shape, verifySchema=False
    )
    return Split(result, errors)


def _schema_of(records: RDD[Any], hint: types.DataType) -> types.DataType:
    def partition(items: Iterable[Any]) -> Iterator[types.DataType]:
        yield functools.reduce(merge, (infer(item, hint) for item in items if item is not None), _NULL)

    return functools.reduce(merge, records.mapPartitions(partition).collect(), _NULL)


def json_schema(texts: DataFrame) -> types.StructType:
    """Return the type of the JSON objects in the first column."""
    found = _schema_of(texts.rdd.map(lambda row: _parsed(row[0])), _NULL)
    return found if isinstance(found, types.StructType) else types.StructType()


def json_value(text: Column, schema: types.StructType) -> Column:
    """Parse a column of JSON objects. The fields of other texts are null."""
    if _is_plain(schema):
        return F.from_json(text, schema, {"mode": "PERMISSIVE"})
    parse = F.udf(lambda value: encode(_parsed(value), schema), schema)  # Spark's parser knows no choices
    return parse(text)


def _parsed(text: str | None) -> dict[str, Any] | None:
    try:
        record = json.loads(text or "")
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _is_plain(kind: types.DataType) -> bool:
    """Return whether Spark's JSON parser can read a type: it knows neither choices nor nulls."""
    if isinstance(kind, types.StructType):
        return bool(kind.fields) and not is_choice(kind) and all(_is_plain(field.dataType) for field in kind)
    if isinstance(kind, types.ArrayType):
        return _is_plain(kind.elementType)
    return not isinstance(kind, types.NullType)


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
