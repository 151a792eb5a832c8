"""Readers of files in S3, by format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from ..utils import refuse, unsupported
from . import avro_files, bookmarks, csv_files, json_files, xml_files
from .files import File, Input, list_files, partitioned, without_excluded
from .options import HINTS, LISTING, flag, names

BINARY = {"parquet": "parquet", "glueparquet": "parquet", "orc": "orc"}
"""Formats with types, by Glue's names."""
FILES_ONLY = ("avro", "xml")
"""Formats whose readers need a list of files, and find no columns in the names of folders."""
_SHARED = ("attachFilename",)


def s3_format(connection_type: str, format: str | None) -> str | None:
    """Return the format of files in S3. Refuse a connection to another service by its name."""
    if connection_type in (*BINARY, "csv", "json"):  # the deprecated way to name a format
        return connection_type
    if connection_type not in ("s3", "file"):
        unsupported(f"connection_type {connection_type}; only s3 is local")
    return format


def read_options(
    spark: SparkSession,
    connection_type: str,
    connection_options: Mapping[str, Any],
    format: str | None,
    format_options: Mapping[str, Any],
    context: str,
    *,
    with_choices: bool = False,
) -> DataFrame:
    """Read paths of S3. `with_choices` finds the types of JSON as DynamicFrames have them."""
    format = s3_format(connection_type, format)
    refuse("connection_options", dict(connection_options), (*LISTING, *HINTS))
    paths = [*names(connection_options.get("paths")), *names(connection_options.get("path"))]
    if not paths:
        raise ValueError("connection_options must have paths.")
    recurse = flag(connection_options, "recurse")
    files = list_files(spark, paths, recurse)
    found = selected(files, connection_options, context)
    options = {name: value for name, value in format_options.items() if name not in _SHARED}
    base = files[0].root if len({file.root for file in files}) == 1 and files[0].path != files[0].root else ""
    # Without new files the frame is empty and has the columns of all files.
    source = Input([file.path for file in found or files], base, recurse=recurse and not partitioned(files))
    frame = (
        read_files(spark, source, format, options, with_choices)
        if files
        else spark.createDataFrame([], StructType([]))
    )
    if name := connection_options.get("attachFilename") or format_options.get("attachFilename"):
        frame = frame.withColumn(str(name), F.input_file_name())
    return frame if found else frame.limit(0)


def read_files(
    spark: SparkSession,
    source: Input,
    format: str | None,
    options: Mapping[str, Any],
    with_choices: bool = False,
) -> DataFrame:
    """Read files of a format with the names and types that the files have."""
    if format == "csv":
        return csv_files.read(spark, source, options)
    if format == "json":
        return json_files.read(spark, source, options, with_choices=with_choices)
    if format in BINARY:
        # Options for the speed of reading, and those of the writer.
        refuse(
            "format_options", dict(options), ("useGlueParquetReader", "optimizePerformance", "compression")
        )
        return read_binary(spark, source, BINARY[format])
    if format == "avro":
        return avro_files.read(spark, source, options)
    if format == "xml":
        return xml_files.read(spark, source, options)
    unsupported(f"format {format} for reading")


def read_binary(spark: SparkSession, source: Input, format: str) -> DataFrame:
    """Read files of Parquet or ORC. The schema is that of all files together."""
    reader = spark.read.options(mergeSchema=True, **source.options).format(format)
    try:
        return reader.load(list(source.paths))
    except Exception as error:
        message = str(error)
        if "PARQUET_TYPE_ILLEGAL" in message or "Illegal Parquet type" in message:
            kind = message.partition("Illegal Parquet type: ")[2].partition("\n")[0].rstrip(".")
            raise ValueError(
                f"Spark cannot read the Parquet type {kind} in {', '.join(source.paths)}. "
                "Write timestamps with microseconds."
            ) from None
        raise


def selected(files: list[File], options: Mapping[str, Any], context: str) -> list[File]:
    """Return the files that a source reads: without exclusions, and without those of the job bookmark."""
    if options.get("exclusions"):
        files = without_excluded(files, options["exclusions"])
    bounded = int(options.get("boundedFiles") or 0)
    bookmark = bookmarks.active() if context else None
    if bookmark:
        return bookmark.unprocessed(context, files, bounded)
    return files[:bounded] if bounded else files


def lists_files(options: Mapping[str, Any], context: str) -> bool:
    """Return whether a source reads only some of the files in its folders."""
    return bool(options.get("exclusions") or options.get("boundedFiles") or (context and bookmarks.active()))
