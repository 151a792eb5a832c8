"""Validation of requests: pydantic's errors become `InvalidFields`, with one sentence for each field."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.errors import InvalidFields

Model = TypeVar("Model", bound=BaseModel)
Check = Callable[[Any], list[dict[str, str]]]

_SENTENCES = {
    "bool_type": "Must be true or false.",
    "dict_type": "Must be an object.",
    "extra_forbidden": "Unknown {what}. Check the spelling or remove it.",
    "greater_than_equal": "Must be at least {ge}.",
    "int_from_float": "Must be an integer.",
    "int_parsing": "Must be an integer.",
    "int_parsing_size": "Must be an integer with fewer digits.",
    "int_type": "Must be an integer.",
    "less_than_equal": "Must be at most {le}.",
    "list_type": "Must be a list.",
    "literal_error": "Must be {expected}.",
    "missing": "This {what} is required.",
    "model_type": "Must be an object.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_too_short": "Must have at least {min_length} character(s).",
    "string_type": "Must be a string.",
    "string_unicode": "Must be valid Unicode, without unpaired surrogates.",
    "too_long": "Must have at most {max_length} entries.",
}
"""By type of pydantic's errors: https://docs.pydantic.dev/latest/errors/validation_errors/"""


def validated(model: type[Model], value: Any, invalid_combinations: Check | None = None) -> Model:
    """Return a JSON value as a model. Raise `InvalidFields`, which lists every invalid field.

    `invalid_combinations` checks what is left of the value without its invalid fields.
    """
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
        problems = [{"pointer": _pointer(each["loc"]), "detail": _sentence(each, "field")} for each in found]
        if invalid_combinations is not None:
            invalid = {problem["pointer"] for problem in problems}
            with suppress(ValidationError):
                rest = model.model_validate(_without(value, [each["loc"] for each in found]), strict=True)
                problems += [more for more in invalid_combinations(rest) if more["pointer"] not in invalid]
        raise InvalidFields(problems) from error


def validated_parameters(model: type[Model], parameters: dict[str, str]) -> Model:
    """Return query parameters as a model. Raise `InvalidFields`, which lists every invalid parameter."""
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
        raise InvalidFields(
            [{"parameter": str(each["loc"][0]), "detail": _sentence(each, "parameter")} for each in found]
        ) from error


def _without(value: Any, locations: list[tuple[int | str, ...]]) -> Any:
    """Return a copy of a JSON value without the given locations; one in a list removes the whole list."""
    rest = copy.deepcopy(value)
    for location in locations:
        inner, names = rest, [name for name in location if name != "[key]"]
        for depth, name in enumerate(names):
            if not isinstance(inner, dict) or name not in inner:
                break
            if depth == len(names) - 1 or not isinstance(inner[name], dict):
                del inner[name]
                break
            inner = inner[name]
    return rest


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return the JSON pointer (RFC 6901). pydantic adds `[key]` for an invalid name in a mapping."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location if part != "[key]"]
    return "".join(f"/{part}" for part in parts)


def _sentence(error: Any, what: str) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]].format(what=what, **error.get("ctx", {}))
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."
