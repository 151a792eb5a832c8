"""Transforms of records, of several frames and of collections."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._spark import fields
from .._spark.signatures import shared
from ..dynamicframe import DynamicFrame, Paths, Record
from ..dynamicframecollection import DynamicFrameCollection
from .transform import GlueTransform

Frame = DynamicFrame
Collection = DynamicFrameCollection


class Filter(GlueTransform):
    """Keep the records for which a function returns true."""

    @shared
    def __call__(self, frame: Frame, f: Callable[[Record], Any], **common: Any) -> Any:
        """Return the frame of these records."""
        return frame.filter(f, **common)


class Map(GlueTransform):
    """Replace each record by the result of a function."""

    @shared
    def __call__(
        self, frame: Frame, f: Callable[[Record], Any], preservesPartitioning: bool = False, **common: Any
    ) -> Any:
        """Return the frame of the results."""
        return frame.map(f, preservesPartitioning, **common)


class SplitRows(GlueTransform):
    """Split the records of a frame."""

    @shared
    def __call__(
        self,
        frame: Frame,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str = "frame1",
        name2: str = "frame2",
        **common: Any,
    ) -> Any:
        """Return the frame of the records that fulfil all comparisons, and the frame of the others."""
        return frame.split_rows(comparison_dict, name1, name2, **common)


class Join(GlueTransform):
    """Join two frames on equal keys."""

    def __call__(
        self, frame1: Frame, frame2: Frame, keys1: Paths, keys2: Paths, transformation_ctx: str = ""
    ) -> Any:
        """Return the pairs of records."""
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class Union(GlueTransform):
    """Put the records of two frames together."""

    @shared
    def __call__(self, frame1: Frame, frame2: Frame, **common: Any) -> Any:
        """Return the records of both frames."""
        return frame1.union(frame2, **common)


class Spigot(GlueTransform):
    """Write a sample of the records."""

    def __call__(
        self, frame: Frame, path: str, options: Mapping[str, Any], transformation_ctx: str = ""
    ) -> Any:
        """Return the frame itself."""
        return frame.spigot(path, options, transformation_ctx)


class Repartition(GlueTransform):
    """Distribute the records over a number of partitions."""

    @shared
    def __call__(self, frame: Frame, num_partitions: int, **common: Any) -> Any:
        """Return the distributed frame."""
        return frame.repartition(num_partitions, **common)


class Coalesce(GlueTransform):
    """Reduce the number of partitions."""

    @shared
    def __call__(self, frame: Frame, num_partitions: int, shuffle: bool = False, **common: Any) -> Any:
        """Return the frame with fewer partitions."""
        return frame.coalesce(num_partitions, shuffle, **common)


class ErrorsAsDynamicFrame(GlueTransform):
    """Return the error records of a frame."""

    def __call__(self, frame: Frame) -> Frame:
        """Return a frame of the error records."""
        return frame.errorsAsDynamicFrame()


class SelectFromCollection(GlueTransform):
    """Take one frame from a collection."""

    def __call__(self, dfc: Collection, key: str, transformation_ctx: str = "") -> Any:
        """Return the frame of a name."""
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    """Apply a function to each frame of a collection."""

    def __call__(
        self, dfc: Collection, callable: Callable[..., Frame], transformation_ctx: str = ""
    ) -> Collection:
        """Return the collection of the results."""
        return dfc.map(callable, transformation_ctx)


class FlatMap(GlueTransform):
    """Apply a transform to each frame of a collection."""

    def __call__(
        self,
        dfc: Collection,
        BaseTransform: type[GlueTransform],
        frame_name: str,
        transformation_ctx: str = "",
        **base_kwargs: Any,
    ) -> Collection:
        """Return the collection of the results. `frame_name` is the parameter that takes the frame."""

        def apply(frame: Frame, context: str) -> Any:
            return BaseTransform.apply(**{frame_name: frame, "transformation_ctx": context}, **base_kwargs)

        return dfc.flatmap(apply, transformation_ctx)


class DropDuplicates(GlueTransform):
    """Keep one of several equal records."""

    def __call__(
        self, frame: Frame, columns: Sequence[str] | None = None, transformation_ctx: str = ""
    ) -> Any:
        """Return the frame without records that are equal in these columns, or in all."""
        print(
            "awsglue.transforms of AWS has no DropDuplicates: Glue Studio writes "
            "DynamicFrame.fromDF(frame.toDF().dropDuplicates(...), glueContext, name).",
            file=sys.stderr,
        )
        return frame._next(fields.without_duplicates(frame._frame, columns), [frame])
