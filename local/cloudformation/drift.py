"""Drift: how the actual properties of resources differ from those of the stack's template.

Only properties that the template defines are compared, as in CloudFormation:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from local.cloudformation import actual
from local.cloudformation.resources import Context, Json
from local.cloudformation.schemas import same, schema
from local.cloudformation.stack import Resource

_WHOLE = {
    *("AssumeRolePolicyDocument", "DefaultArguments", "KeyPolicy", "NonOverridableArguments"),
    *("Parameters", "Policies", "PolicyDocument", "Tags"),
}
"""Properties in which an additional entry is a difference. Services add defaults to the other objects."""
_NAMES = ("Key", "PolicyName", "Name", "Id", "Sid")
"""Fields that identify an item of a list whose order has no meaning."""


@dataclass(frozen=True)
class Difference:
    """A property that differs. `path` is a JSON pointer into the properties."""

    path: str
    expected: Any
    actual: Any
    type: Literal["ADD", "REMOVE", "NOT_EQUAL"]


@dataclass(frozen=True)
class ResourceDrift:
    """The drift of one resource: its template's and its actual properties, None if it does not exist."""

    resource: Resource
    expected: Json
    actual: Json | None
    differences: list[Difference] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def status(self) -> str:
        """StackResourceDriftStatus."""
        if self.actual is None:
            return "DELETED"
        return "MODIFIED" if self.differences else "IN_SYNC"

    @property
    def as_it_is(self) -> Resource:
        """Return the resource with its actual values of the properties that differ, and no stack's tags."""
        found = self.actual or {}
        names = {difference.path.split("/")[1] for difference in self.differences}
        properties = {name: value for name, value in self.resource.properties.items() if name not in names}
        properties |= {name: found[name] for name in names if name in found}
        return replace(
            self.resource,
            properties=properties,
            tags={} if "Tags" in names else self.resource.tags,
        )


@dataclass(frozen=True)
class Drift:
    """The drift of a stack: the logical IDs of deleted resources, and modified ones as they are."""

    gone: frozenset[str] = frozenset()
    modified: Mapping[str, Resource] = field(default_factory=dict)


NO_DRIFT = Drift()


def detect(resource: Resource, context: Context) -> ResourceDrift:
    """Compare a resource with its template. Raises `CallFailed` if it cannot be read."""
    shape = schema(resource.type)
    expected = dict(resource.properties)
    if shape.takes_tags and context.tag_map(expected.get("Tags")):
        expected["Tags"] = context.tag_list(expected.get("Tags"))
    found = actual.properties(resource, context)
    if found is None:
        return ResourceDrift(resource, expected, None)
    if isinstance(found.get("Tags"), dict):  # of Glue
        found["Tags"] = [{"Key": key, "Value": value} for key, value in found["Tags"].items()]
    hidden = {f"/{'/'.join(path)}" for path in shape.write_only}
    differences = [
        difference
        for name, value in expected.items()
        for difference in _compare(f"/{name}", value, found.get(name), is_whole=name in _WHOLE)
        if not any(difference.path.startswith(path) for path in hidden)
    ]
    return ResourceDrift(resource, expected, found, differences)


def _compare(path: str, expected: Any, found: Any, *, is_whole: bool) -> Iterator[Difference]:
    if found is None:
        if expected not in (None, "", [], {}, "false", False):  # the value of an unset property
            yield Difference(path, expected, None, "REMOVE")
        return
    if _is_json(expected) and isinstance(found, dict):
        expected = json.loads(expected)
    one, other = _keyed(expected), _keyed(found)
    if one is not None and other is not None:
        for name, value in one.items():
            inner = is_whole or name in _WHOLE
            yield from _compare(f"{path}/{name}", value, other.get(name), is_whole=inner)
        if is_whole:
            for name in other.keys() - one.keys():
                yield Difference(f"{path}/{name}", None, other[name], "ADD")
    elif not _is_same(expected, found):
        yield Difference(path, expected, found, "NOT_EQUAL")


def _keyed(value: Any) -> Json | None:
    """Return an object, or a list of named items as an object; None for any other value."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        name = next((name for name in _NAMES if all(name in item for item in value)), None)
        if name is not None:
            return {str(item[name]): item for item in value}
    return None


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal. AWS writes a list with one text as this text, in policies."""
    if isinstance(one, list) and not isinstance(other, list):
        other = [other]
    if isinstance(other, list) and not isinstance(one, list):
        one = [one]
    if isinstance(one, list) and all(isinstance(item, str) for item in [*one, *other]):
        return sorted(one) == sorted(other)
    if isinstance(one, list) and len(one) == len(other):
        return not any(
            difference
            for left, right in zip(one, other, strict=True)
            for difference in _compare("", left, right, is_whole=False)
        )
    return same(one, other)


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().startswith("{")
