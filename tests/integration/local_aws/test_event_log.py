"""Spark's event log of a local run, and the metrics in it: compared with DuckDB's counts of the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from chalicelib.domain.run_metrics import EventLog, RunMetrics
from tests.support.glue_server import Aws, ended, job, lines, serving, start

HOT_KEY = """
import time
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
spark.conf.set("spark.sql.adaptive.enabled", "false")
rows = spark.read.schema("key int, amount int").option("header", True).csv("s3://tg-a-sor/sales/")

def slow(groups):
    for key, amounts in groups:
        time.sleep(0.0015 * len(list(amounts)))  # the work of a key grows with its rows
        yield key

print(rows.rdd.map(tuple).groupByKey(4).mapPartitions(slow).count())
rows.where("amount >= 100").write.mode("overwrite").parquet("s3://tg-a-sot/sales/")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs")) as clients_of:
        yield clients_of


def run_of(aws: Aws, name: str, script: str) -> tuple[dict[str, str], RunMetrics, list[str]]:
    path = f"s3://tg-a-glue-assets/sparkHistoryLogs/{name}/"
    job(aws, name, script, DefaultArguments={"--enable-spark-ui": "true", "--spark-event-logs-path": path})
    run_id = start(aws, name)
    run = ended(aws, name, run_id)
    listed = aws("s3").list_objects_v2(Bucket="tg-a-glue-assets", Prefix=f"sparkHistoryLogs/{name}/")
    log = EventLog()
    for item in listed.get("Contents", []):
        body = aws("s3").get_object(Bucket="tg-a-glue-assets", Key=item["Key"])["Body"]
        log.begin()
        for line in body.iter_lines():
            log.read(line)
    keys = [item["Key"] for item in listed.get("Contents", [])]
    assert run["JobRunState"], lines(aws, "error", run_id)
    return run, log.metrics(), keys


def test_rows_and_bytes_are_those_of_the_files_and_a_hot_key_is_skew(aws: Aws, tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    with duckdb.connect() as connection:
        # Key 0 has 600 of the 900 rows.
        query = "SELECT CASE WHEN i < 600 THEN 0 ELSE i % 4 END AS key, i AS amount FROM range(900) t(i)"
        connection.execute(f"COPY ({query}) TO '{file}' (HEADER)")
        read, kept = connection.execute(
            f"SELECT count(*), count(*) FILTER (amount >= 100) FROM '{file}'"
        ).fetchall()[0]
    aws("s3").put_object(Bucket="tg-a-sor", Key="sales/1.csv", Body=file.read_bytes())

    run, metrics, keys = run_of(aws, "hot", HOT_KEY)

    assert run["JobRunState"] == "SUCCEEDED", run
    assert len(keys) == 1
    totals = metrics.totals
    # Two actions read the file. The reader of the second one leaves out the rows that its filter rejects.
    assert (totals.rows_read, totals.rows_written) == (read + kept, kept)
    assert totals.bytes_read >= 2 * file.stat().st_size
    written = aws("s3").list_objects_v2(Bucket="tg-a-sot", Prefix="sales/part")["Contents"]
    assert totals.bytes_written == sum(item["Size"] for item in written)
    grouped = next(stage for stage in metrics.stages if stage.amounts.shuffle_rows_read)
    assert (grouped.tasks, metrics.skewed_stage) == (4, grouped.id)
    assert grouped.amounts.shuffle_rows_read > 0 and metrics.skew == grouped.skew
    assert grouped.skew is not None and grouped.skew > 2
    assert metrics.longest_stage is not None and totals.failed_tasks == 0
    assert 0 < metrics.driver_seconds < metrics.application_seconds


def test_a_failed_run_has_metrics(aws: Aws) -> None:
    script = (
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "print(spark.range(1000).repartition(3).count())\n"
        "spark.sparkContext.parallelize([1, 0], 2).map(lambda n: 1 // n).collect()\n"
    )
    run, metrics, _ = run_of(aws, "failing", script)
    assert run["JobRunState"] == "FAILED"
    assert metrics.totals.failed_tasks >= 1
    assert metrics.totals.shuffle_rows_written == 1003  # a thousand rows, and a count of each partition
    assert [stage.is_failed for stage in metrics.stages][-1] is True


def test_a_run_without_spark_has_no_event_log(aws: Aws) -> None:
    run, metrics, keys = run_of(aws, "plain", "print(1)\n")
    assert (run["JobRunState"], keys, metrics.stages) == ("SUCCEEDED", [], [])
