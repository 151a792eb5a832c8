"""Functions of a script that run for each record, and the records in which they fail."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from local.spark.shim.awsglue.dynamicframe import DynamicFrame
from local.spark.shim.awsglue.transforms import ErrorsAsDynamicFrame, Filter, Map
from tests.support.frames import of_json, of_rows, records, schema

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]


@pytest.fixture
def hospitals(spark: SparkSession) -> DynamicFrame:
    columns = "name string, state string, city string, beds bigint, rate decimal(6,2), since date"
    day = datetime.date(2020, 1, 2)
    return of_rows(
        spark,
        columns,
        ("A", "CA", "SACRAMENTO", 5, Decimal("1.50"), day),
        ("B", "AL", None, None, None, None),
    )


def merge_address(record: Any) -> Any:
    record["address"] = {"state": record["state"], "Zip.Code": record.beds, "all": [record["name"]]}
    del record["state"], record["city"]
    return record


def test_a_function_adds_and_deletes_fields(hospitals: DynamicFrame, capsys: Any) -> None:
    mapped = Map.apply(frame=hospitals, f=merge_address, transformation_ctx="mapped")
    assert schema(mapped, capsys) == [  # fields that the function leaves keep their type
        "|-- name: string",
        "|-- beds: long",
        "|-- rate: decimal(6,2)",
        "|-- since: date",
        "|-- address: struct",
        "|    |-- state: string",
        "|    |-- Zip.Code: int",
        "|    |-- all: array",
        "|    |    |-- element: string",
    ]
    assert records(mapped)[0]["rate"] == Decimal("1.50")
    assert records(mapped)[1]["address"] == {"state": "AL", "Zip.Code": None, "all": ["B"]}


def test_a_filter_keeps_the_records_and_their_types(hospitals: DynamicFrame) -> None:
    kept = Filter.apply(hospitals, lambda row: row["state"] in ["CA", "AL"] and row["city"] == "SACRAMENTO")
    assert kept.toDF().schema == hospitals.toDF().schema
    assert [row["name"] for row in records(kept)] == ["A"]


def test_a_record_in_which_the_function_fails_is_an_error_record(hospitals: DynamicFrame) -> None:
    kept = hospitals.filter(lambda row: row["city"].startswith("S"), info="cities")
    assert (kept.count(), kept.stageErrorsCount(), kept.errorsCount()) == (1, 1, 1)
    mapped = kept.map(lambda row: {"x": 1 / (row["beds"] - 5)})
    assert (mapped.count(), mapped.stageErrorsCount(), mapped.errorsCount()) == (0, 1, 2)
    dropped = mapped.drop_fields(["no"])
    assert (dropped.stageErrorsCount(), dropped.errorsCount()) == (0, 2)
    errors = [row["error"] for row in records(ErrorsAsDynamicFrame.apply(dropped))]
    assert [error["msg"].split(":")[0] for error in errors] == ["AttributeError", "ZeroDivisionError"]
    assert errors[0]["callsite"]["info"] == "cities"
    assert "test_records.py" in errors[0]["callsite"]["site"]
    assert "test_records.py" in errors[0]["stackTrace"]
    assert errors[0]["dynamicRecord"]["name"] == "B"
    with pytest.raises(RuntimeError, match="2 error records"):
        dropped.assertErrorThreshold()


def test_more_errors_than_a_threshold_fail_the_job(hospitals: DynamicFrame) -> None:
    def fail(record: Any) -> Any:
        raise KeyError(record["name"])

    assert hospitals.map(fail, stageThreshold=2).count() == 0
    with pytest.raises(RuntimeError, match=r"2 errors in this stage, more than the threshold 1.*KeyError"):
        hospitals.map(fail, stageThreshold=1)


def test_a_value_that_no_type_holds_is_an_error(hospitals: DynamicFrame) -> None:
    mapped = hospitals.map(lambda row: Row(name=row["name"], beds=row["beds"] or object()))
    assert (records(mapped), mapped.errorsCount()) == ([{"name": "A", "beds": 5}], 1)


def test_functions_see_the_value_of_a_choice(spark: SparkSession) -> None:
    frame = of_json(spark, {"n": 1}, {"n": "two"})
    mapped = frame.map(lambda row: {"n": row["n"], "kind": type(row["n"]).__name__})
    assert records(mapped) == [
        {"n": {"int": 1, "string": None}, "kind": "int"},
        {"n": {"int": None, "string": "two"}, "kind": "str"},
    ]
    assert records(frame.filter(lambda row: row["n"] == "two")) == [{"n": {"int": None, "string": "two"}}]


def test_a_function_of_a_partition(hospitals: DynamicFrame) -> None:
    assert records(hospitals.mapPartitions(lambda found: [{"rows": len(list(found))}])) == [{"rows": 2}]


def test_integers_are_as_wide_as_they_need_to_be(spark: SparkSession) -> None:
    frame = of_json(spark, {"a": 1, "b": 3_000_000_000, "c": 1.0, "d": 10**30, "e": True, "f": []})
    assert frame.toDF().schema.simpleString() == (
        "struct<a:int,b:bigint,c:double,d:decimal(38,0),e:boolean,f:array<void>>"
    )
