"""Transforms of the fields of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._spark import fields
from .._spark.signatures import shared
from ..dynamicframe import DynamicFrame, Paths
from ..dynamicframecollection import DynamicFrameCollection
from .transform import GlueTransform

Frame = DynamicFrame


class ApplyMapping(GlueTransform):
    """Keep the mapped fields, with new names and types."""

    @shared
    def __call__(
        self, frame: Frame, mappings: Sequence[tuple[str, ...]], case_sensitive: bool = False, **common: Any
    ) -> Frame:
        """Return the mapped frame."""
        mapped: Frame = frame.apply_mapping(mappings, case_sensitive, **common)
        return mapped


class RenameField(GlueTransform):
    """Rename a field."""

    @shared
    def __call__(self, frame: Frame, old_name: str, new_name: str, **common: Any) -> Any:
        """Return the frame with the field renamed."""
        return frame.rename_field(old_name, new_name, **common)


class DropFields(GlueTransform):
    """Remove fields."""

    @shared
    def __call__(self, frame: Frame, paths: Paths, **common: Any) -> Any:
        """Return the frame without the fields."""
        return frame.drop_fields(paths, **common)


class SelectFields(GlueTransform):
    """Keep fields."""

    @shared
    def __call__(self, frame: Frame, paths: Paths, **common: Any) -> Any:
        """Return the frame of the fields."""
        return frame.select_fields(paths, **common)


class SplitFields(GlueTransform):
    """Split the fields of a frame."""

    @shared
    def __call__(
        self, frame: Frame, paths: Paths, name1: str | None = None, name2: str | None = None, **common: Any
    ) -> Any:
        """Return the frame of the fields and the frame of the others, as `frame1` and `frame2` by default."""
        return frame.split_fields(paths, name1 or "frame1", name2 or "frame2", **common)


class DropNullFields(GlueTransform):
    """Remove the fields whose type is null."""

    @shared
    def __call__(self, frame: Frame, **common: Any) -> Any:
        """Return the frame without fields that are null in every record."""
        return frame._next(fields.drop_nulls(frame._frame), [frame])


class ResolveChoice(GlueTransform):
    """Resolve fields whose values have several types."""

    def __call__(
        self,
        frame: Frame,
        specs: Sequence[tuple[str, str]] | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> Any:
        """Return the frame with the choices resolved."""
        thresholds = (transformation_ctx, info, stageThreshold, totalThreshold)
        return frame.resolveChoice(specs, choice, database, table_name, *thresholds, catalog_id)


class Unbox(GlueTransform):
    """Parse the text of a field."""

    def __call__(
        self,
        frame: Frame,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> Any:
        """Return the frame with the field parsed."""
        thresholds = (transformation_ctx, info, stageThreshold, totalThreshold)
        return frame.unbox(path, format, *thresholds, **options)


class UnnestFrame(GlueTransform):
    """Make nested fields top-level fields."""

    @shared
    def __call__(self, frame: Frame, **common: Any) -> Any:
        """Return the frame without structs."""
        return frame.unnest(**common)


class Relationalize(GlueTransform):
    """Flatten a frame to tables."""

    @shared
    def __call__(
        self,
        frame: Frame,
        staging_path: str | None = None,
        name: str = "roottable",
        options: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> DynamicFrameCollection:
        """Return the root table and a table per array."""
        tables: DynamicFrameCollection = frame.relationalize(name, staging_path, options, **common)
        return tables
