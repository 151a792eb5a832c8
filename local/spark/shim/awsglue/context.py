"""`GlueContext`: reads and writes with Spark, and tables from the Data Catalog."""

import logging
import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

import boto3
from pyspark.sql import DataFrame, SparkSession

from .dynamicframe import DynamicFrame
from .sink import FORMATS, Sink, write
from .utils import refuse, unsupported

_S3 = "s3"


class _Entry:
    """Namespace of functions, as in `create_dynamic_frame.from_catalog(...)`."""

    def __init__(self, what: str, **functions: Callable[..., Any]) -> None:
        self._what = what
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> NoReturn:
        unsupported(f"{self._what}.{name}")


class GlueContext:
    """Glue's entry point to Spark."""

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        refuse("GlueContext", options, ("minPartitions", "targetPartitions"))  # hints only
        self.spark_session: SparkSession = SparkSession.builder.getOrCreate()
        self.sparkSession = self.spark_session
        self.sc = self.spark_session.sparkContext

        def boxed(read: Callable[..., DataFrame]) -> Callable[..., DynamicFrame]:
            return lambda *args, **kwargs: DynamicFrame.fromDF(read(*args, **kwargs), self)

        catalog, options_ = self._from_catalog, self._from_options
        self.create_data_frame = _Entry("create_data_frame", from_catalog=catalog, from_options=options_)
        self.create_data_frame_from_catalog = catalog
        self.create_data_frame_from_options = options_
        self.create_dynamic_frame = _Entry(
            "create_dynamic_frame", from_catalog=boxed(catalog), from_options=boxed(options_)
        )
        self.create_dynamic_frame_from_catalog = boxed(catalog)
        self.create_dynamic_frame_from_options = boxed(options_)
        self.write_dynamic_frame = _Entry("write_dynamic_frame", from_options=self._write)
        self.write_dynamic_frame_from_options = self._write

    def get_logger(self) -> logging.Logger:
        """Return a logger that writes to the run's error stream, as Glue's does."""
        logger = logging.getLogger("glue")
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler())
            logger.setLevel(logging.INFO)
        return logger

    def getSink(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        *,
        path: str = "",
        enableUpdateCatalog: bool = False,
        updateBehavior: str = "UPDATE_IN_DATABASE",
        partitionKeys: tuple[str, ...] | list[str] = (),
        compression: str = "snappy",
        **options: Any,
    ) -> Sink:
        """Return a sink that writes frames and can update the Data Catalog."""
        refuse("getSink", options)
        _only_s3(connection_type)
        return Sink(
            glue(), path, tuple(partitionKeys), compression, enableUpdateCatalog, updateBehavior, format
        )

    def purge_s3_path(self, s3_path: str, options: dict[str, Any] | None = None, **more: Any) -> None:
        """Delete files below a path that are older than `retentionPeriod` hours, by default 7 days."""
        options = dict(options or {})
        refuse("purge_s3_path", options | more, ("retentionPeriod", "transformation_ctx"))
        oldest = (time.time() - float(options.get("retentionPeriod", 168)) * 3600) * 1000
        jvm: Any = self.sc._jvm
        root = jvm.org.apache.hadoop.fs.Path(s3_path)
        jsc: Any = self.sc._jsc
        file_system = root.getFileSystem(jsc.hadoopConfiguration())
        if not file_system.exists(root):
            return
        files = file_system.listFiles(root, True)
        old = []
        while files.hasNext():
            status = files.next()
            if status.getModificationTime() <= oldest:
                old.append(status.getPath())
        for path in old:
            file_system.delete(path, False)

    def _from_catalog(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: dict[str, Any] | None = None,
        **more: Any,
    ) -> DataFrame:
        refuse("from_catalog", {**(additional_options or {}), **more})
        table = glue().get_table(DatabaseName=database, Name=table_name)["Table"]
        storage, parameters = table["StorageDescriptor"], table.get("Parameters", {})
        kind = parameters.get("classification", "csv")
        # Spark's DDL parses the catalog's Hive types. Partition columns come from the folder names.
        columns = [*storage["Columns"], *table.get("PartitionKeys", [])]
        schema = ", ".join(f"`{column['Name']}` {column['Type']}" for column in columns)
        reader = self.spark_session.read.schema(schema)
        if kind == "csv":
            delimiter = storage.get("SerdeInfo", {}).get("Parameters", {}).get("separatorChar", ",")
            header = parameters.get("skip.header.line.count", "0") != "0"
            reader = reader.options(header=header, multiLine=True, escape='"', sep=delimiter)
        elif kind not in FORMATS:
            unsupported(f"classification {kind} in from_catalog")
        frame = reader.format(FORMATS[kind]).load(storage["Location"])
        return frame.where(push_down_predicate) if push_down_predicate else frame

    def _from_options(
        self,
        connection_type: str,
        connection_options: dict[str, Any] | None = None,
        format: str | None = None,
        format_options: dict[str, Any] | None = None,
        transformation_ctx: str = "",
        **more: Any,
    ) -> DataFrame:
        _only_s3(connection_type)
        given, options = connection_options or {}, format_options or {}
        refuse("from_options", {**given, **more}, ("paths", "recurse"))
        refuse("format_options", options, ("withHeader", "separator", "quoteChar", "multiLine", "multiline"))
        if format not in FORMATS:
            unsupported(f"format {format} in from_options")
        reader = self.spark_session.read.options(recursiveFileLookup=bool(given.get("recurse")))
        if format == "csv":
            reader = reader.options(
                header=bool(options.get("withHeader")),
                sep=options.get("separator", ","),
                quote=options.get("quoteChar", '"'),
                escape='"',
                multiLine=bool(options.get("multiLine") or options.get("multiline")),
            )
        return reader.format(FORMATS[format]).load(given["paths"])

    def _write(
        self,
        frame: DynamicFrame,
        connection_type: str,
        connection_options: dict[str, Any] | None = None,
        format: str | None = None,
        format_options: dict[str, Any] | None = None,
        transformation_ctx: str = "",
        **more: Any,
    ) -> DynamicFrame:
        _only_s3(connection_type)
        given = connection_options or {}
        refuse("write_dynamic_frame", {**given, **more}, ("path", "partitionKeys", "compression"))
        options = format_options or {}
        refuse("format_options", options, ("compression", "useGlueParquetWriter", "withHeader", "separator"))
        compression = given.get("compression") or options.get("compression") or ""
        csv = {"header": bool(options.get("withHeader", True)), "sep": options.get("separator", ",")}
        extra = csv if format == "csv" else {}
        write(frame.toDF(), given["path"], given.get("partitionKeys", ()), format, compression, extra)
        return frame

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        unsupported(f"GlueContext.{name}")


def glue() -> Any:
    """Return a boto3 client of the Data Catalog."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return boto3.client("glue", region_name=region)


def _only_s3(connection_type: str) -> None:
    if connection_type != _S3:
        unsupported(f"connection type {connection_type}")
