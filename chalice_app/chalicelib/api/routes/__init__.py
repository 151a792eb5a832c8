"""Routes: the views of the API by subject. A view parses, calls the service once and returns.

Each module declares its operations (docs/decisions/0007). The app must register all paths when it starts, but
imports the module of a path, and the models that the module needs, at the first request to one of its
operations (docs/decisions/0035). `MODULES` tells which module to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.api.operations import Operation

_ENVIRONMENT = "/environments/{environment_id}"
_JOB_FILES = f"{_ENVIRONMENT}/job/files"
# Chalice's path parameters contain no slash, so each depth needs a route. API Gateway requires one name for
# the parameters at one position of all paths ("A sibling ... already has a variable path part").
_PARTS = [f"{{part{number}}}" for number in range(1, 10)]
_JOB_FILE_PATHS = [f"{_JOB_FILES}/{'/'.join(_PARTS[:depth])}" for depth in range(1, 9)]

MODULES: Mapping[str, Sequence[str]] = {
    "environments": (
        "POST /environments",
        "GET /environments",
        f"GET {_ENVIRONMENT}",
        f"PATCH {_ENVIRONMENT}",
        f"POST {_ENVIRONMENT}/reset",
        f"POST {_ENVIRONMENT}/retry",
        f"POST {_ENVIRONMENT}/freeze",
        f"POST {_ENVIRONMENT}/thaw",
        f"DELETE {_ENVIRONMENT}",
        f"GET {_ENVIRONMENT}/events",
    ),
    "drift": (f"GET {_ENVIRONMENT}/drift",),
    "cohorts": (
        "POST /cohorts",
        "GET /cohorts",
        "GET /cohorts/{cohort_id}",
        "GET /cohorts/{cohort_id}/members",
        "PATCH /cohorts/{cohort_id}",
        "POST /cohorts/{cohort_id}/{action}",
    ),
    "tables": (
        f"GET {_ENVIRONMENT}/tables",
        f"GET {_ENVIRONMENT}/tables/{{database}}/{{table}}/rows",
    ),
    "queries": (
        f"POST {_ENVIRONMENT}/queries",
        f"GET {_ENVIRONMENT}/queries",
        f"GET {_ENVIRONMENT}/queries/{{query_id}}",
        f"DELETE {_ENVIRONMENT}/queries/{{query_id}}",
        f"GET {_ENVIRONMENT}/queries/{{query_id}}/results",
    ),
    "credentials": (f"POST {_ENVIRONMENT}/credentials",),
    "jobs": (
        "GET /jobs",
        "GET /jobs/{job_id}",
        "DELETE /jobs/{job_id}/bookmark",
        "POST /jobs/{job_id}/runs",
        "GET /jobs/{job_id}/runs",
        "GET /jobs/{job_id}/runs/{run_id}",
        "DELETE /jobs/{job_id}/runs/{run_id}",
        "GET /jobs/{job_id}/runs/{run_id}/metrics",
        "GET /jobs/{job_id}/runs/{run_id}/logs",
    ),
    "job_files": (
        f"GET {_JOB_FILES}",
        f"PUT {_JOB_FILES}",
        *(f"{method} {path}" for path in _JOB_FILE_PATHS for method in ("GET", "PUT", "DELETE")),
        f"PUT {_JOB_FILES}/{'/'.join(_PARTS)}",
    ),
    "usage": ("GET /usage",),
    "service": ("GET /me", "GET /releases", "GET /data-sets", "GET /health"),
    "portal": ("GET /", "GET /assets/{name}", "GET /config.json"),
    "reference": ("GET /openapi.json", "GET /docs", "GET /docs/{name}"),
}
"""Method and path of each operation by module, in the order in which the module declares them."""


def declared(module: str) -> Sequence[Operation]:
    """Return the operations that a module declares. The first call imports the module."""
    operations: Sequence[Operation] = import_module(f"{__name__}.{module}").operations.all
    return operations


def all_operations() -> list[Operation]:
    """Return the operations of every module."""
    return [operation for module in MODULES for operation in declared(module)]
