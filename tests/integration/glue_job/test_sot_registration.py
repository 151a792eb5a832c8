"""Registration of the SoT table next to concurrent runs and earlier schemas, without Spark."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

import sot_ecommerce as job


@pytest.fixture
def glue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        glue = boto3.client("glue", region_name="us-east-1")
        glue.create_database(DatabaseInput={"Name": "db"})
        yield glue


def settings(day: str, *, update_schema: bool = True) -> Any:
    return SimpleNamespace(
        output_db="db",
        output_table="t",
        output_uri="s3://sot/t",
        compression="snappy",
        partition_name="day",
        partition_type="int",
        partition_value=day,
        partition_uri=f"s3://sot/t/day={day}",
        update_schema=update_schema,
        run_id=None,
    )


def frame(**columns: Any) -> Any:
    return SimpleNamespace(schema=StructType([StructField(name, kind) for name, kind in columns.items()]))


def columns(storage: Any) -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in storage["StorageDescriptor"]["Columns"]]


def partitions(glue: Any) -> dict[str, list[tuple[str, str]]]:
    found = glue.get_partitions(DatabaseName="db", TableName="t")["Partitions"]
    return {partition["Values"][0]: columns(partition) for partition in found}


def test_two_concurrent_first_runs_both_succeed(glue: Any) -> None:
    """Both runs find no table. The second must not fail after it has written its rows."""
    rows = frame(id=StringType())
    job.register(glue, settings("1"), rows, None)
    job.register(glue, settings("1"), rows, None)
    job.register(glue, settings("2"), rows, None)
    assert partitions(glue) == {"1": [("id", "string")], "2": [("id", "string")]}


def test_a_table_that_another_run_created_with_other_keys_is_rejected(glue: Any) -> None:
    glue.create_table(
        DatabaseName="db", TableInput={"Name": "t", "PartitionKeys": [{"Name": "x", "Type": "int"}]}
    )
    with pytest.raises(job.JobError, match="is partitioned by"):
        job.register(glue, settings("1"), frame(id=StringType()), None)


def test_older_partitions_get_the_new_columns_and_keep_their_locations(glue: Any) -> None:
    job.register(glue, settings("1"), frame(id=IntegerType()), None)
    known = job.find_output(glue, settings("2"))
    job.register(glue, settings("2"), frame(id=StringType(), more=StringType()), known)
    new = [("id", "string"), ("more", "string")]
    assert partitions(glue) == {"1": new, "2": new}
    found = glue.get_partitions(DatabaseName="db", TableName="t")["Partitions"]
    places = {partition["Values"][0]: partition["StorageDescriptor"]["Location"] for partition in found}
    assert places == {"1": "s3://sot/t/day=1", "2": "s3://sot/t/day=2"}
    assert columns(glue.get_table(DatabaseName="db", Name="t")["Table"]) == new
