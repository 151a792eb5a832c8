"""Transforms of fields, with the shapes of the examples in Glue's developer guide.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from local.spark.shim.awsglue.dynamicframe import DynamicFrame
from local.spark.shim.awsglue.transforms import ApplyMapping, DropFields, DropNullFields, RenameField
from tests.support.frames import of_json, of_rows, records, schema

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]


@pytest.fixture
def people(spark: SparkSession) -> DynamicFrame:
    return of_json(
        spark,
        {"name": "Ann", "age": 23, "home": {"state": "WY", "town": "Lander"}, "friends": []},
        {"name": "Bo", "age": 34, "home": {"state": "NE"}, "friends": [{"name": "Cy", "age": 3}]},
    )


def test_the_schema_is_printed_as_glue_prints_it(people: DynamicFrame, capsys: Any) -> None:
    assert schema(people, capsys) == [
        "|-- name: string",
        "|-- age: int",
        "|-- home: struct",
        "|    |-- state: string",
        "|    |-- town: string",
        "|-- friends: array",
        "|    |-- element: struct",
        "|    |    |-- name: string",
        "|    |    |-- age: int",
    ]


def test_fields_are_dropped_from_structs_and_from_elements_of_arrays(people: DynamicFrame) -> None:
    dropped = DropFields.apply(frame=people, paths=["age", "home.town", "friends.age", "missing", "home.no"])
    assert records(dropped) == [
        {"name": "Ann", "home": {"state": "WY"}, "friends": []},
        {"name": "Bo", "home": {"state": "NE"}, "friends": [{"name": "Cy"}]},
    ]


def test_selected_fields_keep_their_place(people: DynamicFrame) -> None:
    selected = people.select_fields(paths=["home.state", "name", "missing"])
    assert selected.toDF().columns == ["home", "name"]
    assert records(selected)[0] == {"home": {"state": "WY"}, "name": "Ann"}


def test_a_field_is_renamed_by_its_path(people: DynamicFrame) -> None:
    renamed = RenameField.apply(people, "name", "who").rename_field("home.state", "home.code")
    assert records(renamed.drop_fields(["friends"]))[0] == {
        "who": "Ann",
        "age": 23,
        "home": {"code": "WY", "town": "Lander"},
    }


def test_a_name_with_dots_needs_backticks(spark: SparkSession) -> None:
    frame = of_rows(spark, "`this.old.name` string, n int", ("a", 1))
    assert records(frame.rename_field("this.old.name", "x")) == [{"this.old.name": "a", "n": 1}]
    assert records(frame.rename_field("`this.old.name`", "fresh")) == [{"fresh": "a", "n": 1}]
    assert records(frame.apply_mapping([("`this.old.name`", "string", "a.b", "string")])) == [
        {"a": {"b": "a"}}
    ]
    assert frame.drop_fields("`this.old.name`").toDF().columns == ["n"]


def test_split_fields_returns_both_parts(people: DynamicFrame) -> None:
    parts = people.split_fields(["name", "age"], "left", "right")
    assert list(parts.keys()) == ["left", "right"]
    assert parts.select("left").toDF().columns == ["name", "age"]
    assert parts["right"].toDF().columns == ["home", "friends"]


def test_a_mapping_renames_casts_nests_and_drops(spark: SparkSession, capsys: Any) -> None:
    frame = of_rows(
        spark,
        "`provider id` string, zip string, price string, born string, seen string, other int",
        ("7", "x1", "12.345", "2020-02-29", "2020-02-29 01:02:03", 1),
    )
    mapped = ApplyMapping.apply(
        frame=frame,
        mappings=[
            ("Provider ID", "string", "provider.id", "Long"),
            ("zip", "string", "provider.zip", "int"),
            ("price", "string", "price", "decimal(10,2)"),
            ("born", "string", "born", "Date"),
            ("seen", "string", "seen", "timestamp"),
            ("zip", "zip"),
            ("other", "int", "text", "varchar(10)"),
            ("missing", "string", "missing", "string"),
        ],
        transformation_ctx="mapped",
    )
    assert schema(mapped, capsys) == [
        "|-- provider: struct",
        "|    |-- id: long",
        "|    |-- zip: int",
        "|-- price: decimal(10,2)",
        "|-- born: date",
        "|-- seen: timestamp",
        "|-- zip: string",
        "|-- text: string",
    ]
    assert records(mapped) == [
        {
            "provider": {"id": 7, "zip": None},  # what cannot be cast is null
            "price": Decimal("12.35"),
            "born": datetime.date(2020, 2, 29),
            "seen": datetime.datetime(2020, 2, 29, 1, 2, 3),
            "zip": "x1",
            "text": "1",
        }
    ]


def test_a_mapping_is_case_sensitive_on_demand(spark: SparkSession) -> None:
    frame = of_rows(spark, "Id int", (1,))
    assert records(frame.apply_mapping([("id", "int", "key", "int")])) == [{"key": 1}]
    assert frame.apply_mapping([("id", "int", "key", "int")], case_sensitive=True).toDF().columns == []


def test_a_mapping_of_another_form_is_an_error(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="is not a mapping"):
        of_rows(spark, "id int", (1,)).apply_mapping([("id", "int", "key")])


def test_only_fields_of_the_type_null_are_dropped(spark: SparkSession) -> None:
    frame = of_json(
        spark,
        {
            "id": 1,
            "gone": None,
            "text": "",
            "inner": {"gone": None, "n": 1},
            "list": [{"gone": None, "n": 2}],
        },
        {"id": 2, "gone": None, "text": None, "inner": None, "list": [None]},
    )
    assert records(DropNullFields.apply(frame)) == [
        {"id": 1, "text": "", "inner": {"n": 1}, "list": [{"n": 2}]},
        {"id": 2, "text": None, "inner": None, "list": [None]},
    ]


def test_a_schema_is_given_to_a_frame(people: DynamicFrame, spark: SparkSession) -> None:
    wanted = of_rows(spark, "age bigint, name string, extra double", (1, "a", 1.0)).schema()
    assert records(people.with_frame_schema(wanted))[1] == {"age": 34, "name": "Bo", "extra": None}
