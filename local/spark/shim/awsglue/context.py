"""`GlueContext`: reads and writes with Spark, and tables from the Data Catalog."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from pyspark.sql import SparkSession, SQLContext

from ._context.entries import Entries
from ._context.reading import Reading
from ._context.writing import Writing
from ._io import catalog, storage
from ._io.logger import GlueLogger
from ._io.options import Options
from .catalog import client
from .dynamicframe import DynamicFrameReader, DynamicFrameWriter
from .utils import refuse, unsupported

_STREAMING = "streaming"
_TRANSACTIONS = "transactions of governed tables"
_REFUSED = {
    "getStreamingSource": _STREAMING,
    "forEachBatch": _STREAMING,
    "getSampleStreamingDynamicFrame": _STREAMING,
    "add_ingestion_time_columns": _STREAMING,
    "extract_jdbc_conf": "JDBC connections",
    "start_transaction": _TRANSACTIONS,
    "commit_transaction": _TRANSACTIONS,
    "cancel_transaction": _TRANSACTIONS,
}


class GlueContext(Reading, Writing, SQLContext):
    """Glue's entry point to Spark."""

    def __init__(self, sparkContext: Any = None, **options: Any) -> None:
        refuse("GlueContext", options, ("minPartitions", "targetPartitions"))  # hints only
        session = (
            sparkContext if isinstance(sparkContext, SparkSession) else SparkSession.builder.getOrCreate()
        )
        super().__init__(session.sparkContext, session)
        self.spark_session: SparkSession = session
        self.sc = session.sparkContext
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.create_data_frame = Entries(
            "create_data_frame",
            from_catalog=self.create_data_frame_from_catalog,
            from_options=self.create_data_frame_from_options,
        )
        self.write_data_frame = Entries(
            "write_data_frame",
            from_catalog=self.write_data_frame_from_catalog,
            from_options=self._write_data_frame_from_options,
        )

    def purge_s3_path(self, s3_path: str, options: Options = None, transformation_ctx: str = "") -> None:
        """Delete files below a path that are older than `retentionPeriod` hours, by default 7 days."""
        storage.purge(self.spark_session, s3_path, options or {})

    def purge_table(
        self,
        database: str,
        table_name: str,
        options: Options = None,
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """Delete files of a table, or of the partitions that `partitionPredicate` selects."""
        for path in self._locations(database, table_name, options):
            storage.purge(self.spark_session, path, options or {})

    def transition_s3_path(
        self, s3_path: str, transition_to: str, options: Options = None, transformation_ctx: str = ""
    ) -> None:
        """Change the storage class of files that are older than `retentionPeriod` hours (7 days)."""
        storage.transition(s3_path, transition_to, options or {})

    def transition_table(
        self,
        database: str,
        table_name: str,
        transition_to: str,
        options: Options = None,
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """Change the storage class of files of a table."""
        for path in self._locations(database, table_name, options):
            storage.transition(path, transition_to, options or {})

    def get_logger(self) -> GlueLogger:
        """Return a logger that writes to the run's error stream, as Glue's does."""
        return GlueLogger()

    getLogger = get_logger

    def currentTimeMillis(self) -> int:
        """Return the time in milliseconds."""
        return round(time.time() * 1000)

    def _locations(self, database: str, name: str, options: Options) -> list[str]:
        glue = client()
        table = catalog.Table.get(glue, database, name)
        predicate = str((options or {}).get("partitionPredicate") or "")
        return catalog.locations(self.spark_session, glue, table, predicate)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        unsupported(f"GlueContext.{name}" + (f" ({_REFUSED[name]})" if name in _REFUSED else ""))
