"""A small job that loads the classes jobs load; Java writes the archive of them when it ends."""

import contextlib
import sys
from typing import Any

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F


def main() -> int:
    """Read CSV from s3://, join, group, write Parquet and read it again; then let Java end in order."""
    spark = SparkSession.builder.getOrCreate()
    gateway: Any = spark.sparkContext._gateway
    rows = spark.range(50).select(
        F.col("id").cast("string").alias("id"),
        F.lit("2026-01-31 10:00:00").alias("at"),
        F.lit("12.50").alias("price"),
        F.lit('a "quoted"\ntext').alias("text"),
    )
    rows.write.option("header", True).option("escape", '"').csv("s3://training/rows")
    reader = spark.read.options(header=True, multiLine=True, escape='"', lineSep="\n", enforceSchema=False)
    read = reader.schema("id string, at string, price string, text string").csv("s3://training/rows")
    money = F.col("price").cast("decimal(12,2)")
    sums = read.groupBy("id").agg(
        F.sum(money).alias("total"), F.max("text").alias("text"), F.count("*").alias("n")
    )
    times = read.select("id", F.to_timestamp("at", "yyyy-MM-dd HH:mm:ss").alias("at"))
    parts = times.withColumns({"year": F.year("at"), "week": F.weekofyear("at"), "day": F.dayofweek("at")})
    joined = parts.join(sums, on="id", how="left").withColumn("mean", F.round(F.col("total") / F.col("n"), 2))
    written = Observation()
    observed = joined.coalesce(2).observe(written, F.count("*").alias("rows"))
    observed.write.mode("append").option("compression", "snappy").parquet("s3://training/out/day=1")
    joined.write.mode("overwrite").partitionBy("week").parquet("s3://training/by_week")
    read_back = spark.read.parquet("s3://training/by_week").where("total > 1").orderBy("id")
    good = written.get["rows"] == 50 and len(read_back.collect()) == 50
    spark.createDataFrame([(1, "a")], "id int, name string").createOrReplaceTempView("names")
    spark.sql("select name, count(*) from names group by name").show()
    with contextlib.suppress(Exception):  # no metastore answers, but Hive's client is loaded
        spark.sql("SHOW DATABASES").collect()
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(120)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
