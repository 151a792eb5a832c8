"""Template parameters: validation as in CreateStack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_MAX_BYTES = 4096
"""Limit of https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


class TemplateError(Exception):
    """CreateStack rejects the template or its parameters with this message."""


def text_of(value: Any) -> str:
    """Convert a value to a string. CloudFormation writes booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_values(declared: Mapping[str, Json], given: Mapping[str, str]) -> Json:
    """Return the value of every declared parameter, from the given values and the defaults."""
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, rule in declared.items() if name not in given and "Default" not in rule]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _checked(name, rule, given[name] if name in given else rule["Default"])
        for name, rule in declared.items()
    }


def _checked(name: str, rule: Json, value: Any) -> Any:
    kind, text = rule.get("Type", "String"), text_of(value)
    constraint = rule.get("ConstraintDescription")
    if kind not in ("String", "Number", "CommaDelimitedList"):
        raise TemplateError(f"The AWS emulator does not support parameters of type {kind}.")
    if len(text.encode()) > _MAX_BYTES:
        raise TemplateError(f"Parameter {name} is longer than {_MAX_BYTES} bytes")
    if not _fits(rule, text):
        words = constraint or "its Type, AllowedValues, AllowedPattern, length or range"
        raise TemplateError(f"Parameter {name} failed to satisfy constraint: {words}")
    return text.split(",") if kind == "CommaDelimitedList" else text


def _fits(rule: Json, text: str) -> bool:
    if rule.get("Type") == "Number":
        try:
            number = float(text)
        except ValueError:
            return False
        if not float(rule.get("MinValue", number)) <= number <= float(rule.get("MaxValue", number)):
            return False
    allowed = [text_of(value) for value in rule.get("AllowedValues", [text])]
    length = int(rule.get("MinLength", 0)) <= len(text) <= int(rule.get("MaxLength", len(text)))
    return (
        text in allowed and length and re.fullmatch(rule.get("AllowedPattern", r"(?s).*"), text) is not None
    )
