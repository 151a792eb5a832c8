"""Run marks of the release's job on its tables and partitions, and times in the local Data Catalog."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pyspark.sql.types import LongType, StructField, StructType

import sot_ecommerce as job
from chalicelib.aws.catalog_tables import MARK
from chalicelib.domain.names import RUN_MARKER
from local.moto_patches import updates
from tests.support.sot_arguments import read_settings

FRAME: Any = SimpleNamespace(schema=StructType([StructField("n", LongType())]))


@pytest.fixture
def glue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    restore = updates.install()
    with mock_aws():
        client = boto3.client("glue", region_name="us-east-1")
        client.create_database(DatabaseInput={"Name": "db_sot"})
        yield client
    restore()


def register(glue: Any, run: str | None) -> tuple[Any, Any]:
    """The table and its only partition after a run has written them."""
    settings = read_settings(**{RUN_MARKER.removeprefix("--"): run})
    job.register(glue, settings, FRAME, job.find_output(glue, settings))
    place = {"DatabaseName": "db_sot", "Name": "tbsot_ecommerce_br"}
    [partition] = glue.get_partitions(DatabaseName="db_sot", TableName=place["Name"])["Partitions"]
    return glue.get_table(**place)["Table"], partition


def test_a_table_and_a_partition_have_the_mark_of_the_run_that_wrote_them_last(glue: Any) -> None:
    table, first = register(glue, "run1")
    assert (table["Parameters"][MARK], first["Parameters"][MARK]) == ("run1", "run1")
    _, second = register(glue, "run2")
    assert second["Parameters"][MARK] == "run2"
    assert second["CreationTime"] == first["CreationTime"], "a partition that is written again came once"


def test_a_run_without_an_id_marks_nothing(glue: Any) -> None:
    table, partition = register(glue, None)
    assert MARK not in table["Parameters"] and MARK not in partition.get("Parameters", {})
