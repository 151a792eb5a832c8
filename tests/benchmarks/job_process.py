"""Program of a measured process: executes a script or a read with Spark, and waits for the end of Java.

    python -m tests.benchmarks.job_process script PATH ARGUMENT...
    python -m tests.benchmarks.job_process read TABLES
    python -m tests.benchmarks.job_process duckdb DATA OUT

Java's CPU seconds only count for a process that waits for it, which scripts do not.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any


def read(tables: dict[str, Any]) -> None:
    """Read the columns of the table's sources as strings, and nothing else: the floor of every Spark job.

    The header is not looked at, because the columns are given. All tables are read at the same time.
    """
    from concurrent.futures import ThreadPoolExecutor

    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()

    def read_table(table: dict[str, Any]) -> None:
        if table["format"] == "parquet":
            frame = spark.read.parquet(table["location"])
        else:
            options: Any = {"header": True, "quote": '"', "escape": '"'}
            schema = ", ".join(f"{name} string" for name in table["all_columns"])
            frame = spark.read.schema(schema).options(**options).csv(table["location"])
        frame.select(table["columns"]).write.format("noop").mode("overwrite").save()

    with ThreadPoolExecutor(len(tables)) as pool:
        list(pool.map(read_table, tables.values()))


def duckdb(data: str, out: str) -> None:
    """Build the table with DuckDB."""
    import duckdb

    from tests.support.sot_oracle import SQL

    query = SQL.rstrip().removesuffix(";")
    select = query.index("\nWITH ")
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE data = $data", {"data": data})
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(query[:select])
        body = query[select:].removesuffix("ORDER BY orders.order_id")
        Path(out).mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY ({body}) TO '{out}/rows.parquet' (FORMAT parquet, COMPRESSION snappy)")


def end_java() -> None:
    """Stop Spark, and wait for its process."""
    if "pyspark" not in sys.modules:
        return
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    if gateway is None:
        return
    if SparkContext._active_spark_context:
        SparkContext._active_spark_context.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # Spark's launcher ends when its standard input does
    gateway.proc.wait(60)


def main(argv: list[str]) -> None:
    """Run the command line."""
    kind, *rest = argv
    try:
        if kind == "script":
            sys.argv = rest
            runpy.run_path(rest[0], run_name="__main__")
        elif kind == "read":
            read(json.loads(rest[0]))
        else:
            duckdb(*rest)
    finally:
        end_java()


if __name__ == "__main__":
    main(sys.argv[1:])
