"""Queries that users start in AWS with credentials: each is charged, whatever they send."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.athena_queries import Execution
from chalicelib.clock import now
from chalicelib.domain.query import QueryStatus
from tests.support.api import Api
from tests.support.athena_tables import CSV, Aws, ended, put, serving, table
from tests.support.queries import with_workgroup
from tests.support.small_account import create_sandbox_roles


class Sandbox:
    """A sandbox whose owner has credentials."""

    def __init__(self, api: Api, aws: Aws) -> None:
        self.api, self.aws = api, aws
        self.environment = api.ready_environment()
        create_sandbox_roles()
        outputs = self.environment["outputs"]
        self.database, bucket = outputs["databases"]["db_shop"], outputs["buckets"]["sor"]
        aws("glue").create_database(DatabaseInput={"Name": self.database})
        self.workgroup = with_workgroup(api, self.environment)
        table(aws, "orders", "id string", CSV, database=self.database, location=f"s3://{bucket}/orders/")
        put(aws, "orders/1.csv", "a\nb\n", bucket=bucket)
        issued = api.call("POST", f"/environments/{self.environment['id']}/credentials", body={})
        assert issued.status == 201, issued.body
        self.imports: Any = api.app.service().queries._runs._imports

    def run(self, sql: str) -> None:
        """Run a query as the owner's own tools do."""
        started = self.aws("athena").start_query_execution(QueryString=sql, WorkGroup=self.workgroup)
        status = ended(self.aws, started["QueryExecutionId"])["Status"]
        assert status["State"] == "SUCCEEDED", status

    def imported(self) -> list[dict[str, Any]]:
        store = self.api.app.service().queries._store
        environment = store.environment(self.environment["id"])
        self.imports.import_now(environment)
        return list(self.api.call("GET", f"{self.environment['links']['queries']}?limit=100").body["items"])


@pytest.fixture
def sandbox(api: Api, tmp_path: Path) -> Iterator[Sandbox]:
    with serving(tmp_path / "queries") as aws:
        yield Sandbox(api, aws)


def test_a_query_with_credentials_is_imported_once_and_charged(sandbox: Sandbox) -> None:
    sandbox.run(f"SELECT * FROM {sandbox.database}.orders")
    for _ in range(2):
        [query] = sandbox.imported()
    assert (query["origin"], query["status"]) == ("credentials", "RUNNING")
    found = sandbox.api.call("GET", query["links"]["self"]).body
    assert (found["status"], found["cost_usd"]) == ("SUCCEEDED", 0.000048)
    assert sandbox.api.call("GET", "/me").body["budget"]["spent_usd"] == 0.000048


def test_reading_rows_is_free_and_repeating_its_query_is_charged(
    sandbox: Sandbox,
) -> None:
    path = f"/environments/{sandbox.environment['id']}/tables/db_shop/orders/rows"
    assert sandbox.api.call("GET", path).status == 200
    assert sandbox.imported() == []
    athena = sandbox.aws("athena")
    [execution] = athena.list_query_executions(WorkGroup=sandbox.workgroup)["QueryExecutionIds"]
    sql = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Query"]
    for _ in range(2):  # the table can be another one by now, such as a view that reads everything
        sandbox.run(sql)
    assert len(sandbox.imported()) == 2
    assert sandbox.api.call("GET", path).status == 200
    assert len(sandbox.imported()) == 2


class Flooded:
    """A workgroup in which many free executions follow one that costs something."""

    def pages(self, workgroup: str) -> Iterator[list[Execution]]:
        for page in range(21):
            yield [self._execution(f"{page}-{n}", QueryStatus.FAILED) for n in range(50)]
        yield [self._execution("costly", QueryStatus.SUCCEEDED, scanned_bytes=10**9)]

    def _execution(self, name: str, status: QueryStatus, **more: Any) -> Execution:
        at = now() + timedelta(seconds=1)  # after the credentials were issued
        return Execution(name, f"SELECT '{name}'", status, at, completed_at=at, statement_type="DML", **more)


def test_a_flood_of_free_queries_neither_hides_one_that_costs_nor_fills_the_history(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.imports, "_athena_of", lambda environment: Flooded())
    sandbox.imported()
    store = sandbox.api.app.service().queries._store
    recorded = store.queries.page(sandbox.environment["id"], limit=1000).items
    assert "costly" in {query.execution_id for query in recorded}
    assert len(recorded) <= 101


def test_credentials_issued_again_do_not_hide_earlier_queries(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment that is changed again and again is never READY when the tick would import."""
    sandbox.run(f"SELECT * FROM {sandbox.database}.orders")
    service = sandbox.api.app.service()
    sts = service.access._credentials
    given = sts.issue

    def much_later(*arguments: Any, **more: Any) -> Any:
        issued = given(*arguments, **more)
        return dataclasses.replace(issued, expires_at=issued.expires_at + timedelta(hours=1))

    monkeypatch.setattr(sts, "issue", much_later)
    again = sandbox.api.call("POST", f"/environments/{sandbox.environment['id']}/credentials", body={})
    assert again.status == 201, again.body
    assert len(sandbox.imported()) == 1


def test_a_frozen_environment_shows_rows_of_tables_but_runs_no_view(sandbox: Sandbox) -> None:
    """A view is a query of its user: with it, a used-up budget would not end queries."""
    sandbox.run(f"CREATE VIEW {sandbox.database}.more AS SELECT id FROM {sandbox.database}.orders")
    path = f"/environments/{sandbox.environment['id']}"
    view, rows = (f"{path}/tables/db_shop/{name}/rows" for name in ("more", "orders"))
    assert sandbox.api.call("GET", view).status == 200
    admin: dict[str, Any] = {"owner": "root", "groups": ("admins",)}
    assert sandbox.api.call("POST", f"{path}/freeze", body={"reason": "Over."}, **admin).status == 202
    assert sandbox.api.call("GET", rows).status == 200
    refused = sandbox.api.call("GET", view)
    assert (refused.status, refused.body["code"]) == (409, "environment_frozen")
