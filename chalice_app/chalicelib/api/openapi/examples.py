"""Examples in the OpenAPI document: request bodies, responses and problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.openapi.error_descriptions import ERRORS
from chalicelib.domain.json_types import Json
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.domain.requests import (
    CohortActionRequest,
    CohortChange,
    CohortRequest,
    CredentialsRequest,
    EnvironmentChange,
    EnvironmentRequest,
    FreezeRequest,
    RunRequest,
)
from chalicelib.domain.settings import Settings
from chalicelib.errors import ServiceError

BODIES: Mapping[type[BaseModel], Json] = {
    EnvironmentRequest: {"expires_in_hours": 24, "job": {"number_of_workers": 2}},
    EnvironmentChange: {"settings": {"job": {"number_of_workers": 3}}},
    CohortRequest: {
        "name": "Data engineering, autumn",
        "owners": ["ana@school.example", "ben@school.example"],
        "expires_at": "2026-12-18T17:00:00Z",
        "dry_run": True,
    },
    CohortActionRequest: {"reason": "The course has ended."},
    CohortChange: {"add": ["eva@school.example"], "remove": ["ben@school.example"]},
    FreezeRequest: {"reason": "The course has ended."},
    CredentialsRequest: {"duration_seconds": 3600},
    QueryRequest: {
        "sql": "SELECT count(*) AS orders FROM tbl_orders WHERE order_status = ?",
        "parameters": ["'delivered'"],
    },
    RunRequest: {"number_of_workers": 2, "timeout_minutes": 10, "arguments": {"--NUM_PARTITIONS": "1"}},
}

_QUEUED: Json = {
    **{"outputs": None, "ready_at": None, "updated_at": "2026-11-24T09:30:00.000Z", "status": "QUEUED"},
    "progress": {"done": 0, "total": 30, "resources": []},
    "poll_after_seconds": 1,
}
_NOT_FINISHED: Json = {
    **{"completed_at": None, "execution_seconds": None, "dpu_seconds": None, "cost_usd": None},
    **{"output": None, "poll_after_seconds": 1},
}
_FROZEN: Json = {
    **{"since": "2026-11-24T10:30:00.000Z", "by": "root", "by_type": "user", "stopped_at": None},
    "reason": "The course has ended.",
}
_WORKING: Json = {
    **{"status": "WORKING", "outcomes": {"PENDING": 300}, "environments": {}, "counted_at": None},
    "poll_after_seconds": 10,
}
_QUERY_NOT_FINISHED: Json = {
    **{"completed_at": None, "scanned_bytes": None, "cost_usd": None, "statement_type": None},
    **{"queue_milliseconds": None, "execution_milliseconds": None, "poll_after_seconds": 1},
}
_STATES: Mapping[tuple[str, int], Json] = {
    ("request_environment", 202): {**_QUEUED, "queue": {"position": 0, "eta_seconds": 10}},
    ("retry_environment", 202): {**_QUEUED, "queue": {"position": 0, "eta_seconds": 0}},
    ("change_environment", 202): {"status": "UPDATING", "poll_after_seconds": 1},
    ("reset_environment", 202): {"status": "RESETTING", "poll_after_seconds": 1},
    ("freeze_environment", 202): {"frozen": _FROZEN, "poll_after_seconds": 1},
    ("create_cohort", 202): _WORKING,
    ("change_cohort", 202): _WORKING,
    ("act_on_cohort", 202): _WORKING,
    ("get_cohort", 200): {"poll_after_seconds": None},
    ("delete_environment", 202): {"status": "DELETING", "poll_after_seconds": 1},
    ("delete_environment", 200): {"status": "DELETED", "deleted_at": "2026-11-24T10:30:00.000Z"},
    ("get_drift", 200): {"poll_after_seconds": None},
    ("get_drift", 202): {"status": "DETECTING", "resources": [], "poll_after_seconds": 5},
    ("run_query", 202): {**_QUERY_NOT_FINISHED, "status": "QUEUED", "started_at": None},
    ("stop_query", 202): {**_QUERY_NOT_FINISHED, "status": "RUNNING", "stopped_by": "ana"},
    ("stop_query", 200): {"status": "CANCELLED", "stopped_by": "ana", "stopped_by_type": "user"},
    ("request_run", 202): {**_NOT_FINISHED, "status": "PENDING", "glue_run_id": None, "started_at": None},
    ("stop_run", 202): {**_NOT_FINISHED, "status": "STOPPING", "stopped_by": "ana"},
    ("stop_run", 200): {"status": "STOPPED", "stopped_by": "ana", "output": None},
}
"""Fields of a response's example that differ by operation and status: a 202 shows what has just started."""

_INVALID_FIELD = {"pointer": "/job/number_of_workers", "detail": "Must be at least 2."}
_INVALID_COMBINATION = {"pointer": "/role_arn", "detail": "Set iam_role to false to use an existing ARN."}
_INVALID_FILE = {"pointer": "", "detail": "Not UTF-8: byte 3 is invalid."}


def response_example(operation: str, status: int, model: type[BaseModel]) -> Json:
    """Return the example of an operation's response."""
    found = {**example(model), **_STATES.get((operation, status), {})}
    if found.get("status") == "DELETED":
        found["receipt"] = example(responses.Receipt)
    return found


def problem_example(kind: type[ServiceError]) -> Json:
    """Return the example of an error."""
    found = example(responses.Problem) | {
        "type": f"urn:terraglue:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": ERRORS[kind].example,
        "code": kind.code,
    }
    if issubclass(kind, errors.InvalidCombination):
        found["errors"] = [_INVALID_COMBINATION]
    elif issubclass(kind, errors.InvalidFile):
        found["errors"] = [_INVALID_FILE]
    elif issubclass(kind, errors.InvalidFields):
        found["errors"] = [_INVALID_FIELD]
    if kind is errors.EnvironmentExists:
        found["environment"] = responses.EXAMPLE_ENVIRONMENT
    return found


def example(model: type[BaseModel]) -> Json:
    """Return the example of a model, without optional fields that have no example."""
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
