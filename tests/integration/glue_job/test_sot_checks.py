"""Checks of the SoT job: what a run logs about its sources, and which sources it rejects."""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import pytest

import sot_ecommerce as job
from tests.support.sot_lake import TABLES, Lake
from tests.support.sot_oracle import stored_rows
from tests.support.sot_sources import AVRO, CSV, OPENX, PARQUET

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]


def rejected(lake: Lake, sentence: str) -> None:
    """Check that a run fails with a sentence, and that the rows of an earlier run are all that remains."""
    before = lake.written()
    with pytest.raises(job.JobError) as failure:
        lake.run()
    assert str(failure.value) == sentence
    assert lake.written() == before


def replace(lake: Lake, table: str, content: str, serde: Any, name: str = "data.json") -> None:
    """Replace a table's only file by another format."""
    (lake.root / "sor" / table / "data.csv").unlink()
    lake.put(table, content, name)
    lake.describe(table, TABLES[table].splitlines()[0], serde)


def parquet(lake: Lake, table: str, query: str) -> None:
    """Replace a table by a Parquet file with the result of a DuckDB query."""
    with duckdb.connect() as connection:
        file = lake.root / "sor" / table / "data.parquet"
        columns = (
            connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)").execute(query).description
        )
    (lake.root / "sor" / table / "data.csv").unlink()
    lake.describe(table, ",".join(name for name, *_ in columns or []), PARQUET)


def source(table: str) -> str:
    """Return the rows of a table for a DuckDB query."""
    header, row = TABLES[table].splitlines()
    cells = zip(row.replace('"', "").split(","), header.split(","), strict=True)
    return "(SELECT " + ", ".join(f"nullif('{text}', '') AS {name}" for text, name in cells) + ")"


# ---- the log ----


def test_unreadable_values_are_counted_by_column(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    header, row = TABLES["tbl_orders"].splitlines()
    lake.put("tbl_orders", f"{header}\n{row}\no2,c2,created,05/05/2018 10:00,05/05/2018,,,soon\n")
    lake.put("tbl_order_items", TABLES["tbl_order_items"] + 'o1,2,p1,s1,,"5,00",\no9,1,p1,s1,,free,free\n')
    lake.put("tbl_reviews", TABLES["tbl_reviews"] + "r2,o1,11,,,,\nr3,o1,,,,,\n")
    with caplog.at_level(logging.INFO, "sot_ecommerce"):
        lake.run()
    found = sorted(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert found == [
        "values unreadable table=db_source.tbl_order_items column=freight_value count=1",
        "values unreadable table=db_source.tbl_order_items column=price count=2",
        "values unreadable table=db_source.tbl_orders column=order_approved_at count=1",
        "values unreadable table=db_source.tbl_orders column=order_estimated_delivery_date count=1",
        "values unreadable table=db_source.tbl_orders column=order_purchase_timestamp count=1",
        "values unreadable table=db_source.tbl_reviews column=review_score count=1",
    ]
    assert "source read table=db_source.tbl_order_items rows=3" in caplog.text


def test_typed_values_are_counted_without_being_parsed(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    scores = "VALUES ('o1', 5.0::DOUBLE, 'a'), ('o1', 4.5, 'b'), ('o1', NULL, 'c'), ('o1', 'NaN', 'd')"
    parquet(lake, "tbl_reviews", f"FROM ({scores}) t(order_id, review_score, review_comment_message)")
    prices = "VALUES ('o1', 'p', 5.004::DOUBLE, 1e20), ('o1', 'p', 2, 0.5)"
    parquet(lake, "tbl_order_items", f"FROM ({prices}) t(order_id, product_id, price, freight_value)")
    lake.run()
    assert (lake.cell("review_best_score"), lake.cell("review_comment_message")) == (5, "a")
    assert (str(lake.cell("sum_order_price")), str(lake.cell("mean_order_freight_value"))) == ("7.00", "0.50")
    assert "table=db_source.tbl_reviews column=review_score count=2" in caplog.text
    assert "table=db_source.tbl_order_items column=freight_value count=1" in caplog.text
    assert "column=price" not in caplog.text


def test_a_time_with_a_type_keeps_its_fraction(lake: Lake) -> None:
    times = (
        "'2018-05-05 10:00:00.123456'::TIMESTAMP AS order_purchase_timestamp, "
        "'2018-05-05 10:00:00.123+02'::TIMESTAMPTZ AS order_approved_at, "
        "'2018-05-25'::DATE AS order_estimated_delivery_date"
    )
    parquet(lake, "tbl_orders", f"SELECT * REPLACE ({times}) FROM {source('tbl_orders')}")
    lake.run()
    assert str(lake.cell("order_purchase_ts")) == "2018-05-05 10:00:00.123456"
    assert str(lake.cell("order_approved_at")).startswith("2018-05-05 08:00:00.123000")
    assert str(lake.cell("order_estim_deliv_dt")) == "2018-05-25 00:00:00"


def test_keys_match_whatever_their_types(lake: Lake) -> None:
    """pandas stores integers as floats if a column has missing values."""
    for table in ("tbl_order_items", "tbl_payments"):
        lake.put(table, TABLES[table].replace("o1", "7"))
    parquet(lake, "tbl_orders", f"SELECT * REPLACE (7.0::DOUBLE AS order_id) FROM {source('tbl_orders')}")
    parquet(lake, "tbl_reviews", f"SELECT * REPLACE (7::BIGINT AS order_id) FROM {source('tbl_reviews')}")
    lake.run()
    assert (lake.cell("order_id"), lake.cell("review_best_score")) == ("7", 5)


# ---- sources that give nothing ----


def test_a_source_without_a_key_is_rejected_and_the_old_rows_stay(lake: Lake) -> None:
    lake.run()
    line = '{"OrderID": "o1", "payment_type": "boleto", "payment_value": 6}\n'
    replace(lake, "tbl_payments", line * 3, OPENX)
    rejected(
        lake,
        "None of the 3 rows of db_source.tbl_payments has a value in order_id; "
        "check the columns of its files.",
    )
    assert lake.cell("sum_payment_value") == 6


def test_lines_that_are_no_json_are_rejected(lake: Lake) -> None:
    replace(lake, "tbl_orders", "[\n{},\n{}\n]\n", OPENX)
    rejected(
        lake,
        "None of the 4 rows of db_source.tbl_orders has a value in order_id; check the columns of its files.",
    )


def test_orders_and_items_that_do_not_match_are_rejected(lake: Lake) -> None:
    lake.run()
    lake.put("tbl_order_items", TABLES["tbl_order_items"].replace("o1", "O-1"))
    rejected(
        lake,
        "No order_id of db_source.tbl_orders is in db_source.tbl_order_items, "
        "so the table would have no rows.",
    )


@pytest.mark.parametrize(
    ("table", "old", "new", "hint"),
    [
        ("tbl_customers", "c1", "C-1", "customer_id"),
        ("tbl_payments", "o1", "O-1", "order_id"),
        ("tbl_reviews", ",5,", ",9,", "order_id"),
    ],
)
def test_a_source_that_adds_nothing_is_rejected(
    lake: Lake, table: str, old: str, new: str, hint: str
) -> None:
    lake.put(table, TABLES[table].replace(old, new))
    values = " and ".join(list(job.SOURCES[table])[1:])
    rejected(
        lake,
        f"The 1 rows of db_source.{table} add nothing to the table; check that {hint} has the values of the "
        f"orders with items, and that {values} are valid.",
    )


def test_sources_without_rows_are_fine(lake: Lake) -> None:
    for table in ("tbl_customers", "tbl_payments", "tbl_reviews"):
        lake.put(table, TABLES[table].splitlines()[0] + "\n")
    lake.run()
    assert (lake.cell("order_id"), lake.cell("customer_city"), lake.cell("review_best_score")) == (
        "o1",
        None,
        None,
    )
    for table in ("tbl_orders", "tbl_order_items"):
        lake.put(table, TABLES[table].splitlines()[0] + "\n")
    lake.run()
    assert stored_rows(lake.partition()) == []


# ---- grain ----


def test_repeated_orders_are_rejected_and_the_old_rows_stay(lake: Lake) -> None:
    header, row = TABLES["tbl_orders"].splitlines()
    _, item = TABLES["tbl_order_items"].splitlines()
    orders, items = ("".join(line.replace("o1", f"o{n}") + "\n" for n in range(1, 6)) for line in (row, item))
    lake.put("tbl_order_items", TABLES["tbl_order_items"].splitlines()[0] + "\n" + items)
    lake.put("tbl_orders", f"{header}\n{orders}")
    lake.run()
    lake.put("tbl_orders", f"{header}\n{orders.replace('o5', 'o6')}", "data (1).csv")
    rejected(
        lake,
        "In db_source.tbl_orders, 4 values of order_id occur more than once, such as o1, o2, o3; "
        "remove the repeated rows or files.",
    )
    assert len(stored_rows(lake.partition())) == 5


def test_repeated_customers_are_rejected(lake: Lake) -> None:
    lake.put("tbl_customers", TABLES["tbl_customers"], "data (1).csv")
    rejected(
        lake,
        "In db_source.tbl_customers, 1 values of customer_id occur more than once, such as c1; "
        "remove the repeated rows or files.",
    )


def test_orders_without_a_key_or_without_items_are_no_repetition(lake: Lake) -> None:
    lake.put("tbl_orders", TABLES["tbl_orders"] + ",c1,created,,,,,\n" * 2 + "o8,c1,created,,,,,\n")
    lake.put("tbl_order_items", TABLES["tbl_order_items"] + ",1,p1,s1,,5.00,1.00\n" * 2)
    lake.put("tbl_customers", TABLES["tbl_customers"] + ",u2,,natal,RN\n" * 2)
    lake.run()
    assert lake.cell("order_id") == "o1"


# ---- tables that the job cannot read: one sentence ----


def test_a_type_that_does_not_fit_is_rejected(lake: Lake) -> None:
    nanoseconds = "1525514400000000000 AS order_purchase_timestamp"
    parquet(lake, "tbl_orders", f"SELECT * REPLACE ({nanoseconds}) FROM {source('tbl_orders')}")
    rejected(
        lake,
        "The column order_purchase_timestamp of db_source.tbl_orders is bigint in the files; "
        "it must be a timestamp, a date, or a string such as 2018-05-25 10:56:33.",
    )


def test_a_nested_value_in_a_file_is_rejected(lake: Lake) -> None:
    parquet(lake, "tbl_payments", f"SELECT * REPLACE ([order_id] AS order_id) FROM {source('tbl_payments')}")
    rejected(
        lake,
        "The column order_id of db_source.tbl_payments is array<string> in the files; "
        "it must be a single value.",
    )


def test_nanoseconds_in_parquet_are_rejected(lake: Lake) -> None:
    times = "order_purchase_timestamp::TIMESTAMP_NS AS order_purchase_timestamp"
    parquet(lake, "tbl_orders", f"SELECT * REPLACE ({times}) FROM {source('tbl_orders')}")
    with pytest.raises(job.JobError, match=r"^Spark cannot read the files of db_source\.tbl_orders: .*NANOS"):
        lake.run()


def test_a_column_missing_from_parquet_is_rejected(lake: Lake) -> None:
    parquet(lake, "tbl_payments", f"SELECT * EXCLUDE (payment_type) FROM {source('tbl_payments')}")
    lake.describe("tbl_payments", TABLES["tbl_payments"].splitlines()[0], PARQUET)
    rejected(lake, "The file data.parquet of db_source.tbl_payments lacks the column payment_type.")


def test_avro_needs_sparks_package(lake: Lake) -> None:
    lake.describe("tbl_payments", TABLES["tbl_payments"].splitlines()[0], AVRO)
    rejected(
        lake,
        "The table db_source.tbl_payments is Avro, which Spark reads only with the package spark-avro; "
        "store the table as Parquet, or add the package's jar with --extra-jars.",
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.RegexSerDe"}},
            "The table db.t has the SerDe org.apache.hadoop.hive.serde2.RegexSerDe, "
            "which this job cannot read; store the table as CSV, JSON, ORC or Parquet.",
        ),
        (
            {"SerdeInfo": {}},
            "The table db.t has no SerDe and so no files; store the table as CSV, JSON, ORC or Parquet.",
        ),
    ],
)
def test_a_table_of_another_kind_is_rejected(changes: Any, sentence: str) -> None:
    storage: Any = {"Columns": [], "Location": "s3://sor/t/", **changes}
    with pytest.raises(job.JobError) as failure:
        job.describe_source("db.t", {"Name": "t", "StorageDescriptor": storage})
    assert str(failure.value) == sentence


def test_two_header_lines_are_rejected(lake: Lake) -> None:
    lake.describe(
        "tbl_payments", TABLES["tbl_payments"].splitlines()[0], CSV, **{"skip.header.line.count": "2"}
    )
    rejected(
        lake,
        "The table db_source.tbl_payments has skip.header.line.count 2; the job reads tables with 0 or 1.",
    )


def test_a_nested_column_in_the_catalog_is_rejected(lake: Lake) -> None:
    entry = lake.glue.get_table(DatabaseName="db_source", Name="tbl_orders")["Table"]
    entry["StorageDescriptor"]["Columns"][2]["Type"] = "struct<a:string>"
    table = {name: entry[name] for name in ("Name", "StorageDescriptor", "Parameters")}
    lake.glue.update_table(DatabaseName="db_source", TableInput=table)
    rejected(lake, "The column order_status of db_source.tbl_orders is struct<a:string>, not a single value.")
