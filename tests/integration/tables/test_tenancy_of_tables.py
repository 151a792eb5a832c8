"""Tenancy of tables: a table shows only data that its own sandbox may read. IAM is enforced."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.clock import environment_id
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.errors import ServiceError, TableOutOfReach, TableUnreadable
from chalicelib.services.tables import Rows
from tests.support.athena_tables import CSV, PARQUET, Aws, table
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World, serving

SECRET = "the neighbour's"
SYMLINKS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"


class Sandboxes:
    """Sandboxes of two users, and tables that a job of the first writes into its own catalog."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        self.aws: Aws = client
        self.mine = world.ready(environment_id(), settings)
        self.theirs = world.ready(environment_id(), settings)
        self.service = world.service("api_handler")
        put(self.theirs, "sot", "t/a.csv", SECRET)
        self.table("t", f"s3://{self.theirs.bucket('sot')}/t/", of=self.theirs)
        put(self.mine, "sot", "own/a.csv", "mine")

    def table(self, name: str, location: str, *, of: Environment | None = None, **more: Any) -> None:
        database = (of or self.mine).sot_database
        table(self.aws, name, "a string", CSV, database=database, location=location, **more)

    def change(self, name: str, **changes: Any) -> None:
        """Change the catalog entry of an own table. `storage` changes its storage descriptor."""
        glue = client("glue")
        storage = changes.pop("storage", {})
        found = glue.get_table(DatabaseName=self.mine.sot_database, Name=name)["Table"]
        given = {"Name": name, "StorageDescriptor": found["StorageDescriptor"] | storage} | changes
        glue.update_table(DatabaseName=self.mine.sot_database, TableInput=given)

    def rows(self, name: str, database: str = "sot") -> Rows:
        who = Caller(self.mine.owner, is_admin=False)
        return self.service.tables.rows(who, self.mine.id, database, name, limit=10)[1]

    def refusal(self, name: str) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            self.rows(name)
        assert SECRET not in str(caught.value)
        assert self.theirs.id not in str(caught.value)
        return caught.value


def put(environment: Environment, bucket: str, key: str, body: str) -> None:
    client("s3").put_object(Bucket=environment.bucket(bucket), Key=key, Body=body.encode())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tenancy")
    orders = folder / "data/db_shop/tbl_orders/orders.csv"
    orders.parent.mkdir(parents=True)
    orders.write_text("id\n1\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        with serving(folder / "data", folder / "work") as world:
            yield world


@pytest.fixture(scope="module")
def those(world: World) -> Sandboxes:
    return Sandboxes(world)


def test_aws_rejects_locations_partitions_and_properties_in_another_sandbox(
    those: Sandboxes,
) -> None:
    theirs, mine = those.theirs.bucket("sot"), those.mine.bucket("sot")
    assets = those.world.config.assets_bucket
    client("s3").put_object(Bucket=assets, Key=f"environments/{those.theirs.id}/a.csv", Body=SECRET.encode())

    those.table("location", f"s3://{theirs}/t/")
    those.table("their_root", f"s3a://{theirs}")
    those.table("assets", f"s3://{assets}/environments/")
    those.table("release", f"s3://{assets}/releases/")
    those.table("partitioned", f"s3://{mine}/p/", keys="day string")
    glue, sot = client("glue"), those.mine.sot_database
    for day, place in (("1", f"s3://{mine}/own/"), ("2", f"s3://{theirs}/t/")):
        part = {"Values": [day], "StorageDescriptor": {"Location": place}}
        glue.create_partition(DatabaseName=sot, TableName="partitioned", PartitionInput=part)
    those.table("symlinks", f"s3://{mine}/links/")
    put(those.mine, "sot", "links/manifest", f"s3://{mine}/own/a.csv\ns3://{theirs}/t/a.csv\n")
    those.change("symlinks", storage={"InputFormat": SYMLINKS})
    those.table("iceberg", f"s3://{mine}/own/")
    metadata = {"table_type": "ICEBERG", "metadata_location": f"s3://{theirs}/t/a.csv"}
    those.change("iceberg", Parameters=metadata)
    those.table("link", f"s3://{mine}/own/")
    those.change("link", TargetTable={"DatabaseName": those.theirs.sot_database, "Name": "t"})

    for name in (
        *("location", "their_root", "assets", "release", "partitioned"),
        *("symlinks", "iceberg", "link"),
    ):
        refused = those.refusal(name)
        assert isinstance(refused, TableOutOfReach), (name, refused)
        assert (refused.status, refused.code) == (409, "table_out_of_reach")

    # The local AWS emulator does not read data through partition templates.
    those.table("projected", f"s3://{mine}/own/", keys="day string")
    template = {"projection.enabled": "true", "storage.location.template": f"s3://{theirs}/t/"}
    those.change("projected", Parameters=template, PartitionKeys=[{"Name": "day", "Type": "string"}])
    assert isinstance(those.refusal("projected"), TableUnreadable)


def test_a_view_reads_only_data_of_its_own_sandbox(those: Sandboxes) -> None:
    those.table("own_of_view", f"s3://{those.mine.bucket('sot')}/own/")

    def view(name: str, select: str) -> None:
        stored = {"originalSql": select, "catalog": "awsdatacatalog", "schema": those.mine.sot_database}
        text = base64.b64encode(json.dumps(stored | {"columns": [{"name": "a", "type": "varchar"}]}).encode())
        given = {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": f"/* Presto View: {text.decode()} */",
            "ViewExpandedText": "/* Presto View */",
            "Parameters": {"presto_view": "true"},
            "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "string"}], "Location": ""},
        }
        client("glue").create_table(DatabaseName=those.mine.sot_database, TableInput=given)

    view("good", "SELECT upper(a) AS a FROM own_of_view")
    view("of_view", "SELECT a FROM good WHERE a <> ''")
    view("bad", f'SELECT a FROM "{those.theirs.sot_database}".t')
    view("of_bad", "SELECT a FROM own_of_view UNION ALL SELECT a FROM bad")
    view("endless", "SELECT a FROM endless")
    view("of_nothing", "SELECT a FROM nowhere")

    assert those.rows("of_view").items == [{"a": "MINE"}]
    for name in ("bad", "of_bad"):
        assert isinstance(those.refusal(name), TableOutOfReach), name
    for name in ("endless", "of_nothing"):
        assert isinstance(those.refusal(name), TableUnreadable), name


@pytest.mark.parametrize(
    "settings",
    [
        {"kms_key": False},
        {"athena_workgroup": False, "security_configuration": False},
        {"mode": "production", "athena_workgroup_name": "w", "job": {"script": "a.py"}},
    ],
)
def test_a_sandbox_reads_its_own_tables_whatever_its_settings(world: World, settings: dict[str, Any]) -> None:
    those = Sandboxes(world, **settings)
    world.refused.clear()
    mine = those.mine.bucket("sot")
    those.table("own", f"s3://{mine}/own/")
    assert those.rows("own").items == [{"a": "mine"}]
    assert those.rows("TBL_Orders", "DB_Shop").items == [{"id": "1"}]
    assert world.refused == []
    those.table("bad", f"s3://{those.theirs.bucket('sot')}/t/")
    assert isinstance(those.refusal("bad"), TableOutOfReach)


def test_a_shared_key_and_a_shared_role_grant_no_access(world: World) -> None:
    key = world.config.limits.kms_key_arns[0]
    shared = {"iam_role": False, "role_arn": world.config.limits.role_arns[0]}
    those = Sandboxes(world, kms_key=False, kms_key_arn=key, **shared)
    those.table("own", f"s3://{those.mine.bucket('sot')}/own/")
    those.table("bad", f"s3://{those.theirs.bucket('sot')}/t/")
    assert those.rows("own").items == [{"a": "mine"}]
    assert isinstance(those.refusal("bad"), TableOutOfReach)


@pytest.mark.parametrize(
    "location", ["", "file:///etc", "hdfs://name/a", "/own", "s3:///own/", "s3://", "s3:own"]
)
def test_a_location_that_is_not_in_s3_is_a_conflict(those: Sandboxes, location: str) -> None:
    name = f"odd{len(location)}"
    those.table(name, "s3://x/")
    those.change(name, storage={"Location": location})
    assert isinstance(those.refusal(name), TableUnreadable)
    those.table(f"{name}_parted", "s3://x/", keys="day string")
    part = {"Values": ["1"], "StorageDescriptor": {"Location": location}}
    client("glue").create_partition(
        DatabaseName=those.mine.sot_database, TableName=f"{name}_parted", PartitionInput=part
    )
    assert isinstance(those.refusal(f"{name}_parted"), TableUnreadable)


def test_a_query_that_reads_more_than_the_operator_allows_is_cancelled(
    those: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = client("athena").get_work_group(WorkGroup=those.mine.name)["WorkGroup"]
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 2**30
    from moto.athena.models import athena_backends

    kept = athena_backends["123456789012"]["us-east-1"].work_groups[those.mine.name]
    those.table("large", f"s3://{those.mine.bucket('sot')}/large/")
    for number in range(3):
        put(those.mine, "sot", f"large/{number}", "x" * 100)
    monkeypatch.setitem(kept.configuration, "BytesScannedCutoffPerQuery", 299)
    refused = those.refusal("large")
    assert isinstance(refused, TableUnreadable)
    assert "cancelled" in refused.detail
    monkeypatch.setitem(kept.configuration, "BytesScannedCutoffPerQuery", 300)
    assert len(those.rows("large").items) == 3


def test_a_table_without_columns_is_a_conflict(those: Sandboxes) -> None:
    table(client, "bare", "", PARQUET, database=those.mine.sot_database, location="s3://x/")
    assert isinstance(those.refusal("bare"), TableUnreadable)


def test_the_services_own_roles_read_no_sandbox(those: Sandboxes) -> None:
    world = those.world
    for function in world.granted:
        for service, operation, arguments in (
            ("s3", "get_object", {"Bucket": those.mine.bucket("sot"), "Key": "own/a.csv"}),
            ("s3", "get_object", {"Bucket": those.mine.bucket("sot"), "Key": "own/a.json"}),
            ("athena", "start_query_execution", {"QueryString": "SELECT 1", "WorkGroup": those.mine.name}),
            ("athena", "start_query_execution", {"QueryString": "SELECT 1", "WorkGroup": "primary"}),
        ):
            aws = client(service, world.credentials[function])
            with pytest.raises(aws.exceptions.ClientError, match="not authorized"):
                getattr(aws, operation)(**arguments)
