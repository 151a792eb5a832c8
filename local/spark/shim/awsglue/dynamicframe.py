"""`DynamicFrame`: a DataFrame with the transforms of Glue, and the records in which they failed.

The module `_spark` has the expressions. In every transform, `transformation_ctx` only names the state of a
job bookmark, and `info` is a text of the error records.
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from pyspark.sql import DataFrame

from . import gluetypes
from ._spark import choices, fields, nesting, records, rows, types
from ._spark.choices import ResolveOption as ResolveOption
from ._spark.errors import Errors
from ._spark.inference import decode
from ._spark.signatures import transform
from .catalog import table_schema
from .dynamicframecollection import DynamicFrameCollection
from .frame_access import DynamicFrameReader as DynamicFrameReader
from .frame_access import DynamicFrameWriter as DynamicFrameWriter
from .utils import unsupported

Paths = str | Sequence[str]
Record = gluetypes.DynamicRecord


class DynamicFrame:
    """Records with a schema whose fields may be choices."""

    def __init__(self, jdf: DataFrame, glue_ctx: Any, name: str = "") -> None:
        if type(jdf).__name__ == "JavaObject":
            unsupported("a DynamicFrame of a Java object: use DynamicFrame.fromDF")
        self._frame = jdf
        self._errors = Errors()
        self.glue_ctx = glue_ctx
        self.name = name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: Any, name: str = "") -> DynamicFrame:
        """Wrap a DataFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Sequence[ResolveOption] | None = None) -> DataFrame:
        """Return the DataFrame. Choices that no option resolves are structs with a field per type."""
        specs = [option.spec() for option in options or ()]
        return choices.plain(choices.resolve(self._frame, specs, "") if specs else self._frame)

    def schema(self) -> gluetypes.StructType:
        """Return the schema."""
        schema = types.to_glue(self._frame.schema)
        assert isinstance(schema, gluetypes.StructType)  # noqa: S101
        return schema

    def with_frame_schema(self, schema: gluetypes.StructType) -> DynamicFrame:
        """Return the fields of a schema, with its types."""
        conformed = fields.conform(self._frame, types.to_spark_struct(schema))
        frame: DynamicFrame = self._next(conformed, [self])
        return frame

    def printSchema(self) -> None:
        """Print the schema."""
        print(types.tree(self._frame.schema))

    def show(self, num_rows: int = 20) -> None:
        """Print records as JSON."""
        for row in self._frame.limit(num_rows).collect():
            print(json.dumps(decode(row, self._frame.schema), default=str, ensure_ascii=False))

    def count(self) -> int:
        """Return the number of records."""
        return self._frame.count()

    def getNumPartitions(self) -> int:
        """Return the number of partitions."""
        return self._frame.rdd.getNumPartitions()

    def errorsCount(self) -> int:
        """Return the number of error records of all transforms that led to this frame."""
        return self._errors.total()

    def stageErrorsCount(self) -> int:
        """Return the number of error records of the transform that returned this frame."""
        return self._errors.of_stage()

    def errorsAsDynamicFrame(self) -> DynamicFrame:
        """Return the error records."""
        errors = self._errors.frame()
        if errors is None:
            errors = self._frame.sparkSession.createDataFrame([], "error: struct<msg: string>")
        return DynamicFrame(errors, self.glue_ctx, self.name)

    def assertErrorThreshold(self) -> None:
        """Raise an exception if there is an error record."""
        self._errors.check(0, 0)
        if self.errorsCount():
            raise RuntimeError(f"{self.errorsCount()} error records")

    @transform
    def filter(self, f: Callable[[Record], Any]) -> Any:
        """Keep the records for which a function returns true."""
        return records.filter_records(self._frame, f)

    @transform
    def map(self, f: Callable[[Record], Any], preservesPartitioning: bool = False) -> Any:
        """Replace each record by the result of a function."""
        return records.map_records(self._frame, f)

    @transform
    def mapPartitions(
        self, f: Callable[[Iterator[Record]], Iterable[Any]], preservesPartitioning: bool = True
    ) -> Any:
        """Replace the records of each partition by those that a function returns."""
        return records.map_partitions(self._frame, lambda index, found: f(found))

    @transform
    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterator[Record]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> Any:
        """Replace the records of each partition by those that a function of its number returns."""
        return records.map_partitions(self._frame, f)

    @transform
    def apply_mapping(self, mappings: Sequence[fields.Mapping], case_sensitive: bool = False) -> Any:
        """Return only the mapped fields, with new names and types."""
        return fields.map_fields(self._frame, mappings, case_sensitive)

    def applyMapping(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Call `apply_mapping`."""
        mapped: DynamicFrame = self.apply_mapping(*args, **kwargs)
        return mapped

    @transform
    def select_fields(self, paths: Paths) -> Any:
        """Keep these fields."""
        return fields.keep(self._frame, paths)

    @transform
    def drop_fields(self, paths: Paths) -> Any:
        """Remove these fields."""
        return fields.drop(self._frame, paths)

    @transform
    def rename_field(self, oldName: str, newName: str) -> Any:
        """Rename a field."""
        return fields.rename(self._frame, oldName, newName)

    @transform
    def split_fields(self, paths: Paths, name1: str, name2: str) -> Any:
        """Return the frame of these fields and the frame of the others."""
        return dict(zip((name1, name2), fields.split(self._frame, paths), strict=True))

    @transform
    def split_rows(self, comparison_dict: Mapping[str, Mapping[str, Any]], name1: str, name2: str) -> Any:
        """Return the frame of the records that fulfil all comparisons and the frame of the others."""
        return dict(zip((name1, name2), rows.split(self._frame, comparison_dict), strict=True))

    @transform
    def join(self, paths1: Paths, paths2: Paths, frame2: DynamicFrame) -> Any:
        """Return the pairs of records with equal keys."""
        return rows.join(self._frame, frame2._frame, paths1, paths2)

    @transform
    def union(self, other_frame: DynamicFrame) -> Any:
        """Return the records of both frames."""
        return rows.union(self._frame, other_frame._frame)

    @transform
    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: DynamicFrame,
        primary_keys: Paths,
        transformation_ctx: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the staged records, and the own ones whose key is not staged."""
        return rows.merge(self._frame, stage_dynamic_frame._frame, primary_keys)

    @transform
    def unnest(self) -> Any:
        """Make nested fields top-level fields with dots in their names."""
        return nesting.unnest(self._frame)

    @transform
    def unnest_ddb_json(self) -> Any:
        """Make the fields of DynamoDB's JSON top-level fields."""
        return nesting.unnest_dynamodb(self._frame)

    def simplify_ddb_json(self) -> DynamicFrame:
        """Replace the values of DynamoDB's JSON by plain ones."""
        simplified: DynamicFrame = self._next(nesting.simplify_dynamodb(self._frame), [self])
        return simplified

    @transform
    def relationalize(
        self, root_table_name: str, staging_path: str | None, options: Mapping[str, Any] | None = None
    ) -> Any:
        """Return flat tables: the root and one per array. Spark keeps them, not `staging_path`."""
        return nesting.relationalize(self._frame, root_table_name)

    @transform
    def unbox(self, path: str, format: str, **options: Any) -> Any:
        """Parse the text of a field."""
        return nesting.unbox(self._frame, path, format, options)

    @transform
    def resolveChoice(
        self,
        specs: Sequence[choices.Spec] | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> Any:
        """Resolve choices by path, or all of them by one action."""
        if choice.lower() == "match_catalog" or (table_name and not choice and not specs):
            return choices.match_types(self._frame, table_schema(database, table_name, catalog_id))
        return choices.resolve(self._frame, specs, choice)

    @transform
    def repartition(self, num_partitions: int) -> Any:
        """Distribute the records over a number of partitions."""
        return self._frame.repartition(num_partitions)

    @transform
    def coalesce(self, num_partitions: int, shuffle: bool = False) -> Any:
        """Reduce the number of partitions."""
        change = self._frame.repartition if shuffle else self._frame.coalesce
        return change(num_partitions)

    @transform
    def spigot(self, path: str, options: Mapping[str, Any] | None = None) -> Any:
        """Write a sample of the records as JSON. Return the frame."""
        rows.sample(self.toDF(), options or {}).write.mode("append").json(path)
        return self._frame

    def write(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        accumulator_size: int = 0,
    ) -> Any:
        """Write the records with the writer of the context."""
        write = self.glue_ctx.write_dynamic_frame_from_options
        return write(self, connection_type, connection_options or {}, format, format_options or {})

    def _next(
        self, result: Any, sources: Sequence[DynamicFrame], info: str = "", stage: int = 0, total: int = 0
    ) -> Any:
        """Return the frame, or the collection, of a transform of some frames."""
        if isinstance(result, dict):
            made = {name: self._next(frame, sources, info, stage, total) for name, frame in result.items()}
            return DynamicFrameCollection(made, self.glue_ctx)
        split = result if isinstance(result, records.Split) else records.Split(result, None)
        frame = DynamicFrame(split.frame, self.glue_ctx, self.name)
        before = functools.reduce(Errors.with_those_of, [source._errors for source in sources])
        frame._errors = before.of_next_stage(split.errors, info)
        frame._errors.check(stage, total)
        return frame

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # Python looks up special names, for example in copy
            raise AttributeError(name)
        unsupported(f"DynamicFrame.{name}")
