"""Tables of the Data Catalog as sources and targets of the local awsglue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from local.spark.shim.awsglue.context import GlueContext
from local.spark.shim.awsglue.dynamicframe import DynamicFrame
from tests.integration.awsglue.conftest import Put, by_duckdb, rows

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # pyspark's collect
]
SERDES = {
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "csv": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
}


def table(glue: Any, location: Path, kind: str, columns: str, keys: str = "", **parameters: str) -> None:
    def parsed(text: str) -> list[dict[str, str]]:
        return [dict(zip(("Name", "Type"), one.split(" "), strict=True)) for one in text.split("; ") if one]

    storage = {
        "Columns": parsed(columns),
        "Location": f"{location}/",
        "SerdeInfo": {"SerializationLibrary": SERDES[kind]},
    }
    definition = {
        "Name": "t",
        "StorageDescriptor": storage,
        "PartitionKeys": parsed(keys),
        "Parameters": {"classification": kind} | parameters,
    }
    glue.create_table(DatabaseName="db", TableInput=definition)


def partition(glue: Any, location: str, *values: str) -> None:
    storage = glue.get_table(DatabaseName="db", Name="t")["Table"]["StorageDescriptor"]
    new = {"Values": list(values), "StorageDescriptor": {**storage, "Location": location}}
    glue.create_partition(DatabaseName="db", TableName="t", PartitionInput=new)


def read(context: GlueContext, **options: Any) -> Any:
    return context.create_dynamic_frame.from_catalog(database="db", table_name="t", **options).toDF()


def test_json_keys_match_the_columns_regardless_of_case(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("a.json", '{"OrderId": 1, "Items": [{"unitPrice": 2.5}], "Labels": {"Red": 1}, "Unknown": true}\n')
    put("b.json", '{"orderid": 2, "items": [{"UNITPRICE": 3}]}\n')
    columns = "orderid bigint; items array<struct<unitprice:double>>; labels map<string,int>; absent string"
    table(glue, tmp_path, "json", columns)
    frame = read(context)
    assert frame.columns == ["orderid", "items", "labels", "absent"]
    assert rows(frame.selectExpr("orderid", "items[0].unitprice", "labels['Red']", "absent")) == [
        (1, 2.5, 1, None),
        (2, 3.0, None, None),
    ]


def test_a_csv_table_has_the_types_of_its_columns(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("a.csv", 'name,age,day\n"O""Hara",30,2026-01-02\n,,\n')
    table(glue, tmp_path, "csv", "name string; age int; day date", **{"skip.header.line.count": "1"})
    found = [(name, age, str(day)) for name, age, day in rows(read(context))]
    assert found == [("", None, "None"), ('O"Hara', 30, "2026-01-02")]


def test_a_csv_table_is_split_at_line_breaks_if_it_says_that_values_have_none(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("a.csv", "name\n" + "x\n" * 1000)
    table(glue, tmp_path, "csv", "name string", **{"skip.header.line.count": "1", "multiLine": "false"})
    context.spark_session.conf.set("spark.sql.files.maxPartitionBytes", "500")
    try:
        frame = read(context)
        assert frame.rdd.getNumPartitions() > 1
    finally:
        context.spark_session.conf.unset("spark.sql.files.maxPartitionBytes")
    assert frame.count() == 1000


def test_a_value_that_a_column_cannot_hold_is_an_error_that_names_it(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("a.csv", "1\nx\n")
    table(glue, tmp_path, "csv", "age int")
    with pytest.raises(Exception, match=r"Column age of db\.t is int, but a file has the value x"):
        context.create_data_frame.from_catalog("db", "t").collect()
    frame = context.create_dynamic_frame.from_catalog("db", "t")  # Glue's choice
    assert rows(frame.resolveChoice(choice="make_cols").toDF()) == [(1, None), (None, "x")]
    assert rows(frame.resolveChoice(specs=[("age", "cast:int")]).toDF()) == [(1,), (None,)]


def test_partitions_are_those_of_the_catalog(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("t/year=2025/a.json", '{"Id": 1}')
    put("t/year=2026/a.json", '{"Id": 2}')
    put("elsewhere/a.json", '{"id": 3}')
    table(glue, tmp_path / "t", "json", "id int", "year int; month string")
    partition(glue, f"{tmp_path}/t/year=2026", "2026", "01")  # not named by Hive's rule
    partition(glue, f"{tmp_path}/elsewhere/", "1999", "12")
    partition(glue, f"{tmp_path}/empty/", "1998", "12")
    assert rows(read(context)) == [(2, 2026, "01"), (3, 1999, "12")]
    assert rows(read(context, push_down_predicate="year < 2000 and month = '12'")) == [(3, 1999, "12")]
    options = {"catalogPartitionPredicate": "year = '2026'"}
    assert rows(read(context, additional_options=options)) == [(2, 2026, "01")]
    message = (
        r"User's pushdown predicate: id = 1 can not be resolved against partition columns: \[year, month\]"
    )
    with pytest.raises(ValueError, match=message):
        read(context, push_down_predicate="id = 1")


def test_partitions_in_folders_by_hives_rule_keep_their_text(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("t/month=01/a.json", '{"id": 1}')
    put("t/month=a%3Ab/a.json", '{"id": 2}')
    table(glue, tmp_path / "t", "json", "id int", "month string")
    partition(glue, f"{tmp_path}/t/month=01", "01")
    partition(glue, f"{tmp_path}/t/month=a%3Ab", "a:b")
    assert rows(read(context)) == [(1, "01"), (2, "a:b")]


def test_csv_columns_have_the_positions_of_their_partition(
    context: GlueContext, glue: Any, put: Put, tmp_path: Path
) -> None:
    put("t/year=2025/a.csv", "1\n")
    put("t/year=2026/a.csv", "2,x\n")
    table(glue, tmp_path / "t", "csv", "id int", "year int")
    partition(glue, f"{tmp_path}/t/year=2025", "2025")
    known = glue.get_table(DatabaseName="db", Name="t")["Table"]
    storage = known["StorageDescriptor"]
    columns = [*storage["Columns"], {"Name": "name", "Type": "string"}]
    new = {key: known[key] for key in ("Name", "PartitionKeys", "Parameters")}
    new["StorageDescriptor"] = {**storage, "Columns": columns}
    glue.update_table(DatabaseName="db", TableInput=new)
    partition(glue, f"{tmp_path}/t/year=2026", "2026")
    assert rows(read(context)) == [(1, None, 2025), (2, "x", 2026)]


@pytest.mark.parametrize("format", ["json", "csv", "parquet", "orc"])
def test_a_sink_creates_and_updates_its_table(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path, format: str
) -> None:
    first = spark.createDataFrame([(1, "a", 2025), (2, None, 2026)], "id int, name string, year int")
    for frame in (first, first.selectExpr("*", "1.5D AS Extra")):
        sink = context.getSink("s3", path=f"{tmp_path}/t", enableUpdateCatalog=True, partitionKeys=["year"])
        sink.setFormat(format)
        sink.setCatalogInfo(catalogDatabase="db", catalogTableName="t")
        sink.writeFrame(DynamicFrame.fromDF(frame, context, "frame"))
    known = glue.get_table(DatabaseName="db", Name="t")["Table"]
    columns = {column["Name"]: column["Type"] for column in known["StorageDescriptor"]["Columns"]}
    assert columns == {"id": "int", "name": "string", "extra": "double"}
    assert known["Parameters"]["classification"] == format
    partitions = glue.get_partitions(DatabaseName="db", TableName="t")["Partitions"]
    assert sorted(one["StorageDescriptor"]["Location"] for one in partitions) == [
        f"{tmp_path}/t/year=2025",
        f"{tmp_path}/t/year=2026",
    ]
    assert all(
        one["StorageDescriptor"]["Columns"] == known["StorageDescriptor"]["Columns"] for one in partitions
    )
    none = "" if format == "csv" else None
    expected = [(1, "a", None, 2025), (1, "a", 1.5, 2025), (2, none, None, 2026), (2, none, 1.5, 2026)]
    assert rows(read(context)) == sorted(expected, key=str)
    files = [path.name.partition("c000")[2] for path in tmp_path.rglob("part-*")]
    assert set(files) == {f".snappy.{format}" if format in ("parquet", "orc") else f".{format}"}
    if format == "json":
        sql = f"SELECT id, name, extra, year FROM read_json('{tmp_path}/t/*/*.json', hive_partitioning=true)"
        assert by_duckdb(sql) == rows(read(context))


def test_log_keeps_the_schema_and_adds_partitions_of_known_columns(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path
) -> None:
    def write(frame: Any, **options: Any) -> None:
        sink = context.getSink(
            "s3", path=f"{tmp_path}/t", enableUpdateCatalog=True, partitionKeys=["y"], **options
        )
        sink.setFormat("json")
        sink.setCatalogInfo("db", "t")
        sink.writeFrame(DynamicFrame.fromDF(frame, context, ""))

    write(spark.createDataFrame([(1, "a", 1)], "id int, name string, y int"))
    write(spark.createDataFrame([(2, 2)], "id int, y int"), updateBehavior="LOG")
    write(spark.createDataFrame([(3, "new", 3)], "id int, other string, y int"), updateBehavior="LOG")
    known = glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert [column["Name"] for column in known["StorageDescriptor"]["Columns"]] == ["id", "name"]
    partitions = glue.get_partitions(DatabaseName="db", TableName="t")["Partitions"]
    assert sorted(one["Values"] for one in partitions) == [["1"], ["2"]]


def test_more_partitions_than_one_call_creates_are_registered(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path
) -> None:
    sink = context.getSink("s3", path=f"{tmp_path}/t", enableUpdateCatalog=True, partitionKeys=["id"])
    sink.setFormat("json")
    sink.setCatalogInfo("db", "t")
    sink.writeFrame(DynamicFrame.fromDF(spark.range(105).selectExpr("id", "'x' AS name"), context, ""))
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="db", TableName="t")
    assert sum(len(page["Partitions"]) for page in pages) == 105


def test_partition_keys_can_have_capitals(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path
) -> None:
    for _ in range(2):
        sink = context.getSink("s3", path=f"{tmp_path}/t", enableUpdateCatalog=True, partitionKeys=["Year"])
        sink.setFormat("json")
        sink.setCatalogInfo("db", "t")
        sink.writeFrame(DynamicFrame.fromDF(spark.createDataFrame([(1, 2)], "id int, Year int"), context, ""))
    assert sorted(rows(read(context))) == [(1, 2), (1, 2)]


def test_a_frame_without_columns_changes_nothing(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path
) -> None:
    table(glue, tmp_path, "json", "id int", "year int")
    sink = context.getSink("s3", path=f"{tmp_path}/t", enableUpdateCatalog=True, partitionKeys=["year"])
    sink.setFormat("json")
    sink.setCatalogInfo("db", "t")
    nothing = DynamicFrame.fromDF(spark.range(0).select(), context, "")  # no new files for a bookmark
    assert sink.writeFrame(nothing) is nothing
    known = glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert [column["Name"] for column in known["StorageDescriptor"]["Columns"]] == ["id"]
    assert list(tmp_path.iterdir()) == []


def test_partition_keys_must_be_those_of_the_table(
    context: GlueContext, glue: Any, spark: SparkSession, tmp_path: Path
) -> None:
    table(glue, tmp_path, "json", "id int", "year int")
    frame = DynamicFrame.fromDF(spark.createDataFrame([(1, 2)], "id int, year int"), context, "")
    with pytest.raises(ValueError, match=r"must be those of the table, in the same order: \['year'\]"):
        context.write_dynamic_frame.from_catalog(
            frame, "db", "t", additional_options={"enableUpdateCatalog": True}
        )
    options = {"enableUpdateCatalog": True, "partitionKeys": ["year"]}
    context.write_dynamic_frame.from_catalog(frame, "db", "t", additional_options=options)
    assert rows(read(context)) == [(1, 2)]
    assert rows(context.create_data_frame.from_catalog("db", "t")) == [(1, 2)]


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_char_and_varchar_columns_and_keys_are_strings(
    context: GlueContext, glue: Any, put: Put, spark: SparkSession, tmp_path: Path, kind: str
) -> None:
    # https://docs.aws.amazon.com/athena/latest/ug/data-types.html; Spark's readers reject schemas with them.
    text = {"json": '{"name": "Ana", "state": "SP"}\n', "csv": "Ana,SP\n"}
    if kind == "parquet":
        spark.sql("SELECT 'Ana' AS name, 'SP' AS state").write.parquet(f"{tmp_path}/city=sao")
    else:
        put(f"city=sao/a.{kind}", text[kind])
    table(glue, tmp_path, kind, "name varchar(20); state char(2)", "city varchar(10)")
    assert read(context).collect() == []
    partition(glue, f"{tmp_path}/city=sao", "sao")
    assert rows(read(context)) == [("Ana", "SP", "sao")]
    assert {field.dataType.simpleString() for field in read(context).schema} == {"string"}
