"""`DynamicFrame`, implemented as a wrapper of a DataFrame."""

from collections.abc import Sequence
from typing import Any, NoReturn

from pyspark.sql import DataFrame

from .utils import unsupported


class DynamicFrame:
    """A wrapper of a DataFrame. Transformations of Glue raise `NotImplementedError`."""

    def __init__(self, frame: DataFrame, glue_ctx: Any, name: str = "") -> None:
        self._frame = frame
        self.glue_ctx = glue_ctx
        self.name = name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: Any, name: str = "") -> "DynamicFrame":
        """Wrap a DataFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Any = None) -> DataFrame:
        """Return the DataFrame. `options` resolve choice types, which do not occur here."""
        return self._frame if not options else unsupported("options of toDF")

    def count(self) -> int:
        """Return the number of rows."""
        return self._frame.count()

    def printSchema(self) -> None:
        """Print the schema."""
        self._frame.printSchema()

    def show(self, num_rows: int = 20) -> None:
        """Print rows."""
        self._frame.show(num_rows)

    def repartition(self, num_partitions: int) -> "DynamicFrame":
        """Distribute the rows over a number of partitions."""
        return self._of(self._frame.repartition(num_partitions))

    def coalesce(self, num_partitions: int) -> "DynamicFrame":
        """Reduce the number of partitions."""
        return self._of(self._frame.coalesce(num_partitions))

    def select_fields(self, paths: Sequence[str]) -> "DynamicFrame":
        """Keep these top-level columns."""
        return self._of(self._frame.select(*paths))

    def drop_fields(self, paths: Sequence[str]) -> "DynamicFrame":
        """Remove these top-level columns."""
        return self._of(self._frame.drop(*paths))

    def rename_field(self, oldName: str, newName: str) -> "DynamicFrame":
        """Rename a top-level column."""
        return self._of(self._frame.withColumnRenamed(oldName, newName))

    def _of(self, frame: DataFrame) -> "DynamicFrame":
        return DynamicFrame(frame, self.glue_ctx, self.name)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # Python looks up special names, for example in copy
            raise AttributeError(name)
        unsupported(f"DynamicFrame.{name}")
