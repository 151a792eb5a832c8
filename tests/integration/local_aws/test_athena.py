"""Local Athena: SQL over tables of every format, and the state and results of queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.aws.clients import Credentials
from tests.support.athena_tables import (
    CSV,
    JSON,
    PARQUET,
    SKIP,
    Aws,
    client,
    ended,
    failure,
    parquet,
    put,
    rows,
    serving,
    start,
    table,
)

SLOW = "SELECT count(*) FROM big a CROSS JOIN big b CROSS JOIN big c CROSS JOIN big d"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("athena")
    with mock_aws(), serving(folder / "queries") as aws:
        for bucket in ("data", "results"):
            aws("s3").create_bucket(Bucket=bucket)
        aws("glue").create_database(DatabaseInput={"Name": "db"})
        configuration = {"OutputLocation": "s3://results/", "EncryptionConfiguration": _SSE}
        aws("athena").create_work_group(
            Name="learners",
            Configuration={"EnforceWorkGroupConfiguration": True, "ResultConfiguration": configuration},
        )
        table(aws, "letters", "id string; comment string", CSV, parameters=SKIP)
        put(aws, "letters/a.csv", 'id,comment\n1,"two lines, ""quoted"""\n2,\n3\n')
        put(aws, "letters/b.csv.gz", "id,comment\n4,Olá all\n")
        for key in ("letters/_SUCCESS", "letters/_temporary/a.csv", "letters/.hidden"):
            put(aws, key, "not,data\nnot,data\n")
        table(aws, "big", "id string", CSV)
        put(aws, "big/a.csv", "x\n" * 5000)
        yield aws


_SSE = {"EncryptionOption": "SSE_S3"}


def test_a_csv_table_has_quotes_empty_texts_and_compressed_files(aws: Aws) -> None:
    assert rows(aws, "SELECT * FROM letters ORDER BY id") == [
        ["id", "comment"],
        ["1", 'two lines, "quoted"'],
        ["2", ""],
        ["3", None],
        ["4", "Olá all"],
    ]


def test_csv_columns_may_be_numbers_and_other_strings_are_bad_data(aws: Aws) -> None:
    table(aws, "numbers", "n int; x double; b boolean", CSV, parameters=SKIP)
    put(aws, "numbers/a.csv", "n,x,b\n1,0.5,true\n")
    assert rows(aws, "SELECT n + 1, x, b FROM numbers") == [["_col0", "x", "b"], ["2", "0.5", "true"]]
    put(aws, "numbers/b.csv", "n,x,b\nmany,0.5,true\n")
    assert "many" in failure(aws, "SELECT * FROM numbers")


def test_a_json_table_has_nested_columns(aws: Aws) -> None:
    nested = "session struct<device:struct<type:string>>; items array<struct<id:string,price:double>>"
    table(aws, "events", f"at string; {nested}; tags map<string,int>", JSON)
    first = {"at": "now", "session": {"device": {"type": "mobile"}}, "items": [{"id": "a", "price": 1.5}]}
    second: dict[str, Any] = {"At": "then", "SESSION": {"device": None}, "items": [], "tags": {"x": 1}}
    put(aws, "events/a.json.gz", json.dumps(first) + "\n\n" + json.dumps(second) + "\n")
    assert rows(aws, "SELECT * FROM events") == [
        ["at", "session", "items", "tags"],
        ["now", "{device={type=mobile}}", "[{id=a, price=1.5}]", None],
        ["then", "{device=null}", "[]", "{x=1}"],
    ]
    picked = "SELECT session.device.type, json_format(CAST(items AS JSON)) AS items FROM events WHERE at = ?"
    assert rows(aws, picked, ExecutionParameters=["'now'"]) == [
        ["type", "items"],
        ["mobile", '[{"id":"a","price":1.5}]'],
    ]
    unnested = "SELECT i.id FROM events CROSS JOIN UNNEST(items) AS t(i)"
    assert rows(aws, unnested) == [["id"], ["a"]]


def test_an_invalid_json_line_is_bad_data_and_its_object_is_named(aws: Aws) -> None:
    table(aws, "broken", "a string", JSON)
    put(aws, "broken/a.json", '{"a": "1"}\n{"a": \n')
    reason = failure(aws, "SELECT * FROM broken")
    assert reason.startswith("HIVE_BAD_DATA: ")
    assert "s3://data/broken/a.json" in reason


def test_a_partitioned_parquet_table_has_the_catalogs_partitions(aws: Aws, tmp_path: Path) -> None:
    table(aws, "sot", "id bigint; price decimal(12,2); at timestamp; added string", PARQUET, keys="day int")
    row = "SELECT {} AS id, 1.50::DECIMAL(12,2) AS price, TIMESTAMP '2018-10-16 21:25:23' AS at"
    places = {1: "sot/day=1/", 2: "elsewhere/", 3: "sot/day=3/"}
    for day, place in places.items():
        put(aws, f"{place}a.snappy.parquet", parquet(row.format(day * 10), tmp_path))
        if day < 3:  # queries do not see partitions that are missing in the catalog
            storage = {"Location": f"s3://data/{place}"}
            aws("glue").create_partition(
                DatabaseName="db",
                TableName="sot",
                PartitionInput={"Values": [str(day)], "StorageDescriptor": storage},
            )
    assert rows(aws, "SELECT * FROM sot ORDER BY day DESC") == [
        ["id", "price", "at", "added", "day"],
        ["20", "1.50", "2018-10-16 21:25:23.000", None, "2"],
        ["10", "1.50", "2018-10-16 21:25:23.000", None, "1"],
    ]
    assert rows(aws, "SELECT sum(id) AS s FROM sot WHERE day = 2") == [["s"], ["20"]]


@pytest.mark.parametrize(
    ("serde", "columns", "of_partition", "is_read"),
    [
        (PARQUET, "id string; amount double", "id string; amount int", False),
        (PARQUET, "id string; amount bigint", "id string; amount int", True),
        (PARQUET, "id string; more array<int>", "more array<date>; id string", False),
        (PARQUET, "id string; more struct<a:int>", "more struct<a:date>; id string", False),
        (PARQUET, "id string; amount int", "amount int; id string", True),  # by name
        (CSV, "id string; amount int", "amount int; id string", True),  # string and int become each other
        (CSV, "id string; amount double", "amount double; id string", False),  # by place
        (CSV, "id string; amount double; more string", "id string; amount double", True),
        (JSON, "id string; amount double", "id string; amount int", False),
    ],
)
def test_a_partition_with_other_columns_than_its_table_is_a_mismatch(
    aws: Aws, serde: str, columns: str, of_partition: str, is_read: bool
) -> None:
    name = f"evolved{abs(hash((str(serde), columns, of_partition)))}"
    table(aws, name, columns, serde, keys="year int")
    own = [dict(zip(("Name", "Type"), each.split(), strict=True)) for each in of_partition.split("; ")]
    storage = {"Location": f"s3://data/{name}/year=2024/", "Columns": own}
    aws("glue").create_partition(
        DatabaseName="db",
        TableName=name,
        PartitionInput={"Values": ["2024"], "StorageDescriptor": storage},
    )
    if is_read:
        assert len(rows(aws, f"SELECT * FROM {name}")) == 1
        return
    reason = failure(aws, f"SELECT * FROM {name}")
    assert reason.startswith("HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch")
    assert "partition 'year=2024' declared column" in reason


def test_a_parquet_file_of_another_type_is_bad_data(aws: Aws, tmp_path: Path) -> None:
    table(aws, "odd", "id int", PARQUET)
    put(aws, "odd/a.parquet", parquet("SELECT 'x' AS id", tmp_path))
    reason = failure(aws, "SELECT * FROM odd")
    assert reason.startswith("HIVE_BAD_DATA: Field id's type VARCHAR in parquet file is incompatible")


def test_a_table_without_data_has_no_rows(aws: Aws) -> None:
    table(aws, "empty", "id string; n string", CSV)
    table(aws, "bare", "id string", PARQUET, keys="day string")
    assert rows(aws, "SELECT * FROM empty") == [["id", "n"]]
    assert rows(aws, "SELECT * FROM bare") == [["id", "day"]]


def test_types_and_values_have_athenas_format(aws: Aws) -> None:
    values = {
        "CAST(1 AS BIGINT)": ("bigint", "1"),
        "1e20": ("double", "1.0E20"),
        "CAST(0.00012 AS DOUBLE)": ("double", "1.2E-4"),
        "CAST(0.1 AS REAL)": ("float", "0.1"),
        "true": ("boolean", "true"),
        "DATE '2026-01-02'": ("date", "2026-01-02"),
        "TIMESTAMP '2026-01-02 03:04:05.678'": ("timestamp", "2026-01-02 03:04:05.678"),
        "CAST(2.5 AS DECIMAL(5,2))": ("decimal", "2.50"),
        "ARRAY[1, NULL]": ("array", "[1, null]"),
        "count(*)": ("bigint", "1"),
        "sum(1)": ("bigint", "1"),
    }
    execution_id = start(aws, f"SELECT {', '.join(values)}")
    ended(aws, execution_id)
    found = aws("athena").get_query_results(QueryExecutionId=execution_id)["ResultSet"]
    infos = found["ResultSetMetadata"]["ColumnInfo"]
    texts = [datum["VarCharValue"] for datum in found["Rows"][1]["Data"]]
    assert list(zip([info["Type"] for info in infos], texts, strict=True)) == list(values.values())
    assert (infos[7]["Precision"], infos[7]["Scale"]) == (5, 2)
    assert [info["Name"] for info in infos[:2]] == ["_col0", "_col1"]


def test_a_query_returns_statistics_and_stores_its_result(aws: Aws) -> None:
    execution_id = start(aws, "SELECT id, comment FROM letters WHERE id IN ('1', '3') ORDER BY id")
    shown = ended(aws, execution_id)
    assert shown["ResultConfiguration"] == {
        "OutputLocation": f"s3://results/{execution_id}.csv",
        "EncryptionConfiguration": _SSE,
    }
    listed = aws("s3").list_objects_v2(Bucket="data", Prefix="letters/")["Contents"]
    sizes = {item["Key"]: item["Size"] for item in listed}
    statistics = shown["Statistics"]
    assert statistics["DataScannedInBytes"] == sizes["letters/a.csv"] + sizes["letters/b.csv.gz"]
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"]
    assert (shown["StatementType"], shown["WorkGroup"]) == ("DML", "learners")
    result = aws("s3").get_object(Bucket="results", Key=f"{execution_id}.csv")
    assert result["Body"].read().decode() == '"id","comment"\n"1","two lines, ""quoted"""\n"3",\n'
    assert result["ServerSideEncryption"] == "AES256"
    metadata = aws("s3").get_object(Bucket="results", Key=f"{execution_id}.csv.metadata")
    assert metadata["Body"].read() == b"id\tvarchar\ncomment\tvarchar\n"


def test_result_pages_start_with_the_column_names(aws: Aws) -> None:
    execution_id = start(aws, "SELECT id FROM letters ORDER BY id")
    ended(aws, execution_id)
    pages = (
        aws("athena")
        .get_paginator("get_query_results")
        .paginate(QueryExecutionId=execution_id, PaginationConfig={"PageSize": 2})
    )
    found = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert found == [["id", "1"], ["2", "3"], ["4"]]


def test_executions_are_listed_newest_first_in_pages(aws: Aws) -> None:
    ids = [start(aws, f"SELECT {n}") for n in range(3)]
    first = aws("athena").list_query_executions(WorkGroup="learners", MaxResults=2)
    assert first["QueryExecutionIds"] == [ids[2], ids[1]]
    second = aws("athena").list_query_executions(
        WorkGroup="learners", MaxResults=1, NextToken=first["NextToken"]
    )
    assert second["QueryExecutionIds"] == [ids[0]]


def test_a_stopped_query_is_cancelled_and_has_no_result(aws: Aws) -> None:
    execution_id = start(aws, SLOW)
    aws("athena").stop_query_execution(QueryExecutionId=execution_id)
    shown = ended(aws, execution_id)
    assert shown["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        aws("athena").get_query_results(QueryExecutionId=execution_id)


def test_a_running_query_has_no_result_yet_and_can_be_stopped(aws: Aws) -> None:
    execution_id = start(aws, SLOW)
    while _state(aws, execution_id) == "QUEUED":
        pass
    assert _state(aws, execution_id) == "RUNNING"
    with pytest.raises(ClientError, match="Current state: RUNNING"):
        aws("athena").get_query_results(QueryExecutionId=execution_id)
    aws("athena").stop_query_execution(QueryExecutionId=execution_id)
    assert _state(aws, execution_id) == "CANCELLED"


def _state(aws: Aws, execution_id: str) -> str:
    shown = aws("athena").get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    return str(shown["Status"]["State"])


def test_the_same_request_token_returns_the_same_query(aws: Aws) -> None:
    token = {"ClientRequestToken": "t" * 32}
    first = start(aws, "SELECT 1", **token)
    assert start(aws, "SELECT 1", **token) == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        start(aws, "SELECT 2", **token)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nothing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nothing' does"),
        ("SELECT * FROM other.letters", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.other.letters'"),
        ("SELECT nothing FROM letters", "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved or"),
        ("SELECT no_such(id) FROM letters", "FUNCTION_NOT_FOUND: "),
        ("SELECT CAST(id || 'x' AS INT) FROM letters", "INVALID_CAST_ARGUMENT: "),
        ("TRUNCATE TABLE t", "NOT_SUPPORTED: The local AWS emulator does not support TRUNCATE"),
        ("VACUUM t", "NOT_SUPPORTED: The local AWS emulator does not support VACUUM"),
        ("SELECT * FROM information_schema.roles", "NOT_SUPPORTED: "),
        ("SELECT * FROM information_schema.none", "TABLE_NOT_FOUND: "),
        ("SELECT * FROM read_csv('/etc/passwd')", "NOT_SUPPORTED: "),
        ('SELECT * FROM "/etc/passwd"', "TABLE_NOT_FOUND: "),
    ],
)
def test_a_query_that_cannot_run_fails_with_its_reason(aws: Aws, sql: str, reason: str) -> None:
    assert failure(aws, sql).startswith(reason)


@pytest.mark.parametrize(
    ("sql", "more", "words"),
    [
        ("SELEC 1", {}, "line 1:1: mismatched input 'SELEC'"),
        ("SELECT 1; SELECT 2", {}, "Only one sql statement is allowed"),
        ("SELECT ?", {}, "expected 1 but found 0"),
        ("SELECT 1", {"WorkGroup": "nobody"}, "WorkGroup nobody is not found"),
        ("SELECT 1", {"WorkGroup": "primary"}, "No output location provided"),
    ],
)
def test_an_invalid_query_is_rejected_at_once(aws: Aws, sql: str, more: dict[str, str], words: str) -> None:
    with pytest.raises(ClientError, match=words) as caught:
        start(aws, sql, **more)
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def test_a_workgroup_without_enforcement_uses_the_callers_location(aws: Aws) -> None:
    given = {"OutputLocation": "s3://results/mine"}
    execution_id = start(aws, "SELECT 1", WorkGroup="primary", ResultConfiguration=given)
    location = ended(aws, execution_id)["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://results/mine/{execution_id}.csv"
    enforced = start(aws, "SELECT 1", ResultConfiguration=given)
    assert ended(aws, enforced)["ResultConfiguration"]["OutputLocation"] == f"s3://results/{enforced}.csv"


def test_names_of_common_table_expressions_are_no_tables(aws: Aws) -> None:
    named = "WITH chosen AS (SELECT id FROM letters)"
    sql = f"{named} SELECT max(chosen.id) FROM chosen JOIN db.letters USING (id)"
    assert rows(aws, sql) == [["_col0"], ["4"]]


def test_a_query_has_the_permissions_of_its_caller(aws: Aws) -> None:
    athena_itself = {
        "Effect": "Allow",
        "Action": "athena:*",
        "Resource": "arn:aws:athena:us-east-1:123456789012:workgroup/learners",
    }
    catalog = {"Effect": "Allow", "Action": "glue:GetTable", "Resource": "*"}
    data = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::data*"}
    results = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::results/*"}
    sql = "SELECT count(*) AS n FROM letters"

    def as_user(*statements: dict[str, Any]) -> Aws:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        aws("iam").put_user_policy(UserName="eva", PolicyName="p", PolicyDocument=document)
        return lambda service: client(service, credentials)

    aws("iam").create_user(UserName="eva")
    key = aws("iam").create_access_key(UserName="eva")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], "")
    with pytest.raises(ClientError, match="not authorized to perform: athena:StartQueryExecution"):
        start(as_user(catalog, data, results), sql)
    with pytest.raises(ClientError, match="not authorized to perform: athena:StartQueryExecution"):
        start(as_user(athena_itself, data), sql, WorkGroup="primary")
    for allowed, lacking in (
        ((data, results), "glue:GetTable"),
        ((catalog, results), "s3:ListBucket"),
        ((catalog, data), "s3:PutObject"),
    ):
        reason = failure(as_user(athena_itself, *allowed), sql)
        assert reason.startswith("PERMISSION_DENIED: ") and lacking in reason
    assert rows(as_user(athena_itself, catalog, data, results), sql) == [["n"], ["4"]]
