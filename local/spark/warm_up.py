"""A Spark session that does what jobs do, so that Java has loaded and compiled the classes for the next one.

`spare.py` runs it in a process that has no script yet. It reads and writes a bucket that exists only in this
process, and stops its session. Between two steps it yields, so that a script does not have to wait for all of
them.
"""

from collections.abc import Iterator
from typing import Any

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F


def steps(endpoint: str) -> Iterator[None]:
    """Use Spark with the S3 at an endpoint. Stops the session at the end, also if the caller stops early."""
    spark = (
        SparkSession.builder.config("spark.hadoop.terraglue.s3.endpoint", endpoint)
        .config("spark.eventLog.enabled", "false")
        .getOrCreate()
    )
    try:
        yield
        for work in (_write, _read, _join, _sql):
            work(spark)
            yield
    finally:
        spark.stop()


def _write(spark: SparkSession) -> None:
    rows = spark.range(500).select(
        F.format_string("%032x", "id").alias("id"),
        F.lit("2026-01-31 10:00:00").alias("at"),
        F.lit("12.50").alias("price"),
        F.lit('a "quoted"\ntext').alias("text"),
    )
    rows.write.option("header", True).option("escape", '"').csv("s3://warm-up/rows")


def _read(spark: SparkSession) -> Any:
    reader = spark.read.options(header=True, multiLine=True, escape='"', lineSep="\n", enforceSchema=False)
    return reader.schema("id string, at string, price string, text string").csv("s3://warm-up/rows")


def _join(spark: SparkSession) -> None:
    read = _read(spark)
    money = F.col("price").cast("decimal(12,2)")
    sums = read.groupBy("id").agg(
        F.sum(money).alias("total"), F.max("text").alias("text"), F.count("*").alias("n")
    )
    times = read.select("id", F.to_timestamp("at", "yyyy-MM-dd HH:mm:ss").alias("at"))
    parts = times.withColumns({"year": F.year("at"), "week": F.weekofyear("at"), "day": F.dayofweek("at")})
    joined = parts.join(sums, on="id", how="left").withColumn("mean", F.round(F.col("total") / F.col("n"), 2))
    written = Observation()
    observed = joined.coalesce(2).observe(written, F.count("*").alias("rows"))
    observed.write.mode("append").option("compression", "snappy").parquet("s3://warm-up/out/part=1")


def _sql(spark: SparkSession) -> None:
    spark.read.parquet("s3://warm-up/out").where("total > 1").orderBy("id").limit(10).collect()
    spark.createDataFrame([(1, "a")], "id int, name string").createOrReplaceTempView("names")
    spark.sql("select name, count(*) from names group by name").collect()
