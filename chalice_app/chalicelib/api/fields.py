"""Selection of fields: the query parameter `fields` of lists, such as `id,status,settings.job`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from chalicelib.domain.json_types import Json
from chalicelib.errors import InvalidFields

Fields = dict[str, "Fields"]
"""Names, each with those below it. A name with none below it stands for its whole value."""


def parse(text: str, page: type[BaseModel]) -> Fields:
    """Return the selected fields of the items of a page. Raise `InvalidFields` for unknown names."""
    known = _fields(page.model_fields["items"].annotation)
    selected: Fields = {}
    problems = []
    for path in text.split(","):
        if problem := _unknown(path.split("."), known):
            problems.append({"parameter": "fields", "detail": problem})
        else:
            _add(selected, path.split("."))
    if problems:
        raise InvalidFields(problems)
    return selected


def selected(page: Json, fields: Fields) -> Json:
    """Return a page whose items have only the selected fields, in the order of the response."""
    return {**page, "items": [_reduced(item, fields) for item in page["items"]]}


def top_level(page: type[BaseModel]) -> list[str]:
    """Return the names of the fields that the items of a page have."""
    return list(_fields(page.model_fields["items"].annotation))


def _fields(annotation: Any) -> Fields:
    """Return the fields below a value of this type."""
    found: Fields = {}
    for model in _models(annotation):
        for name, field in model.model_fields.items():
            found[name] = {**found.get(name, {}), **_fields(field.annotation)}
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models of an annotation, such as `list[Model] | None`. Mappings have names of their own."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif not (isinstance(origin := getattr(annotation, "__origin__", None), type) and _is_mapping(origin)):
        for argument in get_args(annotation):
            yield from _models(argument)


def _is_mapping(origin: type) -> bool:
    return issubclass(origin, Mapping)


def _unknown(path: list[str], known: Fields) -> str | None:
    """Return what is wrong with a path of names, or None."""
    for depth, name in enumerate(path):
        if name not in known:
            parent = ".".join(path[:depth])
            if not known:
                return f"{parent} has no fields to select from. Send {parent}."
            where = f" in {parent}" if parent else ""
            return f"Unknown field: {name or 'an empty name'}{where}. Known fields: {', '.join(known)}."
        known = known[name]
    return None


def _add(selected: Fields, path: list[str]) -> None:
    for depth, name in enumerate(path):
        is_new = name not in selected
        below = selected.setdefault(name, {})
        if depth == len(path) - 1:
            below.clear()
        elif not below and not is_new:  # the whole value is selected already
            return
        selected = below


def _reduced(value: Any, fields: Fields) -> Any:
    if not fields:
        return value
    if isinstance(value, list):
        return [_reduced(item, fields) for item in value]
    if isinstance(value, dict):
        return {name: _reduced(value[name], fields[name]) for name in value if name in fields}
    return value
