"""OpenAPI 3.1 document of the API, built from its operations and the models that validate them."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.api.openapi.error_responses import failure_responses
from chalicelib.api.openapi.headers import HEADERS
from chalicelib.api.openapi.paths import path_item
from chalicelib.api.openapi.schemas import schemas
from chalicelib.api.operations import Operation
from chalicelib.domain.json_types import Json

VERSION = "1.0.0"
"""Version of the contract, not of the code: it changes if clients must know."""

_DESCRIPTION = """One request creates one working AWS analytics environment for one user.

Times are RFC 3339 in UTC. Amounts of money are US dollars.

Long-running requests return 202 with `Location`: poll it every `Retry-After` seconds. Every GET returns an
`ETag`: send it in `If-None-Match` to get 304 without a body if nothing changed. To retry a POST safely, send
an `Idempotency-Key`.

The environments of other owners return 404. Errors are problem documents (RFC 9457). Programs should use
`code`, and treat an unknown `code` like its HTTP status.
"""
_TAGS = {
    "Environments": "Create, update and delete environments. An owner has one live environment.",
    "Tables": "Tables in the Data Catalog of an environment, and their rows.",
    "Queries": "SQL in the Athena workgroup of an environment, with the environment's own rights.",
    "Jobs": "The Glue job of an environment and its runs.",
    "Job files": "Scripts and libraries of the job, which can be replaced in production mode.",
    "Service": "The caller's account, data sets, releases, health and API reference.",
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the OIDC issuer, with this service as its audience.",
}


def document(operations: Sequence[Operation], base: str = "") -> Json:
    """Return the document. `base` is the part of the URL's path before the routes."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = path_item(operation, operations)
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
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas(operations),
            "headers": HEADERS,
            "responses": failure_responses(operations),
            "securitySchemes": {"bearer": _BEARER},
        },
    }
