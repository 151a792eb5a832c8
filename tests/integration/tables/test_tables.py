"""A sandbox's catalog and rows over the API, on moto with the local Athena."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.domain.caller import Caller
from chalicelib.wiring import build
from tests.support.api import Api
from tests.support.athena_tables import CSV, JSON, PARQUET, SKIP, Aws, parquet, put, serving, table
from tests.support.small_account import create_sandbox_roles


@dataclass
class Sandbox:
    """A READY environment whose catalog has its databases."""

    aws: Aws
    environment: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.environment["id"])

    @property
    def databases(self) -> dict[str, str]:
        found: dict[str, str] = self.environment["outputs"]["databases"]
        return found

    @property
    def bucket(self) -> str:
        return str(self.environment["outputs"]["buckets"]["sor"])

    def table(self, name: str, columns: str, serde: dict[str, Any], **more: Any) -> None:
        location = f"s3://{self.bucket}/{name}/"
        table(self.aws, name, columns, serde, database=self.databases["db_shop"], location=location, **more)

    def put(self, key: str, content: str | bytes) -> None:
        put(self.aws, key, content, bucket=self.bucket)


@pytest.fixture
def sandbox(api: Api, tmp_path: Path) -> Iterator[Sandbox]:
    environment = api.ready_environment()
    create_sandbox_roles()
    with serving(tmp_path / "queries") as aws:
        for name in environment["outputs"]["databases"].values():
            aws("glue").create_database(DatabaseInput={"Name": name})
        yield Sandbox(aws, environment)


def rows(api: Api, sandbox: Sandbox, name: str, database: str = "db_shop", query: str = "") -> Any:
    return api.call("GET", f"/environments/{sandbox.id}/tables/{database}/{name}/rows{query}")


def test_the_catalog_is_listed_with_columns_partitions_and_links(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("orders", "id string; n string", CSV, parameters=SKIP | {"classification": "csv"})
    sandbox.table("sales", "price double", PARQUET, keys="year int; month int")
    for year, month in ((2026, 2), (2025, 12), (2026, 1)):
        place = f"s3://{sandbox.bucket}/sales/year={year}/month={month}/"
        sandbox.aws("glue").create_partition(
            DatabaseName=sandbox.databases["db_shop"],
            TableName="sales",
            PartitionInput={"Values": [str(year), str(month)], "StorageDescriptor": {"Location": place}},
        )
    assert sandbox.environment["links"]["tables"] == f"/environments/{sandbox.id}/tables"

    answer = api.call("GET", sandbox.environment["links"]["tables"])

    assert answer.status == 200, answer.body
    shop, sot = answer.body["items"]
    assert (sot["name"], sot["catalog_name"], sot["tables"]) == ("sot", f"terraglue_{sandbox.id}_sot", [])
    assert (shop["name"], shop["catalog_name"]) == ("db_shop", f"terraglue_{sandbox.id}_db_shop")
    assert shop["is_complete"] is True
    orders, sales = shop["tables"]
    assert orders.pop("updated_at").endswith("Z")
    assert orders == {
        "name": "orders",
        "description": None,
        "format": "csv",
        "location": f"s3://{sandbox.bucket}/orders/",
        "row_count": None,
        "size_bytes": None,
        "file_count": None,
        "columns": [
            {"name": "id", "type": "string", "comment": None},
            {"name": "n", "type": "string", "comment": None},
        ],
        "partition_keys": [],
        "partitions": None,
        "links": {"rows": f"/environments/{sandbox.id}/tables/db_shop/orders/rows"},
    }
    assert [key["name"] for key in sales["partition_keys"]] == ["year", "month"]
    assert (sales["partitions"]["count"], sales["partitions"]["is_complete"]) == (3, True)
    assert [list(part["values"].values()) for part in sales["partitions"]["last"]] == [
        ["2026", "2"],
        ["2026", "1"],
        ["2025", "12"],
    ]
    assert sales["partitions"]["last"][0]["location"].endswith("/sales/year=2026/month=2/")


def test_counts_are_those_of_the_release_or_a_crawler(api: Api, sandbox: Sandbox) -> None:
    counts = {"recordCount": "9921", "sizeKey": "1843201", "objectCount": "4"}
    sandbox.table("counted", "n string", PARQUET, parameters=counts | {"classification": "parquet"})
    sandbox.table(
        "none", "n string", CSV, parameters={"recordCount": "", "sizeKey": "-1", "objectCount": "x"}
    )
    answer = api.call("GET", f"/environments/{sandbox.id}/tables")
    assert answer.status == 200, answer.body
    counted, none = answer.body["items"][0]["tables"]
    assert (counted["row_count"], counted["size_bytes"], counted["file_count"]) == (9921, 1843201, 4)
    assert (none["row_count"], none["size_bytes"], none["file_count"]) == (None, None, None)
    assert (counted["format"], none["format"]) == ("parquet", None)


def test_the_number_of_aws_calls_is_as_documented(api: Api, sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.table(f"plain{number}", "n string", CSV)
        sandbox.table(f"parted{number}", "n string", CSV, keys="day string")
    session, calls = boto3.Session(), list[str]()
    session.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    tables = build(session=session).tables
    ana = Caller("ana", is_admin=False)

    tables.listing(ana, sandbox.id)
    # The record, the sandbox's credentials, the two databases, and one for each table with partitions.
    assert calls == ["GetItem", "AssumeRole", "GetTables", *["GetPartitions"] * 3, "GetTables"]

    calls.clear()
    tables.rows(ana, sandbox.id, "db_shop", "plain0", limit=5)
    asked = [call for call in calls if call != "GetQueryExecution"]  # the credentials are cached
    assert asked == ["GetItem", "GetTable", "StartQueryExecution", "GetQueryResults"]


def test_a_dropped_database_is_omitted(api: Api, sandbox: Sandbox) -> None:
    sandbox.aws("glue").delete_database(Name=sandbox.databases["sot"])
    answer = api.call("GET", f"/environments/{sandbox.id}/tables")
    assert [database["name"] for database in answer.body["items"]] == ["db_shop"]


def test_rows_are_json_values_by_column(api: Api, sandbox: Sandbox, tmp_path: Path) -> None:
    columns = (
        "id bigint; price decimal(12,2); ratio double; ok boolean; at timestamp; day date; s struct<a:int>"
    )
    sandbox.table("typed", columns, PARQUET)
    one = (
        "9007199254740993::BIGINT AS id, 1.50::DECIMAL(12,2) AS price, 0.1::DOUBLE AS ratio, true AS ok, "
        "TIMESTAMP '2018-10-16 21:25:23' AS at, DATE '2026-01-02' AS day, {'a': 7} AS s"
    )
    none = "NULL, NULL, 'NaN'::DOUBLE, NULL, NULL, NULL, NULL"
    sandbox.put("typed/a.parquet", parquet(f"SELECT {one} UNION ALL SELECT {none}", tmp_path))

    answer = rows(api, sandbox, "typed")

    assert answer.status == 200, answer.body
    assert answer.body["items"] == [
        {
            "id": 9007199254740993,
            "price": "1.50",
            "ratio": 0.1,
            "ok": True,
            "at": "2018-10-16T21:25:23.000Z",
            "day": "2026-01-02",
            "s": {"a": 7},
        },
        {"id": None, "price": None, "ratio": "NaN", "ok": None, "at": None, "day": None, "s": None},
    ]
    assert (answer.body["database"], answer.body["table"]) == ("db_shop", "typed")
    assert answer.body["catalog_database"] == sandbox.databases["db_shop"]
    assert answer.body["columns"][1] == {"name": "price", "type": "decimal(12,2)", "comment": None}
    assert answer.body["scanned_bytes"] > 0
    assert answer.body["links"] == {
        "self": f"/environments/{sandbox.id}/tables/db_shop/typed/rows",
        "tables": f"/environments/{sandbox.id}/tables",
        "environment": f"/environments/{sandbox.id}",
    }


def test_csv_and_nested_json_are_returned_completely(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("reviews", "id string; text string", CSV, parameters=SKIP)
    sandbox.put("reviews/a.csv", 'id,text\n1,"two lines, ""quoted"""\n2,\n3\n')
    assert rows(api, sandbox, "reviews").body["items"] == [
        {"id": "1", "text": 'two lines, "quoted"'},
        {"id": "2", "text": ""},
        {"id": "3", "text": None},
    ]
    record = {"at": "now", "items": [{"id": "a", "prices": [1.5, 2]}], "session": {"os": None}}
    sandbox.table(
        "clicks",
        "at string; items array<struct<id:string,prices:array<double>>>; session struct<os:string>",
        JSON,
    )
    sandbox.put("clicks/a.json.gz", json.dumps(record))
    assert rows(api, sandbox, "clicks").body["items"] == [record]


def test_the_limit_defaults_to_twenty_and_is_at_most_a_hundred(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("many", "n string", CSV)
    sandbox.put("many/a.csv", "".join(f"{n}\n" for n in range(150)))
    assert len(rows(api, sandbox, "many").body["items"]) == 20
    assert rows(api, sandbox, "many", query="?limit=2").body["items"] == [{"n": "0"}, {"n": "1"}]
    assert len(rows(api, sandbox, "many", query="?limit=100").body["items"]) == 100
    for wrong in ("0", "101", "x"):
        answer = rows(api, sandbox, "many", query=f"?limit={wrong}")
        assert (answer.status, answer.body["errors"][0]["parameter"]) == (422, "limit")


def test_a_database_is_found_by_either_name(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("few", "n string", CSV)
    sandbox.put("few/a.csv", "1\n")
    full = rows(api, sandbox, "few", database=sandbox.databases["db_shop"])
    assert full.status == 200
    assert full.body["items"] == [{"n": "1"}]
    assert full.body["database"] == "db_shop"


def test_names_are_found_in_any_case(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("few", "n string", CSV)
    sandbox.put("few/a.csv", "1\n")
    for database, name in (
        ("db_shop", "FEW"),
        ("DB_Shop", "Few"),
        (sandbox.databases["db_shop"].upper(), "few"),
    ):
        answer = rows(api, sandbox, name, database=database)
        assert (answer.status, answer.body["items"]) == (200, [{"n": "1"}]), answer.body
        assert (answer.body["database"], answer.body["table"]) == ("db_shop", "few")


def test_unknown_tables_are_not_found_and_never_queried(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("few", "n string", CSV)
    for database, name in (
        ("db_shop", "nothing"),
        ("nowhere", "few"),
        ("default", "few"),
        ("db_shop", "few%22%20--"),
        ("db_shop", "few;drop"),
        ("db_shop", "x" * 300),
    ):
        answer = rows(api, sandbox, name, database=database)
        assert (answer.status, answer.body["code"]) == (404, "not_found"), name
    assert sandbox.aws("athena").list_query_executions(WorkGroup="primary")["QueryExecutionIds"] == []


def test_names_are_quoted_when_needed(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("select", 'from string; a"b string', CSV)
    sandbox.put("select/a.csv", "1,2\n")
    assert rows(api, sandbox, "select").body["items"] == [{"from": "1", 'a"b': "2"}]


def test_tables_of_another_sandbox_are_not_found(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("few", "n string", CSV)
    for path in (f"/environments/{sandbox.id}/tables", f"/environments/{sandbox.id}/tables/db_shop/few/rows"):
        assert api.call("GET", path, owner="ben").status == 404
        assert api.call("GET", path, owner=None).status == 401
        assert api.call("GET", path, owner="root", groups=("admins",)).status == 200
    other = api.ready_environment(owner="ben")
    theirs = other["outputs"]["databases"]["db_shop"]
    boto3.client("glue").create_database(DatabaseInput={"Name": theirs})
    assert rows(api, sandbox, "few", database=theirs).status == 404


def test_an_environment_that_is_not_ready_shows_no_tables(api: Api, sandbox: Sandbox) -> None:
    queued = api.call("POST", "/environments", owner="ben").body["id"]
    for path in (f"/environments/{queued}/tables", f"/environments/{queued}/tables/db_shop/few/rows"):
        answer = api.call("GET", path, owner="ben")
        assert (answer.status, answer.body["code"]) == (409, "environment_not_ready")


def test_rows_are_bounded_in_bytes_as_lambda_counts_them(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("wide", "n string", JSON)
    cell = json.dumps({"n": '"\u00e9\\' * 20_000})
    sandbox.put("wide/a.json", (cell + "\n") * 100)
    answer = rows(api, sandbox, "wide", query="?limit=100")
    assert answer.status == 200
    assert answer.body["is_truncated"] is True
    assert 5 < len(answer.body["items"]) < 100
    assert len(json.dumps(json.dumps(answer.body))) < 5_000_000
    sandbox.put("wide/a.json", json.dumps({"n": "x" * 7_000_000}) + "\n")
    answer = rows(api, sandbox, "wide")
    assert (answer.status, answer.body["items"], answer.body["is_truncated"]) == (200, [], True)
    sandbox.put("wide/a.json", json.dumps({"n": "x"}) + "\n")
    answer = rows(api, sandbox, "wide")
    assert (answer.body["items"], answer.body["is_truncated"]) == ([{"n": "x"}], False)


def test_a_large_catalog_is_truncated_to_the_response_size(api: Api, sandbox: Sandbox) -> None:
    for number in range(60):
        sandbox.table(f"t{number:02}", f"n struct<{'x' * 100_000}:int>", JSON)
    answer = api.call("GET", f"/environments/{sandbox.id}/tables")
    shop = answer.body["items"][0]
    assert answer.status == 200
    assert shop["is_complete"] is False
    assert 30 < len(shop["tables"]) < 60
    assert len(json.dumps(json.dumps(answer.body))) < 5_000_000
    sandbox.table("t99", f"n struct<{'x' * 5_000_000}:int>", JSON)
    answer = rows(api, sandbox, "t99")
    assert (answer.status, answer.body["code"]) == (409, "table_unreadable")


def test_a_location_that_is_not_in_s3_is_a_conflict(api: Api, sandbox: Sandbox) -> None:
    for number, location in enumerate(("file:///etc/passwd", "hdfs://n/x", "x")):
        name = f"t{number}"
        table(sandbox.aws, name, "n string", CSV, database=sandbox.databases["db_shop"], location=location)
        answer = rows(api, sandbox, name)
        assert (answer.status, answer.body["code"]) == (409, "table_unreadable"), answer.body


def test_a_table_without_data_has_no_rows(api: Api, sandbox: Sandbox) -> None:
    sandbox.table("empty", "n string", CSV)
    answer = rows(api, sandbox, "empty")
    assert (answer.status, answer.body["items"], answer.body["scanned_bytes"]) == (200, [], 0)


def test_files_that_do_not_match_the_table_are_a_conflict_without_awss_message(
    api: Api, sandbox: Sandbox
) -> None:
    sandbox.table("odd", "n int", PARQUET)
    sandbox.put("odd/a.parquet", b"this is no parquet")
    answer = rows(api, sandbox, "odd")
    assert (answer.status, answer.body["code"]) == (409, "table_unreadable")
    assert "HIVE" not in str(answer.body)
    assert sandbox.bucket not in str(answer.body)


def test_without_a_workgroup_results_are_written_to_the_sandbox(api: Api, sandbox: Sandbox) -> None:
    assert sandbox.environment["outputs"]["athena_workgroup"] is None
    sandbox.table("few", "n string", CSV)
    sandbox.put("few/a.csv", "1\n")
    assert rows(api, sandbox, "few").status == 200
    bucket = sandbox.environment["outputs"]["buckets"]["athena_results"]
    found = sandbox.aws("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert sorted(item["Key"].partition(".")[2] for item in found) == ["csv", "csv.metadata"]
