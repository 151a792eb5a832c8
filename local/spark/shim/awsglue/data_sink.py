"""`DataSink`: writes frames and updates the Data Catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame

from ._io.options import flag
from ._io.registration import Registration, partition_values
from ._io.writers import Target, write
from .catalog import client
from .dynamicframe import DynamicFrame


class DataSink:
    """Data sink of `GlueContext.getSink`."""

    def __init__(self, target: Target, options: Mapping[str, Any]) -> None:
        self._target = target
        self._is_updating = flag(options, "enableUpdateCatalog")
        self._behavior = str(options.get("updateBehavior") or "UPDATE_IN_DATABASE")
        self._table: tuple[str, str] | None = None

    def setFormat(self, format: str, **options: Any) -> None:
        """Set the format of the files and its options."""
        self._target = replace(self._target, format=format, options=options)

    def setAccumulableSize(self, size: int) -> None:
        """Have no effect: the size limits the error records that Glue keeps."""

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Set the table to create or update."""
        self._table = (catalogDatabase, catalogTableName)

    def writeFrame(self, dynamic_frame: DynamicFrame, info: str = "") -> DynamicFrame:
        """Append the rows of a frame. Update the table and its partitions in the Data Catalog if enabled."""
        self._write(dynamic_frame.toDF(), self._target)
        return dynamic_frame

    def writeDataFrame(self, data_frame: DataFrame, glue_context: Any, info: str = "") -> DataFrame:
        """Append the rows of a DataFrame, as `writeFrame` does."""
        self._write(data_frame, self._target)
        return data_frame

    def write(self, dynamic_frame_or_dfc: Any, info: str = "") -> Any:
        """Write a frame, or each frame of a collection into a folder with its name."""
        if hasattr(dynamic_frame_or_dfc, "toDF"):
            return self.writeFrame(dynamic_frame_or_dfc, info)
        for name in dynamic_frame_or_dfc.keys():  # noqa: SIM118 - a collection is no mapping
            target = replace(self._target, path=f"{self._target.path.rstrip('/')}/{name}")
            self._write(dynamic_frame_or_dfc[name].toDF(), target)
        return dynamic_frame_or_dfc

    def _write(self, frame: DataFrame, target: Target) -> None:
        if not frame.columns:  # for example of a bookmark without new files; Spark writes no such files
            return
        if not (self._is_updating and self._table):
            write(frame, target)
            return
        registration = Registration(client(), *self._table, self._behavior)
        registration.check(target)
        # Before the write, because a frame can be read from the folder that it is written to.
        partitions = partition_values(frame, target.keys)
        write(frame, target)
        registration.update(frame, target, partitions)
