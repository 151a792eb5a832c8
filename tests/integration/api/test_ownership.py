"""Access to every operation: owner, another user, admin, unauthenticated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from tests.support.api import Answer, Api
from tests.support.job_files import job_file_paths, zipped
from tests.support.moto_runs import JobBookmarks
from tests.support.queries import with_workgroup
from tests.support.small_account import create_sandbox_roles

OWNER, OTHER, ADMIN, NOBODY = "owner", "other", "admin", "nobody"
FILE = "/environments/{environment}/job/files"
FREEZE = {"reason": "The course has ended."}
COHORT = {"name": "class", "owners": ["ben"]}
ARCHIVE = zipped({"folder/new.py": b"x = 1\n"})


@dataclass(frozen=True)
class Try:
    """A request and the owner's status. An admin gets the same, other users 404, unauthenticated callers 401.

    `everyone` marks operations without an owner: each caller gets the same status, about their own data.
    `admin` and `other` are the statuses of an admin and of another user where they differ.
    """

    method: str
    path: str
    owner: int
    body: Any = None
    raw: bytes | None = None
    everyone: bool = False
    public: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    admin: int | None = None
    other: int | None = None

    def expected(self, who: str) -> int:
        if self.public:
            return self.owner
        if who == NOBODY:
            return 401
        special = {ADMIN: self.admin, OTHER: self.other}.get(who)
        if special is not None:
            return special
        return self.owner if self.everyone or who != OTHER else 404


# One entry per operation. A new route without an entry fails the test below.
TRIES = {
    "request_environment": Try("POST", "/environments", 409, body={}, everyone=True),
    "list_environments": Try("GET", "/environments", 200, everyone=True),
    "get_environment": Try("GET", "/environments/{environment}", 200),
    "change_environment": Try("PATCH", "/environments/{environment}", 200, body={"expires_in_hours": 9}),
    "reset_environment": Try("POST", "/environments/{environment}/reset", 202),
    "retry_environment": Try("POST", "/environments/{environment}/retry", 409),
    "freeze_environment": Try("POST", "/environments/{environment}/freeze", 403, FREEZE, admin=202),
    "thaw_environment": Try("POST", "/environments/{environment}/thaw", 403, admin=202),
    "create_cohort": Try("POST", "/cohorts", 403, COHORT, admin=202, other=403),
    "list_cohorts": Try("GET", "/cohorts", 403, admin=200, other=403),
    "get_cohort": Try("GET", "/cohorts/{cohort}", 403, admin=200, other=403),
    "list_members": Try("GET", "/cohorts/{cohort}/members", 403, admin=200, other=403),
    "change_cohort": Try("PATCH", "/cohorts/{cohort}", 403, {"add": ["eva"]}, admin=409, other=403),
    "act_on_cohort": Try("POST", "/cohorts/{cohort}/expire", 403, admin=202, other=403),
    "get_drift": Try("GET", "/environments/{environment}/drift", 202),
    "delete_environment": Try("DELETE", "/environments/{environment}", 202),
    "list_events": Try("GET", "/environments/{environment}/events", 200),
    "list_jobs": Try("GET", "/jobs", 200, everyone=True),
    "get_job": Try("GET", "/jobs/{job}", 200),
    "reset_bookmark": Try("DELETE", "/jobs/{job}/bookmark", 200),
    "request_run": Try("POST", "/jobs/{job}/runs", 202, body={"timeout_minutes": 1}),
    "list_runs": Try("GET", "/jobs/{job}/runs", 200),
    "get_run": Try("GET", "/jobs/{job}/runs/{run}", 200),
    "stop_run": Try("DELETE", "/jobs/{job}/runs/{run}", 200),  # moto's runs end when they are described
    "get_run_logs": Try("GET", "/jobs/{job}/runs/{run}/logs", 200),
    "get_run_metrics": Try("GET", "/jobs/{job}/runs/{run}/metrics", 200),
    "issue_credentials": Try("POST", "/environments/{environment}/credentials", 201),
    "run_query": Try("POST", "/environments/{environment}/queries", 202, body={"sql": "SELECT 1"}),
    "list_queries": Try("GET", "/environments/{environment}/queries", 200),
    "get_query": Try("GET", "/environments/{environment}/queries/{query}", 200),
    "stop_query": Try("DELETE", "/environments/{environment}/queries/{query}", 200),  # moto's queries end
    "download_query_results": Try("GET", "/environments/{environment}/queries/{query}/results", 410),
    "list_tables": Try("GET", "/environments/{environment}/tables", 200),
    "list_rows": Try("GET", "/environments/{environment}/tables/db_shop/tbl/rows", 404),
    "list_job_files": Try("GET", FILE, 200),
    "put_job_folder": Try("PUT", FILE, 200, raw=ARCHIVE, headers={"Content-Type": "application/zip"}),
    **{
        f"{method}_job_file{where}": Try(
            method.upper(), f"{FILE}/{path}", status, raw=b"x = 1\n" if method == "put" else None
        )
        for where, path in job_file_paths().items()
        # The first of the admin and the owner deletes the file.
        for method, status in (("get", 200), ("put", 200), ("delete", 204))
    },
    "refuse_deep_job_file": Try("PUT", f"{FILE}/a/b/c/d/e/f/g/h/main.py", 422, raw=b"x = 1\n"),
    "get_me": Try("GET", "/me", 200, everyone=True),
    "get_usage": Try("GET", "/usage", 200, everyone=True),
    "list_data_sets": Try("GET", "/data-sets", 200, everyone=True),
    "list_releases": Try("GET", "/releases", 200, everyone=True),
    "get_health": Try("GET", "/health", 200, public=True),
    "get_openapi": Try("GET", "/openapi.json", 200, public=True),
    "get_docs": Try("GET", "/docs", 200, public=True),
    "get_docs_file": Try("GET", "/docs/start.js", 200, public=True),
    "get_portal": Try("GET", "/", 200, public=True),
    "get_portal_file": Try("GET", "/assets/start.js", 404, public=True),
    "get_portal_config": Try("GET", "/config.json", 200, public=True),
}


@dataclass(frozen=True)
class World:
    """An owner with a READY sandbox, files of each depth and a run, and another user with a sandbox."""

    api: Api
    places: dict[str, str]

    def attempt(self, tried: Try, who: str) -> Answer:
        return self.api.call(
            tried.method,
            tried.path.format(**self.places),
            owner=None if who == NOBODY else who,
            groups=("admins",) if who == ADMIN else (),
            body=tried.body,
            raw=tried.raw,
            headers=tried.headers,
        )


@pytest.fixture
def world(api: Api, bookmarks: JobBookmarks) -> World:
    environment = api.ready_environment(
        OWNER, mode="production", job={"script": "script.py", "number_of_workers": 2, "timeout_minutes": 1}
    )
    create_sandbox_roles()
    for who in (OTHER, ADMIN):
        api.ready_environment(who)
    files = f"/environments/{environment['id']}/job/files"
    for path in ("script.py", *job_file_paths().values()):
        assert api.call("PUT", f"{files}/{path}", owner=OWNER, raw=b"print(1)\n").status == 201
    job = environment["outputs"]["job_id"]
    run = api.call("POST", f"/jobs/{job}/runs", owner=OWNER, body={})
    assert run.status == 202, run.body
    glue_run = boto3.client("glue").get_job_runs(JobName=job)["JobRuns"]
    assert len(glue_run) == 1
    with_workgroup(api, environment)
    query = api.call("POST", environment["links"]["queries"], owner=OWNER, body={"sql": "SELECT 1"})
    assert query.status == 202, query.body
    api.call("GET", query.headers["Location"], owner=OWNER)
    cohort = api.call("POST", "/cohorts", owner=ADMIN, groups=("admins",), body=COHORT)
    assert cohort.status == 202, cohort.body
    known = {"environment": environment["id"], "job": job, "run": run.body["id"], "query": query.body["id"]}
    return World(api, {**known, "cohort": cohort.body["id"]})


def test_every_operation_has_an_access_test(api: Api) -> None:
    assert {operation.name for operation in api.app.api.all} == TRIES.keys()
    told = {
        told["operationId"]: (method.upper(), path)
        for path, methods in api.contract.document["paths"].items()
        for method, told in methods.items()
    }
    for name, tried in TRIES.items():
        path = tried.path.format(cohort="c", environment="e", job="j", run="r", query="q")
        found = api.contract.operation(tried.method, path)
        assert found is not None, name
        assert found["operationId"] == name
    assert told.keys() == TRIES.keys()


def test_only_the_owner_and_admins_have_access(world: World) -> None:
    # Deletions of files run after other requests for them, and before a reset. The environment's runs last.
    # Callers with access run after callers without it.
    late = {"delete_job_file": "put_z", "freeze_environment": "t_freeze"}  # before thaw_environment
    late["run_query"] = "query"  # before reset_environment
    names = sorted(
        TRIES,
        key=lambda name: (
            name == "delete_environment",
            next((name.replace(*each) for each in late.items() if each[0] in name), name),
        ),
    )
    wrong = []
    for name in names:
        tried = TRIES[name]
        for who in (NOBODY, OTHER, ADMIN, OWNER):
            answer, expected = world.attempt(tried, who), tried.expected(who)
            # The admin's action for the owner may be in progress or complete by now.
            done = (404,) if tried.method == "DELETE" and tried.owner == 204 else (200, 202)
            if answer.status != expected and not (who == OWNER and answer.status in done):
                wrong.append((name, who, answer.status, expected))
            if expected == 401:
                assert answer.headers["x-amzn-Remapped-WWW-Authenticate"].startswith("Bearer")
            if expected == 404:
                assert "terraglue-" not in str(answer.body)
    assert not wrong


def test_another_user_changes_nothing(world: World) -> None:
    seen = ("/environments/{environment}", "/jobs/{job}/runs", FILE, "/environments/{environment}/events")

    def everything() -> list[Any]:
        return [world.attempt(Try("GET", path, 200), OWNER).body for path in seen]

    world.attempt(TRIES["get_run"], OWNER)  # the run has reached its final automatic state
    before = everything()
    for tried in TRIES.values():
        for who in (OTHER, NOBODY):
            if tried.method != "GET" and not tried.everyone:
                world.attempt(tried, who)
    assert everything() == before


def test_an_admins_action_for_an_owner_is_recorded_as_such(world: World) -> None:
    for name in ("change_environment", "request_run", "put_job_file", "delete_environment"):
        assert world.attempt(TRIES[name], ADMIN).status in (200, 202), name
    timeline = Try("GET", "/environments/{environment}/events?limit=100", 200)
    by_admin = [event for event in world.attempt(timeline, OWNER).body["items"] if event["as_admin"]]
    told = {event["action"] for event in by_admin}
    assert told == {"extended", "run_requested", "job_file_put", "delete_requested"}
    assert {event["actor"] for event in by_admin} == {ADMIN}
