"""The commands of the AWS CLI about Athena, in one process."""

import contextlib
import io
import json
import os
import time
from typing import Any

from awscli.clidriver import create_clidriver

DATABASE, WORKGROUP = os.environ["DATABASE"], os.environ["WORKGROUP"]
driver = create_clidriver()


def aws(command: str, *arguments: str, code: int = 0) -> Any:
    """Run `aws athena COMMAND`. Return its output, or its error if it ends with another code."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        found = driver.main(["athena", *command.split(), *arguments, "--output", "json"])
    assert found == code, (command, found, err.getvalue())
    return err.getvalue() if code else json.loads(out.getvalue() or "{}")


def query(sql: str, state: str = "SUCCEEDED") -> str:
    """Run a query. Return its ID."""
    given = ("--work-group", WORKGROUP, "--query-execution-context", f"Database={DATABASE}")
    query_id = str(aws("start-query-execution", "--query-string", sql, *given)["QueryExecutionId"])
    for _ in range(400):
        execution = aws(f"get-query-execution --query-execution-id {query_id}")["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.05)
    assert execution["Status"]["State"] == state, execution
    return query_id


first = query("SELECT review.id FROM (SELECT id FROM orders) AS review ORDER BY 1 LIMIT 1")
rows = aws(f"get-query-results --query-execution-id {first}")["ResultSet"]["Rows"]
assert [row["Data"][0]["VarCharValue"] for row in rows] == ["id", "1"]
failed = query("SELECT * FROM none", state="FAILED")
error = aws(f"get-query-execution --query-execution-id {failed}")["QueryExecution"]["Status"]["AthenaError"]
assert (error["ErrorCategory"], error["Retryable"]) == (2, False)
assert error["ErrorMessage"].startswith("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.")
wrong = ("--query-string", "SELECT FROM FROM", "--work-group", WORKGROUP)
assert "InvalidRequestException" in aws("start-query-execution", *wrong, code=255)

listed = aws(f"list-query-executions --work-group {WORKGROUP}")["QueryExecutionIds"]
assert {first, failed} <= set(listed)
batch = aws(f"batch-get-query-execution --query-execution-ids {first} {failed}")
assert {each["Status"]["State"] for each in batch["QueryExecutions"]} == {"SUCCEEDED", "FAILED"}
statistics = aws(f"get-query-runtime-statistics --query-execution-id {first}")["QueryRuntimeStatistics"]
assert statistics["Rows"]["OutputRows"] == 1 and statistics["Timeline"]["TotalExecutionTimeInMillis"] >= 0

assert aws("get-data-catalog --name AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
place = f"--catalog-name AwsDataCatalog --database-name {DATABASE}"
assert aws(f"get-database {place}")["Database"]["Name"] == DATABASE
assert "orders" in [each["Name"] for each in aws(f"list-table-metadata {place}")["TableMetadataList"]]
assert aws(f"list-table-metadata {place} --expression no*")["TableMetadataList"] == []
table = aws(f"get-table-metadata {place} --table-name orders")["TableMetadata"]
assert [each["Name"] for each in table["Columns"]] == ["id", "status", "price", "day"]
assert table["Parameters"]["location"].startswith("s3://")
assert "MetadataException" in aws(f"get-table-metadata {place} --table-name none", code=255)
assert aws(f"get-work-group --work-group {WORKGROUP}")["WorkGroup"]["Name"] == WORKGROUP

text = ("--query-string", "SELECT count(*) FROM orders", "--database", DATABASE, "--work-group", WORKGROUP)
named = aws("create-named-query --name counted", *text)["NamedQueryId"]
assert aws(f"list-named-queries --work-group {WORKGROUP}")["NamedQueryIds"] == [named]
aws(f"update-named-query --named-query-id {named} --name n --query-string", "SELECT 2")
assert aws(f"get-named-query --named-query-id {named}")["NamedQuery"]["QueryString"] == "SELECT 2"
found = aws(f"batch-get-named-query --named-query-ids {named}")
assert [each["Name"] for each in found["NamedQueries"]] == ["n"]
aws(f"delete-named-query --named-query-id {named}")
assert aws(f"list-named-queries --work-group {WORKGROUP}")["NamedQueryIds"] == []

prepared = f"--statement-name s --work-group {WORKGROUP}"
aws(f"create-prepared-statement {prepared} --query-statement", "SELECT ? AS x")
aws(f"update-prepared-statement {prepared} --query-statement", "SELECT ? AS y")
assert aws(f"get-prepared-statement {prepared}")["PreparedStatement"]["QueryStatement"] == "SELECT ? AS y"
assert len(aws(f"list-prepared-statements --work-group {WORKGROUP}")["PreparedStatements"]) == 1
parts = aws(f"batch-get-prepared-statement --prepared-statement-names s t --work-group {WORKGROUP}")
assert [len(part) for part in parts.values()][:2] == [1, 1]
aws(f"delete-prepared-statement {prepared}")
assert "ResourceNotFoundException" in aws(f"get-prepared-statement {prepared}", code=255)

# The neighbour's, and what no user may do.
theirs = os.environ["NEIGHBOUR_WORKGROUP"]
other = f"--catalog-name AwsDataCatalog --database-name {os.environ['NEIGHBOUR']}"
for command in (
    f"list-query-executions --work-group {theirs}",
    f"list-named-queries --work-group {theirs}",
    f"list-prepared-statements --work-group {theirs}",
    f"get-work-group --work-group {theirs}",
    f"start-query-execution --query-string 1 --work-group {theirs}",
    f"get-database {other}",
    f"list-table-metadata {other}",
    f"get-table-metadata {other} --table-name orders",
    "list-data-catalogs",
    "list-work-groups",
    f"delete-work-group --work-group {WORKGROUP}",
):
    assert "AccessDenied" in aws(command, code=255), command
