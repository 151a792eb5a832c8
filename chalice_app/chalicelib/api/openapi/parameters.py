"""Parameters of requests in the OpenAPI document: path, query and headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from chalicelib.api.fields import top_level
from chalicelib.api.openapi.schemas import Schemas
from chalicelib.api.operations import Operation
from chalicelib.domain.cohort import CohortAction
from chalicelib.domain.json_types import Json
from chalicelib.domain.setting_types import JOB_FILE_ENDINGS, file_names
from chalicelib.errors import PreconditionFailed

_CATALOG_NAME = {"type": "string", "pattern": "^[a-z0-9_]{1,255}$"}
_FOLDER = {
    **{"type": "string", "minLength": 1, "maxLength": 64},
    "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$",
}
_FILE = {"type": "string", "pattern": f"^{file_names(*JOB_FILE_ENDINGS)}$"}


def _path_parameter(description: str, schema: Json, example: str) -> Json:
    return {
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


_PATH_PARAMETERS: Mapping[str, Json] = {
    "environment_id": _path_parameter(
        "ID of the environment.", {"type": "string", "pattern": "^[a-z2-7]{10}$"}, "k3v7q2mzab"
    ),
    "cohort_id": _path_parameter(
        "ID of the cohort.", {"type": "string", "pattern": "^[a-z2-7]{10}$"}, "q5m2x7rtda"
    ),
    "action": _path_parameter(
        "What to do with all environments.", {"type": "string", "enum": [*CohortAction]}, "freeze"
    ),
    "job_id": _path_parameter(
        "ID of the job, from `outputs.job_ids` of its environment.",
        {"type": "string", "pattern": "^terraglue-[a-z2-7]{10}-[a-z0-9][a-z0-9-]{0,63}$"},
        "terraglue-k3v7q2mzab-sot-ecommerce-br",
    ),
    "run_id": _path_parameter(
        "ID of the run.", {"type": "string", "pattern": "^[a-z2-7]{16}$"}, "3oc6lp4hbslpve34"
    ),
    "query_id": _path_parameter(
        "ID of the query.", {"type": "string", "pattern": "^[a-z2-7]{16}$"}, "3oc6lp4hbslpve34"
    ),
    "database": _path_parameter(
        "Short name of the database, such as `sot`, or its name in the Data Catalog.", _CATALOG_NAME, "sot"
    ),
    "table": _path_parameter("Name of the table.", _CATALOG_NAME, "tbsot_ecommerce_br"),
    "name": _path_parameter(
        "Name of the static file.",
        {"type": "string", "enum": ["start.js", "swagger-ui.css", "swagger-ui.js"]},
        "start.js",
    ),
    "folder": _path_parameter("A folder of the job file's path.", _FOLDER, "src"),
    "file": _path_parameter(
        f"Name of the job file, which ends in {', '.join(JOB_FILE_ENDINGS)}.", _FILE, "main.py"
    ),
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes retries safe: for 24 hours, a request with the same key and body returns the first response."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "monday-1",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETag of the last response. Returns 304 if nothing changed.",
    "schema": {"type": "string"},
}
_WRITE_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": (
        "`sha256` of the file that you change, in double quotes, or `*` for any. Returns 412 if the file has "
        "another content, unless that is the content of this request."
    ),
    "schema": {"type": "string"},
}
_WRITE_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "`*` creates a file only: returns 412 if it exists.",
    "schema": {"type": "string"},
}


def parameters(operation: Operation) -> list[Json]:
    """Return the parameters of an operation."""
    return [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)]


def _path_parameters(operation: Operation) -> Iterable[Json]:
    names = re.findall(r"{(\w+)}", operation.path)
    for name in names:
        kind = name
        if name.startswith("part"):  # of a job file's path: folders, then the file
            kind = "file" if name == names[-1] else "folder"
        yield {"name": name, **_PATH_PARAMETERS[kind]}


def _query_parameters(operation: Operation) -> Iterable[Json]:
    if operation.query is not None:
        schema = operation.query.model_json_schema(schema_generator=Schemas)
        for name, property_ in schema["properties"].items():
            inlined = _inlined(property_, schema.get("$defs", {}))
            description = inlined.pop("description")
            if name == "fields" and isinstance(page := operation.returns.get(200), type):
                description += f" Fields: {', '.join(f'`{known}`' for known in top_level(page))}."
            yield {"name": name, "in": "query", "description": description, "schema": inlined}


def _inlined(schema: Json, definitions: Json) -> Json:
    """Return the schema of a query parameter, which is never null, with its references resolved."""
    schema = dict(schema)
    if "anyOf" in schema:
        [choice] = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
        schema = {**choice, **schema}
    if schema.get("default", ...) is None:
        del schema["default"]
    if "$ref" in schema:
        return {**definitions[schema.pop("$ref").rpartition("/")[2]], **schema}
    return schema


def _headers(operation: Operation) -> Iterable[Json]:
    if operation.idempotent:
        yield _IDEMPOTENCY_KEY
    if operation.method == "GET" and 303 not in operation.returns:
        yield _IF_NONE_MATCH
    if PreconditionFailed in operation.errors:
        yield _WRITE_IF_MATCH
        if operation.method == "PUT":
            yield _WRITE_IF_NONE_MATCH
