"""Hive metastore of a job run, over Thrift as Spark calls it, on moto's Data Catalog."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from pymetastore.hive_metastore import ThriftHiveMetastore, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from local.iam import access
from local.metastore import presentation
from local.metastore.names import glue_expression, matching, partition_name, partition_values
from local.metastore.server import Metastore
from local.moto_patches import glue_names
from tests.support.athena_tables import client
from tests.support.glue_server import TRUST

TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
CSV = {
    "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "Parameters": {"separatorChar": ";", "quoteChar": '"', "escapeChar": "\\"},
}
LAZY = {
    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "Parameters": {"field.delim": "|"},
}
Json = dict[str, Any]


@dataclass
class World:
    glue: Any
    s3: Any
    hive: Any
    metastore: Metastore


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with mock_aws():
        folded = glue_names.install()
        glue, s3 = client("glue"), client("s3")
        s3.create_bucket(Bucket="data")
        glue.create_database(DatabaseInput={"Name": "db", "LocationUri": "s3://data/db"})
        with serving(tmp_path) as (metastore, hive):
            yield World(glue, s3, hive, metastore)
        folded()


class serving:
    """A metastore and a client that is connected to it."""

    def __init__(self, folder: Path, credentials: Any = None) -> None:
        self._metastore = Metastore(lambda service: client(service, credentials), folder)
        port = int(self._metastore.uri.rpartition(":")[2])
        self._transport = TBufferedTransport(TSocket("127.0.0.1", port))

    def __enter__(self) -> tuple[Metastore, Any]:
        self._transport.open()
        return self._metastore, ThriftHiveMetastore.Client(TBinaryProtocol(self._transport))

    def __exit__(self, *_: object) -> None:
        self._transport.close()
        self._metastore.close()


def columns(**types: str) -> list[Json]:
    return [{"Name": name, "Type": kind} for name, kind in types.items()]


def csv_table(
    world: World, name: str = "people", *, serde: Json = CSV, header: str = "1", **more: Any
) -> Json:
    storage = {**TEXT, "Location": f"s3://data/{name}/", "SerdeInfo": serde}
    storage["Columns"] = columns(name="string", age="int", price="decimal(10,2)")
    table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    table["Parameters"] = {"EXTERNAL": "TRUE", "skip.header.line.count": header, "classification": "csv"}
    world.glue.create_table(DatabaseName="db", TableInput=table | more)
    return stored(world, name)


def stored(world: World, name: str) -> Json:
    table = world.glue.get_table(DatabaseName="db", Name=name)["Table"]
    volatile = ("CreateTime", "UpdateTime", "VersionId")
    return {key: value for key, value in table.items() if key not in volatile}


def hive_table(name: str, location: str | None, kind: str = "EXTERNAL_TABLE", *keys: str) -> Any:
    storage = ttypes.StorageDescriptor(
        cols=[ttypes.FieldSchema("id", "bigint", "the key")],
        location=location,
        serdeInfo=ttypes.SerDeInfo(None, LAZY["SerializationLibrary"], {}),
        inputFormat=TEXT["InputFormat"],
        outputFormat=TEXT["OutputFormat"],
        parameters={},
    )
    return ttypes.Table(
        name,
        "db",
        sd=storage,
        partitionKeys=[ttypes.FieldSchema(key, "string") for key in keys],
        parameters={"EXTERNAL": "TRUE"} if kind == "EXTERNAL_TABLE" else {},
        tableType=kind,
        owner="",
    )


def test_databases_are_those_of_the_catalog(world: World) -> None:
    world.hive.create_database(ttypes.Database("Shop", "all of it", "s3://data/shop", {"a": "b"}))

    found = world.glue.get_database(Name="shop")["Database"]
    shown = world.hive.get_database("shop")
    assert (found["LocationUri"], found["Description"]) == ("s3://data/shop", "all of it")
    assert (shown.name, shown.locationUri, shown.parameters) == ("shop", "s3://data/shop", {"a": "b"})
    assert world.hive.get_all_databases() == ["db", "shop"]
    assert world.hive.get_databases("sh*") == ["shop"]
    with pytest.raises(ttypes.NoSuchObjectException):
        world.hive.get_database("missing")
    with pytest.raises(ttypes.AlreadyExistsException):
        world.hive.create_database(ttypes.Database("shop"))


def test_a_name_that_glue_does_not_allow_is_refused_with_botocores_words(world: World) -> None:
    with pytest.raises(ttypes.MetaException, match="Invalid length for parameter Name"):
        world.hive.get_database("")


def test_a_database_is_dropped_with_its_folder_unless_it_has_tables(world: World) -> None:
    world.s3.put_object(Bucket="data", Key="db/t/1")
    world.s3.put_object(Bucket="data", Key="db2/t/1")
    world.hive.create_table(hive_table("t", "s3://data/t"))

    with pytest.raises(ttypes.InvalidOperationException, match="db is not empty"):
        world.hive.drop_database("db", True, False)
    world.hive.drop_table("db", "t", True)
    world.hive.drop_database("db", True, False)

    assert world.hive.get_all_databases() == []
    assert keys(world) == ["db2/t/1", "t/"]


def keys(world: World) -> list[str]:
    return [item["Key"] for item in world.s3.list_objects_v2(Bucket="data").get("Contents", [])]


def test_a_table_that_hive_creates_is_a_table_of_the_catalog(world: World) -> None:
    world.hive.create_table(hive_table("T", "s3://data/t", "EXTERNAL_TABLE", "day"))

    table = stored(world, "t")
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "id", "Type": "bigint", "Comment": "the key"}]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert keys(world) == ["t/"]  # the folder exists
    shown = world.hive.get_table_req(ttypes.GetTableRequest("db", "t")).table
    assert (shown.tableName, shown.sd.location, shown.partitionKeys[0].name) == ("t", "s3://data/t", "day")
    assert world.hive.get_tables("db", "t*|x") == ["t"]
    assert world.hive.get_tables_by_type("db", "*", "VIRTUAL_VIEW") == []
    found = world.hive.get_table_objects_by_name_req(ttypes.GetTablesRequest("db", ["no", "t"])).tables
    assert [table.tableName for table in found] == ["t"]


def test_a_managed_table_lies_below_its_database_and_takes_its_objects_with_it(world: World) -> None:
    world.hive.create_table(hive_table("own", None, "MANAGED_TABLE"))
    world.hive.create_table(hive_table("other", "s3://data/other"))
    for key in ("db/own/1", "db/owner/1", "other/1"):
        world.s3.put_object(Bucket="data", Key=key)

    assert stored(world, "own")["StorageDescriptor"]["Location"] == "s3://data/db/own"
    world.hive.drop_table("db", "own", True)
    world.hive.drop_table("db", "other", True)

    assert keys(world) == ["db/owner/1", "other/", "other/1"]


def test_a_table_at_a_buckets_root_is_dropped_without_its_objects(world: World) -> None:
    world.hive.create_table(hive_table("root", "s3://data/", "MANAGED_TABLE"))
    world.s3.put_object(Bucket="data", Key="kept")
    world.hive.drop_table("db", "root", True)
    assert keys(world) == ["kept"]


def test_a_table_on_the_runs_cluster_is_dropped_with_its_folder(world: World, tmp_path: Path) -> None:
    for name, location in (("in", "user/in"), ("out", "../kept"), ("top", "")):
        (tmp_path / "cluster/user/in").mkdir(parents=True, exist_ok=True)
        (tmp_path / "kept").mkdir(exist_ok=True)
        world.hive.create_table(hive_table(name, f"cluster://run/{location}", "MANAGED_TABLE"))
        world.hive.drop_table("db", name, True)
        assert (tmp_path / "cluster/user/in").exists() == (name != "in")
        assert (tmp_path / "kept").exists()


def test_a_table_that_glue_could_not_read_is_refused_with_what_it_lacks(world: World) -> None:
    storage = {"Columns": columns(a="int"), "Location": "s3://data/x", "SerdeInfo": LAZY}
    table = {"Name": "lacks", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    world.glue.create_table(DatabaseName="db", TableInput=table)
    with pytest.raises(ttypes.MetaException, match="StorageDescriptor#InputFormat cannot be null for table"):
        world.hive.get_table("db", "lacks")


def test_a_renamed_table_is_refused(world: World) -> None:
    world.hive.create_table(hive_table("old", "s3://data/t"))
    with pytest.raises(ttypes.InvalidOperationException, match="Table rename is not supported"):
        world.hive.alter_table("db", "old", hive_table("new", "s3://data/t"))


@pytest.mark.parametrize(
    ("serde", "options"),
    [
        (CSV, {"sep": ";", "quote": '"', "escape": '"', "multiLine": "true"}),
        (LAZY, {"sep": "|", "quote": "", "hiveNull": "\\N"}),
    ],
)
def test_spark_sees_a_csv_table_with_a_header_as_a_data_source_table(
    world: World, serde: Json, options: Json
) -> None:
    csv_table(world, serde=serde, PartitionKeys=columns(day="date"))

    shown = world.hive.get_table("db", "people")

    schema = json.loads(shown.parameters["spark.sql.sources.schema"])
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert types == {"name": "string", "age": "integer", "price": "decimal(10,2)", "day": "date"}
    assert shown.parameters["spark.sql.sources.schema.partCol.0"] == "day"
    assert shown.parameters["spark.sql.sources.provider"] == "terraglue.hive.CsvFileFormat"
    assert shown.sd.serdeInfo.parameters == options | {"header": "true", "path": "s3://data/people/"}


def test_spark_may_split_a_csv_table_without_line_breaks_in_values(world: World) -> None:
    parameters = {"skip.header.line.count": "1", "multiLine": "false"}
    csv_table(world, Parameters=parameters)
    assert world.hive.get_table("db", "people").sd.serdeInfo.parameters["multiLine"] == "false"


def test_changes_of_such_a_table_leave_no_trace_of_its_presentation_in_the_catalog(world: World) -> None:
    before = csv_table(world, PartitionKeys=columns(day="date"))

    shown = world.hive.get_table("db", "people")
    shown.parameters["note"] = "kept"
    world.hive.alter_table("db", "people", shown)
    after = stored(world, "people")
    assert after["Parameters"] == before["Parameters"] | {"note": "kept"}
    assert after["StorageDescriptor"] == before["StorageDescriptor"]

    shown = world.hive.get_table("db", "people")
    schema = json.loads(shown.parameters["spark.sql.sources.schema"])
    city = {"name": "city", "type": "string", "nullable": True, "metadata": {"comment": "where"}}
    schema["fields"].insert(3, city)
    shown.parameters["spark.sql.sources.schema"] = json.dumps(schema)
    world.hive.alter_table("db", "people", shown)
    storage = stored(world, "people")["StorageDescriptor"]
    assert storage["Columns"] == [
        *before["StorageDescriptor"]["Columns"],
        {"Name": "city", "Type": "string", "Comment": "where"},
    ]
    assert storage["SerdeInfo"] == CSV
    assert stored(world, "people")["Parameters"] == before["Parameters"] | {"note": "kept"}

    shown.sd.serdeInfo.parameters["sep"] = "x"
    with pytest.raises(ttypes.InvalidOperationException, match="SerDe properties of the CSV table people"):
        world.hive.alter_table("db", "people", shown)


def test_partitions_of_such_a_table_have_its_own_serde(world: World) -> None:
    csv_table(world, PartitionKeys=columns(day="date"))
    shown = world.hive.get_table("db", "people")
    shown.sd.location = "s3://data/people/day=2026-01-01"
    world.hive.add_partition(ttypes.Partition(["2026-01-01"], "db", "people", sd=shown.sd))
    place = {"DatabaseName": "db", "TableName": "people"}
    storage = world.glue.get_partition(**place, PartitionValues=["2026-01-01"])["Partition"][
        "StorageDescriptor"
    ]
    assert (storage["SerdeInfo"], storage["Location"]) == (CSV, "s3://data/people/day=2026-01-01")


def test_other_tables_are_presented_as_they_are(world: World) -> None:
    table = csv_table(world, serde=LAZY, header="0")
    assert presentation.present(table) is table
    made_by_spark = {**table, "Parameters": {"spark.sql.sources.provider": "csv"}}
    assert presentation.present(made_by_spark) is made_by_spark


def test_what_spark_cannot_read_rightly_is_refused(world: World) -> None:
    csv_table(world, "two", header="2")
    with pytest.raises(ttypes.MetaException, match=r"skip\.header\.line\.count=2 of the table two"):
        world.hive.get_table("db", "two")
    storage = {**TEXT, "Columns": columns(a="array<int>"), "Location": "s3://data/x", "SerdeInfo": CSV}
    csv_table(world, "nested", StorageDescriptor=storage)
    with pytest.raises(ttypes.MetaException, match="type array<int> of the column a in the CSV table nested"):
        world.hive.get_table("db", "nested")


def partition(*values: str, location: str | None = None) -> Any:
    return ttypes.Partition(list(values), "db", "t", sd=hive_table("t", location).sd, parameters={})


def test_thousands_of_partitions_are_created_listed_and_found(world: World) -> None:
    world.hive.create_table(hive_table("t", "s3://data/t", "EXTERNAL_TABLE", "year", "n"))
    many = [partition(str(2000 + number % 5), str(number)) for number in range(2345)]

    world.hive.add_partitions_req(ttypes.AddPartitionsRequest("db", "t", many, True))

    assert len(world.hive.get_partitions("db", "t", -1)) == 2345
    assert len(world.hive.get_partitions("db", "t", 10)) == 10
    names = world.hive.get_partition_names("db", "t", -1)
    assert (len(names), names[0]) == (2345, "year=2000/n=0")
    assert len(world.hive.get_partitions_by_names("db", "t", names)) == 2345
    assert len(world.hive.get_partitions_ps("db", "t", ["2003"], -1)) == 469
    assert world.hive.get_partition_names_ps("db", "t", ["", "7"], -1) == ["year=2002/n=7"]
    found = world.hive.get_partitions_by_filter("db", "t", '(year = "2003" and n != "8")', -1)
    assert len(found) == 468
    # A filter that Glue does not know returns all; Spark filters them itself.
    assert len(world.hive.get_partitions_by_filter("db", "t", "length(n) > 3", -1)) == 2345


def test_partitions_are_changed_renamed_and_dropped(world: World) -> None:
    world.hive.create_table(hive_table("t", "s3://data/t", "MANAGED_TABLE", "day"))
    for day in ("1", "2"):
        world.hive.add_partition(partition(day))
        world.s3.put_object(Bucket="data", Key=f"t/day={day}/x")
    with pytest.raises(ttypes.AlreadyExistsException):
        world.hive.add_partition(partition("1"))
    world.hive.add_partitions_req(ttypes.AddPartitionsRequest("db", "t", [partition("1")], True))

    world.hive.alter_partitions("db", "t", [partition("2", location="s3://data/elsewhere")])
    assert world.hive.get_partition("db", "t", ["2"]).sd.location == "s3://data/elsewhere"
    world.hive.rename_partition("db", "t", ["2"], partition("3", location="s3://data/t/day=2"))
    world.hive.drop_partition("db", "t", ["3"], True)

    assert world.hive.get_partition_names("db", "t", -1) == ["day=1"]
    assert keys(world) == ["t/", "t/day=1/x"]
    with pytest.raises(ttypes.NoSuchObjectException):
        world.hive.get_partition("db", "t", ["3"])


@pytest.mark.parametrize("value", ["a/b c%", "it's", 'a "b"', "São=1", "x{y}[z]^", "2026-01-01 10:00:00"])
def test_partition_names_hold_any_value(value: str) -> None:
    name = partition_name(["K"], [value])
    assert name.count("/") == 0
    assert partition_values(name) == [value]


def test_partition_names_are_those_of_hive() -> None:
    assert partition_name(["p", "q"], ["a/b c%", ""]) == "p=a%2Fb c%25/q=__HIVE_DEFAULT_PARTITION__"


@pytest.mark.parametrize(
    ("hive", "glue"),
    [
        ('(year = 2026 and city = "SP")', "(year = 2026 and city = 'SP')"),
        ('city = "it\'s"', "city = 'it''s'"),
        ("city = 'a \"b\"'", "city = 'a \"b\"'"),
        ('(city != "a!=b")', "(city <> 'a!=b')"),
        ('city like "S.*"', "city like 'S%'"),
        ('city like ".*a.*" and x = ".*"', "city like '%a%' and x = '.*'"),
    ],
)
def test_filters_of_hive_become_expressions_of_glue(hive: str, glue: str) -> None:
    assert glue_expression(hive) == glue


def test_patterns_are_those_of_hive() -> None:
    assert matching("tbl_*|X", ["tbl_a", "x", "a_tbl_b"]) == ["tbl_a", "x"]
    assert matching(None, ["a"]) == ["a"]


def test_what_the_role_may_not_do_is_refused_with_the_words_of_iam(world: World, tmp_path: Path) -> None:
    unchecked = access.install()
    iam = client("iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))
    allowed = {"Effect": "Allow", "Action": "glue:GetDatabase", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy)
    credentials = access.assume(client, "reader", "glue.amazonaws.com", "test")

    with serving(tmp_path, credentials) as (_, hive):
        assert hive.get_database("db").name == "db"
        with pytest.raises(ttypes.MetaException, match="not authorized to perform: glue:GetTable"):
            hive.get_table("db", "t")
        with pytest.raises(ttypes.MetaException, match="not authorized to perform: glue:CreateTable"):
            hive.create_table(hive_table("t", "s3://data/t"))
    unchecked()


def test_what_the_catalog_lacks_is_refused_by_name(world: World) -> None:
    assert world.hive.get_all_functions().functions == []
    with pytest.raises(ttypes.MetaException, match="does not support create_function"):
        world.hive.create_function(ttypes.Function("f", "db", "x.Y"))
    with pytest.raises(ttypes.MetaException, match="does not support create_role"):
        world.hive.create_role(ttypes.Role("r"))


def test_nothing_answers_after_the_run(world: World) -> None:
    port = int(world.metastore.uri.rpartition(":")[2])
    world.metastore.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with pytest.raises(TTransportException):
        world.hive.get_all_databases()
