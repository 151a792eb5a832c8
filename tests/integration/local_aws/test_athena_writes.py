"""Local Athena: CREATE TABLE AS, INSERT INTO and UNLOAD. Its own readers and DuckDB judge the files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.aws.clients import Credentials
from tests.support.athena_tables import (
    CSV,
    JSON,
    Aws,
    client,
    ended,
    failure,
    put,
    rows,
    serving,
    start,
    table,
)

EVERY_TYPE = """SELECT 1 AS id, CAST(2 AS tinyint) AS ti, CAST(4 AS bigint) AS bi, 1.50 AS dec, 0.1e0 AS d,
CAST(0.5 AS real) AS f, true AS bo, 'é,"|x' AS s, DATE '2020-01-02' AS dt,
TIMESTAMP '2020-01-02 03:04:05.678' AS ts, ARRAY[1, NULL] AS arr, MAP(ARRAY['k'], ARRAY[1]) AS mp,
CAST(ROW(1, 'x') AS ROW(a integer, b varchar)) AS st, 'p1' AS part
UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"""
FIRST = [
    *("1", "2", "4", "1.50", "0.1", "0.5", "true", 'é,"|x', "2020-01-02", "2020-01-02 03:04:05.678"),
    *("[1, null]", "{k=1}", "{a=1, b=x}", "p1"),
]
SECOND = ["2", *[None] * 13]
KINDS = [
    *("int", "tinyint", "bigint", "decimal(3,2)", "double", "float", "boolean", "string", "date"),
    *("timestamp", "array<int>", "map<string,int>", "struct<a:int,b:string>"),
]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    with mock_aws(), serving(tmp_path / "queries") as aws:
        for bucket in ("data", "results"):
            aws("s3").create_bucket(Bucket=bucket)
        aws("glue").create_database(DatabaseInput={"Name": "db"})
        for name, is_enforced in (("learners", True), ("free", False)):
            configuration = {"OutputLocation": "s3://results/", "EncryptionConfiguration": _SSE}
            aws("athena").create_work_group(
                Name=name,
                Configuration={
                    "EnforceWorkGroupConfiguration": is_enforced,
                    "ResultConfiguration": configuration,
                },
            )
        yield aws


_SSE = {"EncryptionOption": "SSE_S3"}


def run(aws: Aws, sql: str, **more: Any) -> dict[str, Any]:
    shown = ended(aws, start(aws, sql, **more))
    assert shown["Status"]["State"] == "SUCCEEDED", shown["Status"]
    return shown


def written(aws: Aws, shown: dict[str, Any]) -> int:
    answer = aws("athena").get_query_results(QueryExecutionId=shown["QueryExecutionId"])
    assert answer["ResultSet"]["Rows"] == []
    return int(answer["UpdateCount"])


def keys(aws: Aws, bucket: str = "data", prefix: str = "") -> list[str]:
    found = aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return [item["Key"] for item in found]


def body(aws: Aws, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def assert_failures(aws: Aws, reasons: dict[str, str]) -> None:
    """Check that queries fail with these reasons. They run at the same time."""
    started = {sql: start(aws, sql) for sql in reasons}
    for sql, execution in started.items():
        status = ended(aws, execution)["Status"]
        assert status["State"] == "FAILED", sql
        assert status["StateChangeReason"].startswith(reasons[sql]), sql


def manifest(aws: Aws, shown: dict[str, Any]) -> list[str]:
    return body(aws, shown["Statistics"]["DataManifestLocation"]).decode().splitlines()


@pytest.mark.parametrize(
    ("format_", "compressions"),
    [
        ("PARQUET", ("GZIP", "SNAPPY", "ZSTD", "NONE")),
        ("ORC", ("ZLIB", "LZ4", "SNAPPY", "ZSTD", "NONE")),
        ("AVRO", ("DEFLATE", "BZIP2", "SNAPPY", "NONE")),
        ("JSON", ("GZIP", "ZSTD")),
        ("TEXTFILE", ("GZIP", "BZIP2", "LZ4", "SNAPPY", "ZSTD", "NONE")),
    ],
)
def test_every_format_keeps_every_type(aws: Aws, format_: str, compressions: tuple[str, ...]) -> None:
    shown = run(
        aws, f"CREATE TABLE t WITH (format='{format_}', partitioned_by=ARRAY['part']) AS {EVERY_TYPE}"
    )
    assert written(aws, shown) == 2
    table = aws("glue").get_table(DatabaseName="db", Name="t")["Table"]
    assert [column["Type"] for column in table["StorageDescriptor"]["Columns"]] == KINDS
    for compression in compressions:
        altered = {**table["Parameters"], "write.compression": compression}
        kept = ("Name", "StorageDescriptor", "PartitionKeys", "TableType")
        changed = {name: table[name] for name in kept} | {"Parameters": altered}
        aws("glue").update_table(DatabaseName="db", TableInput=changed)
        assert written(aws, run(aws, f"INSERT INTO t {EVERY_TYPE}")) == 2
    found = rows(aws, "SELECT * FROM t ORDER BY id")[1:]
    assert found == [FIRST] * (len(compressions) + 1) + [SECOND] * (len(compressions) + 1)
    partitions = [row[0] for row in rows(aws, "SHOW PARTITIONS t")]
    assert partitions == ["part=__HIVE_DEFAULT_PARTITION__", "part=p1"]


def test_a_created_table_is_below_the_results_and_in_its_manifest(aws: Aws) -> None:
    table(aws, "letters", "id string; n string", CSV)
    put(aws, "letters/a.csv", "a,1\nb,2\n")
    shown = run(aws, "CREATE TABLE copied AS SELECT id, CAST(n AS bigint) AS n FROM letters")
    id_ = shown["QueryExecutionId"]
    assert (shown["StatementType"], shown["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    assert shown["ResultConfiguration"]["OutputLocation"] == f"s3://results/tables/{id_}"
    assert shown["Statistics"]["DataManifestLocation"] == f"s3://results/tables/{id_}-manifest.csv"
    assert shown["Statistics"]["DataScannedInBytes"] == 8
    (file,) = manifest(aws, shown)
    assert file.startswith(f"s3://results/tables/{id_}/")
    assert keys(aws, "results", f"tables/{id_}.") == [f"tables/{id_}.metadata"]
    head = aws("s3").head_object(Bucket="results", Key=file.removeprefix("s3://results/"))
    assert head["ServerSideEncryption"] == "AES256"
    stored = aws("glue").get_table(DatabaseName="db", Name="copied")["Table"]
    assert stored["StorageDescriptor"]["Location"] == f"s3://results/tables/{id_}/"
    assert rows(aws, "SELECT * FROM copied") == [["id", "n"], ["a", "1"], ["b", "2"]]


def test_duckdb_reads_parquet_of_a_partition(aws: Aws, tmp_path: Path) -> None:
    shown = run(aws, f"CREATE TABLE t WITH (partitioned_by=ARRAY['part']) AS {EVERY_TYPE}")
    (file,) = (uri for uri in manifest(aws, shown) if "/part=p1/" in uri)
    path = tmp_path / "file"
    path.write_bytes(body(aws, file))
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT id, dec, arr, st, count(*) OVER () FROM read_parquet('{path}')")
        assert [str(row) for row in found.fetchall()] == [
            "(1, Decimal('1.50'), [1, None], {'a': 1, 'b': 'x'}, 1)"
        ]


def test_an_external_location_must_be_allowed_and_empty(aws: Aws) -> None:
    sql = "CREATE TABLE t WITH (external_location='s3://data/t/') AS SELECT 1 AS id"
    with pytest.raises(ClientError, match="submitted with an 'external_location' property to an Athena"):
        start(aws, sql)
    run(aws, sql, WorkGroup="free")
    assert len(keys(aws, prefix="t/")) == 1
    reason = failure(aws, sql.replace("TABLE t", "TABLE other"), WorkGroup="free")
    assert reason.startswith("HIVE_PATH_ALREADY_EXISTS: ") and "s3://data/t" in reason
    assert reason.endswith("Athena will not delete data in your account.")
    assert "TABLE_ALREADY_EXISTS: " in failure(aws, "CREATE TABLE t AS SELECT 1 AS id")
    run(aws, "CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS id")


def test_a_table_without_data_reads_nothing(aws: Aws) -> None:
    table(aws, "letters", "id string", CSV)
    put(aws, "letters/a.csv", "a\n")
    shown = run(aws, "CREATE TABLE empty AS SELECT max(id) AS id, 1 AS n FROM letters WITH NO DATA")
    assert (shown["Statistics"]["DataScannedInBytes"], written(aws, shown), manifest(aws, shown)) == (
        0,
        0,
        [],
    )
    assert rows(aws, "SELECT * FROM empty") == [["id", "n"]]


REFUSED_TABLES = [
    ("format='CSV'", "SELECT 1 a", "NOT_SUPPORTED: "),
    ("frmat='ORC'", "SELECT 1 a", "INVALID_TABLE_PROPERTY: "),
    ("format=1", "SELECT 1 a", "INVALID_TABLE_PROPERTY: "),
    ("format='ORC', write_compression='GZIP'", "SELECT 1 a", "NOT_SUPPORTED: GZIP compression"),
    ("table_type='ICEBERG'", "SELECT 1 a", "NOT_SUPPORTED: The local AWS emulator"),
    ("bucketed_by=ARRAY['a'], bucket_count=2", "SELECT 1 a", "NOT_SUPPORTED: The local AWS emulator"),
    ("partitioned_by=ARRAY['a']", "SELECT 1 a, 2 b", "HIVE_COLUMN_ORDER_MISMATCH: "),
    ("partitioned_by=ARRAY['a']", "SELECT 1 a", "INVALID_TABLE_PROPERTY: Table contains only"),
    (
        "partitioned_by=ARRAY['b']",
        "SELECT 1 a, b FROM UNNEST(sequence(1, 101)) AS t(b)",
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers",
    ),
    (
        "format='ORC'",
        "SELECT current_timestamp a",
        "NOT_SUPPORTED: Unsupported Hive type: timestamp(3)",
    ),
    ("format='ORC'", "SELECT 1", "MISSING_COLUMN_NAME: "),
]


def test_a_refused_table_leaves_nothing(aws: Aws) -> None:
    assert_failures(
        aws, {f"CREATE TABLE t WITH ({given}) AS {query}": reason for given, query, reason in REFUSED_TABLES}
    )
    assert keys(aws, "results") == keys(aws, "data") == []
    assert rows(aws, "SHOW TABLES") == []


def test_rows_are_inserted_by_position_or_by_name(aws: Aws) -> None:
    run(aws, "CREATE TABLE t AS SELECT 1 AS id, 'one' AS name")
    shown = run(aws, "INSERT INTO t VALUES (2, 'two'), (3, NULL)")
    assert (shown["StatementType"], shown["SubstatementType"]) == ("DML", "INSERT")
    assert shown["ResultConfiguration"]["OutputLocation"] == f"s3://results/{shown['QueryExecutionId']}"
    run(aws, "INSERT INTO t (name) SELECT ?", ExecutionParameters=["'only'"])
    run(aws, "INSERT INTO db.t (name, id) WITH w AS (SELECT 'swapped' AS a, 9 AS b) SELECT * FROM w")
    assert rows(aws, "SELECT * FROM t ORDER BY id NULLS LAST")[1:] == [
        ["1", "one"],
        ["2", "two"],
        ["3", None],
        ["9", "swapped"],
        [None, "only"],
    ]


def test_rows_become_structs_by_position(aws: Aws) -> None:
    run(
        aws,
        "CREATE EXTERNAL TABLE t (r struct<a:int,b:string>, l array<struct<a:bigint>>) STORED AS PARQUET "
        "LOCATION 's3://data/t/'",
    )
    inner = "CAST(ROW(1, 'x') AS ROW(p integer, q varchar)), ARRAY[CAST(ROW(2) AS ROW(b integer))]"
    run(aws, f"INSERT INTO t SELECT {inner}")
    run(aws, "INSERT INTO t SELECT ROW(3, 'y'), NULL")
    assert rows(aws, "SELECT * FROM t ORDER BY r.a")[1:] == [["{a=1, b=x}", "[{a=2}]"], ["{a=3, b=y}", None]]
    assert failure(aws, "INSERT INTO t SELECT ROW(3), NULL").startswith("TYPE_MISMATCH: ")


REFUSED_INSERTS = [
    (
        "INSERT INTO t VALUES ('x', 'y')",
        "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: "
        "Table: [integer, varchar], Query: [varchar, varchar]. If a data manifest file was generated at ",
    ),
    ("INSERT INTO t VALUES (1)", "TYPE_MISMATCH: "),
    ("INSERT INTO t (nope) VALUES (1)", "COLUMN_NOT_FOUND: "),
    ("INSERT INTO nothing VALUES (1)", "TABLE_NOT_FOUND: "),
    ("INSERT INTO v VALUES (1)", "NOT_SUPPORTED: line 1:1: Inserting into views"),
    ("INSERT INTO openx VALUES ('a')", "HIVE_UNSUPPORTED_FORMAT: "),
    ("INSERT INTO links VALUES ('a')", "HIVE_UNSUPPORTED_FORMAT: "),
    ("INSERT INTO numbers VALUES (1)", "NOT_SUPPORTED: OpenCSVSerde only writes strings"),
    ("INSERT INTO buckets VALUES (1)", "NOT_SUPPORTED: INSERT INTO is not supported on bucketed tables"),
    ("INSERT INTO headed VALUES ('a')", "NOT_SUPPORTED: Inserting into Hive table with value of skip."),
]


def test_an_insert_that_athena_refuses_writes_nothing(aws: Aws) -> None:
    run(aws, "CREATE TABLE t WITH (format='ORC') AS SELECT 1 AS id, 'one' AS name WITH NO DATA")
    run(aws, "CREATE VIEW v AS SELECT 1 AS a")
    table(aws, "openx", "a string", JSON)
    table(aws, "numbers", "a int", CSV)
    table(aws, "headed", "a string", CSV, parameters={"skip.header.line.count": "2"})
    run(
        aws,
        "CREATE EXTERNAL TABLE buckets (a int) CLUSTERED BY (a) INTO 2 BUCKETS STORED AS PARQUET "
        "LOCATION 's3://data/buckets/'",
    )
    run(
        aws,
        "CREATE EXTERNAL TABLE links (a string) STORED AS "
        "INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat' "
        "OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' LOCATION 's3://data/links/'",
    )
    assert_failures(aws, dict(REFUSED_INSERTS))
    assert keys(aws) == []


def test_delimited_and_quoted_text_is_escaped(aws: Aws) -> None:
    run(
        aws,
        "CREATE EXTERNAL TABLE tabs (a string, b array<string>) PARTITIONED BY (d date) ROW FORMAT DELIMITED "
        "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LOCATION 's3://data/tabs'",
    )
    run(
        aws, "INSERT INTO tabs VALUES ('tab\there', ARRAY['x', 'y'], DATE '2020-01-01'), ('a\nb', NULL, NULL)"
    )
    assert rows(aws, "SELECT * FROM tabs ORDER BY d NULLS LAST")[1:] == [
        ["tab\there", "[x, y]", "2020-01-01"],
        ["a\nb", None, None],
    ]
    table(aws, "quoted", "a string; b string", CSV, parameters={"skip.header.line.count": "1"})
    run(aws, """INSERT INTO quoted VALUES ('a "b", \\c', NULL)""")
    assert rows(aws, "SELECT * FROM quoted")[1:] == [['a "b", \\c', ""]]
    (key,) = keys(aws, prefix="quoted/")
    assert gzip.decompress(body(aws, f"s3://data/{key}")).startswith(b"a,b\n")


def test_a_partition_elsewhere_receives_its_rows(aws: Aws) -> None:
    run(
        aws,
        "CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (b int) STORED AS PARQUET LOCATION 's3://data/t/'",
    )
    run(aws, "ALTER TABLE t ADD PARTITION (b=1) LOCATION 's3://data/elsewhere/'")
    shown = run(aws, "INSERT INTO t VALUES (10, 1), (20, 2)")
    assert sorted(uri.rpartition("/")[0] for uri in manifest(aws, shown)) == [
        "s3://data/elsewhere",
        "s3://data/t/b=2",
    ]
    assert rows(aws, "SELECT * FROM t ORDER BY a")[1:] == [["10", "1"], ["20", "2"]]


def test_unload_writes_files_and_a_manifest(aws: Aws) -> None:
    shown = run(aws, "UNLOAD (SELECT 1 AS id, 'x' AS n) TO 's3://data/j/' WITH (format='JSON')")
    assert (shown["StatementType"], shown["SubstatementType"], written(aws, shown)) == ("DML", "UNLOAD", 1)
    id_ = shown["QueryExecutionId"]
    assert keys(aws, "results") == [f"{id_}-manifest.csv", f"{id_}.metadata"]
    (file,) = manifest(aws, shown)
    assert json.loads(gzip.decompress(body(aws, file))) == {"id": 1, "n": "x"}
    text = "WITH (format='TEXTFILE', field_delimiter=',', compression='NONE', partitioned_by=ARRAY['p'])"
    shown = run(aws, f"UNLOAD (SELECT 1 AS id, 'y' AS n, 'a/b' AS p) TO 's3://data/t' {text}")
    (file,) = manifest(aws, shown)
    assert file.startswith("s3://data/t/p=a%2Fb/")
    assert body(aws, file) == b"1,y\n"
    run(aws, f"UNLOAD (SELECT 2 AS id, 'z' AS n, 'a/b' AS p) TO 's3://data/t' {text}")  # adds files
    assert sorted(body(aws, f"s3://data/{key}") for key in keys(aws, "data") if key.startswith("t/")) == [
        b"1,y\n",
        b"2,z\n",
    ]
    again = "UNLOAD (SELECT 1 AS id) TO 's3://data/j/' WITH (format='PARQUET')"
    assert failure(aws, again).startswith("HIVE_PATH_ALREADY_EXISTS: ")
    assert failure(aws, "UNLOAD (SELECT 1 AS id) TO 's3://data/k/'").startswith("INVALID_TABLE_PROPERTY: ")


def test_a_stopped_statement_creates_no_table(aws: Aws) -> None:
    table(aws, "big", "id string", CSV)
    put(aws, "big/a.csv", "x\n" * 5000)
    slow = "SELECT count(*) AS n FROM big a CROSS JOIN big b CROSS JOIN big c CROSS JOIN big d"
    execution = start(aws, f"CREATE TABLE t AS {slow}")
    while aws("athena").get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"][
        "State"
    ] in ("QUEUED",):
        pass
    aws("athena").stop_query_execution(QueryExecutionId=execution)
    assert ended(aws, execution)["Status"]["State"] == "CANCELLED"
    assert rows(aws, "SHOW TABLES 't'") == []
    assert keys(aws, "results", "tables/") == []


def test_a_failure_while_writing_leaves_a_manifest_of_what_was_intended(aws: Aws) -> None:
    run(aws, "CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://missing-bucket/t/'")
    shown = ended(aws, start(aws, "INSERT INTO t VALUES (1)"))
    assert shown["Status"]["State"] == "FAILED"
    (file,) = manifest(aws, shown)
    assert file.startswith("s3://missing-bucket/t/")
    assert shown["Statistics"]["DataManifestLocation"] in shown["Status"]["StateChangeReason"]


def test_a_caller_without_rights_writes_nothing(aws: Aws) -> None:
    run(aws, "CREATE TABLE t WITH (format='ORC') AS SELECT 1 AS id")
    run(aws, "CREATE EXTERNAL TABLE there (id int) STORED AS ORC LOCATION 's3://data/there/'")
    statements = [
        {"Effect": "Allow", "Action": ["athena:*", "glue:Get*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::results", "arn:aws:s3:::results/*"]},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws("iam").create_user(UserName="eva")
    aws("iam").put_user_policy(UserName="eva", PolicyName="p", PolicyDocument=document)
    key = aws("iam").create_access_key(UserName="eva")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], "")

    def eva(service: str) -> Any:
        return client(service, credentials)

    denied = (
        "CREATE TABLE mine AS SELECT * FROM t",
        "INSERT INTO there VALUES (1)",
        "UNLOAD (SELECT * FROM t) TO 's3://data/mine/' WITH (format='ORC')",
    )
    assert_failures(eva, dict.fromkeys(denied, "PERMISSION_DENIED: "))
    assert keys(aws) == []
    assert [row[0] for row in rows(aws, "SHOW TABLES")] == ["t", "there"]
