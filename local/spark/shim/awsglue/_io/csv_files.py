"""CSV files as Glue reads and writes them.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-format-csv-home.html
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from .._spark.paths import quote
from ..utils import refuse, unsupported
from .files import Input, first_line
from .options import flag

_READ = ("withHeader", "separator", "quoteChar", "escaper", "multiLine", "multiline", "skipFirst")
# Hints for the speed of Glue's reader, and options of the writer that scripts pass to both.
_IGNORED = ("optimizePerformance", "strictCheckForQuoting", "writeHeader", "encoding")
_WRITE = ("separator", "quoteChar", "writeHeader", "compression", "escaper")


def syntax(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return Spark's options of separator, quotes and escapes."""
    separator = str(options.get("separator") or ",")
    quote = str(options.get("quoteChar") or '"')
    escape = str(options.get("escaper") or "")
    if quote == "-1":
        return {"sep": separator, "quote": "", "escape": escape or "\\"}
    return {"sep": separator, "quote": quote, "escape": escape or quote}  # doubled quotes, as in RFC 4180


def read(spark: SparkSession, source: Input, options: Mapping[str, Any]) -> DataFrame:
    """Read files as columns of strings.

    The names are those of each file's own header, or col0, col1 and so on. Files whose headers differ are
    combined by name, regardless of case.
    """
    refuse("format_options", dict(options), (*_READ, *_IGNORED))
    if str(options.get("encoding") or "UTF-8").upper() not in ("UTF-8", "UTF8"):
        unsupported(f"encoding {options['encoding']} of CSV files")
    with_header, skips = flag(options, "withHeader"), flag(options, "skipFirst")
    if with_header and skips:
        unsupported("skipFirst with withHeader")
    shape = syntax(options)
    first = {path: _cells(first_line(spark, path), shape) for path in source.paths}
    groups: dict[tuple[str, ...], list[str]] = {}
    width = max(map(len, first.values()), default=0)
    for path, cells in first.items():
        names = _names(cells) if with_header else [f"col{index}" for index in range(width)]
        groups.setdefault(tuple(names), []).append(path)
    lines = {"multiLine": flag(options, "multiLine") or flag(options, "multiline")}
    shape |= lines | {"header": with_header or skips}
    frames = [read_columns(spark, source.of(paths), names, shape) for names, paths in groups.items()]
    return reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), frames)


def read_columns(
    spark: SparkSession, source: Input, names: Sequence[str], options: Mapping[str, Any]
) -> DataFrame:
    """Read files whose columns are known. `options` are Spark's. An empty field is an empty string.

    No page of AWS states the latter for the readers of Glue. Athena documents it for tables of OpenCSVSerde
    (https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html), and Glue's DropNullFields does not count
    empty strings as nulls (https://docs.aws.amazon.com/glue/latest/dg/transforms-dropnull-fields.html).
    """
    columns = [StructField(name, StringType()) for name in names]
    reader = spark.read.schema(StructType([*columns, *source.partitions])).options(**options)
    frame = reader.options(**source.options).csv(list(source.paths))
    values = [F.coalesce(F.col(quote(name)), F.lit("")).alias(name) for name in names]
    return frame.select(*values, *(F.col(quote(name)) for name in frame.columns[len(names) :]))


def write_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return Spark's options for writing."""
    refuse("format_options", dict(options), (*_WRITE, *_READ, *_IGNORED))
    header = options.get("writeHeader") is None or flag(options, "writeHeader")
    return syntax(options) | {"header": header, "emptyValue": ""}


def unquoted(
    frame: DataFrame, keys: Sequence[str], options: Mapping[str, Any]
) -> tuple[DataFrame, dict[str, Any]]:
    """Return a frame of whole lines and the options to write it, because Spark cannot turn quotes off."""
    names = [name for name in frame.columns if name not in keys]
    texts = [F.coalesce(F.col(quote(name)).cast("string"), F.lit("")) for name in names]
    separator = options["sep"]
    line = F.concat_ws(separator, *texts).alias(separator.join(names))
    lines = frame.select(line, *(F.col(quote(key)) for key in keys))
    return lines, {**options, "sep": "\u0001", "quote": "\u0000", "escapeQuotes": False}


def _cells(line: str, shape: Mapping[str, Any]) -> list[str]:
    quote = shape["quote"]
    separator = shape["sep"]
    if len(separator) > 1:
        return [cell.strip(quote) for cell in line.split(separator)]
    if not quote:
        return line.rstrip("\r\n").split(separator)
    reader = csv.reader([line.rstrip("\r\n")], delimiter=separator, quotechar=quote)
    return next(reader, [])


def _names(cells: Sequence[str]) -> list[str]:
    names: list[str] = []
    for index, cell in enumerate(cells):
        name = cell or f"col{index}"
        is_repeated = name.lower() in {other.lower() for other in names}
        names.append(f"{name}{index}" if is_repeated else name)
    return names
