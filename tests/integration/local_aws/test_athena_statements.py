"""Local Athena: SHOW, DESCRIBE, DDL, views and EXPLAIN."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.aws.clients import Credentials
from tests.support.athena_tables import (
    CSV,
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

PEOPLE = """CREATE EXTERNAL TABLE IF NOT EXISTS `db`.`people` (
  `id` int COMMENT 'key', name STRING, more struct<a:int, b:array<decimal(10, 2)>>)
COMMENT 'all people'
PARTITIONED BY (day string, n int)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' COLLECTION ITEMS TERMINATED BY ','
LOCATION 's3://data/people'
TBLPROPERTIES ('owner'='me');"""
BLANK = "\t \t "


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    with mock_aws(), serving(tmp_path / "queries") as aws:
        for bucket in ("data", "results"):
            aws("s3").create_bucket(Bucket=bucket)
        aws("glue").create_database(DatabaseInput={"Name": "db"})
        aws("athena").create_work_group(
            Name="learners",
            Configuration={
                "EnforceWorkGroupConfiguration": True,
                "ResultConfiguration": {"OutputLocation": "s3://results/"},
            },
        )
        yield aws


def texts(aws: Aws, sql: str) -> list[str | None]:
    """Lines of a statement's result."""
    return [row[0] for row in rows(aws, sql)]


def refusal(aws: Aws, sql: str) -> str:
    with pytest.raises(ClientError) as refused:
        start(aws, sql)
    return str(refused.value.response["Error"]["Message"])


def test_names_are_shown_by_pattern(aws: Aws) -> None:
    texts(aws, "CREATE DATABASE other COMMENT 'mine' WITH DBPROPERTIES ('a'='b')")
    for name in ("orders", "order_items", "people"):
        table(aws, name, "id string", CSV)
    texts(aws, "CREATE VIEW v AS SELECT id FROM orders")
    assert texts(aws, "SHOW DATABASES") == texts(aws, "show schemas") == ["db", "other"]
    assert texts(aws, "SHOW DATABASES LIKE 'o*'") == ["other"]
    assert texts(aws, "SHOW TABLES") == ["order_items", "orders", "people", "v"]
    assert texts(aws, "SHOW TABLES IN `db` 'order*|v'") == ["order_items", "orders", "v"]
    assert texts(aws, "SHOW VIEWS IN db") == ["v"]
    assert texts(aws, "SHOW COLUMNS IN db.orders") == ["id".ljust(20)]
    assert failure(aws, "SHOW TABLES IN nowhere").endswith("Database does not exist: nowhere")
    assert failure(aws, "SHOW TABLES '['").startswith("FAILED: Execution Error, return code 1")
    assert aws("glue").get_database(Name="other")["Database"]["Parameters"] == {"a": "b"}


def test_a_statement_has_athenas_types_and_a_text_file(aws: Aws) -> None:
    texts(aws, PEOPLE)
    shown = ended(aws, start(aws, "DESCRIBE people"))
    assert (shown["StatementType"], shown["SubstatementType"]) == ("UTILITY", "DESCRIBE_TABLE")
    assert shown["Statistics"]["DataScannedInBytes"] == 0
    location = shown["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://results/{shown['QueryExecutionId']}.txt"
    body = aws("s3").get_object(Bucket="results", Key=location.removeprefix("s3://results/"))["Body"].read()
    assert body.decode().splitlines()[0] == f"{'id':20}\t{'int':20}\t{'key':20}"
    aws("s3").head_object(Bucket="results", Key=f"{shown['QueryExecutionId']}.txt.metadata")
    info = aws("athena").get_query_results(QueryExecutionId=shown["QueryExecutionId"])["ResultSet"]
    named = [column["Name"] for column in info["ResultSetMetadata"]["ColumnInfo"]]
    assert named == ["col_name", "data_type", "comment"]
    assert ended(aws, start(aws, "DROP TABLE people"))["StatementType"] == "DDL"


def test_describe_lists_columns_partitions_and_details(aws: Aws) -> None:
    texts(aws, PEOPLE)
    lines = texts(aws, "DESCRIBE people")
    assert lines[2:6] == [
        f"{'more':20}\tstruct<a:int,b:array<decimal(10,2)>>\t{'':20}",
        f"{'day':20}\t{'string':20}\t{'':20}",
        f"{'n':20}\t{'int':20}\t{'':20}",
        BLANK,
    ]
    assert lines[6:9] == [
        "# Partition Information\t \t ",
        f"{'# col_name':20}\t{'data_type':20}\t{'comment':20}",
        BLANK,
    ]
    formatted = texts(aws, "DESCRIBE FORMATTED db.people")
    assert f"{'Location:':20}\t{'s3://data/people/':20}\t " in formatted
    assert f"\t{'owner':20}\t{'me':20}" in formatted
    assert "Detailed Table Information" in str(texts(aws, "DESCRIBE EXTENDED people")[-1])
    element = texts(aws, "DESCRIBE people more.b.'$elem$'")
    assert element == [f"{'$elem$':20}\t{'decimal(10,2)':20}\t{'from deserializer':20}"]
    quoted = {"QueryExecutionContext": {"Database": "`db`"}}  # as awswrangler's describe_table has it
    assert [row[0] for row in rows(aws, "DESCRIBE `people`;", **quoted)] == lines
    assert "Table not found db.nobody" in failure(aws, "DESCRIBE nobody")


def test_show_create_table_makes_the_same_table(aws: Aws) -> None:
    texts(aws, PEOPLE)
    created = "\n".join(map(str, texts(aws, "SHOW CREATE TABLE people")))
    assert created.startswith("CREATE EXTERNAL TABLE `db.people`(\n  `id` int COMMENT 'key', \n")
    before = aws("glue").get_table(DatabaseName="db", Name="people")["Table"]
    texts(aws, "DROP TABLE people")
    texts(aws, created)
    after = aws("glue").get_table(DatabaseName="db", Name="people")["Table"]
    for part in ("StorageDescriptor", "PartitionKeys", "TableType"):
        assert before[part] == after[part]
    assert after["Parameters"].keys() == before["Parameters"].keys()
    assert texts(aws, "SHOW TBLPROPERTIES people('owner')") == ["me"]


def test_a_table_of_ddl_is_read(aws: Aws) -> None:
    texts(aws, PEOPLE)
    put(aws, "people/day=a%2Fb/n=1/x.txt", "1|Ann|3\n")
    put(aws, "people/day=c/n=2/y.txt", "2|\\N|\n")
    put(aws, "people/other/z.txt", "9\n")
    assert texts(aws, "MSCK REPAIR TABLE people") == [
        "Partitions not in metastore:\tpeople:day=a%2Fb/n=1\tpeople:day=c/n=2",
        "Repair: Added partition to metastore people:day=a%2Fb/n=1",
        "Repair: Added partition to metastore people:day=c/n=2",
    ]
    assert texts(aws, "MSCK REPAIR TABLE people") == []
    assert texts(aws, "SHOW PARTITIONS people") == ["day=a%2Fb/n=1", "day=c/n=2"]
    assert rows(aws, "SELECT id, name, more.a, day, n FROM people ORDER BY id")[1:] == [
        ["1", "Ann", "3", "a/b", "1"],
        ["2", None, None, "c", "2"],
    ]


def test_partitions_are_added_renamed_and_dropped(aws: Aws) -> None:
    texts(aws, PEOPLE)
    added = "ALTER TABLE people ADD PARTITION (day='a', n=1) LOCATION 's3://data/x/' PARTITION (n=2, day='b')"
    texts(aws, added)
    assert "AlreadyExistsException" in failure(aws, added)
    texts(aws, added.replace("ADD", "ADD IF NOT EXISTS"))
    places = aws("glue").get_partitions(DatabaseName="db", TableName="people")["Partitions"]
    assert [place["StorageDescriptor"]["Location"] for place in places] == [
        "s3://data/x/",
        "s3://data/people/day=b/n=2/",
    ]
    texts(aws, "ALTER TABLE people PARTITION (day='a', n=1) RENAME TO PARTITION (day='c', n=3)")
    texts(aws, "ALTER TABLE people DROP PARTITION (day='b'), PARTITION (day='b', n=2)")
    assert texts(aws, "SHOW PARTITIONS people") == ["day=c/n=3"]
    assert "Partition not found (day = 'z'" in failure(
        aws, "ALTER TABLE people DROP PARTITION (day='z', n=1)"
    )
    texts(aws, "ALTER TABLE people DROP IF EXISTS PARTITION (day='z', n=1)")
    assert "Non-Partition column" in failure(aws, "ALTER TABLE people ADD PARTITION (x='z')")


def test_columns_properties_and_location_change(aws: Aws) -> None:
    texts(aws, PEOPLE)
    shown = ended(aws, start(aws, "ALTER TABLE people ADD COLUMNS (extra bigint COMMENT 'new')"))
    assert shown["SubstatementType"] == "ALTER_TABLE_ADD_COLUMN"
    assert "Duplicate column name: day" in failure(aws, "ALTER TABLE people ADD COLUMNS (day int)")
    texts(aws, "ALTER TABLE people SET TBLPROPERTIES ('owner'='you')")
    texts(aws, "ALTER TABLE people SET LOCATION 's3://data/moved/'")
    found = aws("glue").get_table(DatabaseName="db", Name="people")["Table"]
    assert [column["Name"] for column in found["StorageDescriptor"]["Columns"]][-1] == "extra"
    assert found["Parameters"]["owner"] == "you"
    assert found["StorageDescriptor"]["Location"] == "s3://data/moved/"
    texts(aws, "ALTER TABLE people CHANGE COLUMN extra other double COMMENT 'changed' AFTER id")
    texts(aws, "ALTER TABLE people CHANGE name name string FIRST")
    changed = [str(line).split() for line in texts(aws, "DESCRIBE people")[:3]]
    assert changed == [["name", "string"], ["id", "int", "key"], ["other", "double", "changed"]]
    assert "Invalid column reference nope" in failure(aws, "ALTER TABLE people CHANGE nope x int")
    assert "Duplicate column name: day" in failure(aws, "ALTER TABLE people CHANGE id day int")
    texts(aws, "ALTER TABLE people REPLACE COLUMNS (id bigint)")
    assert [str(line).split()[0] for line in texts(aws, "DESCRIBE people")[:3]] == ["id", "day", "n"]
    assert "Unsupported alter operation" in refusal(aws, "ALTER TABLE people RENAME TO others")


def test_a_database_is_dropped_with_its_tables_only_on_request(aws: Aws) -> None:
    texts(aws, PEOPLE)
    assert "is not empty" in failure(aws, "DROP DATABASE db")
    assert "already exists" in failure(aws, "CREATE SCHEMA db")
    texts(aws, "CREATE SCHEMA IF NOT EXISTS db")
    texts(aws, "DROP DATABASE db CASCADE")
    assert texts(aws, "SHOW DATABASES") == []
    texts(aws, "DROP DATABASE IF EXISTS db")
    assert "does not exist" in failure(aws, "DROP DATABASE db")


def test_a_view_is_stored_as_prestos_and_views_nest(aws: Aws) -> None:
    table(aws, "orders", "id int; price double", CSV)
    put(aws, "orders/a.csv", "1,2.5\n2,4\n")
    texts(aws, "CREATE VIEW cheap AS SELECT id, price * 2 AS twice, ARRAY['a'] tags FROM orders WHERE id = 1")
    texts(aws, 'CREATE OR REPLACE VIEW "db"."named" AS\nSELECT c.*, id AS again FROM cheap c')
    assert rows(aws, "SELECT * FROM named") == [["id", "twice", "tags", "again"], ["1", "5.0", "[a]", "1"]]
    stored = aws("glue").get_table(DatabaseName="db", Name="cheap")["Table"]
    assert (stored["TableType"], stored["ViewExpandedText"]) == ("VIRTUAL_VIEW", "/* Presto View */")
    assert stored["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    encoded = stored["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    assert json.loads(base64.b64decode(encoded))["columns"] == [
        {"name": "id", "type": "integer"},
        {"name": "twice", "type": "double"},
        {"name": "tags", "type": "array(varchar)"},
    ]
    kinds = [column["Type"] for column in stored["StorageDescriptor"]["Columns"]]
    assert kinds == ["int", "double", "array<string>"]
    assert texts(aws, 'SHOW CREATE VIEW "named"')[1] == "SELECT c.*, id AS again FROM cheap c"


def test_views_that_trino_rejects(aws: Aws) -> None:
    texts(aws, "CREATE VIEW v AS SELECT 1 AS a")
    assert "View already exists: 'awsdatacatalog.db.v'" in failure(aws, "CREATE VIEW v AS SELECT 2 AS a")
    assert "recursive" in failure(aws, "CREATE OR REPLACE VIEW v AS SELECT * FROM v")
    assert failure(aws, "CREATE VIEW w AS SELECT 1").startswith("MISSING_COLUMN_NAME: ")
    assert failure(aws, "CREATE VIEW w AS SELECT 1 a, 2 A").startswith("DUPLICATE_COLUMN_NAME: ")
    assert failure(aws, "CREATE VIEW w AS SELECT NULL a").startswith("COLUMN_TYPE_UNKNOWN: ")
    assert "DROP TABLE" in failure(aws, "DROP TABLE v")
    texts(aws, "DROP VIEW v")
    assert "View 'awsdatacatalog.db.v' does not exist" in failure(aws, "DROP VIEW v")
    texts(aws, "DROP VIEW IF EXISTS v")


def test_explain_plans_without_reading_and_analyze_reads(aws: Aws) -> None:
    table(aws, "orders", "id int", CSV)
    put(aws, "orders/a.csv", "1\n2\n")
    shown = ended(
        aws, start(aws, "EXPLAIN SELECT count(*) FROM orders WHERE id > ?", ExecutionParameters=["1"])
    )
    assert shown["Status"]["State"] == "SUCCEEDED"
    assert (shown["StatementType"], shown["Statistics"]["DataScannedInBytes"]) == ("UTILITY", 0)
    plan = "\n".join(map(str, texts(aws, "EXPLAIN SELECT count(*) FROM orders WHERE id > 1")))
    assert plan.startswith("Plan of the local AWS emulator")
    assert "id" in plan and "orders" in plan
    analyzed = ended(aws, start(aws, "EXPLAIN ANALYZE SELECT * FROM orders"))
    assert analyzed["Statistics"]["DataScannedInBytes"] == 4
    assert json.loads("".join(map(str, texts(aws, "EXPLAIN (FORMAT JSON) SELECT * FROM orders"))))
    read = json.loads("".join(map(str, texts(aws, "EXPLAIN (TYPE IO, FORMAT JSON) SELECT * FROM orders"))))
    assert read["inputTableColumnInfos"][0]["table"]["schemaTable"] == {"schema": "db", "table": "orders"}
    assert texts(aws, "EXPLAIN (TYPE VALIDATE) SELECT * FROM orders") == ["true"]
    assert "TABLE_NOT_FOUND" in failure(aws, "EXPLAIN SELECT * FROM nothing")


def test_a_prepared_query_is_executed_with_parameters(aws: Aws) -> None:
    texts(aws, "PREPARE mine FROM SELECT ? AS a, ? + 1 AS b")
    stored = aws("athena").get_prepared_statement(StatementName="mine", WorkGroup="learners")
    assert stored["PreparedStatement"]["QueryStatement"] == "SELECT ? AS a, ? + 1 AS b"
    assert rows(aws, "EXECUTE mine USING 'x, y', 2") == [["a", "b"], ["x, y", "3"]]
    assert rows(aws, "EXECUTE mine", ExecutionParameters=["'z'", "3"])[1:] == [["z", "4"]]
    assert "Incorrect number of parameters: expected 2 but found 1" in failure(aws, "EXECUTE mine USING 1")
    texts(aws, "PREPARE mine FROM SELECT 7 AS c")
    assert rows(aws, "EXECUTE mine") == [["c"], ["7"]]
    texts(aws, "DEALLOCATE PREPARE mine")
    assert failure(aws, "EXECUTE mine").startswith("NOT_FOUND: ")


@pytest.mark.parametrize("sql", ["DELETE FROM t", "UPDATE t SET a = 1", "MERGE INTO t USING s ON t.a = s.a"])
def test_rows_of_hive_tables_cannot_be_changed(aws: Aws, sql: str) -> None:
    sentence = "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables"
    assert failure(aws, sql) == sentence


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SHOW ME", "line 1:6: mismatched input 'ME'"),
        ("CREATE EXTERNAL TABLE t (a foo)\nLOCATION 's3://x/'", "line 1:28: mismatched input 'foo'"),
        ("CREATE EXTERNAL TABLE t (a int)", "line 1:32: mismatched input '<EOF>'. Expecting: 'LOCATION'"),
        ("CREATE EXTERNAL TABLE t (a int, A int) LOCATION 's3://x/'", "Duplicate column name: a"),
        ("DROP TABLE t; DROP TABLE u", "line 1:13: mismatched input ';'"),
        ("-- Iceberg\nCREATE TABLE IF NOT EXISTS `db`.`t` (a int)", "CREATE TABLE with columns requires"),
        ("CREATE VIEW `v` AS SELECT 1 a", "line 1:13: backquoted identifiers are not supported"),
        ('DROP TABLE "t"', "line 1:12: mismatched input '\"t\"'. Expecting: <identifier>"),
        ("ALTER TABLE t\nFROB", "line 2:1: mismatched input 'FROB'"),
        ("SELEC a FROM t", "line 1:1: mismatched input 'SELEC'"),
        ("FROM t", "line 1:1: mismatched input 'FROM'"),
        ("SELECT a,\n  b,\nFROM t", "line 3:1: mismatched input 'FROM'"),
        ("SELECT a FROM t WHERE a IN (1, 2,)", "line 1:34: mismatched input ')'"),
        ("SELECT a FROM t GROUP BY a, ORDER BY a", "line 1:29: mismatched input 'ORDER'"),
        ("SELECT a,", "line 1:10: mismatched input '<EOF>'"),
        ("SELECT a FROM t WHERE a == 1", "line 1:25: mismatched input '=='"),
    ],
)
def test_invalid_statements_are_refused_with_their_place(aws: Aws, sql: str, message: str) -> None:
    assert message in refusal(aws, sql)


DENIED = (
    *("SHOW DATABASES", "SHOW TABLES IN db", "SHOW PARTITIONS db.people", "DESCRIBE db.people"),
    *("SHOW CREATE TABLE db.people", "MSCK REPAIR TABLE db.people", "CREATE DATABASE mine"),
    *("CREATE EXTERNAL TABLE db.mine (a int) LOCATION 's3://data/x/'", "DROP TABLE db.people"),
    *("DROP TABLE IF EXISTS db.people", "ALTER TABLE db.people SET TBLPROPERTIES ('a'='b')"),
    *("CREATE VIEW db.v AS SELECT 1 AS a", "DROP VIEW IF EXISTS db.v", "DROP DATABASE IF EXISTS db"),
    *("EXPLAIN SELECT * FROM db.people", "ALTER TABLE db.people ADD PARTITION (day='a', n=1)"),
)


def test_a_role_without_rights_in_the_catalog_is_denied(aws: Aws) -> None:
    texts(aws, PEOPLE)
    denied = stranger(aws)
    for sql, execution in [(sql, start(denied, sql)) for sql in DENIED]:
        status = ended(denied, execution)["Status"]
        assert (status["State"], status["StateChangeReason"][:17]) == ("FAILED", "PERMISSION_DENIED"), sql
    assert texts(aws, "SHOW TABLES") == ["people"]


def stranger(aws: Aws) -> Aws:
    """Clients of a user who may run queries and write results, but has no rights to the catalog."""
    statements = [
        {"Effect": "Allow", "Action": "athena:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::results/*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws("iam").create_user(UserName="stranger")
    aws("iam").put_user_policy(UserName="stranger", PolicyName="p", PolicyDocument=document)
    key = aws("iam").create_access_key(UserName="stranger")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"], "")
    return lambda service: client(service, credentials)
