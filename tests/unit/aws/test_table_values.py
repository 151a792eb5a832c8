"""Table values as JSON, and the catalog in pages."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.aws.catalog import Catalog
from chalicelib.services import table_values


def test_names_are_quoted_and_nested_columns_are_cast_to_json() -> None:
    columns = {"id": "bigint", 'a"b': "string", "s": "struct<a:int>", "raw": "array<binary>"}
    assert table_values.select("db", "t", columns, 7) == (
        'SELECT "id", "a""b", json_format(CAST("s" AS JSON)) AS "s", "raw" FROM "db"."t" LIMIT 7'
    )


@pytest.mark.parametrize(
    ("hive", "athena", "text", "value"),
    [
        ("string", "varchar", "", ""),
        ("string", "varchar", "007", "007"),
        ("string", "varchar", None, None),
        ("int", "integer", "-7", -7),
        ("bigint", "bigint", "9223372036854775807", 9223372036854775807),
        ("decimal(38,2)", "decimal", "0.10", "0.10"),
        ("double", "double", "1.0E20", 1e20),
        ("double", "double", "Infinity", "Infinity"),
        ("float", "float", "NaN", "NaN"),
        ("boolean", "boolean", "false", False),
        ("date", "date", "2026-01-02", "2026-01-02"),
        ("timestamp", "timestamp", "2026-01-02 03:04:05.678", "2026-01-02T03:04:05.678Z"),
        ("timestamp", "timestamp with time zone", "2026-01-02 03:04:05.678 UTC", "2026-01-02T03:04:05.678Z"),
        ("timestamp", "timestamp with time zone", "2026-01-02 03:04:05 +02:00", "2026-01-02 03:04:05 +02:00"),
        ("map<string,int>", "varchar", '{"a":1}', {"a": 1}),
        ("array<binary>", "array", "[68 69]", "[68 69]"),
        ("binary", "varbinary", "68 69", "68 69"),
    ],
)
def test_values_are_converted_to_json_by_type(hive: str, athena: str, text: str | None, value: Any) -> None:
    [row] = table_values.rows({"c": hive}, {"c": athena}, [[text]])
    assert row == {"c": value}
    assert type(row["c"]) is type(value)


def _glue(client: Any) -> Catalog:
    return Catalog(client)


def _client() -> Any:
    return boto3.client("glue", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_tables_are_listed_by_page_up_to_the_limit() -> None:
    client = _client()
    with Stubber(client) as stub:
        for names, token in ((["b", "a"], "1"), (["d", "c"], "2")):
            answer = {"TableList": [{"Name": name} for name in names], "NextToken": token}
            stub.add_response("get_tables", answer)
        found = _glue(client).tables("db", most=3)
        assert found is not None
        assert [table.name for table in found] == ["a", "b", "d"]
        stub.assert_no_pending_responses()


def test_partitions_are_counted_with_one_call_and_truncation_is_shown() -> None:
    client = _client()
    with Stubber(client) as stub:
        partitions = [{"Values": [f"{n:04}"]} for n in range(1000)]
        stub.add_response(
            "get_partitions",
            {"Partitions": partitions, "NextToken": "more"},
            {"DatabaseName": "db", "TableName": "t", "ExcludeColumnSchema": True, "MaxResults": 1000},
        )
        found = _glue(client).partitions("db", "t")
    assert (found.count, found.is_complete) == (1000, False)
    assert [values for values, _ in found.last[:2]] == [["0999"], ["0998"]]
    assert len(found.last) == 10
