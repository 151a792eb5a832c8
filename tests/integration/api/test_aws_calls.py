"""AWS calls of every operation: those that docs/aws-calls.md lists, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto.athena.responses import AthenaResponse
from moto.core.responses import ActionResult
from moto.glue.responses import GlueResponse

from local.moto_patches.patching import replace_methods
from tests.support.api import Api
from tests.support.aws_calls import Counter, counted, shortened
from tests.support.job_files import zipped
from tests.support.moto_runs import JobBookmarks, end_in_glue
from tests.support.paths import ROOT
from tests.support.queries import with_workgroup
from tests.support.small_account import create_sandbox_roles

DOCUMENT = ROOT / "docs/aws-calls.md"
ENVIRONMENT = "/environments/{environment}"
FILES, QUERIES, RUNS = f"{ENVIRONMENT}/job/files", f"{ENVIRONMENT}/queries", "/jobs/{job}/runs"
ADMIN: dict[str, Any] = {"owner": "root", "groups": ("admins",)}


@dataclass(frozen=True)
class Request:
    """A request to an operation, which is made in the order of `REQUESTS`, and once more if it only reads."""

    method: str
    path: str
    status: int
    body: Any = None
    caller: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    once: bool = False


REQUESTS = {
    "get_environment": Request("GET", ENVIRONMENT, 200),
    "list_environments": Request("GET", "/environments", 200),
    "list_environments, by an admin": Request("GET", "/environments?limit=25", 200, caller=ADMIN),
    "list_events": Request("GET", f"{ENVIRONMENT}/events", 200),
    "get_drift": Request("GET", f"{ENVIRONMENT}/drift", 202, once=True),
    "list_tables": Request("GET", f"{ENVIRONMENT}/tables", 200),
    "list_rows": Request("GET", f"{ENVIRONMENT}/tables/db_shop/tbl/rows", 404),
    "list_job_files": Request("GET", FILES, 200),
    "get_job_file": Request("GET", f"{FILES}/script.py", 200),
    "list_jobs": Request("GET", "/jobs", 200),
    "get_job": Request("GET", "/jobs/{job}", 200),
    "list_runs": Request("GET", RUNS, 200),
    "get_run": Request("GET", f"{RUNS}/{{ended}}", 200),
    "get_run_logs": Request("GET", f"{RUNS}/{{ended}}/logs", 200),
    "get_run_metrics": Request("GET", f"{RUNS}/{{ended}}/metrics", 200),
    "list_queries": Request("GET", QUERIES, 200),
    "get_query": Request("GET", f"{QUERIES}/{{query}}", 200),
    "download_query_results": Request("GET", f"{QUERIES}/{{query}}/results", 410),
    "get_me": Request("GET", "/me", 200),
    "get_usage": Request("GET", "/usage", 200),
    "list_data_sets": Request("GET", "/data-sets", 200),
    "list_releases": Request("GET", "/releases", 200),
    "list_cohorts": Request("GET", "/cohorts", 200, caller=ADMIN),
    "get_cohort": Request("GET", "/cohorts/{cohort}", 200, caller=ADMIN),
    "list_members": Request("GET", "/cohorts/{cohort}/members", 200, caller=ADMIN),
    "get_health": Request("GET", "/health", 200),
    "get_openapi": Request("GET", "/openapi.json", 200),
    "get_docs": Request("GET", "/docs", 200),
    "get_docs_file": Request("GET", "/docs/start.js", 200),
    "get_portal": Request("GET", "/", 200),
    "get_portal_file": Request("GET", "/assets/start.js", 404),
    "get_portal_config": Request("GET", "/config.json", 200),
    "request_environment": Request("POST", "/environments", 202, {}, {"owner": "ben"}),
    "change_environment, its expiration": Request("PATCH", ENVIRONMENT, 200, {"expires_in_hours": 9}),
    "put_job_file": Request("PUT", f"{FILES}/script.py", 200, more={"raw": b"print(2)\n"}),
    "put_job_folder": Request(
        "PUT",
        FILES,
        200,
        more={"raw": zipped({"a.py": b"", "b.py": b""}), "headers": {"Content-Type": "application/zip"}},
    ),
    "refuse_deep_job_file": Request("PUT", f"{FILES}/a/b/c/d/e/f/g/h/m.py", 422, more={"raw": b""}),
    "delete_job_file": Request("DELETE", f"{FILES}/a.py", 204),
    "request_run": Request("POST", RUNS, 202, {}),
    "get_run, while it runs": Request("GET", f"{RUNS}/{{active}}", 200),
    "stop_run": Request("DELETE", f"{RUNS}/{{active}}", 202),
    "reset_bookmark": Request("DELETE", "/jobs/{job}/bookmark", 200),
    "run_query": Request("POST", QUERIES, 202, {"sql": "SELECT 2"}),
    "stop_query": Request("DELETE", f"{QUERIES}/{{query}}", 200),
    "issue_credentials": Request("POST", f"{ENVIRONMENT}/credentials", 201),
    "freeze_environment": Request("POST", f"{ENVIRONMENT}/freeze", 202, {"reason": "The end."}, ADMIN),
    "thaw_environment": Request("POST", f"{ENVIRONMENT}/thaw", 202, caller=ADMIN),
    "reset_environment": Request("POST", f"{ENVIRONMENT}/reset", 202),
    "retry_environment": Request("POST", f"{ENVIRONMENT}/retry", 409),
    "create_cohort": Request("POST", "/cohorts", 202, {"name": "other", "owners": ["eva"]}, ADMIN),
    "change_cohort": Request("PATCH", "/cohorts/{cohort}", 202, {"add": ["dan"]}, ADMIN),
    "act_on_cohort": Request("POST", "/cohorts/{cohort}/expire", 202, caller=ADMIN),
    "delete_environment": Request("DELETE", ENVIRONMENT, 202),
}


@pytest.fixture
def counter(api: Api) -> Iterator[Counter]:
    with counted(api) as counter:
        yield counter


@pytest.fixture
def complete_moto() -> Iterator[None]:
    """Calls that moto lacks: BatchStopJobRun, and BatchGetQueryExecution, which finds nothing here."""
    restores = [
        replace_methods(GlueResponse, {"batch_stop_job_run": lambda _: ActionResult({})}),
        replace_methods(
            AthenaResponse, {"batch_get_query_execution": lambda _: ActionResult({"QueryExecutions": []})}
        ),
    ]
    yield
    for restore in restores:
        restore()


def documented() -> dict[str, str]:
    """Return the calls of each operation in the document."""
    rows = re.findall(r"^\| `([^`|]+)`(.*?) \| (.*?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.M)
    return {name + more: calls for name, more, calls in rows}


def test_the_document_lists_every_operation(api: Api) -> None:
    # Files in folders have operations of their own, by depth, with the same views.
    names = {re.sub(r"_in_\w+$", "", operation.name) for operation in api.app.api.all}
    assert {name.partition(",")[0] for name in REQUESTS} == names
    assert documented().keys() == REQUESTS.keys()


def test_operations_make_the_documented_calls(
    api: Api, counter: Counter, bookmarks: JobBookmarks, runs_end_when_told: None, complete_moto: None
) -> None:
    settings = {"script": "script.py", "number_of_workers": 2, "timeout_minutes": 1}
    environment = api.ready_environment(mode="production", job=settings)
    create_sandbox_roles()
    with_workgroup(api, environment)
    for name in environment["outputs"]["databases"].values():
        boto3.client("glue").create_database(DatabaseInput={"Name": name})
    places = {"environment": environment["id"], "job": environment["outputs"]["job_id"]}

    def call(request: Request) -> Any:
        counter.clear()
        path = request.path.format(**places)
        answer = api.call(request.method, path, **{"body": request.body, **request.caller, **request.more})
        assert answer.status == request.status, (request, answer.body)
        return answer.body

    call(Request("PUT", f"{FILES}/script.py", 201, more={"raw": b"print(1)\n"}))
    ended = call(Request("POST", RUNS, 202, {}))
    end_in_glue(places["job"])
    places["ended"] = ended["id"]
    call(Request("GET", f"{RUNS}/{{ended}}", 200))
    places["query"] = call(Request("POST", QUERIES, 202, {"sql": "SELECT 1"}))["id"]
    places["cohort"] = call(Request("POST", "/cohorts", 202, {"name": "class", "owners": ["cleo"]}, ADMIN))[
        "id"
    ]
    counts = {}
    for name, request in REQUESTS.items():
        if "cohort" in name:
            api.app.service().events.tick(seconds=10)  # the cohort's last action ends
        if request.method == "GET" and not request.once:
            call(request)  # the first request of a process fills its caches
        body = call(request)
        counts[name] = shortened(counter.calls) or "none"
        if name == "request_run":
            places["active"] = body["id"]
    assert counts == documented()
