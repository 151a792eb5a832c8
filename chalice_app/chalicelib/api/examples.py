"""Examples for `/openapi.json`: of what callers send, and of answers by the examples of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chalicelib.api import responses
from chalicelib.domain.json_types import Json
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.domain.settings import Settings

BODIES: Mapping[type[BaseModel], Json] = {
    Settings: {"expires_in_hours": 24, "job": {"number_of_workers": 2}},
    EnvironmentChange: {"settings": {"job": {"number_of_workers": 3}}},
    RunRequest: {"number_of_workers": 2, "timeout_minutes": 10, "arguments": {"--NUM_PARTITIONS": "1"}},
}


_MADE = {"outputs": None, "ready_at": None, "updated_at": "2026-11-24T09:30:00.000Z"}
_NOT_STARTED: Json = {
    **{"glue_run_id": None, "started_at": None, "completed_at": None, "execution_seconds": None},
    **{"dpu_seconds": None, "cost_usd": None, "output": None},
}
_STATES: Mapping[tuple[str, int], Json] = {
    ("request_environment", 202): {
        **_MADE,
        "status": "QUEUED",
        "progress": {"done": 0, "total": 30, "resources": []},
        "queue": {"position": 0, "eta_seconds": 10},
        "poll_after_seconds": 1,
    },
    ("retry_environment", 202): {
        **_MADE,
        "status": "QUEUED",
        "progress": {"done": 0, "total": 30, "resources": []},
        "queue": {"position": 0, "eta_seconds": 0},
        "poll_after_seconds": 1,
    },
    ("change_environment", 202): {"status": "UPDATING", "poll_after_seconds": 1},
    ("reset_environment", 202): {"status": "RESETTING", "poll_after_seconds": 1},
    ("delete_environment", 202): {"status": "DELETING", "poll_after_seconds": 1},
    ("delete_environment", 200): {"status": "DELETED", "deleted_at": "2026-11-24T10:30:00.000Z"},
    ("request_run", 202): {**_NOT_STARTED, "status": "PENDING", "poll_after_seconds": 1},
    ("stop_run", 202): {
        **{"status": "STOPPING", "stopped_by": "ana", "completed_at": None, "execution_seconds": None},
        **{"dpu_seconds": None, "cost_usd": None, "output": None, "poll_after_seconds": 1},
    },
    ("stop_run", 200): {"status": "STOPPED", "stopped_by": "ana", "output": None},
}
"""What an answer's example has otherwise, by operation and status: a 202 shows what has just begun."""


def shown(operation: str, status: int, model: type[BaseModel]) -> Json:
    """The example of an operation's answer."""
    told = {**example(model), **_STATES.get((operation, status), {})}
    if told.get("status") == "DELETED":
        told["receipt"] = example(responses.Receipt)
    return told


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
