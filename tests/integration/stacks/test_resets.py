"""Resets of a sandbox to its release, on the local CloudFormation with the real template."""

from __future__ import annotations

import json
from datetime import timedelta

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.environment_changes import ID, finish, keys
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

CALLER = Caller(ID, is_admin=False)


def reset(world: World, environment: Environment) -> Environment:
    world.operator.environments.reset(IdempotentRequest(CALLER, "r1"), ID)
    return finish(world, environment)


def catalog(environment: Environment) -> dict[str, object]:
    """The catalog of a sandbox, without times and actors."""
    glue, found = client("glue"), {}
    for name in ("db_shop", "sot"):
        for table in glue.get_tables(DatabaseName=environment.database(name))["TableList"]:
            told = {
                key: table.get(key)
                for key in ("TableType", "Parameters", "StorageDescriptor", "PartitionKeys")
            }
            partitions = glue.get_partitions(DatabaseName=environment.database(name), TableName=table["Name"])
            told["partitions"] = sorted(
                (p["Values"], p["StorageDescriptor"]["Location"]) for p in partitions["Partitions"]
            )
            found[f"{name}.{table['Name']}"] = told
    return json.loads(json.dumps(found, default=str))


def versions(bucket: str) -> list[str]:
    page = client("s3").list_object_versions(Bucket=bucket)
    return sorted(each["Key"] for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])])


def test_a_reset_sandbox_equals_a_new_one(world: World) -> None:
    ready = world.ready(ID, {"mode": "production", "job": {"script": "main.py"}})
    was = catalog(ready), {key: versions(ready.bucket(key)) for key in BUCKET_KEYS}
    s3, glue = client("s3"), client("glue")
    world.operator.job_files.write(CALLER, ID, "main.py", b"print(1)\n", "r0")
    for key in BUCKET_KEYS:
        s3.put_object(Bucket=ready.bucket(key), Key="mine", Body=b"1")
    s3.put_object(Bucket=ready.bucket("sor"), Key="db_shop/tbl_orders/a.csv", Body=b"id\n9\n")
    s3.delete_object(Bucket=ready.bucket("sor"), Key="db_shop/tbl_orders/b.csv")
    s3.create_multipart_upload(Bucket=ready.bucket("sot"), Key="half")
    shop = {"DatabaseName": ready.database("db_shop")}
    glue.create_table(DatabaseName=ready.sot_database, TableInput={"Name": "result"})
    glue.create_table(**shop, TableInput={"Name": "mine"})
    [orders] = [t for t in glue.get_tables(**shop)["TableList"] if t["Name"] == "tbl_orders"]
    storage = {
        **orders["StorageDescriptor"],
        "Columns": [{"Name": "other", "Type": "int"}],
        "Location": "s3://x/",
    }
    glue.update_table(**shop, TableInput={"Name": "tbl_orders", "StorageDescriptor": storage})
    glue.create_partition(
        **shop,
        TableName="tbl_days",
        PartitionInput={"Values": ["7"], "StorageDescriptor": {"Location": "s3://x/"}},
    )
    assert catalog(ready) != was[0]
    key = ready.outputs and ready.outputs.kms_key_arn
    budget = world.store.account(ready.owner)

    after = reset(world, ready)

    assert (after.status, after.failure, after.reason) == (Status.READY, None, None)
    assert (catalog(after), {key: versions(after.bucket(key)) for key in BUCKET_KEYS}) == was
    assert (
        s3.get_object(Bucket=ready.bucket("sor"), Key="db_shop/tbl_orders/a.csv")["Body"].read() == b"id\n1\n"
    )
    assert not s3.list_multipart_uploads(Bucket=ready.bucket("sot")).get("Uploads")
    assert set(after.job_files) == {"sot_ecommerce.py"}
    assert after.outputs == ready.outputs
    assert key is not None
    assert client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert (world.store.account(ready.owner), after.expires_at, after.settings) == (
        budget,
        ready.expires_at,
        ready.settings,
    )


def test_dropped_tables_and_databases_are_recreated(world: World) -> None:
    ready = world.ready(ID, {})
    was = catalog(ready)
    client("glue").delete_table(DatabaseName=ready.database("db_shop"), Name="tbl_days")
    assert catalog(reset(world, ready)) == was
    client("glue").delete_database(Name=ready.database("db_shop"))
    assert catalog(reset(world, ready)) == was
    stack = world.operated.delete  # the stack still knows its resources
    for bucket in BUCKET_KEYS:
        for _ in world.operator.job_files._live._buckets.empty(ready.bucket(bucket)):
            pass
    assert stack(ready)["StackStatus"] == "DELETE_COMPLETE"


def test_runs_are_stopped_first(world: World) -> None:
    ready = world.ready(ID, {})
    run = world.ask_run(ready, "RUNNING")
    begun = world.operator.environments.reset(IdempotentRequest(CALLER, "r1"), ID).record
    assert begun.status in (Status.RESETTING, Status.READY)
    after = finish(world, ready)
    stopped = world.store.run(ID, run.id)
    assert stopped is not None
    assert (after.status, stopped.status) == (Status.READY, RunStatus.STOPPED)


def test_runs_started_outside_the_service_are_stopped(world: World) -> None:
    ready = world.ready(ID, {})
    run = world.ask_run(ready, "SUCCEEDED")
    world.store.save_run(
        run, run.replace(glue_run_id=None, status=RunStatus.STOPPED)
    )  # never started in Glue
    by_hand, ended = world.glue.begin(ready.job_id), world.glue.begin(ready.job_id, "FAILED")
    begun = world.operator.environments.reset(IdempotentRequest(CALLER, "r1"), ID).record
    assert begun.status is Status.RESETTING  # until Glue reports that the run has stopped
    assert finish(world, ready).status is Status.READY
    assert world.glue.runs[by_hand]["JobRunState"] == "STOPPED"
    assert world.glue.runs[ended]["JobRunState"] == "FAILED"


def test_a_reset_blocks_runs_but_not_a_deletion(world: World) -> None:
    ready = world.ready(ID, {})
    run = world.ask_run(ready, "RUNNING")
    assert run.glue_run_id is not None
    world.glue.batch_stop_job_run = lambda request: {}  # type: ignore[method-assign]  # it takes its time
    assert (
        world.operator.environments.reset(IdempotentRequest(CALLER, "r1"), ID).record.status
        is Status.RESETTING
    )
    world.operator.environments.delete(CALLER, ID, "r2")
    world.glue.runs[run.glue_run_id]["JobRunState"] = "STOPPED"
    for _ in range(6):
        world.moment += timedelta(minutes=16)
        world.operator.events.tick(seconds=60)
        world.operated.settled(ready, ready.stack_id)
    assert world.look(ready).status is Status.DELETED


def test_a_reset_of_a_sandbox_without_data_adds_none(world: World) -> None:
    ready = world.ready(ID, {"upload_data": False})
    client("s3").put_object(Bucket=ready.bucket("sor"), Key="mine", Body=b"1")
    after = reset(world, ready)
    assert after.status is Status.READY
    assert keys(ready.bucket("sor")) == []


def test_a_reset_reverts_what_was_changed_by_hand(world: World) -> None:
    ready = world.ready(ID, {})
    glue, s3, iam = client("glue"), client("s3"), client("iam")
    job = glue.get_job(JobName=ready.job_id)["Job"]
    star = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    update = {key: job[key] for key in ("Role", "Command", "DefaultArguments", "GlueVersion", "WorkerType")}
    glue.update_job(JobName=ready.job_id, JobUpdate={**update, "NumberOfWorkers": 10, "MaxRetries": 9})
    s3.delete_public_access_block(Bucket=ready.bucket("sot"))
    iam.put_role_policy(RoleName=ready.role_name, PolicyName="mine", PolicyDocument=json.dumps(star))
    client("athena").delete_work_group(WorkGroup=ready.name, RecursiveDeleteOption=True)

    after = reset(world, ready)

    assert (after.status, after.failure, after.reason, after.wanted) == (Status.READY, None, None, None)
    now = glue.get_job(JobName=ready.job_id)["Job"]
    assert (now["NumberOfWorkers"], now.get("MaxRetries")) == (
        job["NumberOfWorkers"],
        job.get("MaxRetries"),
    )
    assert s3.get_public_access_block(Bucket=ready.bucket("sot"))
    assert "mine" not in iam.list_role_policies(RoleName=ready.role_name)["PolicyNames"]
    assert client("athena").get_work_group(WorkGroup=ready.name)
    reverted = [e for e in world.store.events(ID, limit=50).items if e.action == "drift_reverted"]
    assert [event.detail for event in reverted] == [
        {"resources": ["GlueJob", "GlueJobRole", "SotBucket", "Workgroup"]}
    ]
