"""Queries over the API, on moto with the local Athena."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.api import Answer, Api
from tests.support.athena_tables import CSV, SKIP, Aws, put, serving, table
from tests.support.queries import SCAN_LIMIT, ended, with_workgroup
from tests.support.small_account import create_sandbox_roles

MINIMUM_USD = 0.000048
"""10 MB at 5 USD per TB."""
WORST_USD = 0.004883
"""1 GiB, the limit of the workgroup."""


@dataclass
class Sandbox:
    api: Api
    aws: Aws
    environment: dict[str, Any]
    keys: Iterator[int]

    @property
    def path(self) -> str:
        return str(self.environment["links"]["queries"])

    def ask(self, sql: str, owner: str = "ana", **more: Any) -> Answer:
        return self.api.call("POST", self.path, owner=owner, body={"sql": sql, **more})

    def run(self, sql: str, **more: Any) -> dict[str, Any]:
        asked = self.ask(sql, **more)
        assert asked.status == 202, asked.body
        return dict(ended(self.api, asked.headers["Location"]).body)

    def budget(self) -> tuple[float, float]:
        """What the owner has spent and reserved."""
        found = self.api.call("GET", "/me").body["budget"]
        return found["spent_usd"], found["reserved_usd"]


@pytest.fixture
def sandbox(api: Api, tmp_path: Path) -> Iterator[Sandbox]:
    environment = api.ready_environment()
    create_sandbox_roles()
    with serving(tmp_path / "queries") as aws:
        for name in environment["outputs"]["databases"].values():
            aws("glue").create_database(DatabaseInput={"Name": name})
        with_workgroup(api, environment)
        bucket = environment["outputs"]["buckets"]["sor"]
        database = environment["outputs"]["databases"]["db_shop"]
        location = f"s3://{bucket}/orders/"
        table(
            aws, "orders", "id string; n string", CSV, database=database, location=location, parameters=SKIP
        )
        put(aws, "orders/1.csv", "id,n\na,1\nb,2\nc,3\n", bucket=bucket)
        yield Sandbox(api, aws, environment, itertools.count())


def test_a_query_is_accepted_run_and_settled(sandbox: Sandbox) -> None:
    asked = sandbox.ask("SELECT count(*) AS orders, sum(CAST(n AS integer)) AS n FROM orders")
    assert asked.status == 202, asked.body
    assert asked.headers["Location"] == f"{sandbox.path}/{asked.body['id']}" == asked.body["links"]["self"]
    assert (asked.body["status"], asked.body["max_cost_usd"]) == ("QUEUED", WORST_USD)
    assert (asked.body["requested_by"], asked.body["origin"]) == ("ana", "api")
    found = ended(sandbox.api, asked.headers["Location"]).body
    assert (found["status"], found["statement_type"], found["error"]) == ("SUCCEEDED", "DML", None)
    assert [column["name"] for column in found["columns"]] == ["orders", "n"]
    assert (found["rows"], found["next"]) == ([[3, 6]], None)
    assert found["scanned_bytes"] > 0
    assert found["cost_usd"] == MINIMUM_USD
    assert found["started_at"] >= found["requested_at"]
    assert found["database"] == sandbox.environment["outputs"]["databases"]["db_shop"]
    assert sandbox.budget() == (MINIMUM_USD, 0)


def test_the_maximum_cost_is_reserved_until_the_end(sandbox: Sandbox) -> None:
    athena = boto3.client("athena")
    asked = sandbox.ask(SLOW)
    assert sandbox.budget() == (0, WORST_USD)
    stopped = sandbox.api.call("DELETE", asked.body["links"]["self"])
    assert stopped.body["stopped_by"] == "ana"
    found = ended(sandbox.api, asked.body["links"]["self"]).body
    assert (found["status"], found["stopped_by_type"]) == ("CANCELLED", "user")
    again = sandbox.api.call("DELETE", asked.body["links"]["self"])
    assert (again.status, again.body["status"]) == (200, "CANCELLED")
    assert sandbox.budget() == (found["cost_usd"], 0)
    [execution] = athena.list_query_executions(WorkGroup=f"terraglue-{sandbox.environment['id']}")[
        "QueryExecutionIds"
    ]
    assert found["execution_id"] == execution


SLOW = "SELECT count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 9000)) AS t{n} (x{n})" for n in range(4))
"""Never ends."""


AT = "2026-11-24T09:40:00.000Z"


def test_types_of_values(sandbox: Sandbox) -> None:
    found = sandbox.run(
        "SELECT 1 AS i, 9007199254740993 AS big, 1.50 AS d, 0.5e0 AS f, true AS b, 'x' AS s, '' AS e, "
        "CAST(NULL AS varchar) AS none, DATE '2026-11-24' AS day, TIMESTAMP '2026-11-24 09:40:00.000' AS at, "
        "ARRAY[1, 2] AS list"
    )
    assert found["status"] == "SUCCEEDED", found["error"]
    assert found["rows"] == [
        [
            1,
            9007199254740993,
            "1.50",
            0.5,
            True,
            "x",
            "",
            None,
            "2026-11-24",
            "2026-11-24T09:40:00.000Z",
            "[1, 2]",
        ]
    ]
    types = {column["name"]: column["type"] for column in found["columns"]}
    assert (types["big"], types["f"], types["b"]) == ("bigint", "double", "boolean")
    assert types["d"].startswith("decimal(")


def test_parameters_replace_question_marks(sandbox: Sandbox) -> None:
    found = sandbox.run("SELECT n FROM orders WHERE id = ?", parameters=["'b'"])
    assert (found["rows"], found["parameters"]) == ([["2"]], ["'b'"])


def test_rows_come_in_pages_of_any_size(sandbox: Sandbox) -> None:
    numbers = "SELECT x, IF(x = 2, NULL, '') AS t FROM UNNEST(sequence(1, 7)) AS s (x) ORDER BY x"
    found = sandbox.run(numbers)
    assert [row[0] for row in found["rows"]] == [1, 2, 3, 4, 5, 6, 7]
    link, cursor, seen = found["links"]["self"], "", []
    for limit in (2, 3, 1, 1, 9):
        page = sandbox.api.call("GET", f"{link}?limit={limit}{cursor}").body
        seen += [row[0] for row in page["rows"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_rows_as_csv_distinguish_null_from_an_empty_string(sandbox: Sandbox) -> None:
    found = sandbox.run("""SELECT x, IF(x = 2, NULL, '') AS "t,""q" FROM UNNEST(ARRAY[1, 2, 3]) AS s (x)""")
    link = found["links"]["self"]
    first = sandbox.api.call("GET", f"{link}?limit=2", headers={"Accept": "text/csv"})
    assert first.headers["Content-Type"].startswith("text/csv")
    assert first.body.decode() == '"x","t,""q"\r\n"1",""\r\n"2",\r\n'
    following = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = sandbox.api.call("GET", following, headers={"Accept": "text/csv"})
    assert list(csv.reader(io.StringIO(second.body.decode())))[1:] == [["3", ""]]
    assert "Link" not in second.headers
    for accept, kind in (
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
    ):
        answer = sandbox.api.call("GET", link, headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith(kind), accept
    refused = sandbox.api.call("GET", link, headers={"Accept": "application/pdf, text/csv;q=0"})
    assert (refused.status, refused.body["code"]) == (406, "not_acceptable")


def test_the_whole_result_is_downloaded_without_a_token(sandbox: Sandbox) -> None:
    found = sandbox.run("SELECT id FROM orders ORDER BY id")
    answer = sandbox.api.call("GET", found["links"]["results"])
    assert answer.status == 303
    url = answer.headers["Location"]
    assert "X-Amz-Signature" in url
    assert "X-Amz-Expires=600" in url
    key = url.partition("?")[0].rpartition("/queries/")[2]
    bucket = sandbox.environment["outputs"]["buckets"]["athena_results"]
    body = sandbox.aws("s3").get_object(Bucket=bucket, Key=f"queries/{key}")["Body"].read()
    assert body == b'"id"\n"a"\n"b"\n"c"\n'
    sandbox.aws("s3").delete_object(Bucket=bucket, Key=f"queries/{key}")
    gone = sandbox.api.call("GET", found["links"]["results"])
    assert (gone.status, gone.body["code"]) == (410, "result_gone")


def test_other_statements_show_their_text_as_rows_and_are_free(sandbox: Sandbox) -> None:
    found = sandbox.run("SHOW TABLES")
    assert (found["status"], found["rows"]) == ("SUCCEEDED", [["orders"]]), found["error"]
    assert found["statement_type"] in ("DDL", "UTILITY")
    assert found["cost_usd"] == 0
    assert sandbox.budget() == (0, 0)


def test_describe_has_a_value_for_each_column(sandbox: Sandbox) -> None:
    found = sandbox.run("DESCRIBE orders")
    names = [column["name"] for column in found["columns"]]
    assert names == ["col_name", "data_type", "comment"]
    assert found["rows"][0] == ["id", "string", ""]
    page = sandbox.api.call("GET", found["links"]["self"], headers={"Accept": "text/csv"})
    assert page.body.decode().splitlines()[1] == '"id","string",""'


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT\n  nothing FROM orders", "nothing", "DESCRIBE"),
        ("SELECT * FROM missing", "missing", "SHOW TABLES"),
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'", "Check the SQL"),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO", "NULLIF(value, 0)"),
        ("SELECT id, count(*) FROM orders", "EXPRESSION_NOT_AGGREGATE", "GROUP BY"),
        ("SELECT id FROM orders a, orders b", "AMBIGUOUS_NAME", "t.column"),
        ("SELECT ?", "Incorrect number of parameters", "each question mark"),
    ],
)
def test_a_failed_query_has_the_message_and_a_hint_and_is_free(
    sandbox: Sandbox, sql: str, message: str, hint: str
) -> None:
    found = sandbox.run(sql)
    assert (found["status"], found["rows"], found["cost_usd"]) == ("FAILED", None, 0)
    assert message in found["error"]["message"]
    assert hint in (found["error"]["hint"] or ""), found["error"]
    assert sandbox.budget() == (0, 0)
    refused = sandbox.api.call("GET", found["links"]["self"], headers={"Accept": "text/csv"})
    assert (refused.status, refused.body["code"]) == (409, "query_not_succeeded")
    assert found["links"]["results"] is None


def test_a_repeated_request_is_the_same_query(sandbox: Sandbox) -> None:
    key = {"Idempotency-Key": "monday"}
    body = {"sql": "SELECT 1"}
    first = sandbox.api.call("POST", sandbox.path, body=body, headers=key)
    again = sandbox.api.call("POST", sandbox.path, body=body, headers=key)
    assert (again.status, again.body["id"]) == (202, first.body["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = sandbox.api.call("POST", sandbox.path, body={"sql": "SELECT 2"}, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    ended(sandbox.api, first.headers["Location"])
    assert sandbox.budget() == (MINIMUM_USD, 0)


def test_the_history_is_newest_first_and_has_no_rows(sandbox: Sandbox) -> None:
    ids = [sandbox.run(f"SELECT {number}")["id"] for number in range(3)]
    first = sandbox.api.call("GET", f"{sandbox.path}?limit=2").body
    rest = sandbox.api.call("GET", f"{sandbox.path}?limit=2&cursor={first['next']}").body
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ids[::-1]
    assert "rows" not in first["items"][0]


def test_a_request_can_wait_for_the_end(sandbox: Sandbox) -> None:
    asked = sandbox.ask("SELECT 1")
    found = sandbox.api.call("GET", f"{asked.body['links']['self']}?wait=20").body
    assert (found["status"], found["rows"]) == ("SUCCEEDED", [[1]])


def test_watchers_share_calls_of_athena(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    query = sandbox.ask(SLOW).body["links"]["self"]
    runs, calls = sandbox.api.app.service().queries._runs, itertools.count()
    athena_of = runs._athena_of
    monkeypatch.setattr(runs, "_athena_of", lambda environment: (next(calls), athena_of(environment))[1])
    monkeypatch.setattr("chalicelib.queries.query_runs.WATCH_SECONDS", 60)
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: sandbox.api.call("GET", query), range(20)))
    assert {answer.body["status"] for answer in found} <= {"QUEUED", "RUNNING"}
    assert next(calls) == 1
    assert sandbox.api.call("DELETE", query).status == 202  # does not wait for watchers
    assert next(calls) > 2
    monkeypatch.setattr("chalicelib.queries.query_runs.WATCH_SECONDS", 0)
    assert ended(sandbox.api, query).body["status"] == "CANCELLED"


def test_invalid_requests(sandbox: Sandbox) -> None:
    for body, pointer in (
        ({}, "/sql"),
        ({"sql": " \n"}, "/sql"),
        ({"sql": "é" * 30_001}, "/sql"),  # 60,002 bytes
        ({"sql": "SELECT 1", "database": "default"}, "/database"),
        ({"sql": "SELECT 1", "parameters": [""]}, "/parameters/0"),
        ({"sql": "SELECT 1", "workgroup": "primary"}, "/workgroup"),
    ):
        raw = json.dumps(body, ensure_ascii=False).encode()
        answer = sandbox.api.call("POST", sandbox.path, raw=raw)
        assert answer.status == 422, (body, answer.body)
        assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
    for query in ("limit=0", "limit=1000", "wait=21", "cursor=x"):
        link = f"{sandbox.path}/{'a' * 16}?{query}"
        assert sandbox.api.call("GET", link).status in (404, 422), query


def test_a_short_name_is_a_database(sandbox: Sandbox) -> None:
    for name in ("sot", sandbox.environment["outputs"]["databases"]["sot"].upper()):
        found = sandbox.run("SHOW TABLES", database=name)
        assert (found["database"], found["rows"]) == (sandbox.environment["outputs"]["databases"]["sot"], [])


def test_a_budget_that_does_not_cover_the_maximum_refuses_the_query(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUDGET_USD", "0.005")
    sandbox.api.app.service.cache_clear()
    slow = sandbox.ask(SLOW)
    refused = sandbox.ask("SELECT 1")
    assert (refused.status, refused.body["code"]) == (409, "budget_exceeded"), refused.body
    assert f"may read {SCAN_LIMIT} bytes" in refused.body["detail"]
    sandbox.api.call("DELETE", slow.body["links"]["self"])
    ended(sandbox.api, slow.body["links"]["self"])
    sandbox.run("SELECT 1")


def test_an_environment_has_at_most_twenty_active_queries(sandbox: Sandbox) -> None:
    links = [sandbox.ask(f"{SLOW} WHERE x0 > {number}").body["links"]["self"] for number in range(20)]
    refused = sandbox.ask("SELECT 1")
    assert (refused.status, refused.body["code"]) == (429, "too_many_queries"), refused.body
    assert refused.headers["Retry-After"] == "5"
    for link in links:
        sandbox.api.call("DELETE", link)
    for link in links:
        ended(sandbox.api, link)
    assert sandbox.run("SELECT 1")["status"] == "SUCCEEDED"


def test_without_a_workgroup_there_are_no_queries(api: Api) -> None:
    environment = api.ready_environment()
    refused = api.call("POST", environment["links"]["queries"], body={"sql": "SELECT 1"})
    assert (refused.status, refused.body["code"]) == (409, "workgroup_unusable")


def test_a_deleted_environment_keeps_its_history_without_results(sandbox: Sandbox) -> None:
    found = sandbox.run("SELECT 1")
    slow = sandbox.ask(SLOW).body
    api, environment = sandbox.api, sandbox.environment
    api.call("DELETE", environment["links"]["self"])
    for _ in range(3):
        sandbox.api.stack_event(environment["id"])
    assert api.call("GET", environment["links"]["self"]).body["status"] == "DELETED"
    items = {item["id"]: item for item in api.call("GET", sandbox.path).body["items"]}
    assert (items[slow["id"]]["status"], items[slow["id"]]["stopped_by"]) == ("CANCELLED", "service")
    assert items[found["id"]]["status"] == "SUCCEEDED"
    shown = api.call("GET", found["links"]["self"])
    assert (shown.status, shown.body["rows"]) == (200, None)
    gone = api.call("GET", found["links"]["results"])
    assert (gone.status, gone.body["code"]) == (410, "result_gone")
    assert sandbox.budget()[1] == 0


def test_a_statement_that_is_too_deep_fails(sandbox: Sandbox) -> None:
    failed = sandbox.run(f"SELECT {'(' * 3000}1{')' * 3000}")
    assert (failed["status"], failed["cost_usd"]) == ("FAILED", 0)
    assert "stack overflow while parsing" in failed["error"]["message"]
