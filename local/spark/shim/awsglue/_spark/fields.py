"""Fields of a frame: select, drop, rename and map them."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from ..utils import unsupported
from . import paths as field_paths
from .columns import (
    Named,
    all_fields,
    cast,
    column,
    crosses_array,
    edited,
    find,
    select,
    struct,
    value_at,
)
from .paths import Path
from .types import parse

Mapping = tuple[str, ...]


def drop(frame: DataFrame, paths: str | Sequence[str]) -> DataFrame:
    """Remove fields, also nested ones. Paths that do not exist are ignored."""
    for path in field_paths.parse_all(paths):
        frame = edited(frame, path, lambda name, kind, value: [])
    return frame


def keep(frame: DataFrame, paths: str | Sequence[str]) -> DataFrame:
    """Keep fields. A nested field stays nested; paths that do not exist are ignored."""
    wanted = [path for path in field_paths.parse_all(paths) if find(frame.schema, path) is not None]
    for path in wanted:
        if crosses_array(frame.schema, path):
            unsupported("select_fields of a field in an array")
    return select(frame, _nested([(path, value_at(frame, path)) for path in wanted]))


def rename(frame: DataFrame, old: str, new: str) -> DataFrame:
    """Rename a field, also to a path of a struct. A field that does not exist changes nothing."""
    source, target = field_paths.parse(old), field_paths.parse(new)
    if find(frame.schema, source) is None:
        return frame
    if source[:-1] == target[:-1]:
        return edited(frame, source, lambda name, kind, value: [(target[-1], value)])
    if crosses_array(frame.schema, source):
        unsupported("rename_field out of an array")
    rest = edited(frame, source, lambda name, kind, value: [])
    moved: list[tuple[Path, Column]] = [(target, value_at(frame, source))]
    return select(frame, _nested([*_leaves(frame, rest.schema, target), *moved]))


def _leaves(frame: DataFrame, schema: types.StructType, target: Path) -> list[tuple[Path, Column]]:
    """Return the fields that stay, taking apart only the struct that receives the renamed field."""
    found: list[tuple[Path, Column]] = []
    for field in schema:
        if field.name == target[0] and isinstance(field.dataType, types.StructType):
            children = field.dataType.fieldNames()
            found += [((field.name, child), value_at(frame, (field.name, child))) for child in children]
        else:
            found.append(((field.name,), column(frame, field.name)))
    return found


def map_fields(frame: DataFrame, mappings: Sequence[Mapping], case_sensitive: bool = False) -> DataFrame:
    """Return only the mapped fields, with new names and types. Sources that do not exist are left out.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-ApplyMapping.html
    """
    result: list[tuple[Path, Column]] = []
    for mapping in mappings:
        source, target, type_name = _mapping(mapping)
        path = _actual(frame.schema, source, case_sensitive)
        if path is None:
            continue
        if crosses_array(frame.schema, path):
            unsupported("apply_mapping of a field in an array")
        kind = find(frame.schema, path)
        assert kind is not None  # noqa: S101
        wanted = parse(type_name) if type_name else None
        value = value_at(frame, path)
        result.append((target, cast(value, kind, wanted) if wanted is not None else value))
    return select(frame, _nested(result))


def _mapping(mapping: Mapping) -> tuple[Path, Path, str]:
    if isinstance(mapping, list | tuple) and all(isinstance(part, str) for part in mapping):
        if len(mapping) == 4:
            source, _, target, type_name = mapping
            return field_paths.parse(source), field_paths.parse(target), type_name
        if len(mapping) == 2:
            return field_paths.parse(mapping[0]), field_paths.parse(mapping[1]), ""
    raise ValueError(f"{mapping!r} is not a mapping: (source, source type, target, target type).")


def _actual(kind: types.DataType, path: Path, case_sensitive: bool) -> Path | None:
    """Return the path with the names of the schema."""
    if not path:
        return ()
    if isinstance(kind, types.ArrayType):
        return _actual(kind.elementType, path, case_sensitive)
    if not isinstance(kind, types.StructType):
        return None
    same = [name for name in kind.fieldNames() if name == path[0]]
    if not same and not case_sensitive:
        same = [name for name in kind.fieldNames() if name.lower() == path[0].lower()]
    if not same:
        return None
    rest = _actual(kind[same[0]].dataType, path[1:], case_sensitive)
    return None if rest is None else (same[0], *rest)


def _nested(fields: Sequence[tuple[Path, Column]]) -> Named:
    """Return the fields with paths as structs. The last field of a path counts."""
    groups: dict[str, list[tuple[Path, Column]]] = {}
    for path, value in fields:
        groups.setdefault(path[0], []).append((path[1:], value))
    result: Named = []
    for name, members in groups.items():
        plain = [value for path, value in members if not path]
        inner = [(path, value) for path, value in members if path]
        result.append((name, plain[-1] if plain else struct(_nested(inner))))
    return result


def split(frame: DataFrame, paths: str | Sequence[str]) -> tuple[DataFrame, DataFrame]:
    """Return the fields of these paths, and the others."""
    return keep(frame, paths), drop(frame, paths)


def drop_nulls(frame: DataFrame) -> DataFrame:
    """Remove the fields whose type is null, also from structs and from the elements of arrays.

    Fields of other types stay even if they are empty
    (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-DropNullFields.html).
    """
    for path in _null_paths(frame.schema):
        frame = edited(frame, path, lambda name, kind, value: [])
    return frame


def _null_paths(kind: types.DataType) -> list[Path]:
    if isinstance(kind, types.ArrayType):
        return _null_paths(kind.elementType)
    found: list[Path] = []
    for field in kind if isinstance(kind, types.StructType) else ():
        inner = field.dataType
        while isinstance(inner, types.ArrayType):
            inner = inner.elementType
        if isinstance(inner, types.NullType):
            found.append((field.name,))
        else:
            found += [(field.name, *path) for path in _null_paths(field.dataType)]
    return found


def conform(frame: DataFrame, schema: types.StructType) -> DataFrame:
    """Return the fields of a schema, cast to its types. Missing fields are null."""
    known = {field.name: field.dataType for field in frame.schema}
    fields: Named = []
    for field in schema:
        kind = known.get(field.name, types.NullType())
        value = column(frame, field.name) if field.name in known else F.lit(None)
        fields.append((field.name, cast(value, kind, field.dataType)))
    return select(frame, fields)


def without_duplicates(frame: DataFrame, names: Sequence[str] | None) -> DataFrame:
    """Keep one of the rows that are equal in these columns, or in all."""
    keys = [name for name, _ in all_fields(frame)] if names is None else list(names)
    return frame.dropDuplicates(keys)
