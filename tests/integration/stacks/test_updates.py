"""Updates of sandboxes to other settings or another release, with the real template."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Status
from chalicelib.errors import EnvironmentNotReady, InvalidCombination
from chalicelib.services.idempotency import IdempotentRequest
from local.setup import roles
from tests.support.environment_changes import (
    ID,
    actions,
    ask,
    change_sets,
    changed,
    deny,
    finish,
    keys,
    put,
    release_of,
)
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World


def test_worker_counts_and_a_schedule_change_without_data_loss(world: World) -> None:
    ready = world.ready(ID, {})
    client("s3").put_object(Bucket=ready.bucket("sor"), Key="mine.csv", Body=b"1")
    after = changed(world, ready, settings={"job": {"number_of_workers": 3, "schedule": "cron(0 9 ? * * *)"}})
    assert (after.status, after.failure, after.reason, after.wanted) == (Status.READY, None, None, None)
    expected = {"number_of_workers": 3, "schedule": "cron(0 9 ? * * *)"}
    assert after.settings.job == ready.settings.job.model_copy(update=expected)
    assert (ready.next_run_at, (after.next_run_at or "")[11:16]) == (None, "09:00")
    assert after.due_at == min(after.next_run_at or "", after.look_at or "", after.expires_at)
    job = client("glue").get_job(JobName=after.job_id)["Job"]
    assert job["NumberOfWorkers"] == 3
    assert after.total_resources == ready.total_resources == len(after.resources)
    assert "mine.csv" in keys(ready.bucket("sor"))
    assert change_sets(world, after) == []
    assert actions(world, after).count("change_requested") == 1
    told = [event.changes for event in world.store.events(ID, limit=100).items]
    [event] = [changes for changes in told if any("/settings" in change.pointer for change in changes)]
    assert {(c.pointer, c.old, c.new) for c in event} == {
        ("/status", "UPDATING", "READY"),
        ("/settings/job/number_of_workers", 5, 3),
        ("/settings/job/schedule", None, "cron(0 9 ? * * *)"),
    }


def test_null_restores_the_default(world: World) -> None:
    ready = world.ready(ID, {"job": {"number_of_workers": 7, "arguments": {"--A": "b"}}})
    copy = f"environments/{ID}/template.yaml"
    assert keys("assets").count(copy) == 1
    after = changed(world, ready, settings={"job": {"number_of_workers": None, "arguments": None}})
    assert (after.settings.job.number_of_workers, after.settings.job.arguments) == (5, {})
    assert "--A" not in client("glue").get_job(JobName=after.job_id)["Job"]["DefaultArguments"]
    assert copy not in keys("assets"), "the copy of a template that no stack is made from any more"


def test_unchanged_settings_need_no_work(world: World) -> None:
    ready = world.ready(ID, {})
    for change in ({"settings": {}}, {"settings": ready.settings.model_dump()}, {"release": ready.release}):
        after, accepted = ask(world, ready, **change)
        assert (after.status, accepted) == (Status.READY, False)
    assert world.look(ready) == ready


def test_all_immutable_settings_are_rejected_together(world: World) -> None:
    ready = world.ready(ID, {"mode": "production", "job": {"script": "a.py"}})
    with pytest.raises(InvalidCombination) as refused:
        ask(
            world,
            ready,
            release="9.9.9-000000000000",
            expires_in_hours=720,
            settings={
                "mode": "learning",
                "kms_key": False,
                "expires_in_hours": 3,
                "buckets": {"sor": "raw"},
                "job": {"name": "other", "files_prefix": "x/", "schedule": "rate(7 minutes)", "script": None},
            },
        )
    pointers = {error["pointer"] for error in refused.value.errors}
    assert pointers == {
        *("/release", "/settings/mode", "/settings/kms_key", "/settings/expires_in_hours"),
        *("/settings/buckets/sor", "/settings/job/name", "/settings/job/files_prefix"),
        "/settings/job/schedule",
    }
    assert world.look(ready) == ready


def test_only_a_ready_sandbox_changes_or_is_reset(world: World) -> None:
    ready = world.ready(ID, {})
    world.change(ready, status=Status.FAILED)
    with pytest.raises(EnvironmentNotReady):
        ask(world, ready, release="latest")
    with pytest.raises(EnvironmentNotReady):
        world.operator.environments.reset(IdempotentRequest(Caller(ID, is_admin=False), "r1"), ID)


def test_partitions_have_the_columns_of_a_newer_release(world: World, tmp_path: Path) -> None:
    ready = world.ready(ID, {})
    glue, database = client("glue"), ready.database("db_shop")
    own = {"Columns": [{"Name": "id", "Type": "string"}], "Location": "s3://somewhere/else/"}
    glue.create_partition(  # by a user's job
        DatabaseName=database,
        TableName="tbl_days",
        PartitionInput={"Values": ["9"], "StorageDescriptor": own, "Parameters": {"a": "b"}},
    )
    newer = put(tmp_path / "newer", db_shop__tbl_orders__a_csv="id\n1\n")
    for day in (1, 2, 3):
        (newer / f"db_shop/tbl_days/day={day}").mkdir(parents=True)
        (newer / f"db_shop/tbl_days/day={day}/a.csv").write_text("id,channel\n11,web\n")
    release_of(world, newer)
    after = changed(world, ready, release="latest")
    assert (after.status, after.failure) == (Status.READY, None)
    table = glue.get_table(DatabaseName=database, Name="tbl_days")["Table"]["StorageDescriptor"]
    assert [column["Name"] for column in table["Columns"]] == ["id", "channel"]
    found = glue.get_partitions(DatabaseName=database, TableName="tbl_days")["Partitions"]
    assert sorted(partition["Values"] for partition in found) == [["1"], ["2"], ["3"], ["9"]]
    for partition in found:
        storage = partition["StorageDescriptor"]
        same = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")
        assert {name: storage[name] for name in same} == {name: table[name] for name in same}
        if partition["Values"] == ["9"]:
            assert (storage["Location"], partition["Parameters"]) == ("s3://somewhere/else/", {"a": "b"})


def test_a_newer_release_replaces_the_files_of_the_old_one(world: World, data: Path, tmp_path: Path) -> None:
    ready = world.ready(ID, {})
    s3, sor = client("s3"), ready.bucket("sor")
    s3.put_object(Bucket=sor, Key="mine.csv", Body=b"mine")
    s3.put_object(Bucket=sor, Key="db_shop/tbl_orders/a.csv", Body=b"edited")
    newer = put(
        tmp_path / "newer",
        db_shop__tbl_orders__a_csv="id\n1\n",
        db_shop__tbl_orders__c_csv="id\n3\n",
        db_web__tbl_clicks__a_csv="id\n1\n",
    )
    (newer / "db_shop/tbl_days/day=2").mkdir(parents=True)
    (newer / "db_shop/tbl_days/day=2/a.csv").write_text("id\n22\n")
    release = release_of(world, newer)
    after = changed(world, ready, release="latest")
    assert (after.status, after.failure, after.release) == (Status.READY, None, release.id), after.failure
    assert keys(sor) == [
        *("db_shop/tbl_days/day=2/a.csv", "db_shop/tbl_orders/a.csv", "db_shop/tbl_orders/c.csv"),
        *("db_web/tbl_clicks/a.csv", "mine.csv"),
    ]
    read = s3.get_object(Bucket=sor, Key="db_shop/tbl_orders/a.csv")["Body"].read()
    assert read == b"edited", "the same in both releases: it is left alone"
    glue = client("glue")
    found = glue.get_partitions(DatabaseName=ready.database("db_shop"), TableName="tbl_days")["Partitions"]
    assert [partition["Values"] for partition in found] == [["2"]]
    assert after.outputs is not None and after.outputs.databases["db_web"] == ready.database("db_web")
    [stack] = client("cloudformation").describe_stacks(StackName=ready.name)["Stacks"]
    assert {"Key": "terraglue:release", "Value": release.id} in stack["Tags"]
    back = changed(world, after, release=ready.release)
    assert (back.status, back.release) == (Status.READY, ready.release)
    assert {"db_shop/tbl_orders/b.csv", "db_shop/tbl_days/day=1/a.csv"} <= set(keys(sor))
    assert "db_web/tbl_clicks/a.csv" not in keys(sor)
    assert back.outputs == ready.outputs


def test_a_custom_job_file_survives_an_upgrade(world: World, data: Path) -> None:
    ready = world.ready(ID, {"mode": "production", "job": {"script": "main.py"}})
    caller = Caller(ID, is_admin=False)
    for path in ("main.py", "sot_ecommerce.py"):
        world.operator.job_files.write(caller, ID, path, b"print('mine')\n", "r1")
    release_of(world, data)
    after = changed(world, ready, release="latest")
    assert set(after.job_files) == {"main.py", "sot_ecommerce.py"}
    assert {file.changed_by for file in after.job_files.values()} == {ID}
    for path in after.job_files:
        assert world.operator.job_files.read(caller, ID, path) == b"print('mine')\n"


def test_a_deleted_file_of_the_release_returns_with_the_next_release(world: World, data: Path) -> None:
    ready = world.ready(ID, {"mode": "production", "job": {"script": "main.py"}})
    caller = Caller(ID, is_admin=False)
    world.operator.job_files.remove(caller, ID, "sot_ecommerce.py", "r1")
    bucket = ready.bucket("glue_assets")
    after = changed(world, ready, settings={"job": {"timeout_minutes": 3}})
    assert (after.status, after.job_files, keys(bucket)) == (Status.READY, {}, [])
    release_of(world, data)
    after = changed(world, after, release="latest")
    assert (list(after.job_files), keys(bucket)) == (["sot_ecommerce.py"], ["jobs/sot_ecommerce.py"])


def test_omitted_data_is_copied_when_an_update_includes_it(world: World) -> None:
    ready = world.ready(ID, {"upload_data": False})
    assert keys(ready.bucket("sor")) == []
    after = changed(world, ready, settings={"upload_data": True})
    assert after.status is Status.READY
    assert len(keys(ready.bucket("sor"))) == 4


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "terraglue-${EnvironmentId}-${SpecBucketName}",
            "terraglue-${EnvironmentId}-s-${SpecBucketName}",
            "",
        ),
        (
            "terraglue-${EnvironmentId}-${SorBucketName}",
            "terraglue-${EnvironmentId}-s-${SorBucketName}",
            "sor",
        ),
        ("  SorBucket:\n    Type: AWS::S3", "  RawBucket:\n    Type: AWS::S3", "sor"),
    ],
)
def test_a_change_that_replaces_or_removes_a_bucket_with_data_is_rejected(
    world: World, data: Path, old: str, new: str, told: str
) -> None:
    ready = world.ready(ID, {})
    more = [(old, new)]
    if new.startswith("  RawBucket"):
        more += [("SorBucket.Arn", "RawBucket.Arn"), ("!Ref SorBucket\n", "!Ref RawBucket\n")]
        more += [("!Ref SorBucket}", "!Ref RawBucket}"), ("${SorBucket}", "${RawBucket}")]
        more += [("-${SorBucketName}", "-s${SorBucketName}")]
    release = release_of(world, data, "2.0.0", *more)
    after = changed(world, ready, release="latest", settings={"job": {"number_of_workers": 9}})
    assert after.status is Status.READY, after.failure
    assert after.settings.job.number_of_workers == (5 if told else 9)
    assert change_sets(world, after) == []
    if told:
        assert (after.release, after.outputs) == (ready.release, ready.outputs)
        assert after.failure is not None
        assert after.failure.message.startswith(("The change would replace", "The change would remove"))
        assert told in after.failure.message
        assert after.reason == after.failure.fix
    else:
        assert (after.release, after.failure) == (release.id, None), "an empty bucket holds nothing"


def test_a_database_is_removed_with_release_tables_but_not_with_custom_ones(
    world: World, tmp_path: Path
) -> None:
    ready = world.ready(ID, {})
    database = {"DatabaseName": ready.database("db_shop")}
    release = release_of(world, put(tmp_path / "web", db_web__tbl_clicks__a_csv="id\n1\n"))
    glue = client("glue")
    glue.create_table(**database, TableInput={"Name": "mine"})
    refused = changed(world, ready, release="latest")
    assert refused.failure is not None
    assert refused.failure.resource == "DatabaseDbShop"
    assert refused.release == ready.release
    glue.delete_table(**database, Name="mine")
    after = changed(world, ready, release="latest")
    assert (after.release, after.failure) == (release.id, None)
    assert after.outputs is not None
    assert set(after.outputs.databases) == {"db_web", "sot"}
    assert keys(ready.bucket("sor")) == ["db_web/tbl_clicks/a.csv"]


def test_a_failed_update_is_rolled_back_with_a_reason(world: World) -> None:
    ready = world.ready(ID, {"athena_workgroup": False})
    deny(world, "athena:CreateWorkGroup")
    after = changed(
        world,
        ready,
        settings={"athena_workgroup": True, "job": {"number_of_workers": 9, "arguments": {"--A": "b"}}},
    )
    assert after.status is Status.READY
    assert after.settings == ready.settings
    assert after.failure is not None
    assert (after.failure.resource, after.failure.cause) == ("Workgroup", "permission")
    assert after.reason == after.failure.fix
    assert after.reason.startswith("A failed change is rolled back.")
    assert client("glue").get_job(JobName=ready.job_id)["Job"]["NumberOfWorkers"] == 5
    assert change_sets(world, after) == []
    assert f"environments/{ID}/template.yaml" not in keys("assets")
    assert set(after.resources) == set(ready.resources)
    client("iam").delete_role_policy(RoleName=roles.DEPLOYMENT, PolicyName="less")
    again = changed(world, after, settings={"athena_workgroup": True})
    assert (again.status, again.failure, again.reason) == (Status.READY, None, None)


def test_a_failed_rollback_is_retried_and_then_left_to_an_operator(world: World) -> None:
    ready = world.ready(ID, {})
    deny(world, "glue:UpdateJob")
    failed = changed(world, ready, settings={"job": {"number_of_workers": 9}})
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert failed.failure.resource == "GlueJob"
    assert failed.settings == ready.settings
    rollbacks = [
        event
        for event in client("cloudformation").describe_stack_events(StackName=ready.name)["StackEvents"]
        if event["ResourceStatus"] == "UPDATE_ROLLBACK_FAILED"
    ]
    assert len(rollbacks) == 3, "the update's own, and two more"
    assert len(keys(ready.bucket("sor"))) == 4, "nothing is removed by itself"
    client("iam").delete_role_policy(RoleName=roles.DEPLOYMENT, PolicyName="less")
    world.operator.environments.retry(IdempotentRequest(Caller(ID, is_admin=False), "r2"), ID)
    after = finish(world, failed)
    assert (after.status, after.settings) == (Status.READY, ready.settings)
    assert after.failure is not None
    assert changed(world, after, settings={"job": {"number_of_workers": 9}}).failure is None


def test_a_deletion_during_an_update_waits_for_cloudformation(world: World) -> None:
    ready = world.ready(ID, {})
    ask(world, ready, settings={"job": {"number_of_workers": 9, "arguments": {"--A": "b"}}})
    world.operator.environments.delete(Caller(ID, is_admin=False), ID, "r2")
    stack = ready.stack_id
    assert stack is not None
    for _ in range(10):
        world.operated.settled(ready, stack)
        world.moment += timedelta(minutes=15)
        world.operator.events.tick(seconds=60)
        if world.look(ready).status is Status.DELETED:
            break
    gone = world.look(ready)
    assert gone.status is Status.DELETED
    assert gone.receipt is not None
    assert [entry.type for entry in gone.receipt.remaining] == ["AWS::KMS::Key"]
    assert f"environments/{ID}/template.yaml" not in keys("assets")


def test_the_expiration_is_processed_after_the_change(world: World) -> None:
    ready = world.ready(ID, {})
    ask(world, ready, settings={"job": {"number_of_workers": 9}})
    world.moment += timedelta(days=301)
    gone = finish(world, ready)
    for _ in range(5):
        if gone.status is Status.DELETED:
            break
        gone = finish(world, ready)
    told = [change for event in world.store.events(ID, limit=100).items for change in event.changes]
    moves = {(change.old, change.new) for change in told if change.pointer == "/status"}
    assert {("UPDATING", "READY"), ("READY", "DELETING"), ("DELETING", "DELETED")} <= moves


def test_expiration_and_settings_change_in_one_request(world: World) -> None:
    ready = world.ready(ID, {})
    after = changed(world, ready, expires_in_hours=5, settings={"job": {"timeout_minutes": 20}})
    assert after.settings.job.timeout_minutes == 20
    assert after.expires_at < ready.expires_at
    assert actions(world, after).count("change_requested") == 1
