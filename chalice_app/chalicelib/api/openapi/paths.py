"""Path items of the OpenAPI document: one operation with its request and successful responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError

from chalicelib.api import responses
from chalicelib.api.media_types import CSV
from chalicelib.api.openapi.error_responses import failure_references
from chalicelib.api.openapi.examples import BODIES, response_example
from chalicelib.api.openapi.headers import RATE_LIMIT, references
from chalicelib.api.openapi.parameters import parameters
from chalicelib.api.openapi.schemas import reference
from chalicelib.api.operations import Files, Operation
from chalicelib.domain.json_types import Json

# Path parameters of linked operations, from the body of a response.
_LINKED: Mapping[type[BaseModel], Mapping[str, str]] = {
    responses.Environment: {"environment_id": "$response.body#/id"},
    responses.Query: {
        "environment_id": "$response.body#/environment_id",
        "query_id": "$response.body#/id",
    },
    responses.JobRun: {"job_id": "$response.body#/job_id", "run_id": "$response.body#/id"},
}


def path_item(operation: Operation, operations: Sequence[Operation]) -> Json:
    """Return an operation. `operations` are all of them, for links."""
    item: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters(operation),
        "responses": {**_successes(operation, operations), **failure_references(operation)},
    }
    if operation.public:
        item["security"] = []
    if operation.body is not None:
        item["requestBody"] = {
            "required": not _may_be_empty(operation.body),
            "description": operation.body.__doc__,
            "content": {
                "application/json": {
                    "schema": reference(operation.body),
                    "example": BODIES[operation.body],
                }
            },
        }
    if operation.upload:
        binary = {"schema": {"type": "string", "format": "binary"}}
        is_file = "application/octet-stream" in operation.upload
        item["requestBody"] = {
            "required": not is_file,
            "description": "Content of the file; may be empty." if is_file else "The archive.",
            "content": {media_type: binary for media_type in operation.upload},
        }
    return item


def _may_be_empty(model: type[BaseModel]) -> bool:
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


def _successes(operation: Operation, operations: Sequence[Operation]) -> Json:
    found: Json = {}
    for status, returned in operation.returns.items():
        headers = ["X-Request-Id"]
        headers += ["ETag"] if operation.method == "GET" and status == 200 else []
        headers += ["Location"] if status == 303 else []
        headers += ["Location", "Idempotency-Replayed"] if operation.idempotent else []
        headers += RATE_LIMIT if operation.cost else []
        response: Json
        if returned is None:
            response = {"description": "Redirects to the file." if status == 303 else "Done."}
        elif isinstance(returned, Files):
            response = _file_response(returned)
        else:
            headers += ["Retry-After"] if "poll_after_seconds" in returned.model_fields else []
            response = _model_response(operation, status, returned)
            if operation.csv:
                headers.append("Link")
                response["content"][CSV] = {"schema": {"type": "string"}}
            if operation.links:
                response["links"] = _links(operation, returned, operations)
        found[str(status)] = {**response, "headers": references(headers)}
    if operation.method == "GET" and 200 in operation.returns:
        found["304"] = {
            "description": "Not changed since the ETag in If-None-Match.",
            "headers": references(["X-Request-Id", "ETag"]),
        }
    return found


def _file_response(files: Files) -> Json:
    schema = {"type": "object"} if "application/json" in files.media_types else {"type": "string"}
    return {
        "description": "The requested file.",
        "content": {media_type: {"schema": schema} for media_type in files.media_types},
    }


def _model_response(operation: Operation, status: int, model: type[BaseModel]) -> Json:
    content = {"schema": reference(model), "example": response_example(operation.name, status, model)}
    return {"description": model.__doc__, "content": {"application/json": content}}


def _links(operation: Operation, returned: type[BaseModel], operations: Sequence[Operation]) -> Json:
    known = {other.name: other for other in operations}
    return {
        name: {
            "operationId": name,
            "description": f"{known[name].summary}.",
            "parameters": {
                parameter: place
                for parameter, place in _LINKED[returned].items()
                if f"{{{parameter}}}" in known[name].path
            },
        }
        for name in operation.links
    }
