"""Rows of one frame and of two, and collections of frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from local.spark.shim.awsglue import transforms
from local.spark.shim.awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from local.spark.shim.awsglue.transforms import *  # noqa: F403
from tests.support.frames import of_rows, records

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]

T = transforms


@pytest.fixture
def numbers(spark: SparkSession) -> DynamicFrame:
    return of_rows(spark, "id int, text string", (1, "a"), (2, "b"), (3, "c"), (None, "d"))


def test_a_join_marks_the_names_of_the_second_frame_with_a_dot(spark: SparkSession) -> None:
    """The names are those of https://github.com/awslabs/aws-glue-libs/issues/76."""
    people = of_rows(spark, "id string, name string", ("1", "Ann"), ("2", "Bo"), (None, "Cy"))
    members = of_rows(
        spark, "person_id string, id int, name string", ("1", 7, "x"), ("1", 8, "y"), (None, 9, "z")
    )
    joined = T.Join.apply(people, members, "id", "person_id")
    assert sorted(records(joined), key=str) == [
        {"id": "1", "name": "Ann", "person_id": "1", ".id": 7, ".name": "x"},
        {"id": "1", "name": "Ann", "person_id": "1", ".id": 8, ".name": "y"},
    ]
    assert joined.drop_fields(["`.id`", "`.name`"]).toDF().columns == ["id", "name", "person_id"]
    assert members.join(["id", "name"], ["id", "name"], members).count() == 3  # also with itself


def test_rows_are_split_by_comparisons(numbers: DynamicFrame) -> None:
    parts = T.SplitRows.apply(numbers, {"id": {">": 1, "<": 3}})
    assert [row["id"] for row in records(parts["frame1"])] == [2]
    assert [row["id"] for row in records(parts["frame2"])] == [1, 3, None]
    with pytest.raises(ValueError, match="~ is not a comparator"):
        numbers.split_rows({"id": {"~": 1}}, "a", "b")


def test_staged_rows_replace_those_with_their_key(spark: SparkSession, numbers: DynamicFrame) -> None:
    staged = of_rows(spark, "id int, text string", (2, "new"), (9, "added"))
    merged = numbers.mergeDynamicFrame(stage_dynamic_frame=staged, primary_keys=["id"])
    assert sorted((row["id"] or 0, row["text"]) for row in records(merged)) == [
        *((0, "d"), (1, "a"), (2, "new"), (3, "c"), (9, "added")),
    ]


def test_a_spigot_writes_a_sample(numbers: DynamicFrame, tmp_path: Path) -> None:
    assert T.Spigot.apply(numbers, str(tmp_path / "out"), {"topk": 2}).count() == 4
    lines = [line for file in tmp_path.glob("out/*.json") for line in file.read_text().splitlines()]
    assert [json.loads(line) for line in lines] == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]


def test_frames_of_a_collection_are_mapped(numbers: DynamicFrame) -> None:
    frames = DynamicFrameCollection({"one": numbers, "two": numbers.drop_fields("id")}, None)
    assert (len(frames), list(frames.keys())) == (2, ["one", "two"])
    mapped = T.MapToCollection.apply(frames, lambda frame, ctx: frame.rename_field("text", ctx), "ctx")
    assert [frame.toDF().columns for frame in mapped.values()] == [["id", "ctx_one"], ["ctx_two"]]
    dropped = T.FlatMap.apply(frames, T.DropFields, "frame", paths=["text"])
    assert [frame.toDF().columns for frame in dropped.values()] == [["id"], []]
    pairs = frames.flatmap(lambda frame: frame.split_fields("text", "l", "r"))
    assert list(pairs.keys()) == ["one_l", "one_r", "two_l", "two_r"]


def test_partitions_and_duplicates(numbers: DynamicFrame, capsys: Any) -> None:
    wide = T.Repartition.apply(numbers, 3)
    assert (wide.getNumPartitions(), T.Coalesce.apply(wide, 1).getNumPartitions()) == (3, 1)
    assert T.DropDuplicates.apply(numbers.union(numbers)).count() == 4
    assert "awsglue.transforms of AWS has no DropDuplicates" in capsys.readouterr().err


def test_transforms_describe_themselves() -> None:
    (name, is_optional) = (T.Filter.name(), [item["optional"] for item in T.Filter.describeArgs()])
    assert (name, is_optional) == ("Filter", [False, False, True, True, True, True])
    described = json.loads(T.describe_transform("unnestframe"))["transform"]
    assert described["name"] == "UnnestFrame"
    assert T.get_transform("Join") == T.Join()
    assert {"ApplyMapping", "Relationalize"} <= globals().keys()  # by the star import
