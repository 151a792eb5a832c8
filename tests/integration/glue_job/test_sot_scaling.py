"""The SoT job in many tasks: nothing is read, joined or written in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

import sot_ecommerce as job
from tests.support.sot_lake import TABLES, Lake
from tests.support.sot_oracle import stored_rows

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]

ORDERS, SPLIT, PARTITIONS = 200, 1024, 3
SETTINGS = {
    # Small splits, and no table that is too small to be exchanged.
    "spark.sql.files.maxPartitionBytes": str(SPLIT),
    "spark.sql.files.openCostInBytes": str(SPLIT),
    "spark.sql.shuffle.partitions": str(PARTITIONS),
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
}


@dataclass(frozen=True)
class Stage:
    """A stage that has run."""

    name: str
    tasks: int


@pytest.fixture
def large(lake: Lake, spark: SparkSession) -> Iterator[Lake]:
    """A lake with one file per table, as in a release, in a session that treats them as large."""
    before = {name: spark.conf.get(name, None) for name in SETTINGS}
    for table, text in TABLES.items():
        header, row = text.splitlines()[:2]
        rows = [row.replace("o1", f"o{number}").replace("c1", f"c{number}") for number in range(ORDERS)]
        lake.put(table, "\n".join([header, *rows, ""]))
        lake.describe(table, header, multiLine="false")
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    yield lake
    for name, value in before.items():
        if value is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, value)


def stages_of(spark: SparkSession, lake: Lake, **arguments: str) -> list[Stage]:
    """Run the job and return its stages."""
    context = spark.sparkContext
    group = f"job-{id(arguments)}"
    context.setJobGroup(group, "the SoT job")
    try:
        lake.run(**arguments)
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
    tracker: Any = context.statusTracker()
    numbers = {
        stage for job in tracker.getJobIdsForGroup(group) for stage in tracker.getJobInfo(job).stageIds
    }
    infos = [tracker.getStageInfo(number) for number in sorted(numbers)]
    return [Stage(info.name, info.numTasks) for info in infos if info and info.numCompletedTasks]


def test_every_stage_has_several_tasks(large: Lake, spark: SparkSession) -> None:
    stages = stages_of(spark, large)
    assert len(stored_rows(large.partition())) == ORDERS
    assert len(stages) > 5  # at least those that read the five tables
    assert [stage for stage in stages if stage.tasks < PARTITIONS] == []


def test_columns_whose_values_are_rarely_repeated_have_no_dictionary(large: Lake) -> None:
    large.run(NUM_PARTITIONS="1")

    (file,) = large.written()
    chunks = duckdb.execute(
        "SELECT path_in_schema, encodings FROM parquet_metadata(?)", [str(large.root / file)]
    ).fetchall()
    with_dictionary = {name for name, encodings in chunks if "DICTIONARY" in encodings}
    assert with_dictionary.isdisjoint(job.UNIQUE_COLUMNS)
    assert {"order_status", "order_estim_deliv_dt", "sum_order_price"} <= with_dictionary


def test_joins_whose_hash_tables_exceed_the_memory_are_repeated_with_sorting(
    large: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replace, plans = job.replace_partition, []

    def fail_once(session: SparkSession, frame: Any, *more: Any) -> None:
        plans.append(str(frame._jdf.queryExecution().executedPlan()))
        if len(plans) == 1:
            jvm: Any = session._jvm
            raise Py4JJavaError("failed", jvm.org.apache.spark.memory.SparkOutOfMemoryError("no memory"))
        replace(session, frame, *more)

    monkeypatch.setattr(job, "replace_partition", fail_once)
    large.run()
    assert len(stored_rows(large.partition())) == ORDERS
    assert ["ShuffledHashJoin" in plan for plan in plans] == [True, False]
    assert "SortMergeJoin" in plans[1]
    assert caplog.text.count("hash tables exceed the memory") == 1
