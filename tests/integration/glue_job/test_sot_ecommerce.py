"""Rules of the SoT, one by one on sample rows, then all of them on the committed data."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

import sot_ecommerce as job
from tests.support.paths import ROOT
from tests.support.sot_oracle import expected_columns, expected_rows, stored_columns, stored_rows
from tests.support.sot_sources import converted, definition, observations

# PySpark leaves the sockets that bring it rows to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

DATA = ROOT / "data"


def table(spark: SparkSession, name: str, *rows: tuple[str | None, ...]) -> DataFrame:
    """A source table whose files contain strings only."""
    job.configure(spark)
    stored = spark.createDataFrame(rows, ", ".join(f"{column} string" for column in job.SOURCES[name]))
    return job.convert(stored, name, job.SOURCES[name], Observation())


def shown(frame: DataFrame, *columns: str) -> list[tuple[str | None, ...]]:
    """Rows by their first column, nulls last, with every value as Spark formats it."""
    texts = frame.select([F.col(column).cast("string") for column in columns or frame.columns])
    return sorted((tuple(row) for row in texts.collect()), key=lambda row: row[0] or "~")


# ---- orders ----


def orders_bought_at(spark: SparkSession, *times: str | None) -> DataFrame:
    rows = ((f"o{n}", "c", "created", time, None, None, None, None) for n, time in enumerate(times, 1))
    return table(spark, "tbl_orders", *rows)


@pytest.mark.spark
def test_the_five_order_times_become_timestamps(spark: SparkSession) -> None:
    orders = table(
        spark,
        "tbl_orders",
        (
            "o1",
            "c1",
            "delivered",
            "2017-10-02 10:56:33",
            "2017-10-02 11:07:15",
            "2017-10-04 19:55:00",
            "2017-10-10 21:25:13",
            "2017-10-18 00:00:00",
        ),
    )
    result = job.transform_orders(orders)
    assert [kind for _, kind in result.dtypes] == ["string"] * 3 + ["timestamp"] * 5 + ["int"] * 7
    assert shown(result, *result.columns[:8]) == [
        (
            "o1",
            "c1",
            "delivered",
            "2017-10-02 10:56:33",
            "2017-10-02 11:07:15",
            "2017-10-04 19:55:00",
            "2017-10-10 21:25:13",
            "2017-10-18 00:00:00",
        )
    ]


@pytest.mark.spark
def test_a_time_that_cannot_be_parsed_is_null(spark: SparkSession) -> None:
    known, *unknown = (
        "2017-10-02 10:56:33",
        None,
        "",
        "soon",
        "2017-02-30 10:00:00",
        "2017-1-2 10:00:00",
        "2017-10-02 10:56",
        "2017-10-02 24:00:00",
        "2017-10-02 10:56:33 Z",
        "02/10/2017 10:56:33",
        "0000-00-00 00:00:00",
        "10:56:33",  # Spark's cast would add today's date
        "2017",
        "1506941793000000000",
        " 2017-10-02 10:56:33",
        "2017-10-02 10:56:33\n",
    )
    result = job.transform_orders(orders_bought_at(spark, known, *unknown))
    assert shown(result, "order_purchase_ts") == [(known,)] + [(None,)] * len(unknown)


@pytest.mark.spark
def test_a_time_may_have_a_t_a_fraction_an_offset_or_no_time_of_day(spark: SparkSession) -> None:
    times = {
        "2017-10-02": "2017-10-02 00:00:00",
        "2017-10-02T10:56:33": "2017-10-02 10:56:33",
        "2017-10-02 10:56:33.5": "2017-10-02 10:56:33.5",
        "2017-10-02T10:56:33.123456789": "2017-10-02 10:56:33.123456",
        "2017-10-02T10:56:33Z": "2017-10-02 10:56:33",
        "2017-10-02 10:56:33.25-03:00": "2017-10-02 13:56:33.25",
        "2017-10-02T01:56:33+0200": "2017-10-01 23:56:33",
    }
    result = job.transform_orders(orders_bought_at(spark, *times))
    assert shown(result, "order_id", "order_purchase_ts") == [
        (f"o{number}", expected) for number, expected in enumerate(times.values(), 1)
    ]


@pytest.mark.spark
def test_the_purchase_time_is_split_into_parts(spark: SparkSession) -> None:
    orders = orders_bought_at(
        spark,
        "2017-01-01 00:00:00",
        "2016-12-31 23:59:59",
        "2018-12-31 12:00:00",
        "2018-06-30 12:00:00",
        None,
    )
    result = job.transform_orders(orders)
    assert shown(result, "order_id", *result.columns[8:]) == [
        # year, quarter, month, day of month, day of week (1 = Sunday), day of year, ISO week
        ("o1", "2017", "1", "1", "1", "1", "1", "52"),  # a Sunday in the last week of 2016
        ("o2", "2016", "4", "12", "31", "7", "366", "52"),  # a Saturday at the end of a leap year
        ("o3", "2018", "4", "12", "31", "2", "365", "1"),  # a Monday in the first week of 2019
        ("o4", "2018", "2", "6", "30", "7", "181", "26"),
        ("o5", None, None, None, None, None, None, None),
    ]


# ---- order items ----


@pytest.mark.spark
def test_prices_are_summed_as_decimals(spark: SparkSession) -> None:
    items = table(spark, "tbl_order_items", ("o1", "p1", "0.10", "1.00"), ("o1", "p2", "0.20", "2.00"))
    assert shown(job.transform_order_items(items)) == [("o1", "2", "0.30", "0.15", "0.20", "0.10", "1.50")]


@pytest.mark.spark
def test_means_are_rounded_half_up(spark: SparkSession) -> None:
    items = table(
        spark,
        "tbl_order_items",
        ("o1", "p", "0.02", "10.00"),
        ("o1", "p", "0.03", "10.01"),  # 0.025 and 10.005: half to even would give 0.02 and 10.00
        ("o2", "p", "1.00", "0.01"),
        ("o2", "p", "1.00", "0.01"),
        ("o2", "p", "1.01", "0.02"),  # 1.00333... and 0.01333...
    )
    result = job.transform_order_items(items)
    assert shown(result, "order_id", "mean_order_price", "mean_order_freight_value") == [
        ("o1", "0.03", "10.01"),
        ("o2", "1.00", "0.01"),
    ]


@pytest.mark.spark
def test_means_are_rounded_only_once(spark: SparkSession) -> None:
    # 10,000 of 20,001 items cost one cent: 0.0049997..., which is 0.005 after a first rounding to six places.
    price = F.when(F.col("id") < 10_000, "0.01").otherwise("0.00").cast(job.MONEY)
    items = spark.range(20_001).select(
        F.lit("o1").alias("order_id"),
        F.lit("p").alias("product_id"),
        price.alias("price"),
        price.alias("freight_value"),
    )
    result = job.transform_order_items(items)
    assert shown(result, "sum_order_price", "mean_order_price") == [("100.00", "0.00")]


@pytest.mark.spark
def test_only_items_with_a_product_are_counted(spark: SparkSession) -> None:
    items = table(
        spark,
        "tbl_order_items",
        ("o1", "p1", "5.00", "1.00"),
        ("o1", None, "7.00", "1.00"),
        ("o1", "", "9.00", "1.00"),
        ("o2", None, "3.00", "1.00"),
    )
    result = job.transform_order_items(items)
    assert shown(result, "order_id", "qty_order_items", "sum_order_price") == [
        ("o1", "1", "21.00"),
        ("o2", "0", "3.00"),
    ]


@pytest.mark.spark
def test_an_invalid_price_does_not_count(spark: SparkSession) -> None:
    items = table(spark, "tbl_order_items", ("o1", "p", "4.00", ""), ("o1", "p", "n/a", "2.00"))
    assert shown(job.transform_order_items(items)) == [("o1", "2", "4.00", "4.00", "4.00", "4.00", "2.00")]


# ---- payments ----


@pytest.mark.spark
def test_payments_are_summed_up_by_order(spark: SparkSession) -> None:
    payments = table(
        spark,
        "tbl_payments",
        ("o1", "voucher", "10.01"),
        ("o1", "voucher", "10.02"),
        ("o2", "boleto", "0.00"),
    )
    assert shown(job.transform_payments(payments)) == [
        ("o1", "20.03", "10.02", "2", "voucher"),  # 10.015 rounded half up
        ("o2", "0.00", "0.00", "1", "boleto"),
    ]


@pytest.mark.spark
def test_the_most_frequent_payment_type_is_selected(spark: SparkSession) -> None:
    payments = table(
        spark,
        "tbl_payments",
        ("o1", "boleto", "500.00"),
        ("o1", "voucher", "1.00"),
        ("o1", "voucher", "1.00"),
    )
    assert shown(job.transform_payments(payments), "most_common_payment_type") == [("voucher",)]


@pytest.mark.spark
def test_a_tie_of_payment_types_selects_the_alphabetically_first(spark: SparkSession) -> None:
    payments = table(
        spark,
        "tbl_payments",
        ("o1", "voucher", "9.00"),
        ("o1", "credit_card", "1.00"),
        ("o2", "credit_card", "1.00"),
        ("o2", "voucher", "9.00"),
    )
    result = job.transform_payments(payments)
    assert shown(result, "order_id", "most_common_payment_type") == [
        ("o1", "credit_card"),
        ("o2", "credit_card"),
    ]


@pytest.mark.spark
def test_a_missing_payment_type_is_never_the_most_common(spark: SparkSession) -> None:
    payments = table(
        spark,
        "tbl_payments",
        ("o1", None, "1.00"),
        ("o1", "", "1.00"),
        ("o1", None, "1.00"),
        ("o1", "voucher", "1.00"),
        ("o2", None, "1.00"),
    )
    result = job.transform_payments(payments)
    assert shown(result, "order_id", "count_payment_value", "most_common_payment_type") == [
        ("o1", "4", "voucher"),
        ("o2", "1", None),
    ]


@pytest.mark.spark
def test_a_payment_without_a_number_counts_but_adds_nothing(spark: SparkSession) -> None:
    payments = table(spark, "tbl_payments", ("o1", "boleto", "8.00"), ("o1", "boleto", ""))
    assert shown(job.transform_payments(payments)) == [("o1", "8.00", "8.00", "2", "boleto")]


# ---- reviews ----


@pytest.mark.spark
def test_the_best_score_of_several_reviews_is_kept(spark: SparkSession) -> None:
    reviews = table(spark, "tbl_reviews", ("o1", "2", None), ("o1", "4", None), ("o1", "3", None))
    assert shown(job.transform_reviews(reviews)) == [("o1", "4", None)]


@pytest.mark.spark
def test_a_review_with_an_invalid_score_does_not_count(spark: SparkSession) -> None:
    invalid = [("o1", score, "zzz") for score in (None, "", "0", "6", "10", "4.5", "nota 5", "5\n")]
    reviews = table(spark, "tbl_reviews", ("o1", "1", "aaa"), *invalid, ("o2", "0", "zzz"))
    assert shown(job.transform_reviews(reviews)) == [("o1", "1", "aaa")]


@pytest.mark.spark
def test_a_score_of_a_whole_number_with_decimals_is_valid(spark: SparkSession) -> None:
    reviews = table(spark, "tbl_reviews", ("o1", "5.0", "a"), ("o2", "3.00", "b"), ("o3", "5.01", "c"))
    assert shown(job.transform_reviews(reviews)) == [("o1", "5", "a"), ("o2", "3", "b")]


@pytest.mark.spark
def test_the_alphabetically_greatest_comment_is_kept(spark: SparkSession) -> None:
    reviews = table(
        spark,
        "tbl_reviews",
        ("o1", "5", "Zebra"),
        ("o1", "1", "azul"),  # lower case comes after upper case
        ("o1", "5", ""),
        ("o2", "5", "zebra"),
        ("o2", "5", 'Árvore, com\n"aspas"'),  # and accents after both
        ("o3", "5", ""),
        ("o3", "5", None),
    )
    result = job.transform_reviews(reviews)
    assert shown(result, "order_id", "review_comment_message") == [
        ("o1", "azul"),
        ("o2", 'Árvore, com\n"aspas"'),
        ("o3", None),
    ]


# ---- the SoT ----


@pytest.mark.spark
def test_orders_without_items_are_dropped_and_everything_else_is_optional(spark: SparkSession) -> None:
    sources = {
        "tbl_orders": table(
            spark,
            "tbl_orders",
            ("o1", "c1", "delivered", "2018-05-05 10:00:00", None, None, None, None),
            ("o2", "c2", "shipped", "2018-05-05 10:00:00", None, None, None, None),
            ("o3", "c3", "unavailable", "2018-05-05 10:00:00", None, None, None, None),
        ),
        "tbl_order_items": table(
            spark,
            "tbl_order_items",
            ("o1", "p", "5.00", "1.00"),
            ("o2", "p", "6.00", "1.00"),
            ("o9", "p", "7.00", "1.00"),
        ),
        "tbl_customers": table(spark, "tbl_customers", ("c1", "santos", "SP"), ("c3", "natal", "RN")),
        "tbl_payments": table(spark, "tbl_payments", ("o1", "boleto", "6.00"), ("o3", "boleto", "6.00")),
        "tbl_reviews": table(spark, "tbl_reviews", ("o1", "5", "Adorei"), ("o3", "1", "Nada")),
    }
    result = job.transform_sot(sources, observations())
    assert shown(result, "order_id", *result.columns[15:17], *result.columns[21:]) == [
        ("o1", "1", "5.00", "santos", "SP", "6.00", "6.00", "1", "boleto", "5", "Adorei"),
        ("o2", "1", "6.00", None, None, None, None, None, None, None, None),
    ]


@pytest.mark.spark
def test_the_joins_of_large_sources_have_more_tasks_than_files(spark: SparkSession) -> None:
    rows = spark.range(0, 100, 1, 8).select(F.col("id").cast("string").alias("order_id"))
    limit = 3 * job.BYTES_PER_FILE
    small, large = job.limit_files(rows, 3, limit), job.limit_files(rows, 3, limit + 1)
    assert (small.rdd.getNumPartitions(), large.rdd.getNumPartitions()) == (3, 3)
    plans = [str(frame._jdf.queryExecution().optimizedPlan()) for frame in (small, large)]
    assert ["Repartition 3, false" in plan for plan in plans] == [True, False]
    assert [row.order_id for row in large.sort("order_id").collect()] == sorted(map(str, range(100)))


@pytest.mark.spark
def test_a_header_may_be_long(spark: SparkSession, tmp_path: Path) -> None:
    more = [f"another_column_{number}" for number in range(3000)]
    columns = [*more, "customer_id", "customer_city", "customer_state"]
    (tmp_path / "a.csv").write_text(",".join(columns) + "\n" + "," * len(more) + "c1,natal,RN\n")
    frame = converted(spark, "tbl_customers", definition(tmp_path.as_uri(), columns))
    assert shown(frame) == [("c1", "natal", "RN")]


@pytest.mark.spark
def test_the_committed_data_gives_the_same_rows_as_duckdb(spark: SparkSession, tmp_path: Path) -> None:
    job.configure(spark)
    sources = {
        name: converted(spark, name, definition((DATA / "db_ecommerce" / name).as_uri(), list(needed)))
        for name, needed in job.SOURCES.items()
    }
    job.transform_sot(sources, observations()).write.parquet(f"file://{tmp_path}/sot")
    assert stored_columns(tmp_path / "sot") == expected_columns(DATA)
    assert stored_rows(tmp_path / "sot") == expected_rows(DATA)
