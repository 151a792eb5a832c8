"""Glue job that builds ``tbsot_ecommerce_br``: one row per order that has at least one item.

Reads five tables of the database ``--SOURCE_DB`` from their locations in the Data Catalog, and replaces one
partition of the output table: the date of the run. ``docs/data.md`` documents every column. Runs unchanged on
Glue 5.1 (Spark 3.5.6) and locally. Only ``main`` requires ``awsglue``.
"""

import csv
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import TableTypeDef

logger = logging.getLogger("sot_ecommerce")

# Sources and targets are required. Other arguments have terraglue's defaults.
REQUIRED = ("JOB_NAME", "SOURCE_DB", "OUTPUT_BUCKET", "OUTPUT_DB", "OUTPUT_TABLE", "OUTPUT_TABLE_URI")
DEFAULTS = {
    "CONNECTION_TYPE": "s3",
    "UPDATE_BEHAVIOR": "UPDATE_IN_DATABASE",
    "PARTITION_NAME": "anomesdia",
    "PARTITION_FORMAT": "%Y%m%d",
    "DATA_FORMAT": "parquet",
    "COMPRESSION": "snappy",
    "ENABLE_UPDATE_CATALOG": "True",
    "NUM_PARTITIONS": "5",
}
ALLOWED = {
    "CONNECTION_TYPE": r"s3",
    "UPDATE_BEHAVIOR": r"UPDATE_IN_DATABASE|LOG",
    "PARTITION_NAME": r"[a-z_][a-z0-9_]*",
    "DATA_FORMAT": r"parquet",
    "COMPRESSION": r"snappy|gzip|zstd|none",
    "ENABLE_UPDATE_CATALOG": r"True|False",
    "NUM_PARTITIONS": r"[1-9][0-9]{0,3}",
}

SOURCES = {
    "tbl_orders": [
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    ],
    "tbl_order_items": ["order_id", "product_id", "price", "freight_value"],
    "tbl_customers": ["customer_id", "customer_city", "customer_state"],
    "tbl_payments": ["order_id", "payment_type", "payment_value"],
    "tbl_reviews": ["order_id", "review_score", "review_comment_message"],
}  # fmt: skip

# The columns of the SoT in order, by source table.
ORDER_COLUMNS = [
    "order_id", "customer_id", "order_status",
    "order_purchase_ts", "order_approved_at", "order_deliv_carrier_dt", "order_deliv_customer_dt",
    "order_estim_deliv_dt", "year_order_purchase_ts", "quarter_order_purchase_ts", "month_order_purchase_ts",
    "dayofmonth_order_purchase_ts", "dayofweek_order_purchase_ts", "dayofyear_order_purchase_ts",
    "weekofyear_order_purchase_ts",
]  # fmt: skip
ITEM_COLUMNS = [
    "qty_order_items", "sum_order_price", "mean_order_price", "max_order_price", "min_order_price",
    "mean_order_freight_value",
]  # fmt: skip
CUSTOMER_COLUMNS = ["customer_city", "customer_state"]
PAYMENT_COLUMNS = [
    "sum_payment_value", "mean_payment_value", "count_payment_value", "most_common_payment_type",
]  # fmt: skip
REVIEW_COLUMNS = ["review_best_score", "review_comment_message"]
MONEY = "decimal(12,2)"


class JobError(Exception):
    """The run cannot continue. The message is for the user who started it."""


@dataclass(frozen=True)
class Settings:
    """Validated arguments of the job."""

    job_name: str
    source_db: str
    output_db: str
    output_table: str
    output_uri: str
    partition_name: str
    partition_value: str
    compression: str
    num_partitions: int
    update_catalog: bool
    update_schema: bool
    run_id: str | None = None

    @property
    def partition_type(self) -> str:
        """Type of the partition column: int for the default format, whose values are digits."""
        return "int" if re.fullmatch("[0-9]{1,9}", self.partition_value) else "string"

    @property
    def partition_uri(self) -> str:
        """Location of the partition that the run replaces."""
        return f"{self.output_uri}/{self.partition_name}={self.partition_value}"


@dataclass(frozen=True)
class Source:
    """A source table as the Data Catalog describes it."""

    name: str
    location: str
    classification: str


def read_settings(
    argv: list[str], resolve: Callable[[list[str], list[str]], dict[str, str]], now: datetime
) -> Settings:
    """Validate the command line. ``resolve`` is ``getResolvedOptions``. Raises JobError if it is invalid."""
    given = [name for name in (*REQUIRED, *DEFAULTS) if any(arg.split("=")[0] == f"--{name}" for arg in argv)]
    options = resolve(argv, given)
    values = DEFAULTS | {name: options[name] for name in given if options[name]}
    if missing := [f"--{name}" for name in REQUIRED if name not in values]:
        raise JobError(f"The job argument {', '.join(missing)} is missing.")
    for name, pattern in ALLOWED.items():
        if not re.fullmatch(pattern, values[name]):
            raise JobError(f"The job argument --{name} is {values[name]!r} but must match {pattern}.")
    uri = values["OUTPUT_TABLE_URI"].rstrip("/")
    if not uri.startswith(f"s3://{values['OUTPUT_BUCKET']}/"):
        raise JobError(f"The job argument --OUTPUT_TABLE_URI is {uri!r}, which is not in --OUTPUT_BUCKET.")
    partition = now.strftime(values["PARTITION_FORMAT"])
    if not re.fullmatch(r"[0-9A-Za-z_.-]+", partition):  # other characters need escaping in paths
        raise JobError(
            f"The job argument --PARTITION_FORMAT gives {partition!r}, an invalid partition value."
        )
    return Settings(
        job_name=values["JOB_NAME"],
        source_db=values["SOURCE_DB"],
        output_db=values["OUTPUT_DB"],
        output_table=values["OUTPUT_TABLE"],
        output_uri=uri,
        partition_name=values["PARTITION_NAME"],
        partition_value=partition,
        compression=values["COMPRESSION"],
        num_partitions=int(values["NUM_PARTITIONS"]),
        update_catalog=values["ENABLE_UPDATE_CATALOG"] == "True",
        update_schema=values["UPDATE_BEHAVIOR"] == "UPDATE_IN_DATABASE",
        run_id=next((after for name, after in pairwise(argv) if name == "--terraglue-run-id"), None),
    )


def find_sources(glue: "GlueClient", database: str) -> dict[str, Source]:
    """Find the source tables. Raises JobError if the catalog lacks a table or a required column."""
    sources = {}
    for name, needed in SOURCES.items():
        try:
            table = glue.get_table(DatabaseName=database, Name=name)["Table"]
        except glue.exceptions.EntityNotFoundException as exc:
            raise JobError(f"The table {database}.{name} is not in the Data Catalog.") from exc
        storage = table["StorageDescriptor"]
        columns = [column["Name"] for column in storage["Columns"]]
        if missing := [column for column in needed if column not in columns]:
            raise JobError(f"The table {database}.{name} lacks the column {', '.join(missing)}.")
        classification = table.get("Parameters", {}).get("classification", "csv")
        sources[name] = Source(f"{database}.{name}", storage["Location"], classification)
    return sources


def read_source(spark: SparkSession, source: Source, needed: list[str]) -> DataFrame:
    """Read the required columns of a source table as strings. Raises JobError if its files lack them."""
    file_system, files = _list_folder(spark, source.location)
    if not files:
        raise JobError(f"The table {source.name} has no files in {source.location}.")
    if source.classification == "csv":
        # As in RFC 4180, quotes inside quotes are doubled, and quoted text may contain line breaks. With an
        # explicit line separator, Spark keeps them. With enforceSchema off, Spark rejects a file whose header
        # differs from the first file's, instead of relying on the order of columns.
        first_line = _read_first_line(spark, file_system, files[0])
        schema = _strings(next(csv.reader([first_line.lower()])))
        separator = "\r\n" if first_line.endswith("\r") else "\n"
        reader = spark.read.options(header=True, multiLine=True, escape='"', lineSep=separator)
        frame = reader.schema(schema).option("enforceSchema", False).csv(source.location)
    elif source.classification == "json":
        # The Data Catalog and Athena ignore the case of keys. Spark's reader of JSON does not.
        texts = F.from_json("value", "map<string,string>")
        values = F.transform_keys(texts, lambda key, _: F.lower(key))
        rows = spark.read.text(source.location).select(values.alias("values"))
        frame = rows.select(*(F.col("values")[name].alias(name) for name in needed))
    elif source.classification == "parquet":
        frame = spark.read.parquet(source.location)
    else:
        raise JobError(f"The table {source.name} is {source.classification}, not csv, json or parquet.")
    if missing := ", ".join(name for name in needed if name not in frame.columns):
        raise JobError(f"The file {files[0].getName()} of {source.name} lacks the column {missing}.")
    return frame.select([F.col(name).cast("string") for name in needed])


def _strings(names: list[str]) -> StructType:
    return StructType([StructField(name, StringType()) for name in names])


def _list_folder(spark: SparkSession, uri: str) -> tuple[Any, list[Any]]:
    """Return the folder's file system and its visible paths, sorted by name. Empty if it does not exist."""
    jvm: Any = spark.sparkContext._jvm
    folder = jvm.org.apache.hadoop.fs.Path(uri)
    file_system = folder.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    found = file_system.listStatus(folder) if file_system.exists(folder) else []
    paths = {status.getPath().getName(): status.getPath() for status in found}
    return file_system, [paths[name] for name in sorted(paths) if name[0] not in "._"]


def _read_first_line(spark: SparkSession, file_system: Any, path: Any) -> str:
    jvm: Any = spark.sparkContext._jvm
    codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(file_system.getConf()).getCodec(path)
    stream = file_system.open(path)
    stream = codec.createInputStream(stream) if codec else stream
    head = bytes(stream.readNBytes(65536))
    stream.close()
    return head.split(b"\n")[0].decode("utf-8-sig")


def transform_orders(orders: DataFrame) -> DataFrame:
    """Parse the times and split the purchase time. Grain: one order."""
    times = {
        "order_purchase_ts": "order_purchase_timestamp",
        "order_approved_at": "order_approved_at",
        "order_deliv_carrier_dt": "order_delivered_carrier_date",
        "order_deliv_customer_dt": "order_delivered_customer_date",
        "order_estim_deliv_dt": "order_estimated_delivery_date",
    }
    parsed = {name: F.to_timestamp(source, "yyyy-MM-dd HH:mm:ss") for name, source in times.items()}
    purchase = F.col("order_purchase_ts")
    parts = {
        "year_order_purchase_ts": F.year(purchase),
        "quarter_order_purchase_ts": F.quarter(purchase),
        "month_order_purchase_ts": F.month(purchase),
        "dayofmonth_order_purchase_ts": F.dayofmonth(purchase),
        "dayofweek_order_purchase_ts": F.dayofweek(purchase),  # 1 = Sunday
        "dayofyear_order_purchase_ts": F.dayofyear(purchase),
        "weekofyear_order_purchase_ts": F.weekofyear(purchase),  # ISO 8601
    }
    return orders.withColumns(parsed).withColumns(parts).select(ORDER_COLUMNS)


def transform_order_items(items: DataFrame) -> DataFrame:
    """Aggregate the items of every order. Grain: one order that has an item."""
    price, freight = F.col("price").cast(MONEY), F.col("freight_value").cast(MONEY)
    statistics = items.groupBy("order_id").agg(
        F.count(_filled("product_id")).alias("qty_order_items"),
        F.sum(price).cast(MONEY).alias("sum_order_price"),
        _mean(F.sum(price), F.count(price)).alias("mean_order_price"),
        F.max(price).alias("max_order_price"),
        F.min(price).alias("min_order_price"),
        _mean(F.sum(freight), F.count(freight)).alias("mean_order_freight_value"),
    )
    return statistics.select("order_id", *ITEM_COLUMNS)


def transform_payments(payments: DataFrame) -> DataFrame:
    """Aggregate the payments of every order. Grain: one order that has a payment.

    The most common type is the most frequent non-empty one. Ties are broken alphabetically.
    """
    value = F.col("payment_value").cast(MONEY)
    by_type = (
        payments.repartition("order_id")  # one shuffle serves both groupings and the join
        .groupBy("order_id", _filled("payment_type").alias("payment_type"))
        .agg(F.count("*").alias("payments"), F.count(value).alias("values"), F.sum(value).alias("total"))
    )
    rank = F.when(F.col("payment_type").isNotNull(), F.struct(-F.col("payments"), "payment_type"))
    statistics = by_type.groupBy("order_id").agg(
        F.sum("total").cast(MONEY).alias("sum_payment_value"),
        _mean(F.sum("total"), F.sum("values")).alias("mean_payment_value"),
        F.sum("payments").alias("count_payment_value"),
        F.min(rank)["payment_type"].alias("most_common_payment_type"),
    )
    return statistics.select("order_id", *PAYMENT_COLUMNS)


def transform_reviews(reviews: DataFrame) -> DataFrame:
    """Keep the best score and one comment of every order. Grain: one order that has a valid review.

    A review is valid if its score is an integer from 1 to 5. The alphabetically greatest comment is kept.
    """
    statistics = (
        reviews.where(F.col("review_score").isin("1", "2", "3", "4", "5"))
        .groupBy("order_id")
        .agg(
            F.max(F.col("review_score").cast("int")).alias("review_best_score"),
            F.max(_filled("review_comment_message")).alias("review_comment_message"),
        )
    )
    return statistics.select("order_id", *REVIEW_COLUMNS)


def transform_sot(sources: Mapping[str, DataFrame]) -> DataFrame:
    """Join the source tables into the SoT. Grain: one order that has at least one item."""
    return (
        transform_orders(sources["tbl_orders"])
        .join(transform_order_items(sources["tbl_order_items"]), on="order_id", how="inner")
        .join(sources["tbl_customers"], on="customer_id", how="left")
        .join(transform_payments(sources["tbl_payments"]), on="order_id", how="left")
        .join(transform_reviews(sources["tbl_reviews"]), on="order_id", how="left")
        .select(*ORDER_COLUMNS, *ITEM_COLUMNS, *CUSTOMER_COLUMNS, *PAYMENT_COLUMNS, *REVIEW_COLUMNS)
    )


def _filled(name: str) -> Column:
    return F.when(F.col(name) != "", F.col(name))


def _mean(total: Column, count: Column) -> Column:
    """Divide and round half up to 2 places once. ``avg`` would first round to 6 places."""
    return F.round(total / count.cast("decimal(10,0)"), 2).cast(MONEY)


def replace_partition(spark: SparkSession, frame: DataFrame, uri: str, compression: str) -> None:
    """Write the rows as Parquet to the folder ``uri``, then delete the previous files.

    In this order, a run that fails or is stopped keeps the old rows. A run that ends between the two steps
    leaves old and new rows, and the next run removes both. Spark's own overwrite deletes first and computes
    afterwards. Its dynamic partition overwrite may append under S3A, Glue 5.1's file system (SPARK-56588).
    """
    file_system, old = _list_folder(spark, uri)
    markerless = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}
    frame.write.mode("append").options(compression=compression, **markerless).parquet(uri)
    for path in old:
        file_system.delete(path, True)


def find_output(glue: "GlueClient", settings: Settings) -> "TableTypeDef | None":
    """Find the output table, or None before the first run. Raises JobError if it does not fit the rows."""
    try:
        glue.get_database(Name=settings.output_db)
    except glue.exceptions.EntityNotFoundException as exc:
        raise JobError(f"The database {settings.output_db} is not in the Data Catalog.") from exc
    try:
        table = glue.get_table(DatabaseName=settings.output_db, Name=settings.output_table)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None
    keys = [f"{key['Name']} {key.get('Type')}" for key in table.get("PartitionKeys", [])]
    wanted = f"{settings.partition_name} {settings.partition_type}"
    if keys != [wanted]:
        name = f"{settings.output_db}.{settings.output_table}"
        raise JobError(f"The table {name} is partitioned by ({', '.join(keys)}), not by ({wanted}).")
    return table


def register(glue: "GlueClient", settings: Settings, frame: DataFrame, known: "TableTypeDef | None") -> None:
    """Create or update the output table and the run's partition in the Data Catalog. Idempotent."""
    columns = [(field.name, field.dataType.simpleString()) for field in frame.schema]
    # The service identifies the output of a run by this mark, whatever else changes in the catalog.
    mark = {"terraglue.run": settings.run_id} if settings.run_id else {}
    formats = "org.apache.hadoop.hive.ql.io.parquet"
    storage: Any = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        "Location": settings.output_uri,
        "InputFormat": f"{formats}.MapredParquetInputFormat",
        "OutputFormat": f"{formats}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{formats}.serde.ParquetHiveSerDe"},
    }
    table: Any = {
        "Name": settings.output_table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "compressionType": settings.compression, **mark},
        "PartitionKeys": [{"Name": settings.partition_name, "Type": settings.partition_type}],
        "StorageDescriptor": storage,
    }
    if known is None:
        try:
            glue.create_table(DatabaseName=settings.output_db, TableInput=table)
        except glue.exceptions.AlreadyExistsException:  # created by another run
            known = find_output(glue, settings)
    place = {"DatabaseName": settings.output_db, "TableName": settings.output_table}
    if known and columns != [(old["Name"], old.get("Type")) for old in known["StorageDescriptor"]["Columns"]]:
        logger.warning("columns changed table=%s update=%s", table["Name"], settings.update_schema)
        if settings.update_schema:
            glue.update_table(DatabaseName=settings.output_db, TableInput=table)
            update_partitions(glue, place, storage["Columns"])
    values = [settings.partition_value]
    place_of_rows = storage | {"Location": settings.partition_uri}
    partition: Any = {"Values": values, "StorageDescriptor": place_of_rows, "Parameters": mark}
    try:
        glue.create_partition(**place, PartitionInput=partition)
    except glue.exceptions.AlreadyExistsException:
        glue.update_partition(**place, PartitionValueList=values, PartitionInput=partition)


def update_partitions(glue: "GlueClient", place: Mapping[str, str], columns: list[dict[str, str]]) -> None:
    """Set the new columns on a table's partitions, because Athena rejects incompatible types."""
    for page in glue.get_paginator("get_partitions").paginate(
        DatabaseName=place["DatabaseName"], TableName=place["TableName"]
    ):
        for old in page["Partitions"]:
            storage: Any = {**old["StorageDescriptor"], "Columns": columns}
            changed: Any = {"Values": old["Values"], "StorageDescriptor": storage}
            glue.update_partition(
                DatabaseName=place["DatabaseName"],
                TableName=place["TableName"],
                PartitionValueList=old["Values"],
                PartitionInput=changed,
            )


def configure(spark: SparkSession) -> None:
    """Set UTC, and return null for times and numbers that cannot be parsed."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.ansi.enabled", "false")
    spark.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")


def run(spark: SparkSession, settings: Settings, sources: Mapping[str, Source]) -> DataFrame:
    """Build the SoT and replace the run's partition with it."""
    configure(spark)
    frames = {name: read_source(spark, source, SOURCES[name]) for name, source in sources.items()}
    sot = transform_sot(frames).coalesce(settings.num_partitions)
    written = Observation()
    observed = sot.observe(written, F.count("*").alias("rows"), F.sum("sum_order_price").alias("price"))
    replace_partition(spark, observed, settings.partition_uri, settings.compression)
    logger.info("partition written location=%s rows=%s", settings.partition_uri, written.get["rows"])
    logger.info("prices added up sum_order_price=%s", written.get["price"])
    return sot


def main(argv: list[str]) -> None:
    """Run the job under Glue or its local replacement."""
    import boto3
    from awsglue.context import GlueContext  # type: ignore[import-not-found]
    from awsglue.job import Job  # type: ignore[import-not-found]
    from awsglue.utils import getResolvedOptions  # type: ignore[import-not-found]
    from pyspark.context import SparkContext

    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = read_settings(argv, getResolvedOptions, datetime.now(UTC))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    glue = boto3.client("glue", region_name=region)
    # Checks that need no Spark come first, so that an error is reported in a second.
    sources = find_sources(glue, settings.source_db)
    known = find_output(glue, settings) if settings.update_catalog else None
    context = GlueContext(SparkContext.getOrCreate())
    job = Job(context)
    job.init(settings.job_name, {})
    sot = run(context.spark_session, settings, sources)
    if settings.update_catalog:
        register(glue, settings, sot, known)
        logger.info("catalog updated table=%s.%s", settings.output_db, settings.output_table)
    job.commit()


if __name__ == "__main__":
    main(sys.argv)
