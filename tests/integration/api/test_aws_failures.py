"""Responses of every route while AWS calls fail."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from moto.moto_api import state_manager

import app as chalice_app
from chalicelib.lazy import Once
from chalicelib.observability import logger
from chalicelib.wiring import build
from tests.support.api import Answer, Api
from tests.support.job_files import zipped
from tests.support.queries import with_workgroup
from tests.support.small_account import TABLE

SERVICES = ("dynamodb", "glue", "s3", "athena", "logs", "cloudformation", "sts")


def refusal(status: int, code: str) -> Callable[[], Any]:
    def answer() -> Any:
        error = {"Code": code, "Message": "arn:aws:iam::123456789012:role/terraglue-aaaaaaaaaa-x"}
        metadata = {"HTTPStatusCode": status}
        return SimpleNamespace(status_code=status), {"Error": error, "ResponseMetadata": metadata}

    return answer


def raising(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


FAILURES = {
    "throttled": refusal(400, "ThrottlingException"),
    "slow down": refusal(503, "SlowDown"),
    "5xx": refusal(500, "InternalServerError"),
    "503": refusal(503, "ServiceUnavailable"),
    "timed out": raising(boto.ReadTimeoutError(endpoint_url="https://x")),
    "dead endpoint": raising(boto.EndpointConnectionError(endpoint_url="https://x")),
    "cut off": raising(boto.ResponseStreamingError(error="x")),
    "denied": refusal(400, "AccessDeniedException"),
    "bug": raising(boto.ParamValidationError(report="Unknown parameter in input")),
    "no credentials": raising(boto.NoCredentialsError()),
}
READ_RELEASES = ("request_environment", "list_releases", "get_health")
"""These operations read releases that the service caches, so each request gets a new service."""
PASSING = {
    "throttled": 429,
    "slow down": 429,
    "5xx": 503,
    "503": 503,
    "timed out": 503,
    "dead endpoint": 503,
    "cut off": 503,
}
"""Statuses of failures that a retry may solve. Other failures return 500."""


WITHOUT_AWS = ("/", "/assets/{name}", "/config.json", "/docs", "/docs/{name}", "/openapi.json")
FOR_ADMINS = ("freeze_environment", "thaw_environment")
BODIES = {
    "change_environment": {"settings": {"job": {"timeout_minutes": 3}}},
    "change_cohort": {"add": ["eva"]},
    "create_cohort": {"name": "class", "owners": ["ben"]},
    "freeze_environment": {"reason": "The course has ended."},
    "run_query": {"sql": "SELECT 2"},
}


@dataclass
class Faults:
    """Current faults, and the services that were called."""

    service: str | None = None
    failure: str = ""
    called: set[str] = field(default_factory=set)

    def __call__(self, model: Any, **_: Any) -> Any:
        service = model.service_model.service_name
        self.called.add(service)
        if service == self.service:
            return FAILURES[self.failure]()
        if model.name == "BatchStopJobRun":  # moto does not support it
            return SimpleNamespace(status_code=200), {}
        return None


@pytest.fixture
def faults(api: Api) -> Faults:
    """Fail calls of the service's boto3 clients before they reach moto."""
    faults, session = Faults(), boto3.Session()
    session.events.register_first("before-call", faults)
    api.app.service = Once(lambda: build(session=session, sleep=lambda _: None))
    return faults


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Log output of the service and Chalice."""
    written = io.StringIO()
    handler = logger.registered_handler  # Chalice may have added its own
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.fixture(autouse=True)
def runs_go_on() -> Iterator[None]:
    state_manager.set_transition("glue::job_run", {"progression": "manual", "times": 10_000})
    yield
    state_manager.unset_transition("glue::job_run")


def restored(items: list[Any]) -> None:
    """Restore the content of the service's table."""
    client = boto3.client("dynamodb")
    for item in client.scan(TableName=TABLE)["Items"]:
        client.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    for item in items:
        client.put_item(TableName=TABLE, Item=item)


# Job files of each depth have routes of their own.
ONE_PER_VIEW = {operation.view: operation for operation in reversed(chalice_app.api.all)}.values()


def place(api: Api, *, production: bool) -> dict[str, str]:
    """A READY environment with a run, as path parameters."""
    settings = {"mode": "production", "job": {"script": "sot_ecommerce.py"}} if production else {}
    environment = api.ready_environment(**settings)
    job = environment["outputs"]["job_id"]
    body = {"number_of_workers": 2, "timeout_minutes": 1}
    if production:
        api.call("PUT", f"/environments/{environment['id']}/job/files/sot_ecommerce.py", raw=b"")
    run = api.call("POST", f"/jobs/{job}/runs", body=body)
    assert run.status == 202, run.body
    with_workgroup(api, environment)
    query = api.call("POST", f"/environments/{environment['id']}/queries", body={"sql": "SELECT 1"})
    assert query.status == 202, query.body
    cohort = api.call("POST", "/cohorts", groups=("admins",), body={"name": "class", "owners": ["cem"]})
    assert cohort.status == 202, cohort.body
    return {
        "environment_id": environment["id"],
        "job_id": job,
        "run_id": run.body["id"],
        "query_id": query.body["id"],
        "cohort_id": cohort.body["id"],
        "action": "expire",
        "database": "sot",
        "table": "t",
        "name": "start.js",
    }


def request(api: Api, operation: Any, parts: dict[str, str]) -> Answer:
    """A valid request of the operation. Its response is checked against the OpenAPI document."""
    names = re.findall(r"{(part\d)}", operation.path)
    file = {name: "main.py" if name == names[-1] else "src" for name in names}
    if names == ["part1"] and operation.method != "DELETE":
        file = {"part1": "sot_ecommerce.py"}
    path = operation.path.format(**parts, **file)
    if operation.name == "put_job_folder":
        archive = {"Content-Type": "application/zip"}
        return api.call(operation.method, path, raw=zipped({"a/b.py": b"x = 1\n"}), headers=archive)
    if operation.upload:
        return api.call(operation.method, path, raw=b"x = 1\n")
    owner = "ben" if operation.name == "request_environment" else "ana"
    groups = ("admins",) if operation.name in FOR_ADMINS or operation.tag == "Cohorts" else ()
    return api.call(operation.method, path, owner=owner, groups=groups, body=BODIES.get(operation.name))


@pytest.mark.parametrize("operation", ONE_PER_VIEW, ids=lambda operation: operation.name)
def test_a_route_returns_only_documented_responses(
    api: Api, faults: Faults, log: io.StringIO, operation: Any
) -> None:
    changes_files = operation.tag == "Job files" and operation.method != "GET"
    parts = place(api, production=changes_files)
    if operation.name.startswith("delete_job_file"):
        path = operation.path.replace(operation.path[operation.path.index("{part1") :], "")
        depth = operation.path.count("{part")
        assert api.call("PUT", f"{path.format(**parts)}{'src/' * (depth - 1)}main.py", raw=b"").status == 201
    if operation.name == "retry_environment":
        fail(parts["environment_id"])
    before = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    afresh = operation.name in READ_RELEASES
    if afresh:
        api.app.service.cache_clear()
    faults.called = set()
    request(api, operation, parts)
    assert faults.called or operation.path in WITHOUT_AWS
    for service, failure in itertools.product(sorted(faults.called), FAILURES):
        restored(before)
        if afresh:
            api.app.service.cache_clear()
        log.truncate(0)
        faults.service, faults.failure = service, failure
        answer = request(api, operation, parts)
        faults.service = None
        about = (service, failure, answer.status, answer.body)
        if answer.status >= 500 or answer.status == 429 or service == "dynamodb":
            assert answer.status == PASSING.get(failure, 500), about
            assert (failure in PASSING) == ("Retry-After" in answer.headers), about
            assert "terraglue-aaaaaaaaaa" not in str(answer.body), about
        assert ("Traceback" in log.getvalue()) <= (failure in ("bug", "no credentials")), about


def fail(environment_id: str) -> None:
    boto3.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"ENV#{environment_id}"}, "sk": {"S": "ENV"}},
        UpdateExpression="SET #s = :s, gsi_status = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "FAILED"}},
    )
