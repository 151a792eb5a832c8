"""Changes of an update: the differences between a stack and another version of it, by resource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from local.cloudformation.parameters import TemplateError
from local.cloudformation.schemas import Recreation, Schema, same, schema
from local.cloudformation.stack import Resource, Stack, Version
from local.cloudformation.template import SUBSTITUTION, UNKNOWN, Json, Placed, Template

_ATTRIBUTES = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True)
class Detail:
    """Cause of the change of a property or an attribute: the type of source, and its name."""

    attribute: str
    name: str | None
    recreation: Recreation
    source: str
    entity: str | None = None
    is_static: bool = True


@dataclass(frozen=True)
class Change:
    """The change of one resource."""

    action: Literal["Add", "Modify", "Remove"]
    logical_id: str
    physical_id: str | None
    type: str
    replacement: Literal["True", "False", "Conditional"] | None = None
    policy_action: str | None = None
    details: list[Detail] = field(default_factory=list)
    before: Json | None = None
    after: Json | None = None
    drift: str | None = None

    @property
    def is_update(self) -> bool:
        """Whether the change requires an update. A policy alone cannot be updated.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
        """
        policies = {"DeletionPolicy", "UpdateReplacePolicy"}
        return self.action != "Modify" or any(detail.attribute not in policies for detail in self.details)


@dataclass(frozen=True)
class Differences:
    """All changes of an update."""

    resources: list[Change]
    outputs: bool
    tags: bool

    def __bool__(self) -> bool:
        return self.outputs or self.tags or any(change.is_update for change in self.resources)


def compare(
    stack: Stack,
    version: Version,
    gone: Collection[str] = (),
    drifted: Mapping[str, Resource] | None = None,
) -> Differences:
    """Compare a stack with a version. Raises `TemplateError` if the type of a resource differs.

    Resources in `gone`, by logical ID, are created again. `drifted` has the actual state of others.
    """
    drifted = drifted or {}
    before, after = stack.template, version.template
    moved = [
        name
        for name, resource in after.resources.items()
        if name in stack.resources and stack.resources[name].type != resource["Type"]
    ]
    if moved:
        raise TemplateError(
            "Update of resource type is not permitted. The new template modifies resource type of the "
            f"following resources: [{', '.join(moved)}]"
        )
    placed: dict[str, Placed] = {}
    changes: dict[str, Change] = {}
    for name in version.order:
        current, kind = drifted.get(name) or stack.resources.get(name), after.resources[name]["Type"]
        if current is None or current.placed is None:
            properties = after.properties(name, placed)
            changes[name] = Change("Add", name, None, kind, after=properties)
            placed[name] = _unknown(schema(kind), UNKNOWN)
            continue
        if name in gone:
            properties = after.properties(name, placed)
            changes[name] = Change("Add", name, current.physical_id, kind, after=properties, drift="DELETED")
            placed[name] = _unknown(schema(kind), UNKNOWN)
            continue
        change = _modified(stack, current, version, placed, changes)
        if change is None:
            placed[name] = current.placed
        else:
            changes[name] = replace(change, drift="MODIFIED") if name in drifted else change
            is_same = change.replacement == "False"
            placed[name] = _unknown(schema(kind), current.physical_id if is_same else UNKNOWN)
    for name in reversed(stack.order):
        if name in stack.resources and name not in after.resources:
            resource, policy = stack.resources[name], before.resources[name].get("DeletionPolicy", "Delete")
            changes[name] = Change(
                action="Remove",
                logical_id=name,
                physical_id=resource.physical_id,
                type=resource.type,
                policy_action=policy,
                before=resource.properties,
            )
    outputs = not same(stack.outputs, after.outputs(placed))
    return Differences(list(changes.values()), outputs, stack.tags != version.tags)


def _modified(
    stack: Stack,
    current: Resource,
    version: Version,
    placed: Mapping[str, Placed],
    changes: dict[str, Change],
) -> Change | None:
    name, after = current.logical_id, version.template
    properties = after.properties(name, placed)
    declared = (stack.template.resources[name], after.resources[name])
    shape = schema(current.type)
    details: list[Detail] = []
    for key in sorted(current.properties.keys() | properties.keys()):
        if not same_property(current.properties, properties, key):
            recreation = shape.recreation(key, current.properties, properties)
            causes = _causes(stack.template, after, name, key, changes)
            details += [Detail("Properties", key, recreation, *cause) for cause in causes]
    if shape.takes_tags and current.tags != version.tags:
        details.append(Detail("Tags", None, "Never", "DirectModification"))
    details += [
        Detail(attribute, None, "Never", "DirectModification")
        for attribute in _ATTRIBUTES
        if declared[0].get(attribute) != declared[1].get(attribute)
    ]
    if not details:
        return None
    replacement = _replacement(details)
    policy = (
        None if replacement == "False" else f"ReplaceAnd{declared[1].get('UpdateReplacePolicy', 'Delete')}"
    )
    return Change(
        action="Modify",
        logical_id=name,
        physical_id=current.physical_id,
        type=current.type,
        replacement=replacement,
        policy_action=policy,
        details=details,
        before=current.properties,
        after=properties,
    )


def same_property(before: Json, after: Json, name: str) -> bool:
    """Return whether both have the same value of a property, or neither has the property."""
    return (name in before) == (name in after) and same(before.get(name), after.get(name))


def _replacement(details: list[Detail]) -> Literal["True", "False", "Conditional"]:
    if any(detail.recreation == "Always" and detail.is_static for detail in details):
        return "True"
    return "Conditional" if any(detail.recreation != "Never" for detail in details) else "False"


def _unknown(shape: Schema, physical_id: str) -> Placed:
    """Return a resource with unknown attributes, as CloudFormation treats a changed resource."""
    return Placed(physical_id, {path[0]: UNKNOWN for path in shape.read_only})


def _causes(
    before: Template, after: Template, logical_id: str, name: str, changes: Mapping[str, Change]
) -> list[tuple[str, str | None, bool]]:
    """Return the sources of a property's change, their names, and whether the new value is known."""
    old, new = (
        (template.resources[logical_id].get("Properties") or {}).get(name) for template in (before, after)
    )
    found: dict[tuple[str, str | None, bool], None] = {}
    for kind, entity in _entities(new, after):
        resource = entity.split(".", 1)[0]
        if kind == "ParameterReference":
            if not same(before.parameters.get(entity), after.parameters.get(entity)):
                found[kind, entity, True] = None
        elif resource in changes and (
            kind == "ResourceAttribute" or changes[resource].replacement != "False"
        ):
            found[kind, entity, False] = None
    if not same(old, new) or not found:
        found["DirectModification", None, True] = None
    return list(found)


def _entities(value: Any, template: Template) -> Iterator[tuple[str, str]]:
    """Yield the type and name of everything that a value refers to, in the active branches of conditions."""
    if isinstance(value, list):
        for item in value:
            yield from _entities(item, template)
    elif isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref":
                yield _entity(argument, template)
            elif name == "Fn::GetAtt":
                yield "ResourceAttribute", ".".join(argument)
            elif name == "Fn::If":
                for parameter in sorted(template.parameters_of(argument[0])):
                    yield "ParameterReference", parameter
                yield from _entities(argument[1 if template.condition(argument[0]) else 2], template)
            elif name == "Fn::Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                yield from _entities(list(given.values()), template)
                for part in SUBSTITUTION.findall(text):
                    if part.strip() not in given:
                        yield _entity(part.strip(), template)
            else:
                yield from _entities(argument, template)


def _entity(name: str, template: Template) -> tuple[str, str]:
    if "." in name:
        return "ResourceAttribute", name
    return ("ParameterReference" if name in template.parameters else "ResourceReference"), name
