"""CloudFormation templates: parsing, validation as in CreateStack, and resolution of functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from glue_assets import template_builder
from local.cloudformation.parameters import TemplateError, parameter_values, text_of

Json = dict[str, Any]

SUBSTITUTION = re.compile(r"\$\{([^!][^}]*)\}")
_IAM_TYPES = {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}
_IAM_NAMES = {"RoleName", "ManagedPolicyName"}
_NO_VALUE = object()

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""Placeholder in a change set for a value that is known only after the execution."""


def parse(body: str) -> Json:
    """Parse a template in YAML or JSON, with the long forms of its functions."""
    try:
        template = json.loads(body)  # YAML rejects JSON that is indented by tabs
    except ValueError:
        try:
            template = template_builder.parse(body)
        except yaml.YAMLError as error:
            raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    if "Transform" in template:
        raise TemplateError("The AWS emulator does not support Transform.")
    return template


@dataclass(frozen=True)
class Placed:
    """Identity of a created resource: `Ref` returns the physical ID, `Fn::GetAtt` an attribute."""

    physical_id: str
    attributes: Mapping[str, Any]


class Template:
    """A template with the values of its parameters. Raises `TemplateError` for invalid values."""

    def __init__(self, body: str, given: Mapping[str, str], pseudo: Mapping[str, str]) -> None:
        self._template = parse(body)
        self.parameters = parameter_values(self._template.get("Parameters") or {}, given)
        self._values: Json = {**pseudo, **{name: value for name, value in self.parameters.items()}}
        self._conditions: dict[str, bool] = {}
        self.resources: dict[str, Json] = {
            logical_id: resource
            for logical_id, resource in self._template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        self._check_references()

    @property
    def description(self) -> str | None:
        """Description of the template."""
        return self._template.get("Description")

    @property
    def capability(self) -> str | None:
        """Capability that the caller must acknowledge for IAM resources, or None."""
        iam = [resource for resource in self.resources.values() if resource["Type"] in _IAM_TYPES]
        if not iam:
            return None
        is_named = any(_IAM_NAMES & (resource.get("Properties") or {}).keys() for resource in iam)
        return "CAPABILITY_NAMED_IAM" if is_named else "CAPABILITY_IAM"

    def condition(self, name: str) -> bool:
        """Evaluate a condition of the template."""
        if name not in self._conditions:
            conditions = self._template.get("Conditions") or {}
            if name not in conditions:
                raise TemplateError(
                    f"Template format error: Unresolved condition dependency {name} in the template"
                )
            self._conditions[name] = self._truth(conditions[name])
        return self._conditions[name]

    def parameters_of(self, condition: str) -> set[str]:
        """Return the parameters that a condition depends on, directly or indirectly."""
        expression = self._template["Conditions"][condition]
        named = set(self._references(expression)) & self.parameters.keys()
        for other in _conditions_in(expression):
            named |= self.parameters_of(other)
        return named

    def order(self) -> list[str]:
        """Return the logical IDs in an order where each follows its dependencies."""
        ordered: list[str] = []
        open_: list[str] = []

        def visit(logical_id: str) -> None:
            if logical_id in ordered:
                return
            if logical_id in open_:
                circle = ", ".join(open_[open_.index(logical_id) :])
                raise TemplateError(f"Circular dependency between resources: [{circle}]")
            open_.append(logical_id)
            for needed in sorted(self.needs(logical_id)):
                visit(needed)
            open_.pop()
            ordered.append(logical_id)

        for logical_id in self.resources:
            visit(logical_id)
        return ordered

    def properties(self, logical_id: str, placed: Mapping[str, Placed]) -> Json:
        """Return the properties of a resource with all functions resolved."""
        resolved = self._resolve(self.resources[logical_id].get("Properties") or {}, placed)
        return {} if resolved is _NO_VALUE else resolved

    def outputs(self, placed: Mapping[str, Placed]) -> list[Json]:
        """Return the outputs in the format of DescribeStacks."""
        found = []
        for key, output in (self._template.get("Outputs") or {}).items():
            if "Condition" in output and not self.condition(output["Condition"]):
                continue
            value = self._resolve(output["Value"], placed)
            entry = {"OutputKey": key, "OutputValue": str(value)}
            found.append(entry | ({"Description": output["Description"]} if "Description" in output else {}))
        return found

    def _resolve(self, value: Any, placed: Mapping[str, Placed]) -> Any:
        if isinstance(value, list):
            items = [self._resolve(item, placed) for item in value]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument, placed)
        resolved = {key: self._resolve(item, placed) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NO_VALUE}

    def _call(self, name: str, argument: Any, placed: Mapping[str, Placed]) -> Any:
        if name == "Ref":
            return self._ref(argument, placed)
        if name == "Fn::GetAtt":
            return _attribute(argument, placed)
        if name == "Fn::Sub":
            return self._substitute(argument, placed)
        if name == "Fn::If":
            condition, yes, no = argument
            return self._resolve(yes if self.condition(condition) else no, placed)
        resolved = self._resolve(argument, placed)
        if name == "Fn::Join":
            return str(resolved[0]).join(str(item) for item in resolved[1])
        if name == "Fn::Select":
            if UNKNOWN in str(resolved[1]):
                return UNKNOWN
            return resolved[1][int(resolved[0])]
        if name == "Fn::Split":
            return str(resolved[1]).split(resolved[0])
        if name == "Fn::FindInMap":
            first, second, third = resolved
            return self._template["Mappings"][first][second][third]
        raise TemplateError(f"The AWS emulator does not support {name}.")

    def _ref(self, name: str, placed: Mapping[str, Placed]) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        return placed[name].physical_id if name in placed else self._values[name]

    def _substitute(self, argument: Any, placed: Mapping[str, Placed]) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        own = {name: self._resolve(value, placed) for name, value in given.items()}

        def replace(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name in own:
                return str(own[name])
            if "." in name:
                return str(_attribute(name.split(".", 1), placed))
            return str(self._ref(name, placed))

        return SUBSTITUTION.sub(replace, text).replace("${!", "${")

    def _truth(self, expression: Any) -> bool:
        [(name, argument)] = expression.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            first, second = (text_of(self._resolve(item, {})) for item in argument)
            return first == second
        if name == "Fn::Not":
            return not self._truth(argument[0])
        if name == "Fn::And":
            return all(self._truth(item) for item in argument)
        if name == "Fn::Or":
            return any(self._truth(item) for item in argument)
        raise TemplateError(f"Template error: {name} is not a condition function")

    def needs(self, logical_id: str) -> set[str]:
        """Return the resources that a resource depends on."""
        resource = self.resources[logical_id]
        explicit = resource.get("DependsOn") or []
        names = {explicit} if isinstance(explicit, str) else set(explicit)
        names |= set(self._references(resource.get("Properties")))
        return {name for name in names if name in self.resources}

    def _references(self, value: Any, *, everywhere: bool = False) -> Iterator[str]:
        """Yield the names that a value refers to, in the active branches of conditions or `everywhere`."""
        if isinstance(value, list):
            for item in value:
                yield from self._references(item, everywhere=everywhere)
        elif isinstance(value, dict):
            for name, argument in value.items():
                if name == "Ref":
                    yield argument
                elif name == "Fn::GetAtt":
                    yield argument[0]
                elif name == "Fn::If" and not everywhere:
                    yield from self._references(argument[1 if self.condition(argument[0]) else 2])
                elif name == "Fn::Sub":
                    yield from self._substituted(argument)
                else:
                    yield from self._references(argument, everywhere=everywhere)

    def _substituted(self, argument: Any) -> Iterator[str]:
        text, given = argument if isinstance(argument, list) else (argument, {})
        yield from self._references(list(given.values()))
        for name in SUBSTITUTION.findall(text):
            if name.strip() not in given:
                yield name.strip().split(".", 1)[0]

    def _check_references(self) -> None:
        known = self._values.keys() | self._template["Resources"].keys() | {"AWS::NoValue"}
        for block in ("Resources", "Outputs"):
            names = set(self._references(self._template.get(block) or {}, everywhere=True))
            unknown = sorted(names - known)
            if unknown:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] "
                    f"in the {block} block of the template"
                )


def _conditions_in(expression: Any) -> Iterator[str]:
    if isinstance(expression, list):
        for item in expression:
            yield from _conditions_in(item)
    elif isinstance(expression, dict):
        for name, argument in expression.items():
            if name == "Condition":
                yield argument
            else:
                yield from _conditions_in(argument)


def _attribute(argument: Any, placed: Mapping[str, Placed]) -> Any:
    logical_id, attribute = argument
    attributes = placed[logical_id].attributes
    if attribute not in attributes:
        raise TemplateError(
            f"Template error: resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
        )
    return attributes[attribute]
