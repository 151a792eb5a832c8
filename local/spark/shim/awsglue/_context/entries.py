"""Readers and writers of DataFrames, as in `create_data_frame.from_catalog(...)`."""

from __future__ import annotations

from typing import Any, NoReturn

from pyspark.sql import DataFrame

from .._io.options import Options
from ..utils import unsupported


class _Namespace:
    _name = ""

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        unsupported(f"{self._name}.{name}")


class DataFrameReader(_Namespace):
    """`GlueContext.create_data_frame`."""

    _name = "create_data_frame"

    def from_catalog(
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
        """Return a table of the Data Catalog."""
        frame: DataFrame = self._glue_context.create_data_frame_from_catalog(
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
            catalog_id,
            **kwargs,
        )
        return frame

    def from_options(
        self,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DataFrame:
        """Return the rows of files in S3."""
        frame: DataFrame = self._glue_context.create_data_frame_from_options(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
            **kwargs,
        )
        return frame


class DataFrameWriter(_Namespace):
    """`GlueContext.write_data_frame`."""

    _name = "write_data_frame"

    def from_catalog(
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
        """Append the rows of a DataFrame to a table."""
        written: DataFrame = self._glue_context.write_data_frame_from_catalog(
            frame,
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            additional_options,
            catalog_id,
            **kwargs,
        )
        return written

    def from_options(
        self,
        frame: DataFrame,
        connection_type: str,
        connection_options: Options = None,
        format: str | None = None,
        format_options: Options = None,
        transformation_ctx: str = "",
    ) -> DataFrame:
        """Append the rows of a DataFrame to a folder in S3."""
        context = self._glue_context
        sink = context.getSink(connection_type, format, transformation_ctx, **(connection_options or {}))
        if format:
            sink.setFormat(format, **(format_options or {}))
        written: DataFrame = sink.writeDataFrame(frame, context)
        return written
