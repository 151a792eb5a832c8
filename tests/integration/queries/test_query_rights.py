"""Rights of queries, and the import of queries that users start with credentials. IAM is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.clock import environment_id
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.query import Query, QueryOrigin, QueryStatus
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.errors import NotFound, ServiceError
from chalicelib.services.idempotency import IdempotentRequest
from local.aws.clients import Credentials
from tests.support.athena_tables import CSV, ended, table
from tests.support.paths import ROOT
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World, serving

SECRET = "the neighbour's"
MINIMUM_MICRO_USD = 48
"""10 MB at 5 USD per TB."""


@dataclass
class Sandboxes:
    """Sandboxes of two users with a table each."""

    world: World
    mine: Environment
    theirs: Environment

    def run(self, sql: str, of: Environment | None = None) -> Query:
        environment = of or self.mine
        queries, who = self.world.service("api_handler").queries, Caller(environment.owner, is_admin=False)
        asked = IdempotentRequest(who, "request", None, "fingerprint")
        started = queries.start(asked, environment.id, QueryRequest(sql=sql, database="sot")).record
        return queries.query(who, environment.id, started.id, wait_seconds=20)

    def history(self) -> list[Query]:
        return self.world.store.queries.page(self.mine.id, limit=100).items

    def tick(self) -> None:
        self.world.service("tick").events.tick(seconds=60)

    def spent(self) -> int:
        return self.world.look(self.mine).spent_micro_usd


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("queries")
    orders = folder / "data/db_shop/tbl_orders/orders.csv"
    orders.parent.mkdir(parents=True)
    orders.write_text("id\n1\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        with serving(folder / "data", folder / "work") as world:
            yield world


@pytest.fixture
def those(world: World) -> Sandboxes:
    world.moment = datetime.now(UTC)  # as the local Athena's times
    mine, theirs = (world.ready(environment_id(), {}) for _ in range(2))
    for each, text in ((mine, "mine"), (theirs, SECRET)):
        client("s3").put_object(Bucket=each.bucket("sot"), Key="t/a.csv", Body=text.encode())
        location = f"s3://{each.bucket('sot')}/t/"
        table(client, "t", "a string", CSV, database=each.sot_database, location=location)
    return Sandboxes(world, mine, theirs)


def test_a_query_reads_its_own_sandbox_only(those: Sandboxes) -> None:
    theirs = those.theirs
    table(
        client, "foreign", "a string", CSV, database=those.mine.sot_database,
        location=f"s3://{theirs.bucket('sot')}/t/",
    )  # fmt: skip
    own = those.run("SELECT a FROM t")
    assert own.status is QueryStatus.SUCCEEDED, own.error
    attacks = (
        f"SELECT a FROM {theirs.sot_database}.t",
        "SELECT a FROM foreign",
        f"UNLOAD (SELECT a FROM t) TO 's3://{theirs.bucket('sot')}/stolen/' WITH (format = 'PARQUET')",
        f"CREATE TABLE c WITH (external_location = 's3://{theirs.bucket('sot')}/c/') AS SELECT a FROM t",
        f"DROP TABLE {theirs.sot_database}.t",
        f"INSERT INTO {theirs.sot_database}.t SELECT a FROM t",
        f"CREATE VIEW {theirs.sot_database}.v AS SELECT 1 AS a",
    )
    for sql in attacks:
        refused = those.run(sql)
        assert refused.status is QueryStatus.FAILED, sql
        assert refused.error is not None
        assert SECRET not in refused.error.message
        assert theirs.id not in refused.error.message, (sql, refused.error.message)
    found = client("s3").list_objects_v2(Bucket=theirs.bucket("sot"))["Contents"]
    assert [item["Key"] for item in found] == ["t/a.csv"]
    assert client("glue").get_table(DatabaseName=theirs.sot_database, Name="t")
    assert those.world.refused != []


def test_results_belong_to_their_environment(those: Sandboxes) -> None:
    foreign = those.run("SELECT a FROM t", of=those.theirs)
    queries, me = those.world.service("api_handler").queries, Caller(those.mine.owner, is_admin=False)
    for place in (those.mine.id, those.theirs.id):
        with pytest.raises(NotFound):
            queries.query(me, place, foreign.id)
        with pytest.raises(NotFound):
            queries.stop(me, place, foreign.id)
        with pytest.raises(NotFound):
            queries.result_link(me, place, foreign.id)
    # Even a record with another sandbox's execution shows nothing: the session may not read its workgroup.
    forged = those.run("SELECT a FROM t").replace(execution_id=foreign.execution_id)
    with pytest.raises((ServiceError, Exception), match="AccessDenied"):
        queries.rows(me, those.mine.id, forged, limit=10, place=None)


def test_functions_have_no_right_to_run_or_read_queries() -> None:
    for path in (ROOT / "chalice_app/.chalice/policies").glob("*.json"):
        actions = {
            action
            for statement in json.loads(path.read_text())["Statement"]
            for action in (
                [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            )
            if action.startswith("athena:")
        }
        assert actions <= {"athena:GetWorkGroup"}, path.name


def with_credentials(those: Sandboxes) -> Any:
    """A user's own Athena client, with credentials of the API."""
    access = those.world.service("api_handler").access
    given = access.issue(Caller(those.mine.owner, is_admin=False), those.mine.id, 900, "request").credentials
    return client("athena", Credentials(given.access_key_id, given.secret_access_key, given.session_token))


def run_in_aws(athena: Any, environment: Environment, sql: str) -> str:
    outputs = environment.outputs
    assert outputs is not None
    execution: str = athena.start_query_execution(
        QueryString=sql,
        WorkGroup=outputs.athena_workgroup,
        QueryExecutionContext={"Database": environment.sot_database},
    )["QueryExecutionId"]
    ended(lambda _: athena, execution)
    return execution


def test_queries_with_credentials_are_imported_once_and_charged(those: Sandboxes) -> None:
    those.run("SELECT a FROM t")
    me = Caller(those.mine.owner, is_admin=False)
    those.world.service("api_handler").tables.rows(me, those.mine.id, "sot", "t", limit=5)
    assert those.spent() == MINIMUM_MICRO_USD, "the operator pays for rows"
    those.tick()
    assert len(those.history()) == 1, "nobody had credentials"
    athena = with_credentials(those)
    theirs = run_in_aws(athena, those.mine, "SELECT a, 2 FROM t")
    failed = run_in_aws(athena, those.mine, "SELECT nothing FROM t")
    those.world.moment += timedelta(minutes=4)
    those.tick()
    those.tick()
    found = {
        query.execution_id: query for query in those.history() if query.origin is QueryOrigin.CREDENTIALS
    }
    assert found.keys() == {theirs, failed}
    assert (found[theirs].status, found[theirs].cost_micro_usd) == (QueryStatus.SUCCEEDED, MINIMUM_MICRO_USD)
    assert (found[failed].status, found[failed].cost_micro_usd) == (QueryStatus.FAILED, 0)
    assert found[theirs].sql == "SELECT a, 2 FROM t"
    for minutes in (4, 8, 30):
        those.world.moment += timedelta(minutes=minutes)
        those.tick()
    assert len(those.history()) == 3
    assert those.spent() == 2 * MINIMUM_MICRO_USD
    environment = those.world.look(those.mine)
    assert environment.active_queries == 0
    assert environment.queries_imported_until is not None
    assert (environment.due_at or "") > (environment.credentials_until or ""), "nothing is left to import"


def test_a_mark_of_rows_cannot_be_copied_to_another_query(those: Sandboxes) -> None:
    me = Caller(those.mine.owner, is_admin=False)
    those.world.service("api_handler").tables.rows(me, those.mine.id, "sot", "t", limit=5)
    athena = with_credentials(those)
    outputs = those.mine.outputs
    assert outputs is not None
    [execution] = athena.list_query_executions(WorkGroup=outputs.athena_workgroup)["QueryExecutionIds"]
    seen = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Query"]
    forged = run_in_aws(athena, those.mine, f"SELECT a FROM t{seen[seen.index(' -- ') :]}")
    those.world.moment += timedelta(minutes=4)
    those.tick()
    those.tick()
    assert [query.execution_id for query in those.history()] == [forged]


def test_a_deletion_stops_queries_with_credentials_first(those: Sandboxes) -> None:
    endless = "SELECT count(*) FROM " + ", ".join(
        f"UNNEST(sequence(1, 9000)) AS t{n} (x{n})" for n in range(4)
    )
    athena, outputs = with_credentials(those), those.mine.outputs
    assert outputs is not None
    athena.start_query_execution(QueryString=endless, WorkGroup=outputs.athena_workgroup)
    own = those.world.ask_query(those.mine, endless)
    those.world.change(those.mine, delete_requested=True)
    for _ in range(4):
        those.world.reconcile(those.world.service("stack_changed"), those.mine)
        those.world.moment += timedelta(seconds=10)
    ended = {query.id: query for query in those.history()}
    assert {query.status for query in ended.values()} == {QueryStatus.CANCELLED}
    assert ended[own.id].stopped_by == "service"
    assert len(ended) == 2
    assert those.world.look(those.mine).active_queries == 0
