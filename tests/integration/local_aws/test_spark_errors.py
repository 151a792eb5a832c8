"""Glue's error messages of exceptions that Spark really raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from local.spark.runner import error_message


def divide(_: Any) -> int:
    return 1 // 0


LINE = divide.__code__.co_firstlineno + 1
WORKER = (
    "UNCLASSIFIED_ERROR; PythonException: ZeroDivisionError: integer division or modulo by zero "
    f"(test_spark_errors.py, line {LINE})"
)
CASES: dict[str, tuple[Callable[[SparkSession, Path], Any], str]] = {
    "column": (
        lambda spark, _: spark.range(1).select("nope"),
        "QUERY_ERROR; AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter "
        "with name `nope` cannot be resolved. Did you mean one of the following? [`id`].",
    ),
    "path": (
        lambda spark, folder: spark.read.parquet("file:///no/such"),
        "QUERY_ERROR; AnalysisException: [PATH_NOT_FOUND] Path does not exist: file:/no/such.",
    ),
    "sql": (
        lambda spark, _: spark.sql("selec 1"),
        "QUERY_ERROR; ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'.(line 1, pos 0)",
    ),
    "udf": (lambda spark, _: spark.range(1).select(F.udf(divide)("id")).collect(), WORKER),
    "udf of a write": (
        lambda spark, folder: spark.range(1).select(F.udf(divide)("id")).write.parquet(str(folder / "out")),
        WORKER,
    ),
    "rdd": (lambda spark, _: spark.sparkContext.parallelize([1]).map(divide).collect(), WORKER),
}


@pytest.mark.parametrize("name", CASES)
def test_an_exception_of_spark_is_its_own_sentence(name: str, spark: SparkSession, tmp_path: Path) -> None:
    fails, message = CASES[name]
    with pytest.raises(Exception) as caught:
        fails(spark, tmp_path)
    assert error_message(caught.value, "main.py") == f"Error Category: {message}"


def test_the_cause_of_a_java_exception_is_shown_without_its_stack(spark: SparkSession) -> None:
    jvm: Any = spark.sparkContext._jvm
    with pytest.raises(Exception) as caught:
        jvm.java.nio.file.Files.readAllBytes(jvm.java.nio.file.Paths.get(jvm.java.net.URI("file:///no/such")))
    calling = "An error occurred while calling z:java.nio.file.Files.readAllBytes."
    assert error_message(caught.value, "main.py") == (
        f"Error Category: UNCLASSIFIED_ERROR; {calling} NoSuchFileException: /no/such"
    )
