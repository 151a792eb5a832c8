"""Resolution of choices: fields whose values have several types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from .. import gluetypes
from ..utils import unsupported
from . import paths as field_paths
from .columns import Named, all_fields, alternative, cast, edited, find, select
from .paths import Path
from .types import has_choice, is_choice, name_of, parse, to_spark, without_choices

Spec = tuple[str, str]


class ResolveOption:
    """How `toDF` resolves the choice at a path: `Cast` or `Project` to a type, or `KeepAsStruct`."""

    def __init__(self, path: str, action: str, target: gluetypes.DataType | None = None) -> None:
        self.path = path
        self.action = action
        self.target = target

    def spec(self) -> tuple[str, str]:
        """Return the option as `resolveChoice` takes it. Not part of AWS's class."""
        action = {"keepasstruct": "make_struct"}.get(self.action.lower(), self.action.lower())
        if self.target is None:
            return self.path, action
        return self.path, f"{action}:{to_spark(self.target).simpleString()}"


def resolve(frame: DataFrame, specs: Sequence[Spec] | None, choice: str) -> DataFrame:
    """Resolve the fields of `specs`, or all choices by one action.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-ResolveChoice.html
    """
    if specs and choice:
        raise ValueError("resolveChoice takes either specs or choice.")
    if specs:
        for path, action in specs:
            frame = _resolved(frame, field_paths.parse(path), action)
        return frame
    if not choice:
        unsupported("resolveChoice without specs or choice")
    return _all(frame, lambda path: choice)


def match_types(frame: DataFrame, schema: types.StructType) -> DataFrame:
    """Cast each choice to the type of its field in a schema. Other choices stay."""

    def action(path: Path) -> str | None:
        kind = find(schema, tuple(name.lower() for name in path)) or find(schema, path)
        return None if kind is None else f"cast:{kind.simpleString()}"

    return _all(frame, action)


def _all(frame: DataFrame, action: Callable[[Path], str | None]) -> DataFrame:
    done: set[Path] = set()
    while True:  # an alternative of a choice may contain choices
        paths = [path for path in _choices(frame.schema) if path not in done]
        if not paths:
            return frame
        for path in paths:
            done.add(path)
            wanted = action(path)
            frame = _resolved(frame, path, wanted) if wanted else frame


def _choices(kind: types.DataType) -> list[Path]:
    if isinstance(kind, types.ArrayType):
        return [("element",)] if is_choice(kind.elementType) else _choices(kind.elementType)
    if not isinstance(kind, types.StructType):
        return []
    found: list[Path] = []
    for field in kind:
        if is_choice(field.dataType) or _is_array_of_choices(field.dataType):
            found.append((field.name,))
        else:
            found += [(field.name, *path) for path in _choices(field.dataType)]
    return found


def _is_array_of_choices(kind: types.DataType) -> bool:
    return isinstance(kind, types.ArrayType) and is_choice(kind.elementType)


def _resolved(frame: DataFrame, path: Path, action: str) -> DataFrame:
    verb, _, type_name = action.partition(":")
    verb = verb.strip().lower()  # scripts of the console have MAKE_COLS
    if verb not in ("cast", "project", "make_cols", "make_struct"):
        raise ValueError(f"{action} is not an action of resolveChoice.")
    target = parse(type_name) if type_name else None
    if (verb == "cast" and target is None) or (verb == "project" and not type_name):
        raise ValueError(f"{action} needs a type, for example {verb}:int.")
    kept = type_name.strip().lower() if target is None else name_of(target)

    def change(name: str, kind: types.DataType, value: Column) -> Named:
        if _is_array_of_choices(kind) and not isinstance(target, types.ArrayType):
            if verb == "make_cols":
                unsupported("make_cols of the elements of an array")
            element = kind.elementType  # type: ignore[attr-defined]
            return [(name, F.transform(value, lambda item: _one(verb, element, item, target, kept)))]
        if verb == "make_cols" and is_choice(kind) and isinstance(kind, types.StructType):
            return [(f"{name}_{field.name}", alternative(value, field)) for field in kind]
        return [(name, _one(verb, kind, value, target, kept))]

    return edited(frame, path, change)


def _one(verb: str, kind: types.DataType, value: Column, target: types.DataType | None, kept: str) -> Column:
    if verb == "cast":
        return cast(value, kind, target)
    if not is_choice(kind) or not isinstance(kind, types.StructType):
        return value
    if verb == "make_struct":
        return value.cast(types.StructType([types.StructField(f.name, f.dataType) for f in kind]))
    # "Retains only values of the specified type", says
    # https://docs.aws.amazon.com/glue/latest/dg/glue-etl-scala-apis-glue-dynamicframe-class.html, and so does
    # the page of the class ResolveChoice. The page of the Python method says that the others are converted.
    if kept not in kind.fieldNames():
        return F.lit(None).cast(target or types.NullType())
    return cast(alternative(value, kind[kept]), kind[kept].dataType, target)


def plain(frame: DataFrame) -> DataFrame:
    """Return a frame in which choices are ordinary structs, as `toDF` of Glue returns them."""
    if not has_choice(frame.schema):
        return frame
    kinds = {field.name: field.dataType for field in frame.schema}
    fields = [
        (name, value.cast(without_choices(kinds[name])) if has_choice(kinds[name]) else value)
        for name, value in all_fields(frame)
    ]
    return select(frame, fields)
