"""Deletion of a READY sandbox's stack or resources outside the service."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.clock import parse, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.errors import EnvironmentNotReady, WorkgroupUnusable
from chalicelib.lifecycle.transitions import Next
from chalicelib.services.idempotency import IdempotentRequest
from local.setup import roles
from tests.support.sandbox_stacks import client
from tests.support.service_roles import RICH, World
from tests.support.size import sized

ID = "aaaaaaaaaa"
DELETED = "The stack was deleted outside this service."


def empty(bucket: str) -> None:
    s3 = client("s3")
    listed = s3.list_object_versions(Bucket=bucket)
    for version in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def delete_stack(world: World, environment: Environment, *, emptied: bool = True) -> None:
    for bucket in environment.outputs.buckets.values() if emptied else ():
        empty(bucket)
    client("cloudformation").delete_stack(StackName=environment.name)
    world.operated.settled(environment, environment.stack_id)


def a_day(world: World, environment: Environment) -> Environment:
    """Let a day pass without any stack event."""
    for _ in range(24):
        world.moment += timedelta(hours=1)
        world.operator.events.tick(seconds=60)
    return world.look(environment)


def finish(world: World, environment: Environment) -> Environment:
    for _ in range(30):
        stack_id = world.look(environment).stack_id
        if stack_id:
            world.operated.settled(environment, stack_id)
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
        found = world.look(environment)
        if found.status in (Status.READY, Status.DELETED) or (
            found.status is Status.FAILED and not found.clean_up
        ):
            return found
    raise AssertionError(found)


def caller(environment: Environment) -> Caller:
    return Caller(environment.owner, is_admin=False)


def retry(world: World, environment: Environment) -> Environment:
    world.operator.environments.retry(IdempotentRequest(caller(environment), "r"), environment.id)
    return finish(world, environment)


def start(world: World, environment: Environment) -> str:
    asked = IdempotentRequest(caller(environment), "request", None, "fingerprint")
    return str(world.operator.jobs.start_run(asked, environment.job_id, RunRequest()).record.id)


def keys(bucket: str) -> list[str]:
    return [item["Key"] for item in client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


# -- the stack -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_event", [True, False])
def test_a_deleted_stack_is_detected_by_its_event_or_within_a_day(world: World, has_event: bool) -> None:
    ready = world.ready(ID, {})
    delete_stack(world, ready)
    if has_event:
        world.reconcile(world.operator, ready)
        lost = world.look(ready)
    else:
        lost = a_day(world, ready)
    assert lost.status is Status.FAILED
    assert lost.failure is not None and lost.failure.message == DELETED
    assert lost.reason == lost.failure.fix
    assert lost.admitted_at == ready.admitted_at, "its place is not given to others"
    with pytest.raises(EnvironmentNotReady):
        start(world, ready)
    again = retry(world, lost)
    assert (again.status, again.failure, again.id) == (Status.READY, None, ready.id)
    assert again.stack_id != ready.stack_id
    assert keys(ready.bucket("sor")) != []


def test_a_stack_in_deletion_accepts_no_runs(world: World) -> None:
    ready = world.ready(ID, {})
    client("cloudformation").delete_stack(StackName=ready.name)
    world.reconcile(world.operator, ready)
    assert world.look(ready).status is Status.FAILED
    world.operated.settled(ready, ready.stack_id)


def test_leftovers_of_a_deleted_stack_are_kept_until_the_owner_decides(world: World) -> None:
    ready = world.ready(ID, {})
    client("s3").put_object(Bucket=ready.bucket("sot"), Key="mine", Body=b"1")
    delete_stack(world, ready, emptied=False)  # ends as DELETE_FAILED: buckets are not empty
    world.reconcile(world.operator, ready)
    lost = a_day(world, ready)
    assert (lost.status, lost.clean_up) == (Status.FAILED, False)
    assert keys(ready.bucket("sot")) == ["mine"]
    again = retry(world, lost)
    assert again.status is Status.READY, again.reason
    assert keys(ready.bucket("sot")) == [], "the retry has removed it, as it said"


def test_a_sandbox_without_a_stack_can_be_deleted_and_its_runs_are_settled(world: World) -> None:
    ready = world.ready(ID, {"kms_key": True})
    run = world.ask_run(ready, "RUNNING")
    delete_stack(world, ready)
    world.reconcile(world.operator, ready)
    assert world.look(ready).reserved_micro_usd > 0
    world.change(ready, delete_requested=True, due_at=timestamp(world.moment))
    gone = finish(world, ready)
    assert gone.status is Status.DELETED
    assert gone.reserved_micro_usd == 0
    ended = world.store.run(ready.id, run.id)
    assert ended is not None and ended.status is RunStatus.STOPPED
    assert gone.receipt is not None
    assert {each.type for each in gone.receipt.remaining} == {"AWS::KMS::Key"}
    listed = {each.type for each in gone.receipt.removed}
    assert {"AWS::S3::Bucket", "AWS::Glue::Job", "AWS::IAM::Role"} <= listed
    statuses = {each.status for each in gone.resources.values()}
    assert statuses == {"DELETE_COMPLETE"}
    assert len(gone.resources) == gone.total_resources


def test_an_update_without_a_stack_fails_and_keeps_leftovers(world: World) -> None:
    ready = world.ready(ID, {})
    client("s3").put_object(Bucket=ready.bucket("sot"), Key="mine", Body=b"1")
    delete_stack(world, ready, emptied=False)
    wanted = EnvironmentChange.model_validate({"settings": {"job": {"number_of_workers": 3}}})
    world.operator.environments.change(caller(ready), ready.id, wanted, "r")
    lost = finish(world, ready)
    assert lost.failure is not None
    assert (lost.status, lost.failure.message) == (Status.FAILED, DELETED)
    assert keys(ready.bucket("sot")) == ["mine"]


def test_a_reset_without_a_stack_fails(world: World) -> None:
    ready = world.ready(ID, {})
    delete_stack(world, ready)
    world.operator.environments.reset(IdempotentRequest(caller(ready), "r"), ready.id)
    lost = finish(world, ready)
    assert lost.failure is not None
    assert (lost.status, lost.failure.message) == (Status.FAILED, DELETED)


def test_a_retry_after_failed_seeding_recreates_a_deleted_stack(world: World) -> None:
    ready = world.ready(ID, {})
    world.change(ready, status=Status.FAILED, failure=Failure("internal", "m", "f"), due_at=None)
    delete_stack(world, ready)
    assert retry(world, ready).status is Status.READY


# -- its resources ---------------------------------------------------------------------------------------


def delete_role(name: str) -> None:
    client("iam").delete_role_policy(RoleName=name, PolicyName="sandbox")
    client("iam").delete_role(RoleName=name)


def delete_bucket(name: str) -> None:
    empty(name)
    client("s3").delete_bucket(Bucket=name)


BY_HAND: dict[str, Any] = {
    "GlueJob": lambda name: client("glue").delete_job(JobName=name),
    "GlueJobRole": delete_role,
    "SorBucket": delete_bucket,
    "GlueAssetsBucket": delete_bucket,
    "SotBucket": delete_bucket,
    "SotDatabase": lambda name: client("glue").delete_database(Name=name),
    "DatabaseDbShop": lambda name: client("glue").delete_database(Name=name),
    "JobEncryption": lambda name: client("glue").delete_security_configuration(Name=name),
    "Workgroup": lambda name: client("athena").delete_work_group(WorkGroup=name),
    "OutputLogGroup": lambda name: client("logs").delete_log_group(logGroupName=name),
    "KeyAlias": lambda name: client("kms").delete_alias(AliasName=name),
}


def physical(environment: Environment) -> dict[str, tuple[str, str]]:
    found = client("cloudformation").describe_stack_resources(StackName=environment.name)["StackResources"]
    return {each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in found}


def by_hand(environment: Environment, logical_id: str) -> str:
    kind, name = physical(environment)[logical_id]
    BY_HAND[logical_id](name)
    return kind


@pytest.mark.parametrize("logical_id", sized(list(BY_HAND)[::3], list(BY_HAND)))
def test_a_resource_deleted_by_hand_is_detected_within_a_day_and_recreated_by_a_retry(
    world: World, logical_id: str
) -> None:
    ready = world.ready(ID, RICH)
    before = physical(ready)
    client("s3").put_object(Bucket=ready.bucket("spec"), Key="mine", Body=b"1")
    kind = by_hand(ready, logical_id)
    lost = a_day(world, ready)
    assert lost.status is Status.FAILED
    assert lost.failure is not None
    assert (lost.failure.resource, lost.failure.type) == (logical_id, kind)
    assert "deleted outside this service" in lost.failure.message
    assert "Retry" in lost.failure.fix
    with pytest.raises(EnvironmentNotReady):
        start(world, ready)
    again = retry(world, lost)
    assert (again.status, again.failure, again.wanted) == (Status.READY, None, None), again.failure
    assert physical(ready) == before
    assert keys(ready.bucket("spec")) == ["mine"], "data that were not deleted are kept"
    for bucket in ("sor", "glue_assets"):
        assert keys(ready.bucket(bucket)) != [], "the release's files are there"
    tables = client("glue").get_tables(DatabaseName=ready.database("db_shop"))["TableList"]
    assert [table["Name"] for table in tables] == ["tbl_days", "tbl_orders"]
    assert a_day(world, ready).status is Status.READY


def test_an_update_recreates_deleted_resources_detected_or_not(world: World) -> None:
    ready = world.ready(ID, {})
    by_hand(ready, "GlueJob")

    def change(workers: int | None) -> Environment:
        settings = {} if workers is None else {"settings": {"job": {"number_of_workers": workers}}}
        wanted = EnvironmentChange.model_validate(settings or {"release": ready.release})
        world.operator.environments.change(caller(ready), ready.id, wanted, "r")
        return finish(world, ready)

    assert change(3).status is Status.READY
    assert client("glue").get_job(JobName=ready.job_id)["Job"]["NumberOfWorkers"] == 3
    by_hand(ready, "GlueJob")
    assert a_day(world, ready).status is Status.FAILED
    again = change(None)
    assert (again.status, again.settings.job.number_of_workers) == (Status.READY, 3)
    assert client("glue").get_job(JobName=ready.job_id)["Job"]["NumberOfWorkers"] == 3


def test_a_key_whose_deletion_can_be_cancelled_is_not_replaced(world: World) -> None:
    ready = world.ready(ID, {"kms_key": True})
    _, key = physical(ready)["Key"]
    client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    lost = a_day(world, ready)
    assert lost.failure is not None
    assert (lost.status, lost.failure.resource) == (Status.FAILED, "Key")
    assert "cancel the deletion of the key" in lost.failure.fix
    assert retry(world, lost).failure == lost.failure
    client("kms").cancel_key_deletion(KeyId=key)
    client("kms").enable_key(KeyId=key)
    assert retry(world, lost).status is Status.READY
    assert physical(ready)["Key"][1] == key


def test_a_sandbox_stays_failed_with_a_reason_if_a_resource_cannot_be_recreated(world: World) -> None:
    ready = world.ready(ID, {})
    by_hand(ready, "GlueJob")
    lost = a_day(world, ready)
    statement = {"Effect": "Deny", "Action": "glue:CreateJob", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = roles.DEPLOYMENT
    client("iam").put_role_policy(RoleName=role, PolicyName="less", PolicyDocument=document)
    failed = retry(world, lost)
    assert failed.failure is not None
    assert (failed.status, failed.failure.cause) == (Status.FAILED, "permission")
    client("iam").delete_role_policy(RoleName=role, PolicyName="less")
    assert retry(world, failed).status is Status.READY


def test_a_sandbox_without_one_of_its_resources_can_be_deleted(world: World) -> None:
    ready = world.ready(ID, RICH)
    for logical_id in BY_HAND:
        by_hand(ready, logical_id)
    lost = a_day(world, ready)
    assert lost.failure is not None
    assert f"(and {len(BY_HAND) - 1} more)" in lost.failure.message
    world.change(lost, delete_requested=True, due_at=timestamp(world.moment))
    assert finish(world, ready).status is Status.DELETED


def test_a_foreign_stack_update_that_removes_a_resource_is_detected_by_its_event(world: World) -> None:
    ready = world.ready(ID, {})
    cloudformation = client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=ready.name)["Stacks"][0]
    values = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    values["AthenaWorkgroup"] = "false"
    cloudformation.update_stack(
        StackName=ready.name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    world.reconcile(world.operator, ready)
    world.operated.settled(ready)
    world.reconcile(world.operator, ready)
    lost = world.look(ready)
    assert lost.failure is not None
    assert (lost.status, lost.failure.resource) == (Status.FAILED, "Workgroup")
    assert retry(world, lost).status is Status.READY
    assert client("athena").get_work_group(WorkGroup=ready.name)


# -- inconclusive checks ---------------------------------------------------------------------------------


@contextlib.contextmanager
def refusing(client: Any, operation: str, code: str, status: int = 400) -> Iterator[list[str]]:
    """Reject a call of one of the service's clients with a code. Yield one entry for each rejected call."""
    told: list[str] = []

    def refuse(**_: Any) -> None:
        told.append(code)
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, operation)

    client.meta.events.register(f"before-call.glue.{operation}", refuse)
    yield told
    client.meta.events.unregister(f"before-call.glue.{operation}", refuse)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("AccessDeniedException", 400), ("InternalFailure", 500)],
)
def test_an_inconclusive_check_does_not_fail_the_sandbox(
    world: World, code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift_check: Any = world.operator.environments._reconciler._drift_check
    monkeypatch.setattr(drift_check._transitions, "_jitter", lambda: 0.0)  # the first check is after 12 hours
    ready = world.ready(ID, {})
    with refusing(drift_check._inspector._prover._clients["glue"], "GetJob", code, status) as told:
        assert a_day(world, ready).status is Status.READY
        by_hand(ready, "GlueJobRole")
        assert a_day(world, ready).status is Status.FAILED, "another look is certain"
    is_final = code == "AccessDeniedException"
    assert told and (len(told) <= 4 if is_final else len(told) > 4), "it is soon looked at again, or not"


# -- times of checks -------------------------------------------------------------------------------------


def test_a_burst_of_checks_delays_no_others_and_each_runs_within_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"{letter}{other}aaaaaaaa" for letter in "abcdef" for other in "abcdefgh"]
    ready = world.ready("zzzzzzzzzz", {})
    for environment_id in many:
        at = timestamp(world.moment)
        world.record(
            environment_id, {}, status=Status.READY, stack_id="x", look_at=at, due_at=at, ready_at=at
        )
    looked: list[str] = []
    drift_check: Any = world.operator.environments._reconciler._drift_check
    monkeypatch.setattr(
        drift_check,
        "_check",
        lambda environment, _: looked.append(environment.id) or _keep(world, environment),
    )
    world.moment += timedelta(minutes=1)
    world.change(ready, delete_requested=True, due_at=timestamp(world.moment))
    world.operator.events.tick(seconds=600)
    assert world.look(ready).status is not Status.READY, "it was due after all of them"
    assert len(looked) == 20
    for _ in range(70):
        world.moment += timedelta(minutes=1)
        world.operator.events.tick(seconds=600)
    assert sorted(set(looked)) == many


def _keep(world: World, environment: Environment) -> Next:
    later = timestamp(world.moment + timedelta(hours=20))
    world.change(environment, look_at=later, due_at=later)
    return Next.LATER


def test_new_sandboxes_are_checked_within_a_day_at_spread_times(world: World) -> None:
    first, second = (world.ready(name, {}) for name in (ID, "bbbbbbbbbb"))
    for each in (first, second):
        assert each.look_at is not None and each.due_at == each.look_at
        wait = (parse(each.look_at) - world.moment).total_seconds()
        assert 12 * 3600 <= wait <= 22 * 3600
    assert first.look_at != second.look_at


def test_a_run_of_a_deleted_job_fails_the_sandbox_at_once(world: World) -> None:
    ready = world.ready(ID, {})
    by_hand(ready, "GlueJob")
    runs: Any = world.operator.jobs._runs
    with refusing(runs._glue._starter, "StartJobRun", "EntityNotFoundException"):
        run = world.store.run(ready.id, start(world, ready))
    assert run is not None and run.status is RunStatus.ERROR
    lost = world.look(ready)
    assert lost.failure is not None
    assert (lost.status, lost.failure.resource) == (Status.FAILED, "GlueJob")


def test_a_query_in_a_deleted_workgroup_fails_the_sandbox_at_the_next_tick(world: World) -> None:
    ready = world.ready(ID, {})
    by_hand(ready, "Workgroup")
    with pytest.raises(WorkgroupUnusable):
        world.operator.tables.rows(caller(ready), ready.id, "db_shop", "tbl_orders", limit=1)
    world.operator.events.tick(seconds=60)
    assert world.look(ready).status is Status.FAILED
