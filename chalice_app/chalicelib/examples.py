"""Examples for `/openapi.json`: of what callers send, and of answers by the examples of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chalicelib.models import EnvironmentChange, RunRequest
from chalicelib.records import Json
from chalicelib.settings import Settings

BODIES: Mapping[type[BaseModel], Json] = {
    Settings: {"expires_in_hours": 24, "job": {"number_of_workers": 2}},
    EnvironmentChange: {"settings": {"job": {"number_of_workers": 3}}},
    RunRequest: {"number_of_workers": 2, "timeout_minutes": 10, "arguments": {"--NUM_PARTITIONS": "1"}},
}


def example(model: type[BaseModel]) -> Json:
    """An example of a model; optional fields without an example are left out."""
    if model is Settings:
        return Settings().resolved().model_dump(mode="json")
    return {
        name: _of_field(info)
        for name, info in model.model_fields.items()
        if info.is_required() or info.examples
    }


def _of_field(info: FieldInfo) -> Any:
    return info.examples[0] if info.examples else _of_type(info.annotation)


def _of_type(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return example(kind)
    inner = next(choice for choice in get_args(kind) if choice is not type(None))
    return [_of_type(inner)] if get_origin(kind) is list else _of_type(inner)
