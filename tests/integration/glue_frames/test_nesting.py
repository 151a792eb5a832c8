"""Nested fields: unnest, relationalize, unbox and DynamoDB's JSON."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from local.spark.shim.awsglue import gluetypes as glue
from local.spark.shim.awsglue.transforms import Relationalize, SelectFromCollection, Unbox, UnnestFrame
from tests.support.frames import of_json, of_rows, records, schema

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]

ORDERS: list[dict[str, Any]] = [
    {"id": "a", "buyer": {"name": "Ann", "tags": ["x", "y"]}, "items": [{"sku": 1, "parts": [{"n": 1}]}]},
    {"id": "b", "buyer": {"name": "Bo"}, "items": [{"sku": 2, "parts": []}, {"sku": 3}]},
    {"id": "c", "buyer": None, "items": []},
]


def test_structs_become_top_level_fields(spark: SparkSession) -> None:
    frame = of_rows(spark, "a struct<b: struct<`Zip.Code`: int>, c: array<int>>, d int", ((((1,), [2])), 3))
    assert records(UnnestFrame.apply(frame)) == [{"a.b.Zip.Code": 1, "a.c": [2], "d": 3}]


def test_arrays_become_tables_that_join_to_the_root(spark: SparkSession, capsys: Any) -> None:
    tables = Relationalize.apply(of_json(spark, *ORDERS), "s3://bucket/tmp", "orders")
    assert list(tables.keys()) == [
        "orders",
        "orders_buyer.tags",
        "orders_items",
        "orders_items.val.parts",
    ]
    items = SelectFromCollection.apply(dfc=tables, key="orders_items")
    assert schema(items, capsys) == [
        "|-- id: long",
        "|-- index: int",
        "|-- items.val.sku: int",
        "|-- items.val.parts: long",
    ]
    assert schema(tables["orders_buyer.tags"], capsys)[2] == "|-- buyer.tags.val: string"
    root = tables["orders"].toDF()
    assert root.columns == ["id", "buyer.name", "buyer.tags", "items"]
    joined = (
        root.withColumnRenamed("id", "order")
        .join(items.toDF(), root["items"] == items.toDF()["id"])
        .select("order", "index", "`items.val.sku`")
    )
    with duckdb.connect() as connection:
        expected = connection.execute(
            "select o.id, p - 1, o.items[p].sku from (select unnest(from_json(?, ?)) o),"
            " unnest(range(1, len(o.items) + 1)) r(p) order by 1, 2",
            [json.dumps(ORDERS), '[{"id": "VARCHAR", "items": [{"sku": "INT"}]}]'],
        ).fetchall()
    assert sorted(map(tuple, joined.collect())) == expected


def test_tables_of_nested_arrays_join_to_their_table(spark: SparkSession) -> None:
    tables = of_json(spark, *ORDERS).relationalize("orders", None)
    parts = records(tables["orders_items.val.parts"])
    (key,) = [row["items.val.parts"] for row in records(tables["orders_items"]) if row["items.val.sku"] == 1]
    assert parts == [{"id": key, "index": 0, "items.val.parts.val.n": 1}]


def test_a_map_is_rejected_by_name(spark: SparkSession) -> None:
    with pytest.raises(NotImplementedError, match="relationalize of the map m"):
        of_rows(spark, "m map<string, int>", ({"a": 1},)).relationalize("root", None)


def test_the_text_of_a_field_becomes_a_struct(spark: SparkSession, capsys: Any) -> None:
    frame = of_rows(
        spark,
        "id int, text string",
        (1, '{"Street": "Main", "Zip.Code": 7}'),
        (2, '{"Zip.Code": "none", "Array": ["a"]}'),
        (3, "broken"),
    )
    unboxed = Unbox.apply(frame=frame, path="text", format="json")
    assert schema(unboxed, capsys) == [
        "|-- id: int",
        "|-- text: struct",
        "|    |-- Street: string",
        "|    |-- Zip.Code: choice",
        "|    |    |-- int",
        "|    |    |-- string",
        "|    |-- Array: array",
        "|    |    |-- element: string",
    ]
    assert [row["text"] and row["text"]["Street"] for row in records(unboxed)] == ["Main", None, None]


def test_csv_is_unboxed_with_a_schema(spark: SparkSession) -> None:
    kind = glue.StructType([glue.Field("a", glue.IntegerType()), glue.Field("b", glue.StringType())])
    frame = of_rows(spark, "text string", ("1|x",))
    unboxed = frame.unbox("text", "csv", separator="|", withSchema=json.dumps(kind.jsonValue()))
    assert records(unboxed) == [{"text": {"a": 1, "b": "x"}}]
    with pytest.raises(NotImplementedError, match="csv without withSchema"):
        frame.unbox("text", "csv")
    with pytest.raises(NotImplementedError, match="the format xml"):
        frame.unbox("text", "xml")


def test_the_json_of_dynamodb_becomes_plain_fields(spark: SparkSession) -> None:
    """The examples of simplify_ddb_json and unnest_ddb_json in the developer guide."""
    item = {
        "parent": {"M": {"child": {"M": {"app": {"S": "a"}, "at": {"N": "1"}}}}},
        "strings": {"SS": ["x"]},
        "list": {"L": [{"S": "p"}, {"S": "q"}]},
        "maps": {"L": [{"M": {"k": {"S": "v"}}}]},
        "is": {"BOOL": True},
    }
    frame = of_json(spark, {"Item": item})
    rest = {"strings": ["x"], "list": ["p", "q"], "maps": [{"M": {"k": {"S": "v"}}}], "is": True}
    simple = {"parent": {"child": {"app": "a", "at": "1"}}, **rest}
    assert records(frame.simplify_ddb_json()) == [simple]
    assert records(frame.unnest_ddb_json()) == [{"parent.child.app": "a", "parent.child.at": "1", **rest}]
