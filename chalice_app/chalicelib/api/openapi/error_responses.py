"""Error responses in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.openapi.error_descriptions import ERRORS
from chalicelib.api.openapi.examples import problem_example
from chalicelib.api.openapi.headers import CHALLENGE, RATE_LIMIT, references
from chalicelib.api.openapi.schemas import reference
from chalicelib.api.operations import Operation
from chalicelib.domain.json_types import Json
from chalicelib.errors import ServiceError

_OF_EVERY_OPERATION = (ServiceError, errors.Throttled, errors.Unavailable, errors.InvalidFields)
_OF_BODIES = (errors.InvalidJson, errors.PayloadTooLarge, errors.UnsupportedMediaType)

Kinds = tuple[type[ServiceError], ...]


def failure_references(operation: Operation) -> Json:
    """Return references to an operation's error responses by status."""
    return {
        str(status): {"$ref": f"#/components/responses/{_name(kinds)}"}
        for status, kinds in sorted(_by_status(operation).items())
    }


def failure_responses(operations: Sequence[Operation]) -> Json:
    """Return the error responses of all operations. The errors of one status are one response."""
    return {
        _name(kinds): _response(status, kinds)
        for operation in operations
        for status, kinds in sorted(_by_status(operation).items())
    }


def _by_status(operation: Operation) -> dict[int, Kinds]:
    found: list[type[ServiceError]] = [*_OF_EVERY_OPERATION, *operation.errors]
    if not operation.public:
        found.append(errors.Unauthorized)
    if operation.cost:
        found.append(errors.RateLimited)
    if "{" in operation.path:
        found.append(errors.NotFound)
    if operation.body is not None:
        found += _OF_BODIES
    if operation.query is not None and "cursor" in operation.query.model_fields:
        found.append(errors.BadCursor)
    by_status: dict[int, set[type[ServiceError]]] = {}
    for kind in found:
        by_status.setdefault(kind.status, set()).add(kind)
    return {status: tuple(sorted(kinds, key=lambda kind: kind.code)) for status, kinds in by_status.items()}


def _name(kinds: Kinds) -> str:
    return "-".join(kind.code for kind in kinds)


def _response(status: int, kinds: Kinds) -> Json:
    headers = ["X-Request-Id"]
    headers += [CHALLENGE] if status == 401 else []
    headers += ["Retry-After"] if status in (429, 503) else []
    headers += RATE_LIMIT if errors.RateLimited in kinds else []
    described = [f"- `{kind.code}`: {ERRORS[kind].description}" for kind in kinds]
    return {
        "description": "\n".join(described) if len(kinds) > 1 else ERRORS[kinds[0]].description,
        "headers": references(headers),
        "content": {
            "application/problem+json": {
                "schema": reference(responses.Problem),
                "examples": {
                    kind.code: {"summary": kind.title, "value": problem_example(kind)} for kind in kinds
                },
            }
        },
    }
