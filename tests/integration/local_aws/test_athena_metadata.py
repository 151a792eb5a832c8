"""What queries learn about tables in the local Athena: information_schema, hidden columns and partitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from tests.support.athena_tables import CSV, SKIP, Aws, failure, put, rows, serving, table


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with mock_aws(), serving(tmp_path_factory.mktemp("athena") / "queries") as aws:
        for bucket in ("data", "results"):
            aws("s3").create_bucket(Bucket=bucket)
        for database in ("db", "other"):
            aws("glue").create_database(DatabaseInput={"Name": database})
        location = {"OutputLocation": "s3://results/"}
        aws("athena").create_work_group(
            Name="learners",
            Configuration={"EnforceWorkGroupConfiguration": True, "ResultConfiguration": location},
        )
        table(aws, "letters", "id int; tags array<string>", CSV, parameters=SKIP, keys="day string")
        table(aws, "flat", "id string", CSV, parameters=SKIP)
        for name, text in (("a", "id\n1\n2\n"), ("b", "id\n3\n")):
            put(aws, f"flat/{name}.csv", text)
        for day in ("2026-01-01", "2026-01-02"):
            storage = {"Location": f"s3://data/letters/day={day}/"}
            given = {"Values": [day], "StorageDescriptor": storage}
            aws("glue").create_partition(DatabaseName="db", TableName="letters", PartitionInput=given)
        rows(aws, "CREATE VIEW shown AS SELECT id FROM flat")
        yield aws


def test_information_schema_lists_schemas_tables_columns_and_views(aws: Aws) -> None:
    assert rows(aws, "SELECT schema_name FROM information_schema.schemata ORDER BY 1")[1:] == [
        ["db"],
        ["information_schema"],
        ["other"],
    ]
    tables = (
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'db' "
        "AND table_name IN ('flat', 'letters', 'shown') ORDER BY 1"
    )
    assert rows(aws, tables)[1:] == [["flat", "BASE TABLE"], ["letters", "BASE TABLE"], ["shown", "VIEW"]]
    columns = (
        "SELECT column_name, ordinal_position, data_type, extra_info, is_nullable FROM "
        "awsdatacatalog.information_schema.columns WHERE table_schema = 'db' AND table_name = 'letters' "
        "ORDER BY 2"
    )
    assert rows(aws, columns)[1:] == [
        ["id", "1", "integer", None, "YES"],
        ["tags", "2", "array(varchar)", None, "YES"],
        ["day", "3", "varchar", "partition key", "YES"],
    ]
    views = "SELECT view_definition FROM information_schema.views WHERE table_schema IN ('db', 'none')"
    assert rows(aws, views)[1:] == [["SELECT id FROM flat"]]
    assert rows(aws, "SELECT count(*) FROM information_schema.key_column_usage")[1:] == [["0"]]


def test_hidden_columns_name_the_object_of_a_row_and_a_star_leaves_them_out(aws: Aws) -> None:
    found = rows(aws, 'SELECT *, "$path", "$file_size" FROM flat ORDER BY id')
    assert found == [
        ["id", "$path", "$file_size"],
        ["1", "s3://data/flat/a.csv", "7"],
        ["2", "s3://data/flat/a.csv", "7"],
        ["3", "s3://data/flat/b.csv", "5"],
    ]
    recent = "SELECT count(*) FROM flat WHERE \"$file_modified_time\" > now() - INTERVAL '1' HOUR"
    assert rows(aws, recent)[1:] == [["3"]]
    assert rows(aws, "SELECT * FROM flat LIMIT 1") == [["id"], ["1"]]


def test_the_partitions_of_a_table_are_a_table(aws: Aws) -> None:
    assert rows(aws, 'SELECT * FROM "letters$partitions" ORDER BY 1') == [
        ["day"],
        ["2026-01-01"],
        ["2026-01-02"],
    ]
    assert rows(aws, 'SELECT max(day) FROM db."letters$partitions"')[1:] == [["2026-01-02"]]
    reason = failure(aws, 'SELECT * FROM "flat$partitions"')
    assert reason == "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.flat$partitions' does not exist"


_PROJECTED = ("a/2026/02/01/03", "b/2026/01/30/12")


def test_projected_partitions_are_computed_from_the_properties_of_a_table(aws: Aws) -> None:
    projected = {
        "projection.enabled": "true",
        **{"projection.kind.type": "enum", "projection.kind.values": "a,b"},
        **{"projection.n.type": "integer", "projection.n.range": "1,12", "projection.n.digits": "2"},
        **{"projection.day.type": "date", "projection.day.format": "yyyy/MM/dd"},
        "projection.day.range": "2026/01/30,2026/02/02",
        "storage.location.template": "s3://data/projected/${kind}/${day}/${n}",
        **SKIP,
    }
    table(aws, "projected", "id string", CSV, keys="kind string; n int; day string", parameters=projected)
    for key in (
        "a/2026/02/01/03",
        "b/2026/01/30/12",
        "c/2026/02/01/03",
        "a/2026/02/03/03",
        "a/2026/02/01/13",
    ):
        put(aws, f"projected/{key}/x.csv", f"id\n{key}\n")
    assert rows(aws, "SELECT kind, n, day, id FROM projected ORDER BY 1")[1:] == [
        ["a", "3", "2026/02/01", "a/2026/02/01/03"],
        ["b", "12", "2026/01/30", "b/2026/01/30/12"],
    ]


def test_projected_dates_can_be_relative_and_in_months(aws: Aws) -> None:
    month = datetime.now(UTC).strftime("%Y-%m")
    projected = {
        **{
            "projection.enabled": "true",
            "projection.month.type": "date",
            "projection.month.format": "yyyy-MM",
        },
        **{"projection.month.range": "NOW-2YEARS,NOW", **SKIP},
    }
    table(aws, "monthly", "id string", CSV, keys="month string", parameters=projected)
    for value in (month, "2001-01"):
        put(aws, f"monthly/month={value}/x.csv", f"id\n{value}\n")
    assert rows(aws, "SELECT * FROM monthly")[1:] == [[month, month]]
    injected = {"projection.enabled": "true", "projection.who.type": "injected"}
    table(aws, "injected", "id string", CSV, keys="who string", parameters=injected)
    assert failure(aws, "SELECT * FROM injected WHERE who = 'a'").startswith("NOT_SUPPORTED: ")
