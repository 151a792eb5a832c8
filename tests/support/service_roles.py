"""The service on moto, each function with its own role's credentials and a record of permission checks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from chalicelib.api.call import Service
from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.query import Query
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.storage.store import Store
from chalicelib.wiring import build
from local.athena.engine import Athena, AthenaOptions
from local.aws.clients import Credentials
from local.glue_runs.api import replace_moto
from local.iam import access
from local.iam.checks import PermissionCheck
from local.setup import roles
from local.setup.table import table_properties
from tests.support.event_bridge import event_with
from tests.support.sandbox_stacks import REGION, Account, account, client

TABLE = "table"
TOPIC = "arn:aws:sns:us-east-1:123456789012:terraglue-notifications"
RICH = {"kms_key": True, "job": {"arguments": {"--WHO": "me"}, "schedule": "rate(1 day)"}}
"""Settings that make the service do more: a key, a custom template, a schedule."""


class GlueRuns:
    """Glue's job runs. Each keeps the state that a test sets, and stops on request."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def begin(self, job: str, state: str = "RUNNING", **more: Any) -> str:
        run_id = f"jr_{len(self.runs)}"
        known = {"Id": run_id, "JobName": job, "JobRunState": state, "StartedOn": 1_800_000_000}
        self.runs[run_id] = known | more
        return run_id

    def start_job_run(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"JobRunId": self.begin(request["JobName"], Arguments=request["Arguments"])}

    def get_job_run(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"JobRun": self.runs[request["RunId"]]}

    def get_job_runs(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"JobRuns": [run for run in self.runs.values() if run["JobName"] == request["JobName"]]}

    def batch_stop_job_run(self, request: dict[str, Any]) -> dict[str, Any]:
        for run_id in request["JobRunIds"]:
            self.runs[run_id]["JobRunState"] = "STOPPED"
        return {}

    def reset_job_bookmark(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"JobBookmarkEntry": {"JobName": request["JobName"]}}


_FOR_SANDBOXES = {
    roles.INSPECTOR: "sandbox_inspector",
    roles.READER: "sandbox_reader",
    roles.USER: "sandbox_user",
}


class World:
    """An account with the service: the policies of each function, and the permission checks of its calls."""

    def __init__(self, operated: Account, granted: dict[str, Any], glue: GlueRuns) -> None:
        self.operated = operated
        self.granted = granted
        self.glue = glue
        self.moment = datetime.now(UTC)
        self.checks: dict[str, list[PermissionCheck]] = {
            name: [] for name in (*granted, *_FOR_SANDBOXES.values())
        }
        self.refused: list[str] = []
        self.config = dataclasses.replace(operated.config, table_name=TABLE, notifications_topic_arn=TOPIC)
        known = roles.arns(TABLE, self.config.assets_bucket, str(self.config.deployment_role_arn))
        self.credentials = {
            name: roles.session(client, roles.ensure(client, f"service-{name}", [policy], known))
            for name, policy in granted.items()
        }
        self.known = known
        self.store = Store(Table(client("dynamodb"), TABLE), self.config.capacity)
        self.operator = self._service(None)
        self._services: dict[str, Service] = {}

    def service(self, function: str) -> Service:
        """The service with the configuration and role of one function."""
        if function not in self._services:
            self._services[function] = self._service(self.credentials[function])
        return self._services[function]

    def _service(self, credentials: Credentials | None) -> Service:
        given: Any = credentials.client_arguments if credentials else {}
        session = boto3.Session(region_name=REGION, **given)
        return build(self.config, clock=lambda: self.moment, session=session)

    def note(self, principal: str, check: PermissionCheck, why: str | None) -> None:
        name = _FOR_SANDBOXES.get(principal.rpartition("/")[2]) or principal.rpartition("/service-")[2]
        if name in self.checks:
            self.checks[name].append(check)
            if why:
                self.refused.append(f"{name}: {check.action} on {check.resource} {why}")

    # -- actions of the account's root that prepare the functions' work ---------------------------------

    def record(self, environment_id: str, settings: dict[str, Any], **more: Any) -> Environment:
        """A new environment whose creation has not started."""
        environment = self.operated.environment(environment_id, settings).replace(
            owner=environment_id,
            expires_at=timestamp(self.moment + timedelta(days=300)),
            updated_at=timestamp(self.moment),
            **{"admitted_at": timestamp(self.moment), **more},
        )
        self.store.add_environment(
            environment, TimelineEvent(environment.created_at, "test", "requested"), None
        )
        return environment

    def look(self, environment: Environment) -> Environment:
        found = self.store.environment(environment.id)
        assert found is not None
        return found

    def change(self, environment: Environment, **changes: Any) -> Environment:
        read = self.look(environment)
        return self.store.save_environment(read, read.replace(**changes))

    def ready(self, environment_id: str, settings: dict[str, Any]) -> Environment:
        environment = self.record(environment_id, settings)
        self.reconcile(self.operator, environment)
        self.operated.settled(environment)
        self.reconcile(self.operator, environment)
        return self.look(environment)

    def ask_run(self, environment: Environment, state: str) -> JobRun:
        """A run of the environment's job in this Glue state, which the service has not recorded yet."""
        caller = Caller(environment.owner, is_admin=False)
        asked = IdempotentRequest(caller, "request", None, "fingerprint")
        created = self.operator.jobs.start_run(asked, environment.job_id, RunRequest())
        run = self.store.run(environment.id, created.record.id)
        assert run is not None and run.glue_run_id is not None
        self.glue.runs[run.glue_run_id] |= {"JobRunState": state, "ExecutionTime": 60}
        return run

    def ask_query(self, environment: Environment, sql: str) -> Query:
        """A query of the environment's owner."""
        asked = IdempotentRequest(Caller(environment.owner, is_admin=False), "request", None, "fingerprint")
        return self.operator.queries.start(asked, environment.id, QueryRequest(sql=sql)).record

    def reconcile(self, service: Service, environment: Environment) -> None:
        service.events.stack_changed(event_with({"stack-id": environment.name}))


@contextlib.contextmanager
def serving(data: Path, work_dir: Path, granted: dict[str, Any] | None = None) -> Iterator[World]:
    """Yield a world, with `granted` instead of the packaged policies."""
    glue = GlueRuns()
    with account(data) as operated, contextlib.ExitStack() as ending:
        ending.callback(replace_moto(glue, glue.reset_job_bookmark))
        ending.enter_context(contextlib.closing(Athena(AthenaOptions(client, work_dir))))
        client("dynamodb").create_table(TableName=TABLE, **table_properties())
        world = World(operated, granted or roles.functions(), glue)
        ending.callback(access.install(world.note))
        yield world
