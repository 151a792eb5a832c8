"""Update of the Data Catalog after a write.

https://docs.aws.amazon.com/glue/latest/dg/update-from-job.html: UPDATE_IN_DATABASE overwrites the schema of
the table, LOG keeps it. Both add partitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from .._spark.paths import quote
from ..utils import unsupported
from .catalog import NULL
from .options import flag
from .readers import BINARY
from .writers import Target

Json = dict[str, Any]
_BATCH = 100  # https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html
_HIVE = "org.apache.hadoop.hive"
_TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
}
_BINARY = {
    "parquet": {
        "InputFormat": f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe"},
    },
    "orc": {
        "InputFormat": f"{_HIVE}.ql.io.orc.OrcInputFormat",
        "OutputFormat": f"{_HIVE}.ql.io.orc.OrcOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.ql.io.orc.OrcSerde"},
    },
}
# Types that OpenCSVSerde reads. Others are text, as AWS recommends for dates and timestamps.
# https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
_CSV_TYPES = {"tinyint": "int", "smallint": "int", "float": "double"} | {
    kind: kind for kind in ("boolean", "int", "bigint", "double")
}


class Registration:
    """The table that a sink creates or updates."""

    def __init__(self, glue: Any, database: str, name: str, behavior: str) -> None:
        if behavior not in ("UPDATE_IN_DATABASE", "LOG"):
            raise ValueError(f"updateBehavior {behavior} must be UPDATE_IN_DATABASE or LOG.")
        self._glue = glue
        self._place = {"DatabaseName": database, "TableName": name}
        self._overwrites = behavior == "UPDATE_IN_DATABASE"

    def check(self, target: Target) -> None:
        """Raise `ValueError` if the existing table has other partition keys."""
        table = self._existing()
        keys = [key["Name"] for key in table.get("PartitionKeys") or ()] if table else list(target.keys)
        if [key.lower() for key in target.keys] != [key.lower() for key in keys]:
            raise ValueError(
                f"partitionKeys {list(target.keys)} must be those of the table, in the same order: {keys}."
            )

    def update(self, frame: DataFrame, target: Target, partitions: Sequence[Sequence[str]]) -> None:
        """Create or update the table, and add partitions."""
        definition = _definition(self._place["TableName"], frame, target)
        existing = self._existing()
        if existing is None:
            self._glue.create_table(DatabaseName=self._place["DatabaseName"], TableInput=definition)
        elif self._overwrites:
            self._glue.update_table(DatabaseName=self._place["DatabaseName"], TableInput=definition)
        else:
            known = {column["Name"] for column in existing["StorageDescriptor"]["Columns"]}
            if not {column["Name"] for column in definition["StorageDescriptor"]["Columns"]} <= known:
                return  # LOG adds partitions only if the table has all columns of the frame
            definition["StorageDescriptor"]["Columns"] = existing["StorageDescriptor"]["Columns"]
        for batch in _batches(_inputs(frame, target, definition["StorageDescriptor"], partitions)):
            self._add(batch)

    def _add(self, inputs: Sequence[Json]) -> None:
        answer = self._glue.batch_create_partition(**self._place, PartitionInputList=inputs)
        known = []
        for error in answer.get("Errors") or ():
            if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                raise RuntimeError(f"Partition {error['PartitionValues']}: {error['ErrorDetail']}")
            known.append(error["PartitionValues"])
        entries = [
            {"PartitionValueList": i["Values"], "PartitionInput": i} for i in inputs if i["Values"] in known
        ]
        if entries and self._overwrites:
            answer = self._glue.batch_update_partition(**self._place, Entries=entries)
            if answer.get("Errors"):
                raise RuntimeError(f"Partitions are not updated: {answer['Errors']}")

    def _existing(self) -> Json | None:
        name = {"DatabaseName": self._place["DatabaseName"], "Name": self._place["TableName"]}
        try:
            table: Json = self._glue.get_table(**name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        return table


def partition_values(frame: DataFrame, keys: Sequence[str]) -> list[list[str]]:
    """Return the values of all partitions of a frame, as the names of their folders show them."""
    if not keys:
        return []
    rows = frame.select(*(F.col(quote(key)).cast("string") for key in keys)).distinct().collect()
    return sorted([value or NULL for value in row] for row in rows)


def _definition(name: str, frame: DataFrame, target: Target) -> Json:
    kind = BINARY.get(target.format, target.format)
    types = {column.name: column.dataType.simpleString() for column in frame.schema}
    columns = [
        {"Name": column.lower(), "Type": _type(types[column], target)}
        for column in types
        if column not in target.keys
    ]
    parameters = {"classification": kind, "compressionType": target.codec}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters | _header(target),
        "PartitionKeys": [{"Name": key.lower(), "Type": _sql(types[key])} for key in target.keys],
        "StorageDescriptor": {**_storage(kind, target), "Columns": columns, "Location": target.path},
    }


def _header(target: Target) -> dict[str, str]:
    writes = target.options.get("writeHeader") is None or flag(target.options, "writeHeader")
    return {"skip.header.line.count": "1"} if target.format == "csv" and writes else {}


def _type(kind: str, target: Target) -> str:
    if target.format == "csv" and not _is_unquoted(target):
        return _CSV_TYPES.get(kind, "string")
    return _sql(kind)


def _sql(kind: str) -> str:
    return kind.replace("timestamp_ntz", "timestamp").replace("void", "string")


def _is_unquoted(target: Target) -> bool:
    return str(target.options.get("quoteChar")) == "-1"


def _storage(kind: str, target: Target) -> Json:
    if kind in _BINARY:
        return _BINARY[kind]
    if kind == "json":
        return {**_TEXT, "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}
    if kind != "csv":
        unsupported(f"catalog update for format {kind}")
    separator = str(target.options.get("separator") or ",")
    library, parameters = "lazy.LazySimpleSerDe", {"field.delim": separator}
    if not _is_unquoted(target):
        quote = str(target.options.get("quoteChar") or '"')
        library, parameters = "OpenCSVSerde", {"separatorChar": separator, "quoteChar": quote}
    serde = {"SerializationLibrary": f"{_HIVE}.serde2.{library}", "Parameters": parameters}
    return {**_TEXT, "SerdeInfo": serde}


def _inputs(
    frame: DataFrame, target: Target, storage: Mapping[str, Any], partitions: Sequence[Sequence[str]]
) -> Iterator[Json]:
    jvm: Any = frame.sparkSession.sparkContext._jvm
    folder = jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.getPartitionPathString
    for values in partitions:
        names = [folder(key, value) for key, value in zip(target.keys, values, strict=True)]
        location = "/".join([target.path.rstrip("/"), *names])
        yield {"Values": list(values), "StorageDescriptor": {**storage, "Location": location}}


def _batches(inputs: Iterator[Json]) -> Iterator[list[Json]]:
    everything = list(inputs)
    for start in range(0, len(everything), _BATCH):
        yield everything[start : start + _BATCH]
