"""The sandbox's tables over HTTP, and the same Athena queries with the AWS CLI."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from local.aws import clients
from tests.support.local_up import DATA, Caller, Up

SOURCES = {
    "db_ecommerce": {
        *("tbl_customers", "tbl_geolocation", "tbl_order_items", "tbl_orders", "tbl_payments"),
        *("tbl_products", "tbl_reviews", "tbl_sellers"),
    },
    "db_web": {"tbl_clickstream"},
}


def test_the_catalog_has_the_nine_source_tables_with_their_columns(
    learner: Caller, environment: dict[str, Any]
) -> None:
    answer = learner.call("GET", environment["links"]["tables"])
    assert answer.status == 200, answer.body
    databases = {database["name"]: database for database in answer.body["items"]}
    assert set(databases) == {*SOURCES, "sot"}
    for name, tables in SOURCES.items():
        assert {table["name"] for table in databases[name]["tables"]} == tables
        assert databases[name]["catalog_name"] == environment["outputs"]["databases"][name]
        for table in databases[name]["tables"]:
            [file] = [f for f in (DATA / name / table["name"]).iterdir() if not f.name.startswith("_")]
            assert table["description"]
            assert table["location"] == (
                f"s3://{environment['outputs']['buckets']['sor']}/{name}/{table['name']}/"
            )
            if file.suffix == ".csv":
                with file.open(encoding="utf-8", newline="") as stream:
                    header = next(csv.reader(stream))
                assert [(c["name"], c["type"]) for c in table["columns"]] == [(n, "string") for n in header]


def test_reviews_are_returned_with_their_line_breaks(learner: Caller, environment: dict[str, Any]) -> None:
    link = f"{environment['links']['self']}/tables/db_ecommerce/tbl_reviews/rows"
    answer = learner.call("GET", f"{link}?limit=100")
    assert answer.status == 200, answer.body
    [file] = (DATA / "db_ecommerce" / "tbl_reviews").glob("*.csv")
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        expected = [dict(row) for row, _ in zip(reader, range(100), strict=False)]
    assert answer.body["items"] == expected
    assert any("\n" in row["review_comment_message"] for row in expected), "shows nothing"


def test_events_are_returned_as_nested_json(learner: Caller, environment: dict[str, Any]) -> None:
    link = f"{environment['links']['self']}/tables/db_web/tbl_clickstream/rows"
    answer = learner.call("GET", f"{link}?limit=50")
    assert answer.status == 200, answer.body
    [file] = (DATA / "db_web" / "tbl_clickstream").glob("*.gz")
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        expected = [json.loads(line) for line, _ in zip(stream, range(50), strict=False)]
    assert answer.body["items"] == expected


def test_the_table_of_a_run_has_the_rows_of_its_files(
    learner: Caller,
    environment: dict[str, Any],
    job_run: list[dict[str, Any]],
    up: Up,
    tmp_path: Path,
) -> None:
    output = job_run[-1]["output"]
    catalog = learner.call("GET", environment["links"]["tables"]).body["items"]
    [table] = next(database for database in catalog if database["name"] == "sot")["tables"]
    assert table["name"] == output["table"]
    [partition] = table["partitions"]["last"]
    assert list(partition["values"]) == ["anomesdia"]

    answer = learner.call("GET", f"{table['links']['rows']}?limit=100")

    assert answer.status == 200, answer.body
    assert answer.body["catalog_database"] == output["database"]
    stored = _stored(up, output["location"], tmp_path)
    day = int(partition["values"]["anomesdia"])
    for row in answer.body["items"]:
        assert row.pop("anomesdia") == day
        assert row == stored[row["order_id"]]
    assert len({row["order_id"] for row in answer.body["items"]}) == 100


def _stored(up: Up, location: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Rows that DuckDB reads from the files, by order ID, under the contract's column names."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    s3 = up.client("s3")
    for number, item in enumerate(s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]):
        if item["Key"].endswith(".parquet"):
            s3.download_file(bucket, item["Key"], str(folder / f"{number}.parquet"))
    with duckdb.connect() as connection:
        found = connection.execute(
            "FROM read_parquet($files, hive_partitioning = false)", {"files": f"{folder}/*.parquet"}
        )
        names = [name for name, *_ in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["order_id"]: {name: _json(value) for name, value in row.items()} for row in rows}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return f"{value.isoformat(timespec='milliseconds')}Z" if hasattr(value, "isoformat") else value


def test_the_aws_cli_queries_the_sandboxs_workgroup(environment: dict[str, Any], up: Up) -> None:
    def aws(*words: str) -> dict[str, Any]:
        variables = {**os.environ, **clients.aws_variables(up.ready["aws"]), "AWS_CONFIG_FILE": os.devnull}
        command = [sys.executable, "-m", "awscli", "--output", "json", "athena", *words]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout or "{}")
        return found

    outputs = environment["outputs"]
    sql = "SELECT review_score, count(*) AS n FROM tbl_reviews GROUP BY 1 ORDER BY n DESC, 1"
    started = aws(
        *("start-query-execution", "--work-group", outputs["athena_workgroup"], "--query-string", sql),
        *("--query-execution-context", f"Database={outputs['databases']['db_ecommerce']}"),
    )
    query = ("--query-execution-id", started["QueryExecutionId"])
    while (shown := aws("get-query-execution", *query)["QueryExecution"])["Status"]["State"] in (
        *("QUEUED", "RUNNING"),
    ):
        pass
    assert shown["Status"]["State"] == "SUCCEEDED", shown
    location = shown["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{outputs['buckets']['athena_results']}/{started['QueryExecutionId']}.csv"
    [file] = (DATA / "db_ecommerce" / "tbl_reviews").glob("*.csv")
    counts: dict[str, int] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            counts[row["review_score"]] = counts.get(row["review_score"], 0) + 1
    expected = [[score, str(n)] for score, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
    rows = aws("get-query-results", *query)["ResultSet"]["Rows"]
    assert [[datum["VarCharValue"] for datum in row["Data"]] for row in rows[1:]] == expected
    key = location.partition(f"{outputs['buckets']['athena_results']}/")[2]
    stored = up.client("s3").get_object(Bucket=outputs["buckets"]["athena_results"], Key=key)
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert stored["SSEKMSKeyId"] == outputs["kms_key_arn"]
    lines = list(csv.reader(io.StringIO(stored["Body"].read().decode())))
    assert lines == [["review_score", "n"], *expected]
