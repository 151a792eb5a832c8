"""Fields whose values have several types: how they arise and how they are resolved.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-ResolveChoice.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pyspark.sql import SparkSession

from local.spark.shim.awsglue import gluetypes
from local.spark.shim.awsglue.context import GlueContext
from local.spark.shim.awsglue.dynamicframe import DynamicFrame, ResolveOption
from local.spark.shim.awsglue.transforms import ResolveChoice
from tests.support.frames import of_json, of_rows, records, schema

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]


@pytest.fixture
def payments(spark: SparkSession) -> DynamicFrame:
    return of_json(
        spark,
        {"provider id": 10001, "list": [{"price": 1.5}, {"price": "$2"}]},
        {"provider id": "INC", "list": []},
        {"provider id": None},
    )


def test_json_records_that_disagree_make_a_choice(payments: DynamicFrame, capsys: Any) -> None:
    assert schema(payments, capsys) == [
        "|-- provider id: choice",
        "|    |-- int",
        "|    |-- string",
        "|-- list: array",
        "|    |-- element: struct",
        "|    |    |-- price: choice",
        "|    |    |    |-- double",
        "|    |    |    |-- string",
    ]
    payments.show(2)
    assert capsys.readouterr().out.splitlines() == [
        '{"provider id": 10001, "list": [{"price": 1.5}, {"price": "$2"}]}',
        '{"provider id": "INC", "list": []}',
    ]


def test_json_files_that_disagree_make_a_choice(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": 1, "value": "12.5", "big": 1}\n')
    (tmp_path / "b.json").write_text('[{"id": 2, "value": 3, "big": 3000000000}]\n')
    frame = GlueContext(spark.sparkContext).create_dynamic_frame.from_options(
        "s3", {"paths": [str(tmp_path)]}, "json"
    )
    found = sorted(records(frame.resolveChoice(choice="make_cols")), key=lambda row: row["id"])
    assert found == [
        {"id": 1, "value_string": "12.5", "value_int": None, "big": 1},
        {"id": 2, "value_string": None, "value_int": 3, "big": 3_000_000_000},
    ]


def test_a_data_frame_has_choices_as_structs(payments: DynamicFrame) -> None:
    found = records(payments)
    assert [row["provider id"] for row in found] == [
        {"int": 10001, "string": None},
        {"int": None, "string": "INC"},
        None,
    ]
    assert not any(field.metadata for field in payments.toDF().schema["provider id"].dataType)


def test_a_choice_is_cast(payments: DynamicFrame) -> None:
    specs = [("provider id", "cast:long"), ("list[].price", "cast:double")]
    cast = ResolveChoice.apply(frame=payments, specs=specs, transformation_ctx="cast")
    assert records(cast) == [
        {"provider id": 10001, "list": [{"price": 1.5}, {"price": None}]},
        {"provider id": None, "list": []},
        {"provider id": None, "list": None},
    ]


def test_a_choice_becomes_columns(payments: DynamicFrame) -> None:
    found = records(payments.resolveChoice(choice="make_cols"))
    assert found[0] == {
        "provider id_int": 10001,
        "provider id_string": None,
        "list": [{"price_double": 1.5, "price_string": None}, {"price_double": None, "price_string": "$2"}],
    }


def test_a_choice_becomes_a_struct(payments: DynamicFrame, capsys: Any) -> None:
    lines = schema(payments.resolveChoice(specs=[("provider id", "MAKE_STRUCT")]), capsys)
    assert lines[:3] == ["|-- provider id: struct", "|    |-- int: int", "|    |-- string: string"]


def test_a_projection_keeps_the_values_of_one_type(payments: DynamicFrame) -> None:
    found = records(payments.resolveChoice(specs=[("provider id", "project:string")]))
    assert [row["provider id"] for row in found] == [None, "INC", None]


def test_a_projection_keeps_structs(spark: SparkSession) -> None:
    frame = of_json(spark, {"address": {"street": "Main"}}, {"address": "Main"})
    kept = frame.resolveChoice(specs=[("address", "project:struct")])
    assert records(kept) == [{"address": {"street": "Main"}}, {"address": None}]


def test_options_of_to_df_resolve_choices(payments: DynamicFrame) -> None:
    option = ResolveOption("provider id", "Project", gluetypes.IntegerType())
    assert [row[0] for row in payments.toDF([option]).select("provider id").collect()] == [10001, None, None]


def test_a_field_of_one_type_is_cast_too(spark: SparkSession) -> None:
    frame = of_rows(spark, "n string, keep int", ("7", 1), ("x", 2))
    assert records(frame.resolveChoice([("n", "cast:int")])) == [{"n": 7, "keep": 1}, {"n": None, "keep": 2}]


def test_a_choice_is_cast_to_the_type_of_the_catalog(payments: DynamicFrame, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    columns = [
        {"Name": "provider id", "Type": "bigint"},
        {"Name": "list", "Type": "array<struct<price:decimal(4,1)>>"},
    ]
    with mock_aws():
        glue = boto3.client("glue", region_name="us-east-1")
        glue.create_database(DatabaseInput={"Name": "db"})
        table = {"Name": "medicare", "StorageDescriptor": {"Columns": columns}}
        glue.create_table(DatabaseName="db", TableInput=table)
        cast = payments.resolveChoice(choice="MATCH_CATALOG", database="db", table_name="medicare")
    assert cast.toDF().schema.simpleString() == (
        "struct<provider id:bigint,list:array<struct<price:decimal(4,1)>>>"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"specs": [("a", "guess")]}, ValueError, "guess is not an action"),
        ({"specs": [("a", "cast")]}, ValueError, "needs a type"),
        ({"specs": [("a", "cast:int")], "choice": "make_cols"}, ValueError, "either specs or choice"),
        ({}, NotImplementedError, "resolveChoice without specs or choice"),
    ],
)
def test_a_wrong_action_is_an_error(
    spark: SparkSession, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        of_rows(spark, "a int", (1,)).resolveChoice(**arguments)


def test_different_types_of_two_frames_make_a_choice(spark: SparkSession) -> None:
    one = of_rows(spark, "id int, s struct<a: int>", (1, (1,)))
    other = of_rows(spark, "id string, s struct<b: int>, extra int", ("x", (2,), 3))
    assert records(one.union(other)) == [
        {"id": {"int": 1, "string": None}, "s": {"a": 1, "b": None}, "extra": None},
        {"id": {"int": None, "string": "x"}, "s": {"a": None, "b": 2}, "extra": 3},
    ]
