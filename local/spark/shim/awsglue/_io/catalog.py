"""Tables of the Data Catalog as sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from .._spark.paths import quote
from .._spark.types import of_columns
from ..utils import refuse, unsupported
from . import csv_files, json_files
from .column_types import from_file, from_texts
from .files import Input, exists, list_files
from .options import HINTS, flag, folder
from .readers import BINARY, FILES_ONLY, lists_files, read_binary, read_files, selected

Json = dict[str, Any]
NULL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's partition value for null and for an empty string."""

_FORMATS = {
    **{"OpenCSVSerde": "csv", "LazySimpleSerDe": "csv", "JsonSerDe": "json"},
    **{"ParquetHiveSerDe": "parquet", "OrcSerde": "orc", "AvroSerDe": "avro", "RegexSerDe": "grokLog"},
}
_OPTIONS = ("catalogPartitionPredicate", "exclusions", "recurse", "boundedFiles", "path", "partitionKeys")


@dataclass(frozen=True)
class Table:
    """A table of the Data Catalog."""

    database: str
    name: str
    definition: Json

    @classmethod
    def get(cls, glue: Any, database: str, name: str) -> Table:
        """Return a table. Raises Glue's EntityNotFoundException."""
        return cls(database, name, glue.get_table(DatabaseName=database, Name=name)["Table"])

    @property
    def storage(self) -> Json:
        """Storage of the table's files."""
        return dict(self.definition.get("StorageDescriptor") or {})

    @property
    def parameters(self) -> Json:
        """Parameters of the table and of its SerDe."""
        serde = (self.storage.get("SerdeInfo") or {}).get("Parameters") or {}
        return {**serde, **(self.definition.get("Parameters") or {})}

    @property
    def keys(self) -> list[Json]:
        """Columns of partitions."""
        return list(self.definition.get("PartitionKeys") or ())

    @property
    def location(self) -> str:
        """Folder of the table, without a slash at the end."""
        return folder(str(self.storage.get("Location") or ""))

    @property
    def format(self) -> str:
        """Format of the files: of the classification, or of the SerDe."""
        kind = str(self.parameters.get("classification") or "").lower()
        library = str((self.storage.get("SerdeInfo") or {}).get("SerializationLibrary") or "")
        return kind or _FORMATS.get(library.rpartition(".")[2], library or "csv")

    @property
    def separator(self) -> str:
        """Separator of CSV files."""
        given = self.parameters
        found = (given.get(name) for name in ("separatorChar", "field.delim", "delimiter"))
        return next((str(value) for value in found if value), ",")


def schema(table: Table) -> StructType:
    """Return the columns of a table, those of partitions last."""
    return of_columns([*table.storage.get("Columns", ()), *table.keys])


def read_table(
    spark: SparkSession,
    glue: Any,
    table: Table,
    predicate: str,
    options: Mapping[str, Any],
    context: str,
    *,
    with_choices: bool = False,
) -> DataFrame:
    """Read a table. Its partitions are those of the Data Catalog, wherever their files are.

    A value of a CSV file that its column cannot hold is an error, or makes a choice if `with_choices`.
    """
    refuse("additional_options", dict(options), (*_OPTIONS, *HINTS))
    whole = schema(table)
    keys = of_columns(table.keys).fields
    if keys:
        found = list(_partitions(glue, table, str(options.get("catalogPartitionPredicate") or "")))
    else:
        found = [{"Values": [], "StorageDescriptor": table.storage}]
    if predicate:
        found = _pruned(spark, found, keys, predicate)
    groups = list(_sources(spark, table, found, keys, options, context))
    if not groups:
        return spark.createDataFrame([], whole)
    frames = [_read(spark, table, source, storage, literals) for source, storage, literals in groups]
    frame = reduce(DataFrame.unionByName, [frame.select(*map(quote, whole.names)) for frame in frames])
    if table.format == "csv":
        fields = whole.fields[: len(whole) - len(keys)]
        return from_texts(f"{table.database}.{table.name}", frame, fields, with_choices=with_choices)
    return frame


def locations(spark: SparkSession, glue: Any, table: Table, predicate: str) -> list[str]:
    """Return the folders of a table, or those of the partitions that a predicate selects."""
    if not table.keys:
        return [table.location]
    found = list(_partitions(glue, table, ""))
    if predicate:
        found = _pruned(spark, found, of_columns(table.keys).fields, predicate)
    return [str(partition["StorageDescriptor"]["Location"]) for partition in found]


def _partitions(glue: Any, table: Table, expression: str) -> Iterator[Json]:
    place = {"DatabaseName": table.database, "TableName": table.name}
    more = {"Expression": expression} if expression else {}
    for page in glue.get_paginator("get_partitions").paginate(**place, **more):
        yield from page["Partitions"]


def _pruned(
    spark: SparkSession, partitions: list[Json], keys: Sequence[StructField], predicate: str
) -> list[Json]:
    """Return the partitions whose values satisfy a predicate of Spark SQL."""
    rows = [[str(index), *_values(partition)] for index, partition in enumerate(partitions)]
    texts = StructType([StructField(name, StringType()) for name in ("_index", *(key.name for key in keys))])
    typed = [F.col(quote(key.name)).cast(key.dataType).alias(key.name) for key in keys]
    try:
        frame = spark.createDataFrame(rows, texts)
        kept = frame.select("_index", *typed).where(predicate).select("_index").collect()
    except AnalysisException as error:
        if "UNRESOLVED_COLUMN" not in str(error):
            raise
        columns = ", ".join(key.name for key in keys)
        raise ValueError(
            f"User's pushdown predicate: {predicate} can not be resolved against partition columns: "
            f"[{columns}]"
        ) from None
    return [partitions[int(row[0])] for row in kept]


def _values(partition: Json) -> list[str | None]:
    return [None if value == NULL else value for value in partition["Values"]]


def _sources(
    spark: SparkSession,
    table: Table,
    partitions: Sequence[Json],
    keys: Sequence[StructField],
    options: Mapping[str, Any],
    context: str,
) -> Iterator[tuple[Input, Json, list[Column]]]:
    """Yield what can be read together: files, their storage, and the values of partition columns.

    Folders named by Hive's rule are read together. Their values are in their names.
    """
    recurse = flag(options, "recurse")
    together: dict[str, tuple[list[str], Json]] = {}
    for partition in partitions:
        storage = {**table.storage, **(partition.get("StorageDescriptor") or {})}
        location = folder(str(storage.get("Location") or ""))
        if not location or not exists(spark, location):
            continue  # a partition may have no files yet
        paths = [location]
        if table.format in FILES_ONLY or lists_files(options, context):
            paths = [file.path for file in selected(list_files(spark, paths, recurse), options, context)]
            if not paths:
                continue
        names_no_columns = recurse or table.format in FILES_ONLY
        if keys and (names_no_columns or not _is_hive_folder(table, partition, location)):
            values = [
                F.lit(v).cast(k.dataType).alias(k.name) for k, v in zip(keys, _values(partition), strict=True)
            ]
            yield Input(paths, "", recurse=recurse), storage, values
            continue
        # Columns of a CSV file have positions, which each partition defines for its files.
        positions = str(storage.get("Columns")) if table.format == "csv" else ""
        together.setdefault(positions, ([], storage))[0].extend(paths)
    for paths, storage in together.values():
        base = table.location if keys or paths != [table.location] else ""
        yield Input(paths, base, keys, recurse), storage, []


def _is_hive_folder(table: Table, partition: Json, location: str) -> bool:
    names_ = [f"{key['Name']}={value}" for key, value in zip(table.keys, partition["Values"], strict=True)]
    inside = location.removeprefix(table.location.rstrip("/") + "/")
    return [unquote(name) for name in inside.split("/")] == names_


def _read(
    spark: SparkSession, table: Table, source: Input, storage: Json, literals: Sequence[Column]
) -> DataFrame:
    """Read files with the columns of the table."""
    fields = of_columns(table.storage["Columns"]).fields
    kind = table.format
    if kind == "csv":
        own = [column["Name"] for column in storage["Columns"]]
        frame = csv_files.read_columns(spark, source, own, _csv_options(table))
        missing = [F.lit(None).cast("string").alias(field.name) for field in fields if field.name not in own]
        return frame.select("*", *missing, *literals)
    if kind == "json":
        frame = json_files.read(spark, source, {}, StructType(fields))
        return frame.select("*", *literals)
    if kind in BINARY:
        frame = read_binary(spark, source, BINARY[kind])
    elif kind in FILES_ONLY:
        options = {"rowTag": table.parameters.get("rowTag")} if kind == "xml" else {}
        frame = read_files(spark, source, kind, options)
    else:
        unsupported(f"the format {kind} of {table.database}.{table.name}")
    stored = {name.lower(): name for name in frame.columns}
    name = f"{table.database}.{table.name}"
    values = [from_file(name, frame, stored.get(field.name.lower()), field) for field in fields]
    keys = [F.col(quote(key.name)).cast(key.dataType) for key in source.partitions]
    return frame.select(*values, *keys, *literals)


def _csv_options(table: Table) -> Json:
    parameters = table.parameters
    count = str(parameters.get("skip.header.line.count") or "0")
    if count not in ("0", "1"):
        unsupported(f"skip.header.line.count {count} of {table.database}.{table.name}")
    shape = csv_files.syntax({"separator": table.separator, "quoteChar": parameters.get("quoteChar")})
    # Files of a release have no line breaks in values, so Spark can split them.
    return shape | {"header": count == "1", "multiLine": parameters.get("multiLine") != "false"}
