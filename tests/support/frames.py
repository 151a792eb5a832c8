"""Frames of the local `awsglue` from records written in a test, and their records and schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from local.spark.shim.awsglue._spark.records import map_records
from local.spark.shim.awsglue.dynamicframe import DynamicFrame

Record = Mapping[str, Any]


def of_json(spark: SparkSession, *records: Record | str) -> DynamicFrame:
    """Return a frame of records, with choices for fields of several types. A text is JSON as it is."""
    lines = [(record if isinstance(record, str) else json.dumps(record),) for record in records]
    texts = spark.createDataFrame(lines, "__text string")
    parsed = map_records(texts, lambda record: json.loads(record["__text"]))
    return DynamicFrame.fromDF(parsed.frame, None, "frame")


def of_rows(spark: SparkSession, schema: str, *rows: tuple[Any, ...]) -> DynamicFrame:
    """Return a frame of rows."""
    return DynamicFrame.fromDF(spark.createDataFrame(list(rows), schema), None, "frame")


def records(frame: DynamicFrame) -> list[dict[str, Any]]:
    """Return the records as dictionaries, with structs and choices as dictionaries, too."""
    return [row.asDict(recursive=True) for row in frame.toDF().collect()]


def schema(frame: DynamicFrame, capsys: Any) -> list[str]:
    """Return the lines that `printSchema` prints, without the first."""
    capsys.readouterr()
    frame.printSchema()
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "root"
    return rest
