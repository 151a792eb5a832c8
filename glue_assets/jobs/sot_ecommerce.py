"""Glue job that builds ``tbsot_ecommerce_br``: one row per order that has at least one item.

Reads five tables of the database ``--SOURCE_DB`` as the Data Catalog describes them, and replaces one
partition of the output table: the date of the run. ``docs/data.md`` documents every column and check. Runs
unchanged on Glue 5.1 (Spark 3.5.6) and locally. Only ``main`` requires ``awsglue``.

A run calls ``find_sources`` (catalog), ``read_source`` (files), ``convert`` (types), ``transform_sot`` (rules
of the table), ``replace_partition`` with ``check`` (rows), and ``register`` (catalog).
"""

import csv
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, DataFrameReader, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

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

# The required columns of every source table, and what they contain. The first one is the key.
SOURCES = {
    "tbl_orders": {
        "order_id": "text",
        "customer_id": "text",
        "order_status": "text",
        "order_purchase_timestamp": "time",
        "order_approved_at": "time",
        "order_delivered_carrier_date": "time",
        "order_delivered_customer_date": "time",
        "order_estimated_delivery_date": "time",
    },
    "tbl_order_items": {"order_id": "text", "product_id": "text", "price": "money", "freight_value": "money"},
    "tbl_customers": {"customer_id": "text", "customer_city": "text", "customer_state": "text"},
    "tbl_payments": {"order_id": "text", "payment_type": "text", "payment_value": "money"},
    "tbl_reviews": {"order_id": "text", "review_score": "score", "review_comment_message": "text"},
}

# Formats of SerDes, https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
FORMATS = {
    "org.apache.hadoop.hive.serde2.OpenCSVSerde": "csv",
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": "text",
    "org.openx.data.jsonserde.JsonSerDe": "json",
    "org.apache.hadoop.hive.serde2.JsonSerDe": "json",
    "org.apache.hive.hcatalog.data.JsonSerDe": "json",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": "parquet",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde": "orc",
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe": "avro",
}

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
# Columns whose values are rarely repeated. Parquet would build a dictionary of them and then discard it.
UNIQUE_COLUMNS = [
    "order_id", "customer_id", "order_purchase_ts", "order_approved_at", "order_deliv_carrier_dt",
    "order_deliv_customer_dt", "review_comment_message",
]  # fmt: skip
MONEY = T.DecimalType(12, 2)
# Bytes of the sources' files for each task that writes. Above, joins get a stage of their own.
BYTES_PER_FILE = 128 * 1024**2
# Bytes of the sources' files for each piece of a shuffle.
BYTES_PER_PIECE = 16 * 1024**2
DESCRIPTION = "One row per order that has at least one item."
COMMENTS = {
    "order_id": "The order",
    "customer_id": "Its customer, in tbl_customers",
    "order_status": "delivered, shipped, canceled, unavailable, invoiced, processing, created or approved",
    "order_purchase_ts": "When it was placed, UTC",
    "order_approved_at": "When its payment was approved, UTC",
    "order_deliv_carrier_dt": "When the carrier got it, UTC",
    "order_deliv_customer_dt": "When the customer got it, UTC",
    "order_estim_deliv_dt": "When the customer was to get it, UTC",
    "year_order_purchase_ts": "Year of order_purchase_ts",
    "quarter_order_purchase_ts": "Quarter, from 1",
    "month_order_purchase_ts": "Month, from 1",
    "dayofmonth_order_purchase_ts": "Day of the month, from 1",
    "dayofweek_order_purchase_ts": "Day of the week; 1 is Sunday",
    "dayofyear_order_purchase_ts": "Day of the year, from 1",
    "weekofyear_order_purchase_ts": "Week of the year as in ISO 8601",
    "qty_order_items": "Items of the order that name a product",
    "sum_order_price": "Sum of its items' prices",
    "mean_order_price": "Mean of its items' prices",
    "max_order_price": "Highest price of its items",
    "min_order_price": "Lowest price of its items",
    "mean_order_freight_value": "Mean freight of its items",
    "customer_city": "City of the customer",
    "customer_state": "State of the customer",
    "sum_payment_value": "Sum of its payments; null without payments",
    "mean_payment_value": "Mean of its payments",
    "count_payment_value": "Number of its payments; null without payments",
    "most_common_payment_type": "Most frequent type of its payments; of equals, the alphabetically first",
    "review_best_score": "Highest valid score of its reviews, 1 to 5",
    "review_comment_message": "Alphabetically last comment of its valid reviews",
}


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
    """A source table as the Data Catalog describes it. ``columns`` are those in the files."""

    name: str
    location: str
    format: str
    columns: tuple[str, ...]
    partition_keys: tuple[str, ...] = ()
    serde: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


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
        sources[name] = describe_source(f"{database}.{name}", table)
        types = {
            column["Name"].lower(): column.get("Type", "string").lower()
            for column in (*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", []))
        }
        if missing := [column for column in needed if column not in types]:
            raise JobError(f"The table {database}.{name} lacks the column {', '.join(missing)}.")
        for column in needed:
            if types[column].startswith(("array", "map", "struct")):
                raise JobError(
                    f"The column {column} of {database}.{name} is {types[column]}, not a single value."
                )
    return sources


def describe_source(name: str, table: "TableTypeDef") -> Source:
    """Return what the job reads of a table's definition. Raises JobError if it cannot read such tables."""
    storage, parameters = table["StorageDescriptor"], table.get("Parameters", {})
    serde = storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    if library not in FORMATS:
        found = f"the SerDe {library}, which this job cannot read" if library else "no SerDe and so no files"
        raise JobError(f"The table {name} has {found}; store the table as CSV, JSON, ORC or Parquet.")
    skipped = parameters.get("skip.header.line.count", "0")
    if skipped not in ("0", "1"):
        raise JobError(
            f"The table {name} has skip.header.line.count {skipped}; the job reads tables with 0 or 1."
        )
    return Source(
        name=name,
        location=storage["Location"],
        format=FORMATS[library],
        columns=tuple(column["Name"].lower() for column in storage["Columns"]),
        partition_keys=tuple(key["Name"].lower() for key in table.get("PartitionKeys", [])),
        serde=serde.get("Parameters", {}),
        parameters=parameters,
    )


def read_source(spark: SparkSession, source: Source, needed: Mapping[str, str]) -> DataFrame:
    """Read the required columns with the types of the files. Raises JobError if the files lack them."""
    file_system, files = _list_files(spark, source.location)
    first = next((file.getPath() for file in files if file.getLen()), None)
    if first is None:
        raise JobError(f"The table {source.name} has no data in {source.location}.")
    # Without partition keys in the catalog, folders mean nothing, even if they are named key=value.
    reader = spark.read.option("recursiveFileLookup", not source.partition_keys)
    try:
        if source.format in ("csv", "text"):
            frame = _read_csv(reader, source, _read_first_line(spark, file_system, first))
        elif source.format == "json":
            frame = _read_json(reader, source)
        else:
            frame = reader.format(source.format).load(source.location)
    except (AnalysisException, Py4JJavaError) as exc:
        reason = _root_cause(exc).splitlines()[0]
        if source.format == "avro" and "avro" in reason:
            # https://spark.apache.org/docs/3.5.6/sql-data-sources-avro.html#deploying
            raise JobError(
                f"The table {source.name} is Avro, which Spark reads only with the package spark-avro; "
                "store the table as Parquet, or add the package's jar with --extra-jars."
            ) from exc
        raise JobError(f"Spark cannot read the files of {source.name}: {reason}") from exc
    stored = {column.lower(): column for column in frame.columns}
    by_position = source.format in ("csv", "text", "orc") and not set(source.columns) & set(stored)
    if by_position and len(frame.columns) == len(source.columns) + len(source.partition_keys):
        # A header in other words, or ORC's _col0: as for Athena, the catalog names the columns in order.
        stored |= dict(zip(source.columns, frame.columns, strict=False))
    if missing := ", ".join(name for name in needed if name not in stored):
        raise JobError(f"The file {first.getName()} of {source.name} lacks the column {missing}.")
    return frame.select([F.col(f"`{stored[name]}`").alias(name) for name in needed])


def _root_cause(exc: Exception) -> str:
    if not isinstance(exc, Py4JJavaError):
        return str(exc)
    cause = exc.java_exception
    while inner := cause.getCause():
        cause = inner
    return str(cause.getMessage())


def _read_csv(reader: DataFrameReader, source: Source, first_line: str) -> DataFrame:
    """Read delimited files as strings.

    A release sets ``multiLine`` to false if no quoted text contains a line break. Then Spark splits files.
    """
    options: dict[str, Any] = {"header": source.parameters.get("skip.header.line.count") == "1"}
    if source.format == "csv":
        separator, quote = source.serde.get("separatorChar", ","), source.serde.get("quoteChar", '"')
        escape = source.serde.get("escapeChar", "\\")
        # In quoted text, quotes are doubled as in RFC 4180, unless the catalog names an unusual character.
        # A backslash is OpenCSVSerde's default, and the files of most tables do not use it.
        options |= {"sep": separator, "quote": quote, "escape": quote if escape == "\\" else escape}
        if source.parameters.get("multiLine") != "false":
            # With an explicit line separator, Spark keeps line breaks within quotes unchanged.
            options |= {"multiLine": True, "lineSep": "\r\n" if first_line.endswith("\r") else "\n"}
        names = next(csv.reader([first_line.rstrip("\r")], delimiter=separator, quotechar=quote))
    else:
        separator = source.serde.get("field.delim", source.serde.get("serialization.format", "\x01"))
        options |= {"sep": separator, "quote": "", "escape": ""}
        options["nullValue"] = source.serde.get("serialization.null.format", r"\N")
        names = first_line.rstrip("\r").split(separator)
    # With enforceSchema off, Spark rejects a file whose header differs from the first file's, instead of
    # relying on the order of columns.
    header = [name.lower() for name in names] if options["header"] else source.columns
    schema = T.StructType([T.StructField(name, T.StringType()) for name in header])
    return reader.options(enforceSchema=False, **options).schema(schema).csv(source.location)


def _read_json(reader: DataFrameReader, source: Source) -> DataFrame:
    """Read JSON Lines as strings. Ignores the case of keys, as the Data Catalog and Athena do."""
    lines = reader.text(source.location)
    texts = F.from_json("value", "map<string,string>")
    values = F.transform_keys(texts, lambda key, _: F.lower(key)).alias("values")
    # https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html: mapping.column = key
    keys = {column: source.serde.get(f"mapping.{column}", column).lower() for column in source.columns}
    rows = lines.where(F.trim("value") != "").select(values, *lines.columns[1:])
    return rows.select(
        *(F.col("values")[key].alias(column) for column, key in keys.items()), *lines.columns[1:]
    )


def _list_files(spark: SparkSession, uri: str) -> tuple[Any, Iterator[Any]]:
    """Return a folder's file system and the status of each visible file below it."""
    jvm: Any = spark.sparkContext._jvm
    folder = jvm.org.apache.hadoop.fs.Path(uri)
    file_system = folder.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    start = len(folder.toUri().getPath().rstrip("/"))

    def files() -> Iterator[Any]:
        found = file_system.listFiles(folder, True)
        while found.hasNext():
            status = found.next()
            parts = status.getPath().toUri().getPath()[start:].strip("/").split("/")
            # Spark ignores the same names.
            if not any(part[0] == "." or (part[0] == "_" and "=" not in part) for part in parts):
                yield status

    return file_system, files() if file_system.exists(folder) else iter(())


def _read_first_line(spark: SparkSession, file_system: Any, path: Any) -> str:
    jvm: Any = spark.sparkContext._jvm
    codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(file_system.getConf()).getCodec(path)
    stream = file_system.open(path)
    stream = codec.createInputStream(stream) if codec else stream
    head = bytes(stream.readNBytes(65536))
    stream.close()
    return head.split(b"\n")[0].decode("utf-8-sig", errors="replace")


# The date and the time of ISO 8601 and SQL. Spark's cast also accepts "2018", "T10" and the like. In Java, $
# would match before a line break at the end.
TIME = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?\z"
SCORE = r"^[1-5](\.0+)?\z"
MUST_BE = {
    "text": "a single value",
    "time": "a timestamp, a date, or a string such as 2018-05-25 10:56:33",
    "money": "a number or a string",
    "score": "a number or a string",
}


def convert(frame: DataFrame, table: str, kinds: Mapping[str, str], seen: Observation) -> DataFrame:
    """Convert the stored values to strings, times, amounts and scores. Empty and unreadable ones become null.

    ``seen`` receives the numbers of rows, of keys, and of rows with unreadable values. Raises JobError if the
    type of a column does not fit.
    """
    key = next(iter(kinds))
    values = _values(frame, table, kinds)
    unreadable = reduce(or_, _unreadable(frame, kinds, values).values(), F.lit(False))
    return (
        frame.select(*(value.alias(name) for name, value in values.items()), unreadable.alias("unreadable"))
        .observe(
            seen,
            F.count("*").alias("rows"),
            F.count(key).alias("keys"),
            F.count_if("unreadable").alias("unreadable"),
        )
        .select(*kinds)
    )


def count_unreadable(frame: DataFrame, table: str, kinds: Mapping[str, str]) -> dict[str, int]:
    """Count the unreadable values by column. Reads the table, so it is called only if there are any."""
    flags = _unreadable(frame, kinds, _values(frame, table, kinds))
    counts = frame.agg(*(F.count_if(flag).alias(name) for name, flag in flags.items())).first()
    return counts.asDict() if counts else {}


def _values(frame: DataFrame, table: str, kinds: Mapping[str, str]) -> dict[str, Column]:
    values = {}
    for name, kind in kinds.items():
        stored = frame.schema[name].dataType
        value = _parse(F.col(name), stored, kind)
        if value is None:
            raise JobError(
                f"The column {name} of {table} is {stored.simpleString()} in the files; "
                f"it must be {MUST_BE[kind]}."
            )
        values[name] = value
    return values


def _unreadable(
    frame: DataFrame, kinds: Mapping[str, str], values: Mapping[str, Column]
) -> dict[str, Column]:
    """Return a condition by column: the files have a value, but it became null."""
    return {
        name: values[name].isNull() & F.coalesce(F.col(name).cast(T.StringType()) != "", F.lit(False))
        for name, kind in kinds.items()
        if kind != "text"
    }


def _parse(column: Column, stored: T.DataType, kind: str) -> Column | None:
    """Return a column's value, or None if the kind has no values of the stored type."""
    is_text, is_number = isinstance(stored, T.StringType), isinstance(stored, T.NumericType)
    if kind == "text" and isinstance(stored, T.AtomicType):
        text = column.cast(T.StringType())
        if isinstance(stored, T.FractionalType):  # pandas stores integers as 7.0 if some are missing
            whole = column.cast(T.DecimalType(38, 0))
            text = F.when(column == whole, whole.cast(T.StringType())).otherwise(text)
        return F.when(text != "", text)
    if kind == "time" and is_text:
        return F.when(column.rlike(TIME), column.cast(T.TimestampType()))
    if kind == "time" and isinstance(stored, T.DateType | T.TimestampType | T.TimestampNTZType):
        return column.cast(T.TimestampType())
    if kind == "money" and (is_text or is_number):
        return column.cast(MONEY)
    if kind == "score" and is_text:
        return F.when(column.rlike(SCORE), F.substring(column, 1, 1).cast(T.IntegerType()))
    if kind == "score" and is_number:
        return F.when(column.isin(1, 2, 3, 4, 5), column.cast(T.IntegerType()))
    return None


def transform_orders(orders: DataFrame) -> DataFrame:
    """Rename the times and split the purchase time. Grain: one order. Joined columns stay."""
    joined = [column for column in orders.columns if column not in SOURCES["tbl_orders"]]
    times = {
        "order_purchase_ts": "order_purchase_timestamp",
        "order_approved_at": "order_approved_at",
        "order_deliv_carrier_dt": "order_delivered_carrier_date",
        "order_deliv_customer_dt": "order_delivered_customer_date",
        "order_estim_deliv_dt": "order_estimated_delivery_date",
    }
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
    return (
        orders.withColumns({name: F.col(source) for name, source in times.items()})
        .withColumns(parts)
        .select(*ORDER_COLUMNS, *joined)
    )


def transform_order_items(items: DataFrame) -> DataFrame:
    """Aggregate the items of every order. Grain: one order that has an item."""
    price, freight = F.col("price"), F.col("freight_value")
    statistics = items.groupBy("order_id").agg(
        F.count("product_id").alias("qty_order_items"),
        F.sum(price).cast(MONEY).alias("sum_order_price"),
        _mean(F.sum(price), F.count(price)).alias("mean_order_price"),
        F.max(price).alias("max_order_price"),
        F.min(price).alias("min_order_price"),
        _mean(F.sum(freight), F.count(freight)).alias("mean_order_freight_value"),
    )
    return statistics.select("order_id", *ITEM_COLUMNS)


def transform_payments(payments: DataFrame) -> DataFrame:
    """Aggregate the payments of every order. Grain: one order that has a payment.

    The most common type is the most frequent one. Ties are broken alphabetically.
    """
    value = F.col("payment_value")
    by_type = (
        payments.repartition("order_id")  # one shuffle serves both groupings and the join
        .groupBy("order_id", "payment_type")
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

    A review is valid if it has a score. The alphabetically greatest comment is kept.
    """
    statistics = (
        reviews.where(F.col("review_score").isNotNull())
        .repartition("order_id")  # before the grouping: the maximum of texts needs a sort, and so only one
        .groupBy("order_id")
        .agg(
            F.max("review_score").alias("review_best_score"),
            F.max("review_comment_message").alias("review_comment_message"),
        )
    )
    return statistics.select("order_id", *REVIEW_COLUMNS)


def transform_sot(
    sources: Mapping[str, DataFrame], seen: Mapping[str, Observation], join: str = "shuffle_hash"
) -> DataFrame:
    """Join the source tables into the SoT. Grain: one order that has at least one item.

    Every table is shuffled by ``order_id`` once, with the columns of its files only, and the results of the
    groupings are small enough for hash joins. Customers are broadcast if they are small. ``join`` is Spark's
    hint for the joins by order.

    A left join adds rows only if keys of its right side repeat. So the numbers of rows before and after the
    joins show whether orders and customers are unique, without another shuffle. ``seen`` receives them.
    """
    orders = sources["tbl_orders"].join(sources["tbl_customers"], on="customer_id", how="left")
    items = transform_order_items(sources["tbl_order_items"])
    joined = (
        items.observe(seen["items"], F.count("*").alias("rows"))
        .hint(join)
        .join(orders.withColumn("is_order", F.lit(True)), on="order_id", how="left")
        .join(transform_payments(sources["tbl_payments"]).hint(join), on="order_id", how="left")
        .join(transform_reviews(sources["tbl_reviews"]).hint(join), on="order_id", how="left")
    )

    def count(*columns: str) -> Column:
        return F.count(F.when(F.col("is_order"), F.coalesce(*columns)))

    # A mean exists without its sum only if the sum has more than 10 digits before the point.
    too_large = (F.col("mean_order_price").isNotNull() & F.col("sum_order_price").isNull()) | (
        F.col("mean_payment_value").isNotNull() & F.col("sum_payment_value").isNull()
    )
    return transform_orders(
        joined.observe(
            seen["sot"],
            F.count("*").alias("joined"),
            F.count("is_order").alias("rows"),
            F.sum(F.when(F.col("is_order"), F.col("sum_order_price"))).alias("price"),
            count("customer_city", "customer_state").alias("tbl_customers"),
            count("count_payment_value").alias("tbl_payments"),
            count("review_best_score").alias("tbl_reviews"),
            F.count_if(F.col("is_order") & too_large).alias("too_large"),
        ).where(F.col("is_order"))
    ).select(*ORDER_COLUMNS, *ITEM_COLUMNS, *CUSTOMER_COLUMNS, *PAYMENT_COLUMNS, *REVIEW_COLUMNS)


def _mean(total: Column, count: Column) -> Column:
    """Divide and round half up to 2 places once. ``avg`` would first round to 6 places."""
    mean = F.round(total / count.cast(T.DecimalType(10, 0)), 2)
    return F.when(count == 1, total).otherwise(mean).cast(MONEY)  # dividing is slow, and most orders have one


def limit_files(sot: DataFrame, num_partitions: int, source_bytes: int) -> DataFrame:
    """Bound the number of files, which is the number of tasks that write.

    If these tasks would get too much, the joins get a stage of their own, whose tasks are as many as the data
    needs, and only the rows are shuffled to the tasks that write.
    """
    if source_bytes <= num_partitions * BYTES_PER_FILE:
        return sot.coalesce(num_partitions)
    return sot.repartition(num_partitions, "order_id")


def replace_partition(
    spark: SparkSession, frame: DataFrame, uri: str, compression: str, check: Callable[[], None]
) -> None:
    """Write the rows as Parquet to the folder ``uri``, check them, and delete the previous files.

    In this order, a run that fails or is stopped keeps the old rows. If ``check`` fails, the new rows are
    deleted. A run that is stopped between the steps leaves old and new rows, and the next run removes both.
    Spark's own overwrite deletes first and computes afterwards. Its dynamic partition overwrite may append
    under S3A, Glue 5.1's file system (SPARK-56588).
    """
    file_system, files = _list_files(spark, uri)
    old = [file.getPath() for file in files]
    options = {f"parquet.enable.dictionary#{column}": "false" for column in UNIQUE_COLUMNS}
    options["mapreduce.fileoutputcommitter.marksuccessfuljobs"] = "false"
    frame.write.mode("append").options(compression=compression, **options).parquet(uri)
    try:
        check()
    except Exception:
        kept = {path.toString() for path in old}
        _, files = _list_files(spark, uri)
        for path in [file.getPath() for file in files]:
            if path.toString() not in kept:
                file_system.delete(path, False)
        raise
    for path in old:
        file_system.delete(path, False)


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
        "Columns": [
            {"Name": name, "Type": kind, "Comment": COMMENTS.get(name, "")} for name, kind in columns
        ],
        "Location": settings.output_uri,
        "InputFormat": f"{formats}.MapredParquetInputFormat",
        "OutputFormat": f"{formats}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{formats}.serde.ParquetHiveSerDe"},
    }
    table: Any = {
        "Name": settings.output_table,
        "Description": DESCRIPTION,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "compressionType": settings.compression, **mark},
        "PartitionKeys": [
            {
                "Name": settings.partition_name,
                "Type": settings.partition_type,
                "Comment": "Date of the run, UTC",
            }
        ],
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


def configure(spark: SparkSession, source_bytes: int = 0) -> None:
    """Set UTC, null for values that cannot be converted, the reading of files, and the sizes of tasks."""
    values = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        # Values of partitions stay strings: 01 is not 1.
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        # Dates before 1582 are read as they are. By default, Spark rejects them in files of unknown writers.
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        # So are times before 1900, such as placeholders, written: by default, one of them fails the run.
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
        # Removes observed parts of the plan next to empty ones, after which Observation.get never returns
        # (SPARK-54620).
        "spark.sql.adaptive.optimizer.excludedRules": (
            "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"
        ),
        # Shuffles write few large pieces. Spark combines them to tasks of 64 MB.
        "spark.sql.adaptive.coalescePartitions.initialPartitionNum": str(
            16 + source_bytes // BYTES_PER_PIECE
        ),
        # Hashing is faster than sorting. `run` sorts if the tables exceed the memory.
        "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "64MB",
    }
    for name, value in values.items():
        spark.conf.set(name, value)


def run(spark: SparkSession, settings: Settings, sources: Mapping[str, Source]) -> DataFrame:
    """Build the SoT and replace the run's partition with it."""
    source_bytes = sum(
        file.getLen() for source in sources.values() for file in _list_files(spark, source.location)[1]
    )
    configure(spark, source_bytes)
    with ThreadPoolExecutor(len(SOURCES)) as pool:  # each lists files, and reads a header or footers
        read = pool.map(lambda name: read_source(spark, sources[name], SOURCES[name]), SOURCES)
    stored = dict(zip(SOURCES, read, strict=True))

    def write(join: str) -> DataFrame:
        seen = {name: Observation() for name in (*SOURCES, "items", "sot")}
        frames = {
            name: convert(stored[name], sources[name].name, kinds, seen[name])
            for name, kinds in SOURCES.items()
        }
        sot = limit_files(transform_sot(frames, seen, join), settings.num_partitions, source_bytes)

        def check_rows() -> None:
            check(sources, stored, frames, {name: each.get for name, each in seen.items()})

        replace_partition(spark, sot, settings.partition_uri, settings.compression, check_rows)
        written = seen["sot"].get
        logger.info("partition written location=%s rows=%s", settings.partition_uri, written["rows"])
        logger.info("prices added up sum_order_price=%s", written["price"])
        return sot

    try:
        return write("shuffle_hash")
    except Py4JJavaError as exc:
        if "SparkOutOfMemoryError" not in str(exc):
            raise
    # Hash tables must fit into memory. Sorting is slower, but uses the disk if necessary.
    logger.warning("hash tables exceed the memory, so the joins are repeated with sorting")
    spark.conf.set("spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold", "0")
    return write("merge")


def check(
    sources: Mapping[str, Source],
    stored: Mapping[str, DataFrame],
    frames: Mapping[str, DataFrame],
    seen: Mapping[str, Mapping[str, Any]],
) -> None:
    """Log what the sources contain. Raises JobError if the rows written cannot be right."""
    for name, kinds in SOURCES.items():
        table, (key, *_), rows = sources[name].name, kinds, seen[name]["rows"]
        logger.info("source read table=%s rows=%s", table, rows)
        unreadable: Mapping[str, int] = {}
        if count := seen[name]["unreadable"]:
            parsed = [column for column, kind in kinds.items() if kind != "text"]
            one = len(parsed) == 1
            unreadable = {parsed[0]: count} if one else count_unreadable(stored[name], table, kinds)
        for column, count in unreadable.items():
            if count:
                logger.warning("values unreadable table=%s column=%s count=%s", table, column, count)
        if rows and not seen[name]["keys"]:
            raise JobError(
                f"None of the {rows} rows of {table} has a value in {key}; check the columns of its files."
            )
    sot, orders, items = seen["sot"], sources["tbl_orders"].name, sources["tbl_order_items"].name
    if count := sot["too_large"]:
        logger.warning("sums too large for decimal(12,2) and so null orders=%s", count)
    if sot["joined"] > seen["items"]["rows"]:
        with_items = frames["tbl_orders"].join(frames["tbl_order_items"], on="order_id", how="left_semi")
        check_unique(with_items, orders, "order_id")
        check_unique(frames["tbl_customers"], sources["tbl_customers"].name, "customer_id")
    if not sot["rows"] and (seen["tbl_orders"]["rows"] or seen["tbl_order_items"]["rows"]):
        raise JobError(f"No order_id of {orders} is in {items}, so the table would have no rows.")
    for name in ("tbl_customers", "tbl_payments", "tbl_reviews"):
        if sot["rows"] and seen[name]["rows"] and not sot[name]:
            table, (key, *values) = sources[name].name, SOURCES[name]
            raise JobError(
                f"The {seen[name]['rows']} rows of {table} add nothing to the table; check that {key} "
                f"has the values of the orders with items, and that {' and '.join(values)} are valid."
            )


def check_unique(frame: DataFrame, table: str, key: str) -> None:
    """Raise JobError if keys occur more than once. Reads the table, so it is called only on suspicion."""
    keys = frame.where(F.col(key).isNotNull()).groupBy(key).agg(F.count("*").alias("rows"))
    repeated = keys.where("rows > 1").select(key)
    if count := repeated.count():
        examples = ", ".join(row[key] for row in repeated.orderBy(key).head(3))
        raise JobError(
            f"In {table}, {count} values of {key} occur more than once, such as {examples}; "
            "remove the repeated rows or files."
        )


def main(argv: list[str]) -> None:
    """Run the job under Glue or its local replacement."""
    import boto3
    from awsglue.context import GlueContext  # type: ignore[import-not-found]
    from awsglue.job import Job  # type: ignore[import-not-found]
    from awsglue.utils import getResolvedOptions  # type: ignore[import-not-found]
    from pyspark.context import SparkContext

    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it reports the end of each thread's connection
    settings = read_settings(argv, getResolvedOptions, datetime.now(UTC))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    glue = boto3.client("glue", region_name=region)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(SparkContext.getOrCreate)  # takes seconds, as the checks do
        sources = find_sources(glue, settings.source_db)
        known = find_output(glue, settings) if settings.update_catalog else None
    context = GlueContext(starting.result())
    job = Job(context)
    job.init(settings.job_name, {})
    sot = run(context.spark_session, settings, sources)
    if settings.update_catalog:
        register(glue, settings, sot, known)
        logger.info("catalog updated table=%s.%s", settings.output_db, settings.output_table)
    job.commit()


if __name__ == "__main__":
    main(sys.argv)
