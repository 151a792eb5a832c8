"""Reading methods of `GlueContext`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from .._io import catalog
from .._io.options import Options, database_of, given
from .._io.readers import read_options
from ..catalog import client
from ..data_source import DataSource
from ..dynamicframe import DynamicFrame


class Reading:
    """Methods that create frames."""

    spark_session: SparkSession

    def getSource(
        self,
        connection_type: str,
        format: str | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **options: Any,
    ) -> DataSource:
        """Return a source that reads files in S3. The predicate is Spark SQL on the columns of folders."""

        def read(format: str | None, format_options: Mapping[str, Any], with_choices: bool) -> DataFrame:
            frame = read_options(
                self.spark_session,
                connection_type,
                options,
                format,
                format_options,
                transformation_ctx,
                with_choices=with_choices,
            )
            return frame.where(push_down_predicate) if push_down_predicate else frame

        return DataSource(read, self, transformation_ctx, format)

    def getCatalogSource(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
    ) -> DataSource:
        """Return a source that reads a table of the Data Catalog."""
        glue = client()
        table = catalog.Table.get(glue, database, table_name)

        def read(_: str | None, __: Mapping[str, Any], with_choices: bool) -> DataFrame:
            return catalog.read_table(
                self.spark_session,
                glue,
                table,
                push_down_predicate,
                additional_options or {},
                transformation_ctx,
                with_choices=with_choices,
            )

        return DataSource(read, self, table_name)

    def get_catalog_schema_as_spark_schema(
        self, database: str | None = None, table_name: str | None = None, catalog_id: str | None = None
    ) -> StructType:
        """Return the columns of a table as Spark's schema."""
        table = catalog.Table.get(client(), given("database", database), given("table_name", table_name))
        return catalog.schema(table)

    def create_dynamic_frame_from_rdd(
        self,
        data: Any,
        name: str,
        schema: Any = None,
        sample_ratio: float | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Return a frame of an RDD."""
        frame = self.spark_session.createDataFrame(data, schema, sample_ratio)
        return DynamicFrame.fromDF(frame, self, name)

    def create_dynamic_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        """Return a table of the Data Catalog."""
        source = self.getCatalogSource(
            database_of(database, kwargs),
            given("table_name", table_name),
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
        )
        return source.getFrame(**kwargs)

    def create_data_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DataFrame:
        """Return a table of the Data Catalog as a DataFrame."""
        source = self.getCatalogSource(
            database_of(database, kwargs),
            given("table_name", table_name),
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
        )
        return source.getDataFrame()

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """Return the rows of files in S3."""
        source = self._file_source(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
        )
        return source.getFrame(**kwargs)

    def create_data_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DataFrame:
        """Return the rows of files in S3 as a DataFrame."""
        source = self._file_source(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
        )
        return source.getDataFrame()

    def create_sample_dynamic_frame_from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        num: int | None = None,
        sample_options: Options = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        """Return at most `num` rows of a table."""
        frame = self.create_data_frame_from_catalog(
            database_of(database, kwargs),
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
        )
        return DynamicFrame.fromDF(frame.limit(int(given("num", num))), self, str(table_name))

    def create_sample_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options = None,
        num: int | None = None,
        sample_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        """Return at most `num` rows of files in S3."""
        frame = self.create_data_frame_from_options(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
        )
        return DynamicFrame.fromDF(frame.limit(int(given("num", num))), self, transformation_ctx)

    def _file_source(
        self,
        connection_type: str,
        options: Options,
        format: str | None,
        format_options: Options,
        transformation_ctx: str,
        push_down_predicate: str,
    ) -> DataSource:
        source = self.getSource(
            connection_type, format, transformation_ctx, push_down_predicate, **(options or {})
        )
        if format:
            source.setFormat(format, **(format_options or {}))
        return source
