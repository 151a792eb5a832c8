"""Writers of files in S3, by format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import NullType

from ..utils import refuse, unsupported
from . import csv_files
from .catalog import Table
from .options import folder, names
from .readers import BINARY, s3_format

# Options that change the speed or the size of files, never the rows.
_HINTS = (
    *("useGlueParquetWriter", "blockSize", "pageSize", "groupFiles", "groupSize", "useS3ListImplementation"),
    *("partitionCount", "numberPartitions", "writeHeader", "withHeader", "separator", "multiline"),
)
_TARGET = ("path", "partitionKeys", "compression", "compressionType", "enableUpdateCatalog", "updateBehavior")
_NONE = ("", "none", "uncompressed")


@dataclass(frozen=True)
class Target:
    """Folder and format of files to write."""

    path: str
    keys: Sequence[str] = ()
    format: str = ""
    compression: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, connection_type: str, connection: Mapping[str, Any], format: str | None) -> Target:
        """Return the target of connection options."""
        format = s3_format(connection_type, format)
        refuse("connection_options", dict(connection), (*_TARGET, *_HINTS))
        if not connection.get("path"):
            raise ValueError("connection_options must have a path.")
        compression = str(connection.get("compression") or connection.get("compressionType") or "")
        keys = names(connection.get("partitionKeys"))
        return cls(folder(str(connection["path"])), tuple(keys), format or "", compression)

    @property
    def codec(self) -> str:
        """Compression in lower case. Text files are not compressed and binary files use snappy by default."""
        given = str(self.options.get("compression") or self.compression).lower()
        if given:
            return "none" if given in _NONE else given
        return "snappy" if self.format in BINARY else "none"


def write(frame: DataFrame, target: Target) -> None:
    """Append the rows of a frame to a folder, as Glue does."""
    options: dict[str, Any] = {"compression": target.codec}
    if target.format == "csv":
        options |= csv_files.write_options(target.options)
        if not options["quote"]:
            frame, options = csv_files.unquoted(frame, target.keys, options)
    elif target.format == "json":
        refuse("format_options", dict(target.options), ("compression", *_HINTS))
    elif target.format in BINARY:
        refuse("format_options", dict(target.options), ("compression", *_HINTS))
        empty = [column.name for column in frame.schema if isinstance(column.dataType, NullType)]
        if empty:
            raise ValueError(
                f"{target.format} cannot hold the columns {', '.join(empty)}: all their values are null. "
                "Apply DropNullFields, or cast them to a type."
            )
    else:
        unsupported(f"format {target.format or None} for writing")
    missing = set(target.keys) - set(frame.columns)
    if missing:
        raise ValueError(f"The frame has no columns {', '.join(sorted(missing))}, which partitionKeys names.")
    writer = frame.write.mode("append").format(BINARY.get(target.format, target.format)).options(**options)
    (writer.partitionBy(*target.keys) if target.keys else writer).save(target.path)


def target_of_table(table: Table, options: Mapping[str, Any]) -> Target:
    """Return the target of a table of the Data Catalog: its folder and format."""
    refuse("additional_options", dict(options), (*_TARGET, *_HINTS))
    parameters = table.parameters
    shape: dict[str, Any] = {}
    if table.format == "csv":
        shape = {
            "separator": table.separator,
            "quoteChar": parameters.get("quoteChar") or '"',
            "writeHeader": str(parameters.get("skip.header.line.count") or "0") != "0",
        }
    compression = str(options.get("compression") or parameters.get("compressionType") or "")
    keys = tuple(names(options.get("partitionKeys")))
    return Target(table.location, keys, table.format, compression, shape)
