"""Sinks: write frames and update the Data Catalog."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from .dynamicframe import DynamicFrame
from .utils import unsupported

FORMATS = {
    **{"csv": "csv", "json": "json", "parquet": "parquet", "glueparquet": "parquet", "orc": "orc"},
}
"""Spark's names of the supported formats, by Glue's names."""

_HIVE = "org.apache.hadoop.hive.ql.io"
_STORAGE = {
    "InputFormat": f"{_HIVE}.parquet.MapredParquetInputFormat",
    "OutputFormat": f"{_HIVE}.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.parquet.serde.ParquetHiveSerDe"},
}


def write(
    frame: DataFrame,
    path: str,
    keys: Sequence[str],
    format: str | None,
    compression: str,
    extra: dict[str, Any] | None = None,
) -> None:
    """Append the rows of a frame to a folder, as Glue does."""
    if format not in FORMATS:
        unsupported(f"format {format} for writing")
    writer = frame.write.mode("append").format(FORMATS[format]).options(**(extra or {}))
    if compression:
        writer = writer.option("compression", compression)
    (writer.partitionBy(*keys) if keys else writer).save(path)


class Sink:
    """Data sink of `getSink`."""

    def __init__(
        self,
        glue: Any,
        path: str,
        keys: tuple[str, ...],
        compression: str,
        is_updating: bool,
        behavior: str,
        format: str | None,
    ) -> None:
        self._glue = glue
        self._path = path.rstrip("/")
        self._keys = keys
        self._compression = compression
        self._is_updating = is_updating
        self._behavior = behavior
        self._format = format
        self._table: tuple[str, str] | None = None

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Set the table to create or update."""
        self._table = (catalogDatabase, catalogTableName)

    def setFormat(self, format: str, **options: Any) -> None:
        """Set the format of the files."""
        if options.pop("useGlueParquetWriter", True) and not options:
            self._format = format
        else:
            unsupported("options of setFormat")

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        """Append the rows. Update the table and its partitions in the Data Catalog if enabled."""
        frame = dynamic_frame.toDF()
        if self._is_updating and FORMATS.get(self._format or "") != "parquet":
            unsupported(f"catalog update for format {self._format}")
        write(frame, self._path, self._keys, self._format, self._compression)
        if self._is_updating and self._table:
            self._register(frame, *self._table)
        return dynamic_frame

    def _register(self, frame: DataFrame, database: str, name: str) -> None:
        types = {field.name: field.dataType.simpleString() for field in frame.schema}
        columns = [{"Name": column, "Type": types[column]} for column in types if column not in self._keys]
        storage = {**_STORAGE, "Columns": columns, "Location": self._path}
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet", "compressionType": self._compression},
            "PartitionKeys": [{"Name": key, "Type": types[key]} for key in self._keys],
            "StorageDescriptor": storage,
        }
        try:
            self._glue.create_table(DatabaseName=database, TableInput=table)
        except self._glue.exceptions.AlreadyExistsException:
            if self._behavior == "UPDATE_IN_DATABASE":
                self._glue.update_table(DatabaseName=database, TableInput=table)
        place = {"DatabaseName": database, "TableName": name}
        for row in frame.select(*self._keys).distinct().collect() if self._keys else ():
            values = [str(value) for value in row]
            folder = "/".join(f"{key}={value}" for key, value in zip(self._keys, values, strict=True))
            partition = {
                "Values": values,
                "StorageDescriptor": storage | {"Location": f"{self._path}/{folder}"},
            }
            try:
                self._glue.create_partition(**place, PartitionInput=partition)
            except self._glue.exceptions.AlreadyExistsException:
                self._glue.update_partition(**place, PartitionValueList=values, PartitionInput=partition)
