"""Failures, deletions and their receipts on the local CloudFormation, with the real template."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from chalicelib.aws.cloudformation import Stack, StackResource, Stacks, shown_id
from chalicelib.aws.existence import ExistenceChecker
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.services.idempotency import IdempotentRequest
from local.setup import roles
from tests.support.event_bridge import event_with
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

ACCOUNT = "123456789012"
RICH = {"kms_key": True, "job": {"schedule": "rate(1 day)"}}


def physical_ids(environment: Environment) -> set[tuple[str, str]]:
    found = client("cloudformation").describe_stack_resources(StackName=environment.name)["StackResources"]
    return {
        (each["ResourceType"], shown_id(each["ResourceType"], each["PhysicalResourceId"])) for each in found
    }


def delete(world: World, environment: Environment) -> Environment:
    """Request the deletion and run all automatic steps."""
    stack_id = world.operated.settled(environment)["StackId"]
    world.change(environment, delete_requested=True)
    return let_go(world, environment, stack_id)


def let_go(world: World, environment: Environment, stack_id: str) -> Environment:
    for _ in range(3):
        world.reconcile(world.operator, environment)
        world.operated.settled(environment, stack_id)
    return world.look(environment)


def forbid(role: str, action: str) -> None:
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName=role, PolicyName="forbidden", PolicyDocument=document)


def allow_again(role: str) -> None:
    client("iam").delete_role_policy(RoleName=role, PolicyName="forbidden")


def test_the_receipt_lists_every_resource_of_the_stack_by_id(world: World) -> None:
    ready = world.ready("aaaaaaaaaa", RICH)
    made = physical_ids(ready)
    assert len({kind for kind, _ in made}) >= 11, "so few types: is that the template?"
    client("glue").create_table(DatabaseName=ready.sot_database, TableInput={"Name": "of_a_run"})
    client("s3").put_object(Bucket=ready.bucket("sot"), Key="a", Body=b"1")
    gone = delete(world, ready)
    assert gone.status is Status.DELETED, gone.reason
    assert gone.receipt is not None
    removed, [key] = gone.receipt.removed, gone.receipt.remaining
    listed = {(each.type, each.id) for each in removed if each.id}
    assert listed | {(key.type, key.id)} == made
    assert [each for each in removed if each.id and each.why] == [], "a type is not checked"
    counted = {each.type: each.count for each in removed if each.count}
    assert counted["AWS::Glue::Table"] == 1
    assert counted["AWS::S3::Object"] >= 3  # the object, the data, the job's files
    date = client("kms").describe_key(KeyId=key.id)["KeyMetadata"]["DeletionDate"]
    assert key.type == "AWS::KMS::Key"
    assert key.until[:19] == date.strftime("%Y-%m-%dT%H:%M:%S")


def test_an_undeletable_resource_keeps_the_environment_deleting_and_is_shown(world: World) -> None:
    ready = world.ready("aaaaaaaaaa", {})
    other = world.ready("bbbbbbbbbb", {})
    role = client("iam").get_role(RoleName=ready.role_name)["Role"]
    stack_id = world.operated.settled(ready)["StackId"]
    world.change(ready, delete_requested=True)
    world.reconcile(world.operator, ready)
    world.operated.settled(ready, stack_id)
    trust = json.dumps(role["AssumeRolePolicyDocument"])
    client("iam").create_role(RoleName=ready.role_name, AssumeRolePolicyDocument=trust)
    stuck = let_go(world, ready, stack_id)
    assert stuck.status is Status.DELETING
    words = f"The stack is deleted, but these resources still exist: AWS::IAM::Role {ready.role_name}."
    assert stuck.reason == words
    assert delete(world, other).status is Status.DELETED, "it keeps others"
    client("iam").delete_role(RoleName=ready.role_name)
    assert let_go(world, ready, stack_id).status is Status.DELETED


def test_a_denied_deletion_shows_awss_message_without_the_account_and_is_retried(world: World) -> None:
    ready = world.ready("aaaaaaaaaa", {})
    stack_id = world.operated.settled(ready)["StackId"]
    forbid(roles.DEPLOYMENT, "s3:DeleteBucket")
    stuck = delete(world, ready)
    assert stuck.status is Status.DELETING
    assert stuck.reason is not None
    assert stuck.reason.startswith("AWS could not delete AWS::S3::Bucket terraglue-aaaaaaaaaa-")
    assert "is not authorized to perform: s3:DeleteBucket" in stuck.reason
    assert " (and 4 more): " in stuck.reason
    assert ACCOUNT not in stuck.reason
    assert roles.DEPLOYMENT not in stuck.reason
    allow_again(roles.DEPLOYMENT)
    world.moment += timedelta(minutes=16)
    assert let_go(world, ready, stack_id).status is Status.DELETED


def resource_events(environment: Environment) -> list[tuple[dict[str, Any], str]]:
    """EventBridge's events of a stack's resources, oldest first, with times in whole seconds."""
    told = client("cloudformation").describe_stack_events(StackName=environment.name)["StackEvents"]
    return [
        (
            {
                "stack-id": each["StackId"],
                "logical-resource-id": each["LogicalResourceId"],
                "resource-type": each["ResourceType"],
                "status-details": {
                    "status": each["ResourceStatus"],
                    "status-reason": each.get("ResourceStatusReason", ""),
                },
            },
            each["Timestamp"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for each in reversed(told)
        if each["ResourceType"] != "AWS::CloudFormation::Stack"
    ]


def failing(world: World, environment_id: str, **settings: Any) -> Environment:
    """An environment whose Glue job fails, before CloudFormation's event of the failure."""
    forbid(roles.DEPLOYMENT, "glue:CreateJob")
    environment = world.record(environment_id, settings)
    world.reconcile(world.operator, environment)
    world.operated.settled(environment)
    return environment


@pytest.mark.parametrize("seed", range(3))
def test_the_first_failed_resource_is_shown_before_the_rollback_in_any_event_order(
    world: World, seed: int
) -> None:
    environment = failing(world, "aaaaaaaaaa")
    told = resource_events(environment)
    if seed:
        random.Random(seed).shuffle(told)
    for detail, at in [*told, *told[:5]]:
        world.operator.events.resource_changed(event_with(detail, at))
    shown = world.look(environment)
    assert shown.status is Status.CREATING, "the stack has not told of its end"
    assert shown.failure is not None
    assert (shown.failure.type, shown.failure.cause) == ("AWS::Glue::Job", "permission")
    everything = str([shown.failure, shown.resources])
    assert "glue:CreateJob" in everything
    assert ACCOUNT not in everything
    assert roles.DEPLOYMENT not in everything
    assert {each.status for each in shown.resources.values()} <= {"DELETE_COMPLETE", "CREATE_FAILED"}


def test_leftovers_of_a_failure_are_cleaned_up_and_a_retry_starts_over(world: World) -> None:
    environment = failing(world, "aaaaaaaaaa", kms_key=True)
    for _ in range(4):
        world.moment += timedelta(minutes=1)
        world.operator.events.tick(seconds=60)
        if stack_id := world.look(environment).stack_id:
            world.operated.settled(environment, stack_id)
    failed = world.look(environment)
    assert (failed.status, failed.clean_up, failed.stack_id) == (Status.FAILED, False, None)
    assert failed.failure is not None
    assert failed.reason == failed.failure.fix
    assert {b["Name"] for b in client("s3").list_buckets()["Buckets"]} == {"assets"}
    allow_again(roles.DEPLOYMENT)
    world.operator.environments.retry(
        IdempotentRequest(Caller(environment.owner, is_admin=False), "r"), environment.id
    )
    world.operated.settled(environment)
    world.reconcile(world.operator, environment)
    ready = world.look(environment)
    assert (ready.status, ready.failure, ready.creations) == (Status.READY, None, 2)
    gone = delete(world, ready)
    assert gone.receipt is not None
    keys = [(each.type, each.id) for each in gone.receipt.remaining]
    assert len(set(keys)) == 2, "the key of the attempt that failed waits to be removed, too"


def test_without_events_progress_and_failure_are_shown_within_two_minutes(world: World) -> None:
    environment = failing(world, "aaaaaaaaaa")
    assert world.look(environment).resources == {}
    world.moment += timedelta(seconds=59)
    world.operator.events.tick(seconds=60)
    began = world.moment
    while world.look(environment).failure is None:
        assert world.moment - began < timedelta(minutes=2)
        world.moment += timedelta(minutes=1)
        world.operator.events.tick(seconds=60)
    assert len(world.look(environment).resources) > 5


def test_a_bucket_of_another_account_is_not_emptied(world: World) -> None:
    """The bucket name is taken. The stack fails, and the clean-up keeps the other account's bucket."""
    taken = "terraglue-aaaaaaaaaa-spec"
    client("s3").create_bucket(Bucket=taken)
    client("s3").put_object(Bucket=taken, Key="theirs", Body=b"1")
    environment = world.record("aaaaaaaaaa", {})
    world.reconcile(world.operator, environment)
    stack_id = world.operated.settled(environment)["StackId"]
    world.reconcile(world.operator, environment)
    gone = delete(world, environment) if world.look(environment).stack_id else world.look(environment)
    gone = let_go(world, gone, stack_id)
    assert client("s3").get_object(Bucket=taken, Key="theirs")["ContentLength"] == 1
    assert gone.failure is not None
    assert gone.failure.cause == "name_conflict"


def test_unknown_types_are_unchecked_and_retained_resources_remain() -> None:
    class Buckets:
        """Every bucket is there."""

        def head_bucket(self, **_: Any) -> dict[str, Any]:
            return {"BucketRegion": "us-east-1"}

    parts = [
        StackResource("AWS::SNS::Topic", "Topic", "arn:x", "DELETE_COMPLETE"),
        StackResource("AWS::S3::Bucket", "Kept", "kept", "DELETE_SKIPPED"),
        StackResource("AWS::S3::Bucket", "Lost", "lost", "DELETE_COMPLETE"),
    ]
    proof = ExistenceChecker({"s3": Buckets()}).verify_deletion(parts)
    [topic] = proof.removed
    assert "are not checked again" in topic.why
    assert [each.id for each in proof.remaining] == ["kept"]
    assert [part.physical_id for part in proof.still_existing] == ["lost"]


@pytest.mark.parametrize("table", ["orders", "sales|orders", f"{ACCOUNT}|sales|orders"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_table_is_found_by_each_form_of_its_physical_id(table: str, exists: bool) -> None:
    class Glue:
        """The database `sales` has the table `orders`, or is empty."""

        def get_database(self, **_: Any) -> dict[str, Any]:
            return {"Database": {}}

        def get_table(self, **named: str) -> dict[str, Any]:
            if exists and named == {"DatabaseName": "sales", "Name": "orders"}:
                return {"Table": {}}
            error = {"Error": {"Code": "EntityNotFoundException", "Message": "Entity Not Found"}}
            raise ClientError(error, "GetTable")  # type: ignore[arg-type]

    kind = "AWS::Glue::Table"
    parts = [
        StackResource("AWS::Glue::Database", "Sales", "sales", "DELETE_COMPLETE"),
        StackResource(kind, "Orders", shown_id(kind, table), "DELETE_COMPLETE"),
    ]
    proof = ExistenceChecker({"glue": Glue()}).verify_deletion(parts)
    assert [part.logical_id for part in proof.still_existing] == [*(["Orders"] if exists else []), "Sales"]
    assert [(each.logical_id, each.why) for each in proof.removed] == ([] if exists else [("Orders", None)])
    assert ACCOUNT not in shown_id(kind, table)


STACK_ID = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/terraglue-aaaaaaaaaa/1"


def told(logical_id: str, physical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "StackId": STACK_ID,
        "EventId": "e",
        "StackName": "terraglue-aaaaaaaaaa",
        "Timestamp": datetime(2026, 11, 24, tzinfo=UTC),
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": "AWS::S3::Bucket",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_stack_resources_include_replaced_ones_but_no_foreign_names() -> None:
    """Stack resources according to CloudFormation's events, newest first."""
    cloudformation = client("cloudformation")
    events = [
        told("Sot", "new-sot", "DELETE_COMPLETE"),
        told("Spec", "taken", "DELETE_COMPLETE"),
        told("Sot", "old-sot", "DELETE_FAILED", "The bucket you tried to delete is not empty"),
        told("Spec", "taken", "CREATE_FAILED", "taken already exists"),
        told("Sot", "new-sot", "CREATE_COMPLETE"),
        told("Sot", "old-sot", "CREATE_COMPLETE"),
        told("Sot", "", "CREATE_IN_PROGRESS"),
        told("terraglue-aaaaaaaaaa", STACK_ID, "CREATE_IN_PROGRESS"),
    ]
    with Stubber(cloudformation) as stubbed:
        stubbed.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": STACK_ID})
        parts = Stacks(cloudformation).parts(Stack(STACK_ID, "DELETE_COMPLETE", None, {}))
    found = {(part.physical_id, part.status) for part in parts}
    assert found == {("new-sot", "DELETE_COMPLETE"), ("old-sot", "DELETE_FAILED")}
