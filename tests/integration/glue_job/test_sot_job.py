"""The whole SoT job, on moto's Data Catalog and on folders in place of buckets."""

import gzip
from typing import Any

import pytest
from pyspark.sql import SparkSession

import sot_ecommerce as job
from tests.support.sot_lake import TABLES, Lake
from tests.support.sot_oracle import stored_rows
from tests.support.sot_sources import CSV, OPENX, PARQUET, converted, definition

pytestmark = [
    pytest.mark.spark,
    # PySpark leaves the sockets that bring it rows to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

RENAMED_ITEMS = TABLES["tbl_order_items"].replace("freight_value", "freight")


def test_a_run_leaves_rows_table_and_partition(lake: Lake) -> None:
    lake.run()

    (file,) = lake.written()
    assert file.startswith("sot/tbsot/anomesdia=20261105/part-")
    assert file.endswith(".snappy.parquet")
    assert lake.cell("sum_order_price") == 5
    assert lake.cell("review_comment_message") == "Adorei"
    table = lake.glue.get_table(DatabaseName="db_sot", Name="tbsot")["Table"]
    key = {"Name": "anomesdia", "Type": "int", "Comment": "Date of the run, UTC"}
    assert table["PartitionKeys"] == [key]
    assert table["StorageDescriptor"]["Location"] == "s3://sot/tbsot"
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert all(column["Comment"] for column in table["StorageDescriptor"]["Columns"])
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
    swapped = TABLES["tbl_orders"].replace("order_id,customer_id", "customer_id,order_id")
    lake.put("tbl_orders", swapped, "other.csv")

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
    lake.describe("tbl_order_items", RENAMED_ITEMS.splitlines()[0])
    refused(lake, "The table db_source.tbl_order_items lacks the column freight_value.")


def test_a_column_missing_from_the_file_is_rejected(lake: Lake) -> None:
    lake.put("tbl_order_items", RENAMED_ITEMS)
    refused(lake, "The file data.csv of db_source.tbl_order_items lacks the column freight_value.")


def test_an_empty_file_is_rejected(lake: Lake) -> None:
    lake.put("tbl_payments", "")
    refused(lake, "The table db_source.tbl_payments has no data in s3://sor/tbl_payments/.")


def test_a_table_without_files_is_rejected(lake: Lake) -> None:
    (lake.root / "sor" / "tbl_orders" / "data.csv").unlink()
    refused(lake, "The table db_source.tbl_orders has no data in s3://sor/tbl_orders/.")


def test_a_table_with_other_partition_keys_is_rejected(lake: Lake) -> None:
    key = {"Name": "dia", "Type": "string"}
    other = {"Name": "tbsot", "PartitionKeys": [key], "StorageDescriptor": {"Columns": []}}
    lake.glue.create_table(DatabaseName="db_sot", TableInput=other)
    refused(lake, "The table db_sot.tbsot is partitioned by (dia string), not by (anomesdia int).")


# ---- file formats ----


COLUMNS = ["order_id", "review_score", "review_comment_message"]


def read(spark: SparkSession, serde: Any = CSV) -> list[tuple[object, ...]]:
    frame = converted(spark, "tbl_reviews", definition("s3://sor/tbl_reviews/", COLUMNS, serde))
    return sorted(tuple(row) for row in frame.select("order_id", "review_comment_message").collect())


MULTILINE = """\
review_score,review_comment_message,"order_id"
1,"linha 1
linha 2, com ""aspas"" e \\",o1
2,,"o2"
3,"windows\r
linha",o3
"""
MULTILINE_ROWS = [
    ("o1", 'linha 1\nlinha 2, com "aspas" e \\'),
    ("o2", None),
    ("o3", "windows\r\nlinha"),
]


def test_quoted_strings_are_read_unchanged_and_columns_by_name(lake: Lake, spark: SparkSession) -> None:
    lake.put("tbl_reviews", MULTILINE)
    assert read(spark) == MULTILINE_ROWS


def test_a_file_with_windows_line_ends_gives_the_same_rows(lake: Lake, spark: SparkSession) -> None:
    lake.put(
        "tbl_reviews",
        'review_score,review_comment_message,"order_id"\r\n1,"linha 1\nlinha 2, com ""aspas"" e \\",o1\r\n'
        '2,,"o2"\r\n3,"windows\r\nlinha",o3\r\n',
    )
    assert read(spark) == MULTILINE_ROWS


def test_compressed_files_and_byte_order_marks_are_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    lake.put("tbl_reviews", gzip.compress(b"\xef\xbb\xbf" + MULTILINE.encode()), "data.csv.gz")
    assert read(spark) == MULTILINE_ROWS


def test_json_lines_are_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    lake.put(
        "tbl_reviews", '{"order_id": 7, "review_comment_message": "a\\nb"}\n{"order_id": "o2"}\n', "a.json"
    )
    assert read(spark, OPENX) == [("7", "a\nb"), ("o2", None)]


def test_keys_of_json_match_in_any_case(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    line = '{"Order_Id": 7, "review_Comment_Message": "good", "Other": {"order_id": 8}}\n'
    lake.put("tbl_reviews", line, "a.json")
    assert read(spark, OPENX) == [("7", "good")]


def test_parquet_is_read(lake: Lake, spark: SparkSession) -> None:
    (lake.root / "sor" / "tbl_reviews" / "data.csv").unlink()
    rows = spark.createDataFrame(
        [(7, 5, "a\nb")], "order_id int, review_score int, review_comment_message string"
    )
    rows.write.mode("append").parquet("s3://sor/tbl_reviews")
    assert read(spark, PARQUET) == [("7", "a\nb")]
