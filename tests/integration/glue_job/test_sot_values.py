"""Unusual times, amounts and scores: Spark and DuckDB must read all of them in the same way."""

import csv
import itertools
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

import sot_ecommerce as job
from tests.support.sot_lake import TABLES, Lake
from tests.support.sot_oracle import expected_rows, stored_rows
from tests.support.sot_sources import converted, definition, observations

# PySpark leaves the sockets that bring it rows to the garbage collector.
pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]

DATES = [
    "2018-05-25",
    "2018-02-30",
    "2016-02-29",
    "0001-01-01",
    "1582-10-10",
    "9999-12-31",
    "10000-01-01",
    "2018-5-25",
]
HOURS = [
    "",
    "T00:00:00",
    " 23:59:59",
    " 24:00:00",
    " 23:60:00",
    " 23:59:60",
    " 1:02:03",
    " 12:00",
    "  12:00:00",
]
OFFSETS = [
    "",
    ".5",
    ".123456789",
    ".1234567891",
    "Z",
    "z",
    "+19:00",
    "+18:00",
    "-18:00",
    "+18:01",
    "-0330",
    "+3",
    " UTC",
]
AMOUNTS = [
    "1",
    "-0.005",
    "0.005",
    "1.005",
    "-1.5",
    "+2",
    ".5",
    "5.",
    "1e3",
    "1E-3",
    "1_000",
    "1,000",
    "0x10",
    " 7 ",
    "NaN",
    "Infinity",
    "",
    "-",
    "1.2.3",
    "9999999999.99",
    "9999999999.995",
    "10000000000",
    "-9999999999.99",
    "1d",
    "1f",
    "$5",
]


def test_unusual_values_mean_the_same_to_duckdb(spark: SparkSession, tmp_path: Path) -> None:
    times = [f"{date}{hour}{offset}" for date, hour, offset in itertools.product(DATES, HOURS, OFFSETS)]
    orders = [(f"t{n:04}", "c1", "created", time, "", "", "", "") for n, time in enumerate(times)]
    orders += [(f"a{n:04}", "c1", "created", *[""] * 5) for n in range(len(AMOUNTS))]
    items = [(order[0], "p1", "1", "1") for order in orders[: len(times)]]
    items += [(f"a{n:04}", "p1", amount, amount) for n, amount in enumerate(AMOUNTS)]
    payments = [(f"a{n:04}", "card", amount) for n, amount in enumerate(AMOUNTS)]
    scores = ["5", "5.0", "5.00", "5.", "6", "0", "4.5", " 5", "+5", "5e0", ""]
    reviews = [(f"a{n:04}", score, "good") for n, score in enumerate(scores)]
    rows = [orders, items, [("c1", "lins", "SP")], payments, reviews]
    job.configure(spark)
    sources = {}
    for (name, kinds), content in zip(job.SOURCES.items(), rows, strict=True):
        folder = tmp_path / "db_ecommerce" / name
        folder.mkdir(parents=True)
        with (folder / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows([tuple(kinds), *content])
        sources[name] = converted(spark, name, definition(folder.as_uri(), list(kinds)))
    job.transform_sot(sources, observations()).write.parquet(f"file://{tmp_path}/sot")
    expected = {row[0]: row for row in expected_rows(tmp_path)}
    found = {row[0]: row for row in stored_rows(tmp_path / "sot")}
    values = {order[0]: order[3] for order in orders} | {f"a{n:04}": text for n, text in enumerate(AMOUNTS)}
    assert [values[key] for key in expected if found[key] != expected[key]] == []
    assert len(found) == len(orders)


@pytest.mark.parametrize("kind", ["INT96", "TIMESTAMP_MICROS"])
def test_times_long_ago_are_written_as_they_are(lake: Lake, spark: SparkSession, kind: str) -> None:
    """Exports contain such times as placeholders. Spark fails when it writes one, by default."""
    times = ",1899-12-30 00:00:00,0001-01-01 00:00:00,1582-10-04 12:00:00,"
    lake.put("tbl_orders", TABLES["tbl_orders"].replace(",,,,", times))
    spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
    try:
        lake.run()
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    texts = [
        f"left(cast({name} AS string), 19)"
        for name in ("order_approved_at", "order_deliv_carrier_dt", "order_deliv_customer_dt")
    ]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = f"read_parquet('{lake.partition()}/*.parquet')"
        by_duckdb = connection.execute(f"SELECT {', '.join(texts)} FROM {files}").fetchall()
    by_spark = spark.read.parquet("s3://sot/tbsot").selectExpr(*texts).collect()
    assert [tuple(row) for row in by_spark] == by_duckdb == [tuple(times.split(",")[1:4])]


@pytest.mark.parametrize(
    ("table", "row", "total", "mean"),
    [
        ("tbl_order_items", "o1,{0},p1,s1,,9999999999.99,1\n", "sum_order_price", "mean_order_price"),
        ("tbl_payments", "o1,{0},card,1,9999999999.99\n", "sum_payment_value", "mean_payment_value"),
    ],
)
def test_sums_that_do_not_fit_are_counted(
    lake: Lake, caplog: pytest.LogCaptureFixture, table: str, row: str, total: str, mean: str
) -> None:
    header = TABLES[table].splitlines()[0]
    lake.put(table, f"{header}\n{row.format(1)}")
    lake.run()
    assert (str(lake.cell(total)), str(lake.cell(mean))) == ("9999999999.99", "9999999999.99")
    assert "too large" not in caplog.text
    lake.put(table, f"{header}\n{row.format(1)}{row.format(2)}")
    lake.run()
    assert (lake.cell(total), str(lake.cell(mean))) == (None, "9999999999.99")
    assert "sums too large for decimal(12,2) and so null orders=1" in caplog.text
