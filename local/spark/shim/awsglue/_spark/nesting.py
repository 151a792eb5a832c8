"""Nested fields: unnest, relationalize, unbox and DynamoDB's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from ..gluetypes import type_of_json
from ..utils import refuse, unsupported
from . import paths as field_paths
from .columns import Named, alternative, column, crosses_array, edited, find, select, struct, value_at
from .records import json_schema, json_value
from .types import is_choice, to_spark


def unnest(frame: DataFrame) -> DataFrame:
    """Make the fields of structs top-level fields with dots in their names. Arrays stay as they are."""
    return select(frame, _flat(frame.schema, lambda name: column(frame, name), ""))


def _flat(kind: types.StructType, get: Callable[[str], Column], prefix: str) -> Named:
    fields: Named = []
    for field in kind:
        value = get(field.name)
        if isinstance(field.dataType, types.StructType):
            inner = _alternatives(field.dataType, value) if is_choice(field.dataType) else value.getField
            fields += _flat(field.dataType, inner, f"{prefix}{field.name}.")
        else:
            fields.append((prefix + field.name, value))
    return fields


def _alternatives(choice: types.StructType, value: Column) -> Callable[[str], Column]:
    return lambda name: alternative(value, choice[name])


def relationalize(frame: DataFrame, root: str) -> dict[str, DataFrame]:
    """Return a flat root table, and one table per array with a row per element.

    The column of an array holds the key `id` of its rows, which have their position in `index`
    (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-samples-legislators.html).
    """
    tables: dict[str, DataFrame] = {}
    _pivot(unnest(frame), root, root, tables)
    return tables


def _pivot(flat: DataFrame, name: str, root: str, tables: dict[str, DataFrame]) -> None:
    arrays = [field for field in flat.schema if isinstance(field.dataType, types.ArrayType)]
    for field in flat.schema:
        if isinstance(field.dataType, types.MapType):
            unsupported(f"relationalize of the map {field.name}")
    if not arrays:
        tables[name] = flat
        return
    # Both tables need the same keys: Spark must not compute them twice.
    key = "__awsglue_key"
    keyed = flat.withColumn(key, F.monotonically_increasing_id() + 1).persist(StorageLevel.MEMORY_AND_DISK)
    is_array = {field.name for field in arrays}
    fields: Named = []
    for column_name in flat.columns:
        value = column(keyed, column_name)
        fields.append(
            (column_name, F.when(value.isNotNull(), F.col(key)) if column_name in is_array else value)
        )
    tables[name] = select(keyed, fields)
    for field in arrays:
        exploded = keyed.select(
            F.col(key).alias("id"), F.posexplode(column(keyed, field.name)).alias("index", "value")
        )
        value = exploded["value"].alias(f"{field.name}.val")
        _pivot(unnest(exploded.select("id", "index", value)), f"{root}_{field.name}", root, tables)


def unbox(frame: DataFrame, path: str, format: str, options: Mapping[str, Any]) -> DataFrame:
    """Parse the text of a field, which becomes a struct."""
    place = field_paths.parse(path)
    kind = find(frame.schema, place)
    if kind is None:
        raise ValueError(f"There is no field {path}.")
    if crosses_array(frame.schema, place):
        unsupported("unbox of a field in an array")
    given = dict(options)
    described = given.pop("withSchema", None)
    if isinstance(described, str):
        described = type_of_json(json.loads(described))
    schema = to_spark(described) if described is not None else None
    value = value_at(frame, place)
    if format == "json":
        refuse("unbox", given)
        found = schema or json_schema(frame.select(value).where(value.isNotNull()))
        parsed = json_value(value, found)  # type: ignore[arg-type]
    elif format == "csv":
        refuse("unbox", given, ("separator", "escaper"))
        if schema is None:
            unsupported("unbox of csv without withSchema")
        parsed = F.from_csv(value, _ddl(schema), {"sep": given.get("separator", ","), **_escape(given)})
    else:
        unsupported(f"unbox of the format {format}")
    return edited(frame, place, lambda name, kind, value: [(name, parsed)])


def _ddl(schema: types.DataType) -> str:
    names = schema.fields if isinstance(schema, types.StructType) else []
    return ", ".join(f"{field_paths.quote(field.name)} {field.dataType.simpleString()}" for field in names)


def _escape(options: Mapping[str, Any]) -> dict[str, str]:
    return {"escape": options["escaper"]} if options.get("escaper") else {}


_DYNAMODB = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}
"""Type descriptors (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DataExport.Output.html)."""


def simplify_dynamodb(frame: DataFrame) -> DataFrame:
    """Replace values in DynamoDB's JSON by plain ones. Maps stay structs.

    Elements of lists that are maps or have several types are not changed, says Glue's documentation.
    """
    fields: Named = []
    for field in _items(frame.schema):
        fields.append((field[-1], _plain(find(frame.schema, field), value_at(frame, field))))
    return select(frame, fields)


def unnest_dynamodb(frame: DataFrame) -> DataFrame:
    """Replace values in DynamoDB's JSON by plain ones, and make the fields of maps top-level fields."""
    return unnest(simplify_dynamodb(frame))


def _items(schema: types.StructType) -> list[tuple[str, ...]]:
    """Return the paths of the attributes: an export has them below `Item`."""
    found: list[tuple[str, ...]] = []
    for field in schema:
        if field.name == "Item" and isinstance(field.dataType, types.StructType):
            found += [("Item", name) for name in field.dataType.fieldNames()]
        else:
            found.append((field.name,))
    return found


def _plain(kind: types.DataType | None, value: Column) -> Column:
    if not isinstance(kind, types.StructType) or not set(kind.fieldNames()) <= _DYNAMODB or not kind.fields:
        return value
    if len(kind.fields) > 1:  # several types: keep them apart
        return value
    field = kind.fields[0]
    inner = value.getField(field.name)
    if field.name == "M" and isinstance(field.dataType, types.StructType):
        children = [
            (child.name, _plain(child.dataType, inner.getField(child.name))) for child in field.dataType
        ]
        return F.when(inner.isNotNull(), struct(children))
    if field.name == "NULL":
        return F.lit(None)
    if field.name == "L" and isinstance(field.dataType, types.ArrayType):
        element = field.dataType.elementType
        simple = isinstance(element, types.StructType) and len(element.fields) == 1
        if simple and element.fieldNames() != ["M"]:  # type: ignore[attr-defined]
            return F.transform(inner, lambda item: _plain(element, item))
    return inner
