"""Small account whose sandboxes can run jobs and queries, for many users at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from types import SimpleNamespace
from typing import Any

import boto3
import yaml
from moto.athena.responses import AthenaResponse
from moto.cloudformation.models import CloudFormationBackend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse
from moto.moto_api import state_manager

from chalicelib.domain.environment import Status
from local.chaos import invariants, run_invariants
from local.chaos.account_state import State
from local.chaos.query_invariants import every_query_has_ended
from local.moto_patches.patching import replace_methods
from tests.support.event_bridge import event_with
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.queries import SCAN_LIMIT
from tests.support.small_account import (
    ARGUMENTS,
    ASSETS,
    RELEASE,
    create_sandbox_roles,
    make_stacks_one_by_one,
    small_template,
)

_DESCRIPTIONS = 3
"""Descriptions of a run in Glue after which it ends."""
_TICK_SECONDS = 0.3


@contextmanager
def sandboxes() -> Iterator[None]:
    """Let every stack have a Glue job, runs last for some descriptions, and complete what moto lacks."""
    state_manager.set_transition("glue::job_run", {"progression": "manual", "times": _DESCRIPTIONS})
    create_sandbox_roles()
    _publish_template()
    restore_locks = make_stacks_one_by_one()
    create, delete = CloudFormationBackend.create_stack, CloudFormationBackend.delete_stack

    def create_stack(backend: Any, *args: Any, **kwargs: Any) -> Any:
        stack = create(backend, *args, **kwargs)
        boto3.client("glue").create_job(
            Name=stack.output_map["JobId"].value,
            Role="r",
            Command={"Name": "glueetl"},
            ExecutionProperty={"MaxConcurrentRuns": 1},
        )
        _create_workgroup(stack)
        return stack

    def delete_stack(backend: Any, name_or_stack_id: str) -> None:
        stack = backend.get_stack(name_or_stack_id)
        glue_backends[ACCOUNT_ID][backend.region_name].jobs.pop(stack.output_map["JobId"].value, None)
        boto3.client("athena").delete_work_group(WorkGroup=stack.name, RecursiveDeleteOption=True)
        delete(backend, name_or_stack_id)

    def stop_run(response: GlueResponse) -> ActionResult:
        backend = glue_backends[ACCOUNT_ID][response.region]
        wanted = response.parameters["JobRunIds"]
        for run in backend.jobs[response.parameters["JobName"]].job_runs:
            if run.job_run_id in wanted and run._status not in ("SUCCEEDED", "STOPPED"):
                run._status = "STOPPED"
                shown = {**run.as_dict(), "JobRunState": "STOPPED", "ExecutionTime": 1, "DPUSeconds": 2.0}
                run.as_dict = lambda shown=shown: shown
        return ActionResult({})

    restores = [
        replace_methods(CloudFormationBackend, {"create_stack": create_stack, "delete_stack": delete_stack}),
        replace_methods(GlueResponse, {"batch_stop_job_run": stop_run}),
        replace_methods(
            AthenaResponse, {"batch_get_query_execution": lambda _: ActionResult({"QueryExecutions": []})}
        ),
    ]
    yield
    for restore in reversed(restores):
        restore()
    restore_locks()
    state_manager.unset_transition("glue::job_run")


def _publish_template() -> None:
    """Let stacks name a workgroup, which the small template lacks."""
    template = small_template()
    template["Outputs"]["AthenaWorkgroup"] = {"Value": {"Fn::Sub": "terraglue-${EnvironmentId}"}}
    body = (yaml.safe_dump(template) + ARGUMENTS).encode()
    boto3.client("s3").put_object(Bucket=ASSETS, Key=f"releases/{RELEASE}/template.yaml", Body=body)


def _create_workgroup(stack: Any) -> None:
    location = f"s3://{stack.output_map['AthenaResultsBucket'].value}/queries/"
    boto3.client("athena").create_work_group(
        Name=stack.name,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": SCAN_LIMIT,
            "ResultConfiguration": {"OutputLocation": location},
        },
    )


class Ticker:
    """Sends the events of stacks, and runs the schedules of a service, until it is closed."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            self.tick()

    def tick(self) -> None:
        store = self._service.events._store
        for status in (Status.CREATING, Status.DELETING):
            for environment in store.environments(owner=None, status=status, limit=100, start=None).items:
                stack = f"arn:aws:cloudformation:us-east-1:{ACCOUNT_ID}:stack/{environment.name}/x"
                self._service.events.stack_changed(event_with({"stack-id": stack}))
        self._service.events.tick(seconds=20)
        self._service.notices.deliver(seconds=5)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()


class FastTable:
    """A session whose DynamoDB is the fast one, for several threads. moto's queries read the whole table."""

    def __init__(self) -> None:
        self.table = FastDynamoDb(INDEXES)
        self._session = boto3.Session()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def client(self, service: str, **options: Any) -> Any:
        return self if service == "dynamodb" else self._session.client(service, **options)  # type: ignore[call-overload]

    def get_paginator(self, operation: str) -> Any:
        assert operation == "scan", operation
        return SimpleNamespace(paginate=lambda **_: [{"Items": list(self.table.items.values())}])

    def _call(self, name: str, **arguments: Any) -> Any:
        with self._lock:
            return getattr(self.table, name)(**arguments)

    get_item = partialmethod(_call, "get_item")
    batch_get_item = partialmethod(_call, "batch_get_item")
    query = partialmethod(_call, "query")
    update_item = partialmethod(_call, "update_item")
    transact_write_items = partialmethod(_call, "transact_write_items")


def state(table: FastTable | None = None) -> Any:
    """Return the table, by default that of moto, and the resources of the account."""

    def clients(name: str) -> Any:
        return table if table and name == "dynamodb" else boto3.client(name)  # type: ignore[call-overload]

    return State(SimpleNamespace(clients=clients))  # type: ignore[arg-type]


def violations(found: Any, service: Any) -> list[str]:
    """Return what does not hold in the account when nothing is in progress."""
    world: Any = SimpleNamespace(service=service)
    checks = (
        (
            f"run {run['id']} remains {run['status']} and is not due"
            for run in found.runs
            if run["status"] not in run_invariants.FINAL_RUNS and not run.get("due_at")
        ),
        every_query_has_ended(found),
        run_invariants.ledger_adds_up(found),
        invariants._queue_is_counted(found, world),
        invariants._one_live_environment_per_owner(found),
        invariants._timelines_are_legal(found),
        invariants._nothing_without_its_environment(found),
        (f"{name} has no owner" for name, item in found.environments.items() if not item.get("owner")),
    )
    return [violation for each in checks for violation in each]


def settled(service: Any, ticker: Ticker, seconds: float = 60, table: FastTable | None = None) -> Any:
    """Return the state of the account when no environment changes and no run is active."""
    deadline = time.monotonic() + seconds
    while True:
        found = state(table)
        moving = [
            name for name, item in found.environments.items() if item["status"] not in invariants.STABLE
        ]
        active = [*run_invariants.every_run_has_ended(found), *every_query_has_ended(found)]
        if not moving and not active:
            break
        if time.monotonic() > deadline:  # runs that wait for others take minutes
            assert not moving, f"in progress: {moving}"
            break
        for run in found.runs:
            if run["status"] not in run_invariants.FINAL_RUNS:
                service.events._runs.reconcile(run["environment_id"], run["id"])
        for query in found.queries:
            service.events._queries.reconcile(query["environment_id"], query["id"])
        time.sleep(_TICK_SECONDS)
    ticker.close()
    return found
