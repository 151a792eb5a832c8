"""The whole SoT job, on moto's Data Catalog and on folders in place of buckets."""

import argparse
import gzip
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pyspark.sql import SparkSession

import sot_ecommerce as job
from tests.support.sot_oracle import stored_columns, stored_rows

pytestmark = [
    pytest.mark.spark,
    # PySpark leaves the sockets that bring it rows to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

TABLES = {
    "tbl_orders": (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,c1,delivered,2018-05-05 10:00:00,,,,2018-05-25 00:00:00\n"
    ),
    "tbl_order_items": (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        '"o1",1,p1,s1,2018-05-09 10:00:00,5.00,1.00\n'
    ),
    "tbl_customers": (
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        'c1,u1,"01001",sao paulo,SP\n'
    ),
    "tbl_payments": (
        "order_id,payment_sequential,payment_type,payment_installments,payment_value\no1,1,boleto,1,6.00\n"
    ),
    "tbl_reviews": (
        "review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date,review_answer_timestamp\n"
        "r1,o1,5,,Adorei,2018-05-20 00:00:00,2018-05-21 09:00:00\n"
    ),
}
RENAMED_ITEMS = TABLES["tbl_order_items"].replace("freight_value", "freight")


@dataclass
class Lake:
    """One source database and one output database, with the buckets s3://sor and s3://sot."""

    glue: Any
    root: Path
    committed: list[str]

    def put(self, table: str, content: str | bytes, name: str = "data.csv") -> None:
        folder = self.root / "sor" / table
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def describe(self, table: str, header: str, classification: str = "csv") -> None:
        storage = {
            "Location": f"s3://sor/{table}/",
            "Columns": [{"Name": name, "Type": "string"} for name in header.strip().split(",")],
        }
        parameters = {"classification": classification}
        entry = {"Name": table, "StorageDescriptor": storage, "Parameters": parameters}
        self.glue.create_table(DatabaseName="db_source", TableInput=entry)

    def run(self, **changes: str) -> None:
        arguments = {
            "JOB_NAME": "sot",
            "SOURCE_DB": "db_source",
            "OUTPUT_BUCKET": "sot",
            "OUTPUT_DB": "db_sot",
            "OUTPUT_TABLE": "tbsot",
            "OUTPUT_TABLE_URI": "s3://sot/tbsot",
            "PARTITION_FORMAT": "20261105",
        }
        argv = [text for name, value in (arguments | changes).items() for text in (f"--{name}", value)]
        job.main(["script.py", *argv, "--job-bookmark-option", "job-bookmark-disable"])

    def partition(self, value: str = "20261105") -> Path:
        return self.root / "sot" / "tbsot" / f"anomesdia={value}"

    def cell(self, column: str, value: str = "20261105") -> object:
        """A value of the only row of a partition."""
        names = [name for name, _ in stored_columns(self.partition(value))]
        ((*row,),) = stored_rows(self.partition(value))
        return row[names.index(column)]

    def written(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.glob("sot/**/*") if path.is_file()
        )


def fake_awsglue(committed: list[str]) -> dict[str, ModuleType]:
    """The part of Glue's library that the job uses: parsed arguments, a session, a job to open and commit."""

    class GlueContext:
        def __init__(self, context: object) -> None:
            self.spark_session = SparkSession.builder.getOrCreate()

    class Job:
        def __init__(self, context: object) -> None:
            self.name = ""

        def init(self, name: str, arguments: dict[str, str]) -> None:
            self.name = name

        def commit(self) -> None:
            committed.append(self.name)

    def resolve(argv: list[str], names: list[str]) -> dict[str, str]:
        parser = argparse.ArgumentParser()
        for name in names:
            parser.add_argument(f"--{name}", required=True)
        return vars(parser.parse_known_args(argv[1:])[0])

    contents = {"context": GlueContext, "job": Job, "utils": resolve}
    names = {"context": "GlueContext", "job": "Job", "utils": "getResolvedOptions"}
    modules = {"awsglue": ModuleType("awsglue")}
    for part, content in contents.items():
        modules[f"awsglue.{part}"] = ModuleType(f"awsglue.{part}")
        setattr(modules[f"awsglue.{part}"], names[part], content)
    return modules


@pytest.fixture
def lake(
    mount_bucket: Callable[[str, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    """A lake in which every table has one row, all about the same order."""
    committed: list[str] = []
    for name, module in fake_awsglue(committed).items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for bucket in ("sor", "sot"):
        (tmp_path / bucket).mkdir()
        mount_bucket(bucket, tmp_path / bucket)
    with mock_aws():
        lake = Lake(boto3.client("glue", region_name="us-east-1"), tmp_path, committed)
        for database in ("db_source", "db_sot"):
            lake.glue.create_database(DatabaseInput={"Name": database})
        for table, text in TABLES.items():
            lake.put(table, text)
            lake.describe(table, text.splitlines()[0])
        yield lake


def test_a_run_leaves_rows_table_and_partition(lake: Lake) -> None:
    lake.run()

    (file,) = lake.written()
    assert file.startswith("sot/tbsot/anomesdia=20261105/part-")
    assert file.endswith(".snappy.parquet")
    assert lake.cell("sum_order_price") == 5
    assert lake.cell("review_comment_message") == "Adorei"
    table = lake.glue.get_table(DatabaseName="db_sot", Name="tbsot")["Table"]
    assert table["PartitionKeys"] == [{"Name": "anomesdia", "Type": "int"}]
    assert table["StorageDescriptor"]["Location"] == "s3://sot/tbsot"
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert len(types) == 29
    assert types["order_purchase_ts"] == "timestamp"
    assert types["weekofyear_order_purchase_ts"] == "int"
    assert types["qty_order_items"] == "bigint"
    assert types["sum_payment_value"] == "decimal(12,2)"
    (partition,) = lake.glue.get_partitions(DatabaseName="db_sot", TableName="tbsot")["Partitions"]
    assert partition["Values"] == ["20261105"]
    assert partition["StorageDescriptor"]["Location"] == "s3://sot/tbsot/anomesdia=20261105"
    assert lake.committed == ["sot"]


def test_a_rerun_replaces_its_own_partition_and_no_other(lake: Lake) -> None:
    lake.run(PARTITION_FORMAT="20261104")
    lake.run()
    lake.put("tbl_order_items", TABLES["tbl_order_items"].replace("5.00", "7.00"))
    lake.run()

    assert (lake.cell("sum_order_price", "20261104"), lake.cell("sum_order_price")) == (5, 7)
    assert len(lake.written()) == 2
    partitions = lake.glue.get_partitions(DatabaseName="db_sot", TableName="tbsot")["Partitions"]
    assert sorted(partition["Values"] for partition in partitions) == [["20261104"], ["20261105"]]


def test_a_run_that_fails_while_writing_keeps_the_old_rows(lake: Lake) -> None:
    lake.run()
    before = lake.written()
    # Spark detects it only while writing, because the last stage reads the orders.
    lake.put("tbl_orders", TABLES["tbl_orders"].replace("order_status", "status"), "later.csv")

    with pytest.raises(Exception, match="CSV header does not conform to the schema"):
        lake.run()

    assert lake.written() == before
    assert lake.cell("sum_order_price") == 5
    assert lake.committed == ["sot"]


def test_the_next_run_repairs_leftovers_of_a_killed_run(lake: Lake) -> None:
    lake.run(ENABLE_UPDATE_CATALOG="False")  # as if it died after writing: rows, but no table
    (file,) = lake.written()
    twin = lake.root / file.replace("part-", "part-of-a-dead-run-")
    twin.write_bytes((lake.root / file).read_bytes())  # as if it died before removing the old rows
    assert lake.glue.get_tables(DatabaseName="db_sot")["TableList"] == []

    lake.run()

    assert lake.cell("order_id") == "o1"  # once
    assert len(lake.glue.get_partitions(DatabaseName="db_sot", TableName="tbsot")["Partitions"]) == 1


@pytest.mark.parametrize(("behavior", "columns"), [("UPDATE_IN_DATABASE", 29), ("LOG", 1)])
def test_a_table_with_another_schema_is_updated_unless_the_job_only_logs(
    lake: Lake, behavior: str, columns: int
) -> None:
    old = {
        "Name": "tbsot",
        "PartitionKeys": [{"Name": "anomesdia", "Type": "int"}],
        "StorageDescriptor": {"Columns": [{"Name": "order_id", "Type": "string"}]},
    }
    lake.glue.create_table(DatabaseName="db_sot", TableInput=old)

    lake.run(UPDATE_BEHAVIOR=behavior)

    table = lake.glue.get_table(DatabaseName="db_sot", Name="tbsot")["Table"]
    assert len(table["StorageDescriptor"]["Columns"]) == columns
    assert len(lake.glue.get_partitions(DatabaseName="db_sot", TableName="tbsot")["Partitions"]) == 1


def test_the_number_of_files_is_bounded(lake: Lake, spark: SparkSession) -> None:
    header, row = TABLES["tbl_orders"].splitlines()
    _, item = TABLES["tbl_order_items"].splitlines()
    lake.put("tbl_orders", "\n".join([header, *(row.replace("o1", f"o{n}") for n in range(50))]))
    lake.put(
        "tbl_order_items",
        TABLES["tbl_order_items"] + "\n".join(item.replace("o1", f"o{n}") for n in range(50)),
    )
    spread = {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.shuffle.partitions": "6",
    }
    before = {name: spark.conf.get(name) or "" for name in spread}
    try:
        for name, value in spread.items():
            spark.conf.set(name, value)
        lake.run(NUM_PARTITIONS="2")
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)

    assert len(lake.written()) == 2
    assert len(stored_rows(lake.partition())) == 50


# ---- rejected input: one sentence, before anything is written ----


def refused(lake: Lake, sentence: str, **changes: str) -> None:
    with pytest.raises(job.JobError) as failure:
        lake.run(**changes)
    assert str(failure.value) == sentence
    assert lake.written() == []
    assert lake.committed == []


def test_a_missing_argument_is_rejected(lake: Lake) -> None:
    refused(lake, "The job argument --OUTPUT_DB is missing.", OUTPUT_DB="")


def test_a_missing_table_is_rejected(lake: Lake) -> None:
    lake.glue.delete_table(DatabaseName="db_source", Name="tbl_payments")
    refused(lake, "The table db_source.tbl_payments is not in the Data Catalog.")


def test_a_missing_source_database_is_rejected(lake: Lake) -> None:
    refused(lake, "The table db_other.tbl_orders is not in the Data Catalog.", SOURCE_DB="db_other")


def test_a_missing_output_database_is_rejected(lake: Lake) -> None:
    refused(lake, "The database db_other is not in the Data Catalog.", OUTPUT_DB="db_other")


def test_a_column_missing_from_the_catalog_is_rejected(lake: Lake) -> None:
    lake.glue.delete_table(DatabaseName="db_source", Name="tbl_order_items")
    lake.describe("tbl_order_items", RENAMED_ITEMS.splitlines()[0])
    refused(lake, "The table db_source.tbl_order_items lacks the column freight_value.")


def test_a_column_missing_from_the_file_is_rejected(lake: Lake) -> None:
    lake.put("tbl_order_items", RENAMED_ITEMS)
    refused(lake, "The file data.csv of db_source.tbl_order_items lacks the column freight_value.")


def test_an_empty_file_is_rejected(lake: Lake) -> None:
    lake.put("tbl_payments", "")
    missing = "order_id, payment_type, payment_value"
    refused(lake, f"The file data.csv of db_source.tbl_payments lacks the column {missing}.")


def test_a_table_without_files_is_rejected(lake: Lake) -> None:
    (lake.root / "sor" / "tbl_orders" / "data.csv").unlink()
    refused(lake, "The table db_source.tbl_orders has no files in s3://sor/tbl_orders/.")


def test_a_table_with_other_partition_keys_is_rejected(lake: Lake) -> None:
    key = {"Name": "dia", "Type": "string"}
    other = {"Name": "tbsot", "PartitionKeys": [key], "StorageDescriptor": {"Columns": []}}
    lake.glue.create_table(DatabaseName="db_sot", TableInput=other)
    refused(lake, "The table db_sot.tbsot is partitioned by (dia string), not by (anomesdia int).")


# ---- file formats ----


def read(lake: Lake, spark: SparkSession, classification: str = "csv") -> list[tuple[str | None, ...]]:
    source = job.Source("db.tbl_reviews", "s3://sor/tbl_reviews/", classification)
    rows = job.read_source(spark, source, ["order_id", "review_comment_message"]).collect()
    return sorted(tuple(row) for row in rows)


MULTILINE = """\
review_comment_message,"order_id"
"linha 1
linha 2, com ""aspas"" e \\",o1
,"o2"
"windows\r
linha",o3
"""
MULTILINE_ROWS = [
    ("o1", 'linha 1\nlinha 2, com "aspas" e \\'),
    ("o2", None),
    ("o3", "windows\r\nlinha"),
]


def test_quoted_strings_are_read_unchanged_and_columns_by_name(lake: Lake, spark: SparkSession) -> None:
    lake.put("tbl_reviews", MULTILINE)
    assert read(lake, spark) == MULTILINE_ROWS


def test_a_file_with_windows_line_ends_gives_the_same_rows(lake: Lake, spark: SparkSession) -> None:
    lake.put(
        "tbl_reviews",
        'review_comment_message,"order_id"\r\n"linha 1\nlinha 2, com ""aspas"" e \\",o1\r\n'
        ',"o2"\r\n"windows\r\nlinha",o3\r\n',
    )
    assert read(lake, spark) == MULTILINE_ROWS


def test_compressed_files_and_byte_order_marks_are_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    lake.put("tbl_reviews", gzip.compress(b"\xef\xbb\xbf" + MULTILINE.encode()), "data.csv.gz")
    assert read(lake, spark) == MULTILINE_ROWS


def test_json_lines_are_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    lake.put(
        "tbl_reviews", '{"order_id": 7, "review_comment_message": "a\\nb"}\n{"order_id": "o2"}\n', "a.json"
    )
    assert read(lake, spark, "json") == [("7", "a\nb"), ("o2", None)]


def test_keys_of_json_match_in_any_case(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    line = '{"Order_Id": 7, "review_Comment_Message": "good", "Other": {"order_id": 8}}\n'
    lake.put("tbl_reviews", line, "a.json")
    assert read(lake, spark, "json") == [("7", "good")]


def test_parquet_is_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    rows = spark.createDataFrame([(7, "a\nb")], "order_id int, review_comment_message string")
    rows.write.mode("append").parquet("s3://sor/tbl_reviews")
    assert read(lake, spark, "parquet") == [("7", "a\nb")]


def test_another_format_is_rejected(lake: Lake, spark: SparkSession) -> None:
    with pytest.raises(job.JobError, match=r"^The table db\.tbl_reviews is avro, not csv, json or parquet"):
        read(lake, spark, "avro")
