"""Schemas of resource types: which properties require a replacement, and whether a type supports tags.

The schemas come from cfn-lint. They are read one by one when a stack is updated. cfn-lint itself is not
imported, which would take a second.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.cloudformation.parameters import text_of

Json = dict[str, Any]
Recreation = Literal["Never", "Conditionally", "Always"]
_Path = tuple[str, ...]

_ABSENT = object()


@dataclass(frozen=True)
class Schema:
    """A resource type. Paths are the steps to a property, with `*` for every item of a list.

    See https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html.
    """

    create_only: tuple[_Path, ...]
    conditional: tuple[_Path, ...]
    read_only: tuple[_Path, ...]
    identifier: tuple[_Path, ...]
    write_only: tuple[_Path, ...]
    can_update: bool
    takes_tags: bool

    def recreation(self, name: str, before: Json, after: Json) -> Recreation:
        """Return whether the change of a property requires a new resource."""
        if not self.can_update or self._differs(self.create_only, name, before, after):
            return "Always"
        return "Conditionally" if self._differs(self.conditional, name, before, after) else "Never"

    def custom_name(self, properties: Json) -> tuple[str, ...] | None:
        """Return the name that a template gives a resource, or None if the name is missing or partial."""
        found = [list(_values(properties, path)) for path in self.identifier]
        if not found or any(len(values) != 1 or values[0] is _ABSENT for values in found):
            return None
        return tuple(str(value) for [value] in found)

    @staticmethod
    def _differs(paths: tuple[_Path, ...], name: str, before: Json, after: Json) -> bool:
        return any(
            not same(list(_values(before, path)), list(_values(after, path)))
            for path in paths
            if path[0] == name
        )


@functools.cache
def schema(kind: str) -> Schema:
    """Return the schema of a resource type in us-east-1. Raises `KeyError` for an unknown type."""
    folder = _folder()
    found = json.loads((folder / f"resources/{_index()[kind]}.json").read_text(encoding="utf-8"))
    tagging = found.get("tagging", {"taggable": found.get("taggable", False)})
    return Schema(
        create_only=_paths(found.get("createOnlyProperties", [])),
        conditional=_paths(found.get("conditionalCreateOnlyProperties", [])),
        read_only=_paths(found.get("readOnlyProperties", [])),
        identifier=_paths(found.get("primaryIdentifier", [])),
        write_only=_paths(found.get("writeOnlyProperties", [])),
        can_update="update" in found.get("handlers", {}),
        takes_tags=bool(tagging.get("taggable")) and tagging.get("tagUpdatable", True),
    )


def same(one: Any, other: Any) -> bool:
    """Return whether CloudFormation treats two values as equal, such as "5" and 5, or "true" and true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return False
    return one is other or (_ABSENT not in (one, other) and text_of(one) == text_of(other))


@functools.cache
def _folder() -> Path:
    found = importlib.util.find_spec("cfnlint")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint, which has the schemas of resource types, is not installed")
    return Path(found.submodule_search_locations[0]) / "data" / "schemas"


@functools.cache
def _index() -> dict[str, str]:
    index: dict[str, str] = json.loads((_folder() / "providers/us-east-1.json").read_text(encoding="utf-8"))
    return index


def _paths(pointers: Sequence[str]) -> tuple[_Path, ...]:
    return tuple(tuple(pointer.split("/")[2:]) for pointer in pointers)


def _values(value: Any, path: _Path) -> Iterator[Any]:
    """Yield the values at a path: one value, or one for each item of a list at a `*`."""
    if not path:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else []:
            yield from _values(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])
    else:
        yield _ABSENT
