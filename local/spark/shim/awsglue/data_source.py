"""`DataSource`: reads a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame

from .dynamicframe import DynamicFrame

Read = Callable[[str | None, Mapping[str, Any], bool], DataFrame]
"""Reads a format with options. The flag says whether fields of several types are choices."""


class DataSource:
    """Data source of `GlueContext.getSource`."""

    def __init__(self, read: Read, glue_context: Any, name: str, format: str | None = None) -> None:
        self._read = read
        self._glue_context = glue_context
        self.name = name
        self._format = format
        self._options: Mapping[str, Any] = {}

    def setFormat(self, format: str, **options: Any) -> None:
        """Set the format of the files and its options."""
        self._format, self._options = format, options

    def getFrame(self, **options: Any) -> DynamicFrame:
        """Return the frame. The options limit error records, which do not occur here."""
        return DynamicFrame.fromDF(self._frame(), self._glue_context, self.name)

    def getSampleFrame(self, num: int, **options: Any) -> DynamicFrame:
        """Return a frame of at most `num` rows."""
        return DynamicFrame.fromDF(self._frame().limit(num), self._glue_context, self.name)

    def getDataFrame(self) -> DataFrame:
        """Return the frame as a DataFrame."""
        return self._read(self._format, self._options, False)

    def _frame(self) -> DataFrame:
        return self._read(self._format, self._options, True)
