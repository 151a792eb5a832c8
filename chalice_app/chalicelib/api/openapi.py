"""`/openapi.json`: OpenAPI 3.1, made from the operations and the models that validate them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from chalicelib import errors
from chalicelib.api import job_responses, responses
from chalicelib.api.examples import BODIES, example, shown
from chalicelib.api.operations import Files, Operation
from chalicelib.domain.json_types import Json
from chalicelib.errors import ServiceError

VERSION = "1.0.0"
"""Of the contract, not of the code: it moves when callers have to know."""

_DESCRIPTION = """One request gives one person one working AWS analytics sandbox.

Times are RFC 3339 in UTC, money is in US dollars. Long work answers 202 with `Location`: look there again
after `Retry-After` seconds. Send `If-None-Match` with the last `ETag`: what has not changed costs no body.
Somebody else's environment does not exist for you: it is 404. Errors are RFC 9457 problems; `code` is for
programs, and one that you do not know means what its status does.
"""
_TAGS = {
    "Environments": "Sandboxes: one live one a person.",
    "Tables": "An environment's Data Catalog, and a look at the rows.",
    "Jobs": "An environment's Glue job and its runs.",
    "Job files": "Scripts of one's own, in production mode.",
    "Service": "The service itself.",
}


def _header(words: str, *, required: bool = False, **schema: Any) -> Json:
    return {"description": words, "required": required, "schema": {"type": "string", **schema}}


_EVERYWHERE = (ServiceError, errors.Throttled, errors.Unavailable)
_READABLE = (
    *(errors.InvalidJson, errors.PayloadTooLarge),
    *(errors.UnsupportedMediaType, errors.InvalidFields),
)
_NAME = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$"}
_CATALOG_NAME = {"type": "string", "pattern": "^[a-z0-9_]{1,255}$"}
_FILE_NAME = {
    "type": "string",
    "pattern": (
        r"^[A-Za-z0-9_-](?:[A-Za-z0-9_.-]{0,60}\.py|[A-Za-z0-9_.-]{0,59}\.(?:sql|zip)"
        r"|[A-Za-z0-9_.-]{0,58}\.json)$"
    ),
}
_PATH_PARAMETERS: Mapping[str, tuple[Json, str]] = {
    "environment_id": ({"type": "string", "pattern": "^[a-z2-7]{10}$"}, "k3v7q2mzab"),
    "job_id": (
        {"type": "string", "pattern": "^terraglue-[a-z2-7]{10}-[a-z0-9][a-z0-9-]{0,63}$"},
        "terraglue-k3v7q2mzab-sot-ecommerce-br",
    ),
    "run_id": ({"type": "string", "pattern": "^[a-z2-7]{16}$"}, "3oc6lp4hbslpve34"),
    "database": (_CATALOG_NAME, "sot"),
    "table": (_CATALOG_NAME, "tbsot_ecommerce_br"),
    "name": ({"type": "string", "enum": ["start.js", "swagger-ui.css", "swagger-ui.js"]}, "start.js"),
}
_CHALLENGE = "x-amzn-Remapped-WWW-Authenticate"
_HEADERS: Mapping[str, Json] = {
    "X-Request-Id": _header("The id of the request, as in the log and the timeline.", required=True),
    "ETag": _header("Stands for what was answered.", required=True),
    "Location": _header("Where to look.", required=True, format="uri-reference"),
    "Retry-After": _header("When to look again, in seconds.", type="integer", minimum=1),
    "Idempotency-Replayed": _header("The answer is one that was given before.", enum=["true"]),
    _CHALLENGE: _header(
        "How to prove who you are (RFC 6750): WWW-Authenticate, as API Gateway names it.", required=True
    ),
}
# Where links of one operation's answer find the path parameters of another.
_LINKED: Mapping[type[BaseModel], Mapping[str, str]] = {
    responses.Environment: {"environment_id": "$response.body#/id"},
    job_responses.JobRun: {"job_id": "$response.body#/job_id", "run_id": "$response.body#/id"},
}


class _Schemas(GenerateJsonSchema):
    """Without titles that only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def model_schema(self, schema: Any) -> Json:
        """Requests are strict. Answers have all fields, and are open so that a new one breaks no client."""
        told = super().model_schema(schema)
        if self.mode == "serialization":
            told.pop("additionalProperties", None)
            told.pop("title", None)  # another than its name, if a request has the model too
            told["required"] = list(told["properties"])
            for field in told["properties"].values():
                field.pop("default", None)
        return told


def document(operations: Sequence[Operation], base: str = "") -> Json:
    """The document; `base` is what comes before the paths in the caller's URL."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "self-service terraglue",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base or "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(operations),
            "headers": _HEADERS,
            "responses": {
                _failure_name(kinds): _failure_response(kinds)
                for operation in operations
                for _, kinds in sorted(_failures(operation).items())
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the OIDC issuer, for this service's audience.",
                }
            },
        },
    }


def _operation(operation: Operation, operations: Sequence[Operation]) -> Json:
    summary, _, more = operation.words.partition("\n\n")
    told: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
        "responses": {
            **_successes(operation, operations),
            **{
                str(status): {"$ref": f"#/components/responses/{_failure_name(kinds)}"}
                for status, kinds in sorted(_failures(operation).items())
            },
        },
    }
    if more:
        told["description"] = more
    if operation.public:
        told["security"] = []
    if operation.body is not None:
        told["requestBody"] = {
            "required": not _takes_nothing(operation.body),
            "description": _first_line(operation.body),
            "content": {
                "application/json": {
                    "schema": _reference(operation.body),
                    "example": BODIES[operation.body],
                }
            },
        }
    if operation.upload:
        binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        told["requestBody"] = {"description": "The file's bytes; none: an empty file.", "content": binary}
    return told


def _takes_nothing(model: type[BaseModel]) -> bool:
    """Whether no body is as good as an empty object."""
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


def _path_parameters(operation: Operation) -> Iterable[Json]:
    names = re.findall(r"{(\w+)}", operation.path)
    for name in names:
        if name.startswith("part"):  # of a job file's path: folders, and the file
            schema, shown = (_FILE_NAME, "main.py") if name == names[-1] else (_NAME, "src")
        else:
            schema, shown = _PATH_PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": shown}


def _query_parameters(operation: Operation) -> Iterable[Json]:
    if operation.query is not None:
        schema = operation.query.model_json_schema(schema_generator=_Schemas)
        for name, told in schema["properties"].items():
            yield {"name": name, "in": "query", "schema": _inlined(told, schema.get("$defs", {}))}


def _inlined(told: Json, definitions: Json) -> Json:
    """A query parameter is absent, never null; what it refers to is put in its place."""
    told = dict(told)
    if "anyOf" in told:
        [told_once] = [choice for choice in told.pop("anyOf") if choice != {"type": "null"}]
        told = {**told_once, **told}
    if told.get("default", ...) is None:
        del told["default"]
    if "$ref" in told:
        return {**definitions[told.pop("$ref").rpartition("/")[2]], **told}
    return told


def _headers(operation: Operation) -> Iterable[Json]:
    if operation.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same key with the same request gets the same answer for 24 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            "example": "monday-1",
        }
    if _is_conditional(operation):
        yield {
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag of what you have.",
            "schema": {"type": "string"},
        }


def _successes(operation: Operation, operations: Sequence[Operation]) -> Json:
    told: Json = {}
    for status, given in operation.gives.items():
        headers = ["X-Request-Id"]
        headers += ["ETag"] if _is_conditional(operation) else []
        headers += ["Location", "Idempotency-Replayed"] if operation.idempotent else []
        if isinstance(given, Files):
            kind = {"type": "object"} if "application/json" in given.media_types else {"type": "string"}
            content = {media_type: {"schema": kind} for media_type in given.media_types}
            told[str(status)] = {"description": "It, as it is.", "content": content}
        else:
            headers += ["Retry-After"] if "poll_after_seconds" in given.model_fields else []
            content = {
                "application/json": {
                    "schema": _reference(given),
                    "example": shown(operation.name, status, given),
                }
            }
            told[str(status)] = {"description": _first_line(given), "content": content}
            if links := _links(operation, given, operations):
                told[str(status)]["links"] = links
        told[str(status)]["headers"] = {name: _header_reference(name) for name in headers}
    if _is_conditional(operation):
        told["304"] = {
            "description": "You have it already.",
            "headers": {name: _header_reference(name) for name in ("X-Request-Id", "ETag")},
        }
    return told


def _links(operation: Operation, given: type[BaseModel], operations: Sequence[Operation]) -> Json:
    known = {other.name: other for other in operations}
    return {
        name: {
            "operationId": name,
            "parameters": {
                parameter: place
                for parameter, place in _LINKED[given].items()
                if f"{{{parameter}}}" in known[name].path
            },
        }
        for name in operation.links
    }


def _failures(operation: Operation) -> dict[int, tuple[type[ServiceError], ...]]:
    """The errors that an operation answers with, by status."""
    kinds: list[type[ServiceError]] = [*_EVERYWHERE, *operation.errors]
    if not operation.public:
        kinds.append(errors.Unauthorized)
    if "{" in operation.path:
        kinds.append(errors.NotFound)
    if operation.body is not None:
        kinds += _READABLE
    if operation.query is not None and "cursor" in operation.query.model_fields:
        kinds.append(errors.BadCursor)
    kinds.append(errors.InvalidFields)
    by_status: dict[int, set[type[ServiceError]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, set()).add(kind)
    return {status: tuple(sorted(these, key=lambda kind: kind.code)) for status, these in by_status.items()}


def _failure_name(kinds: Sequence[type[ServiceError]]) -> str:
    return "-".join(kind.code for kind in kinds)


def _failure_response(kinds: Sequence[type[ServiceError]]) -> Json:
    status = kinds[0].status
    headers = ["X-Request-Id"]
    headers += [_CHALLENGE] if status == 401 else []
    headers += ["Retry-After"] if status in (429, 503) else []
    return {
        "description": "; ".join(_first_line(kind).rstrip(".") for kind in kinds) + ".",
        "headers": {name: _header_reference(name) for name in headers},
        "content": {
            "application/problem+json": {
                "schema": _reference(responses.Problem),
                "examples": {kind.code: {"value": _problem(kind)} for kind in kinds},
            }
        },
    }


def _problem(kind: type[ServiceError]) -> Json:
    told = example(responses.Problem) | {
        "type": f"urn:terraglue:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": _first_line(kind),
        "code": kind.code,
    }
    told.pop("errors", None)
    told.pop("environment", None)
    if issubclass(kind, errors.InvalidFields):
        told["errors"] = [example(responses.FieldProblem)]
    if kind is errors.EnvironmentExists:
        told["environment"] = "/environments/k3v7q2mzab"
    return told


def _is_conditional(operation: Operation) -> bool:
    return operation.method == "GET"


def _schemas(operations: Sequence[Operation]) -> Json:
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(responses.Problem, "validation"): None}
    for operation in operations:
        for given in operation.gives.values():
            if not isinstance(given, Files):
                models[given, "serialization"] = None
        if operation.body is not None:
            models[operation.body, "validation"] = None
    _, told = models_json_schema(
        list(models), ref_template="#/components/schemas/{model}", schema_generator=_Schemas
    )
    # What is both sent and shown, such as the settings, is two schemas.
    text = json.dumps(told["$defs"]).replace('-Input"', '"').replace('-Output"', 'Shown"')
    schemas: Json = json.loads(text)
    return schemas


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _header_reference(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _first_line(documented: type) -> str:
    return (documented.__doc__ or "").partition("\n")[0]
