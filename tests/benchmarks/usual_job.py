"""The yardstick: a job that builds the table in the way that most published Glue jobs do.

It is our own model of the job of terraglue 1.x (github.com/ThiagoPanini/terraglue, `transformers.py` and
`GlueETLManager`), step by step:

- Each source is read whole, all columns as strings, with a header and with line breaks in quotes.
- Each time is converted in a step of its own, and each part of the purchase time is added in another.
- Amounts are doubles, rounded at the end.
- The most common payment type is found with groupBy, sort and dropDuplicates, and joined to the statistics.
- Five joins in the order orders, items, customers, payments, reviews.
- The number of partitions is asked for before repartition or coalesce, which executes the plan up to the
  last exchange. The run then executes it again to append.

Where terraglue's versions differ, the cheaper one is used, so that the yardstick is not slower than its
model: sources become data frames directly rather than through dynamic frames, the partitions are counted once
instead of twice, files are written by Spark's own writer, and temporary views are left out.

Its rows are those of docs/data.md, except for what `tests.benchmarks.job_rows` allows: means differ by a cent
where doubles round differently, and ties of payment types are not always decided alphabetically, because
dropDuplicates does not keep the order of sort.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from awsglue.context import GlueContext  # type: ignore[import-not-found]
from awsglue.job import Job  # type: ignore[import-not-found]
from awsglue.utils import getResolvedOptions  # type: ignore[import-not-found]
from pyspark.context import SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ARGUMENTS = [
    "JOB_NAME", "SOURCE_DB", "SOURCE", "PARQUET_TABLES", "MULTI_LINE", "OUTPUT_DB", "OUTPUT_TABLE",
    "OUTPUT_TABLE_URI",
]  # fmt: skip
RENAMED = {
    "order_purchase_timestamp": "order_purchase_ts",
    "order_delivered_carrier_date": "order_deliv_carrier_dt",
    "order_delivered_customer_date": "order_deliv_customer_dt",
    "order_estimated_delivery_date": "order_estim_deliv_dt",
}
TIMES = [
    "order_purchase_ts", "order_approved_at", "order_deliv_carrier_dt", "order_deliv_customer_dt",
    "order_estim_deliv_dt",
]  # fmt: skip
PARTS = ["year", "quarter", "month", "dayofmonth", "dayofweek", "dayofyear", "weekofyear"]
PARTITIONS = 5


def read(spark: SparkSession, options: dict[str, str], name: str) -> DataFrame:
    """Read a table's CSV files, or its Parquet files if there are such."""
    location = f"{options['SOURCE']}/{options['SOURCE_DB']}/{name}"
    if name in options["PARQUET_TABLES"].split(","):
        return spark.read.parquet(location)
    csv: Any = {"header": True, "multiLine": options["MULTI_LINE"], "quote": '"', "escape": '"'}
    return spark.read.options(**csv).csv(location)


def transform_orders(orders: DataFrame) -> DataFrame:
    """Convert the times, and extract the parts of the purchase time."""
    for old, new in RENAMED.items():
        orders = orders.withColumnRenamed(old, new)
    for time in TIMES:
        converted = F.expr(f"to_timestamp({time}, 'yyyy-MM-dd HH:mm:ss')")
        orders = (
            orders.withColumn(f"{time}_timestamp", converted)
            .drop(time)
            .withColumnRenamed(f"{time}_timestamp", time)
        )
    for part in PARTS:
        orders = orders.withColumn(f"{part}_order_purchase_ts", F.expr(f"{part}(order_purchase_ts)"))
    return orders


def transform_items(items: DataFrame) -> DataFrame:
    """Aggregate the items of an order."""
    return items.groupBy("order_id").agg(
        F.count("product_id").alias("qty_order_items"),
        F.round(F.sum("price"), 2).alias("sum_order_price"),
        F.round(F.mean("price"), 2).alias("mean_order_price"),
        F.round(F.max(F.col("price").cast("double")), 2).alias("max_order_price"),
        F.round(F.min(F.col("price").cast("double")), 2).alias("min_order_price"),
        F.round(F.mean("freight_value"), 2).alias("mean_order_freight_value"),
    )


def transform_payments(payments: DataFrame) -> DataFrame:
    """Aggregate the payments of an order, and join the most common type."""
    common = (
        payments.groupBy("order_id", "payment_type")
        .count()
        .sort(F.col("count").desc(), "payment_type")
        .dropDuplicates(["order_id"])
        .withColumnRenamed("payment_type", "most_common_payment_type")
        .drop("count")
    )
    statistics = payments.groupBy("order_id").agg(
        F.round(F.sum("payment_value"), 2).alias("sum_payment_value"),
        F.round(F.mean("payment_value"), 2).alias("mean_payment_value"),
        F.count("*").alias("count_payment_value"),
    )
    return statistics.join(common, on="order_id", how="left")


def transform_reviews(reviews: DataFrame) -> DataFrame:
    """Keep the best score and one comment of an order."""
    return (
        reviews.where("order_id is not null")
        .where("length(review_score) = 1 and review_score between '1' and '5'")
        .select("order_id", F.col("review_score").cast("int"), "review_comment_message")
        .groupBy("order_id")
        .agg(
            F.max("review_score").alias("review_best_score"),
            F.max("review_comment_message").alias("review_comment_message"),
        )
        .drop_duplicates(["order_id"])
    )


def transform(tables: dict[str, DataFrame]) -> DataFrame:
    """Join the tables."""
    return (
        transform_orders(tables["tbl_orders"])
        .join(transform_items(tables["tbl_order_items"]), on="order_id", how="inner")
        .join(
            tables["tbl_customers"].select("customer_id", "customer_city", "customer_state"),
            on="customer_id",
            how="left",
        )
        .join(transform_payments(tables["tbl_payments"]), on="order_id", how="left")
        .join(transform_reviews(tables["tbl_reviews"]), on="order_id", how="left")
        .select(
            "order_id", "customer_id", "order_status", *TIMES,
            *(f"{part}_order_purchase_ts" for part in PARTS),
            "qty_order_items", "sum_order_price", "mean_order_price", "max_order_price", "min_order_price",
            "mean_order_freight_value", "customer_city", "customer_state", "sum_payment_value",
            "mean_payment_value", "count_payment_value", "most_common_payment_type", "review_best_score",
            "review_comment_message",
        )
    )  # fmt: skip


def repartition(frame: DataFrame, number: int) -> DataFrame:
    """Change the number of partitions, without a shuffle if there are more."""
    current = frame.rdd.getNumPartitions()
    if current == number:
        return frame
    return frame.coalesce(number) if current > number else frame.repartition(number)


def register(database: str, table: str, uri: str, partition: str) -> None:
    """Create the table and the partition in the Data Catalog."""
    import boto3

    glue: Any = boto3.client("glue")
    storage = {"Location": uri, "Columns": [{"Name": "order_id", "Type": "string"}]}
    keys = [{"Name": "anomesdia", "Type": "string"}]
    entry: Any = {"Name": table, "StorageDescriptor": storage, "PartitionKeys": keys}
    glue.create_table(DatabaseName=database, TableInput=entry)
    storage = {**storage, "Location": f"{uri}/anomesdia={partition}"}
    glue.create_partition(
        DatabaseName=database,
        TableName=table,
        PartitionInput={"Values": [partition], "StorageDescriptor": storage},
    )


def main(argv: list[str]) -> None:
    """Run the job."""
    options = getResolvedOptions(argv, ARGUMENTS)
    context = GlueContext(SparkContext.getOrCreate())
    spark = context.spark_session
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    job = Job(context)
    job.init(options["JOB_NAME"], options)
    names = ("tbl_orders", "tbl_order_items", "tbl_customers", "tbl_payments", "tbl_reviews")
    sot = transform({name: read(spark, options, name) for name in names})
    partition = datetime.now(UTC).strftime("%Y%m%d")
    sot = repartition(sot.withColumn("anomesdia", F.lit(partition)), PARTITIONS)
    uri = options["OUTPUT_TABLE_URI"]
    sot.write.mode("append").partitionBy("anomesdia").parquet(uri)
    register(options["OUTPUT_DB"], options["OUTPUT_TABLE"], uri, partition)
    job.commit()


if __name__ == "__main__":
    main(sys.argv)
