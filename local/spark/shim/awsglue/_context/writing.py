"""Writing methods of `GlueContext`."""

from __future__ import annotations

from typing import Any, NoReturn

from pyspark.sql import DataFrame

from .._io import catalog
from .._io.options import Options, database_of, given
from .._io.writers import Target, target_of_table
from ..catalog import client
from ..data_sink import DataSink
from ..utils import unsupported


class Writing:
    """Methods that write frames."""

    def getSink(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", **options: Any
    ) -> DataSink:
        """Return a sink that writes frames and can update the Data Catalog."""
        return DataSink(Target.of(connection_type, options, format), options)

    def write_dynamic_frame_from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
    ) -> Any:
        """Append the rows of a frame to a folder in S3."""
        return self.write_from_options(
            frame, connection_type, connection_options, format, format_options, transformation_ctx
        )

    def write_from_options(
        self,
        frame_or_dfc: Any,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
        **kwargs: Any,
    ) -> Any:
        """Append the rows of a frame, or of each frame of a collection, to a folder in S3."""
        sink = self._file_sink(connection_type, connection_options, format, format_options)
        return sink.write(frame_or_dfc)

    def write_dynamic_frame_from_catalog(
        self,
        frame: Any,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Append the rows of a frame to a table, in the table's format and folder."""
        name = database_of(database, kwargs)
        return self._catalog_sink(name, given("table_name", table_name), additional_options).write(frame)

    def write_data_frame_from_catalog(
        self,
        frame: DataFrame,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DataFrame:
        """Append the rows of a DataFrame to a table, in the table's format and folder."""
        name = database_of(database, kwargs)
        sink = self._catalog_sink(name, given("table_name", table_name), additional_options)
        return sink.writeDataFrame(frame, self)

    def _write_data_frame_from_options(
        self,
        frame: DataFrame,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
    ) -> DataFrame:
        """Append the rows of a DataFrame to a folder in S3."""
        sink = self._file_sink(connection_type, connection_options, format, format_options)
        return sink.writeDataFrame(frame, self)

    def write_dynamic_frame_from_jdbc_conf(
        self,
        frame: Any,
        catalog_connection: str,
        connection_options: Options = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> NoReturn:
        """Refuse to write to a JDBC connection."""
        unsupported(f"write_dynamic_frame.from_jdbc_conf (connection {catalog_connection}); only s3 is local")

    write_from_jdbc_conf = write_dynamic_frame_from_jdbc_conf

    def _file_sink(
        self, connection_type: str, options: Options, format: str | None, format_options: Options
    ) -> DataSink:
        sink = self.getSink(connection_type, format, **(options or {}))
        if format:
            sink.setFormat(format, **(format_options or {}))
        return sink

    def _catalog_sink(self, database: str, name: str, options: Options) -> DataSink:
        table = catalog.Table.get(client(), database, name)
        values = options or {}
        sink = DataSink(target_of_table(table, values), values)
        sink.setCatalogInfo(database, name)
        return sink
