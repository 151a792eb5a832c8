"""Updates to a release with data in other formats: the files, partitions and originals of a sandbox."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState
from chalicelib.sandbox.seeding import Seeding
from chalicelib.services.idempotency import IdempotentRequest
from glue_assets.release import Release, ReleaseFile, publish
from tests.support.environment_changes import ID, ask, changed, finish, keys, put, release_of
from tests.support.event_bridge import event_with
from tests.support.releases import built_release
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

ORIGINAL = "db_shop/_original/tbl_orders/orders.xlsx"


def parquet(folder: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"SELECT {number} AS id, 'web' AS channel").write_parquet(str(folder / path))
    return folder


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """A folder with the tables of the fixture `data` as Parquet. One partition key has another name."""
    return parquet(
        tmp_path / "converted",
        "db_shop/tbl_orders/a.parquet",
        "db_shop/tbl_orders/b.parquet",
        "db_shop/tbl_days/date=1/a.parquet",
        "db_shop/tbl_days/date=3/a.parquet",
    )


def with_original(world: World, release: Release, tmp_path: Path) -> Release:
    """Publish a release with the original of a converted file."""
    source = tmp_path / "orders.xlsx"
    source.write_bytes(b"original")
    digest = hashlib.sha256(b"original").hexdigest()
    original = ReleaseFile(f"data/{ORIGINAL}", "sor", ORIGINAL, 8, digest, source)
    release = dataclasses.replace(release, files=(*release.files, original))
    publish(release, client("s3"), "assets")
    world.moment += timedelta(seconds=31)
    return release


def partitions(environment: Environment) -> list[Any]:
    found = client("glue").get_partitions(DatabaseName=environment.database("db_shop"), TableName="tbl_days")
    return sorted(found["Partitions"], key=lambda partition: partition["Values"])


def test_an_update_to_parquet_leaves_no_csv_file_and_no_partition_of_csv(
    world: World, converted: Path
) -> None:
    ready = world.ready(ID, {})
    assert [key for key in keys(ready.bucket("sor")) if key.endswith(".csv")]
    release_of(world, converted)
    after = changed(world, ready, release="latest")
    assert (after.status, after.failure) == (Status.READY, None)
    assert keys(after.bucket("sor")) == [
        *("db_shop/tbl_days/date=1/a.parquet", "db_shop/tbl_days/date=3/a.parquet"),
        *("db_shop/tbl_orders/a.parquet", "db_shop/tbl_orders/b.parquet"),
    ]
    table = client("glue").get_table(DatabaseName=after.database("db_shop"), Name="tbl_days")["Table"]
    storage = table["StorageDescriptor"]
    assert "parquet" in storage["SerdeInfo"]["SerializationLibrary"]
    place = f"s3://{after.bucket('sor')}/db_shop/tbl_days"
    assert [(p["Values"], p["StorageDescriptor"]["Location"]) for p in partitions(after)] == [
        (["1"], f"{place}/date=1/"),  # the value existed under the old key, at day=1/
        (["3"], f"{place}/date=3/"),
    ]
    for partition in partitions(after):
        same = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")
        found = partition["StorageDescriptor"]
        assert {name: found[name] for name in same} == {name: storage[name] for name in same}


def test_no_folder_ever_has_files_of_both_formats(world: World, converted: Path) -> None:
    ready = world.ready(ID, {})
    release = release_of(world, converted)
    goal = ready.replace(wanted=DesiredState(ready.settings, release.id))
    glue = client("glue")
    for partition in partitions(ready):  # the table has other partition keys by then
        glue.delete_partition(
            DatabaseName=ready.database("db_shop"), TableName="tbl_days", PartitionValues=partition["Values"]
        )
    seeding = Seeding(buckets=Buckets(client("s3")), catalog=Catalog(glue), releases=world.operated.releases)
    seen = []
    for _ in seeding.seed_update(goal):
        found = {key.rpartition(".")[2] for key in keys(ready.bucket("sor"))}
        assert found in (set(), {"parquet"}), found
        seen.append(found)
    assert seen[0] == set() and seen[-1] == {"parquet"}


def test_a_change_of_data_waits_for_active_runs_and_another_one_does_not(
    world: World, data: Path, converted: Path
) -> None:
    ready = world.ready(ID, {"job": {"number_of_workers": 2, "timeout_minutes": 10}})
    before = keys(ready.bucket("sor"))
    run = world.ask_run(ready, "RUNNING")
    same_data = release_of(world, data, "1.5.0")
    after = changed(world, ready, release=same_data.id)
    assert (after.status, after.release) == (Status.READY, same_data.id)

    release = release_of(world, converted)
    begun, _ = ask(world, after, release="latest")
    for _ in range(2):
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
        found = world.look(begun)
        assert (found.status, keys(ready.bucket("sor"))) == (Status.UPDATING, before)
        assert found.reason == (
            "Waiting for active runs to end, because the change replaces data that they may read."
        )
    assert run.glue_run_id is not None
    world.glue.runs[run.glue_run_id] |= {"JobRunState": "SUCCEEDED", "ExecutionTime": 60}
    world.operator.events.job_changed(event_with({"jobName": run.job_id, "jobRunId": run.glue_run_id}))
    done = finish(world, begun)
    assert (done.status, done.release, done.reason) == (Status.READY, release.id, None)


def test_originals_are_seeded_reset_replaced_and_deleted_as_other_files(
    world: World, converted: Path, tmp_path: Path
) -> None:
    release = with_original(world, built_release(converted, "2.0.0"), tmp_path)
    ready = changed(world, world.ready(ID, {}), release=release.id)
    caller, sor, s3 = Caller(ID, is_admin=False), ready.bucket("sor"), client("s3")
    assert s3.get_object(Bucket=sor, Key=ORIGINAL)["Body"].read() == b"original"
    tables = client("glue").get_tables(DatabaseName=ready.database("db_shop"))["TableList"]
    places = [table["StorageDescriptor"]["Location"] for table in tables]
    places += [partition["StorageDescriptor"]["Location"] for partition in partitions(ready)]
    assert not [place for place in places if f"s3://{sor}/{ORIGINAL}".startswith(place)], "no table reads it"

    s3.put_object(Bucket=sor, Key=ORIGINAL, Body=b"edited")
    world.operator.environments.reset(IdempotentRequest(caller, "r1"), ID)
    reset = finish(world, ready)
    assert reset.status is Status.READY
    assert s3.get_object(Bucket=sor, Key=ORIGINAL)["Body"].read() == b"original"

    release_of(world, converted, "3.0.0")
    without = changed(world, reset, release="latest")
    assert (without.status, without.failure) == (Status.READY, None)
    assert not [key for key in keys(sor) if "_original" in key]

    back = changed(world, without, release=release.id)
    assert ORIGINAL in keys(sor)
    world.operator.environments.delete(caller, ID, "r2")
    gone = finish(world, back)
    assert gone.status is Status.DELETED and gone.receipt is not None
    assert [entry.type for entry in gone.receipt.remaining] == ["AWS::KMS::Key"]


def test_another_data_set_replaces_tables_files_and_databases(world: World, tmp_path: Path) -> None:
    ready = world.ready(ID, {})
    sales = built_release(put(tmp_path / "sales", db_sales__tbl_sales__a_csv="id\n1\n"), "1.0.0")
    publish(sales, client("s3"), "assets")
    client("s3").put_object(
        Bucket="assets", Key="releases/data-sets/sales.json", Body=f'{{"release": "{sales.id}"}}'.encode()
    )
    client("s3").put_object(Bucket=ready.bucket("sor"), Key="db_shop/tbl_orders/mine.csv", Body=b"id\n7\n")
    after = changed(world, ready, data="sales")
    assert (after.status, after.failure, after.data, after.release) == (
        *(Status.READY, None),
        *("sales", sales.id),
    )
    assert keys(after.bucket("sor")) == ["db_sales/tbl_sales/a.csv", "db_shop/tbl_orders/mine.csv"]
    glue = client("glue")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name=after.database("db_shop"))
    assert after.outputs is not None and set(after.outputs.databases) == {"db_sales", "sot"}
    back = changed(world, after, data=None, release=ready.release)
    assert (back.data, back.release, back.outputs) == (None, ready.release, ready.outputs)
