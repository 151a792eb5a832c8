"""Permissions of a new sandbox: nothing depends on tags of its key, and denied calls are retried at first."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends

from chalicelib.domain.environment import Environment, Status
from local.iam import access
from local.moto_patches import kms
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

ROLE = "service-tick"


def seeding(world: World) -> Environment:
    """An environment whose stack is complete, as the next step of the function `tick` finds it."""
    environment = world.record("aaaaaaaaaa", {"kms_key": True})
    world.reconcile(world.service("tick"), environment)
    world.operated.settled(environment)
    return environment


def forbid(action: str) -> None:
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").put_role_policy(RoleName=ROLE, PolicyName="forbidden", PolicyDocument=document)


def allow_again() -> None:
    client("iam").delete_role_policy(RoleName=ROLE, PolicyName="forbidden")


def after(world: World, environment: Environment, minutes: float) -> Environment:
    world.moment += timedelta(minutes=minutes)
    world.reconcile(world.service("tick"), environment)
    return world.look(environment)


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "s3:PutObject", "glue:BatchCreatePartition"])
def test_a_call_denied_in_the_first_minutes_is_retried(world: World, action: str) -> None:
    environment = seeding(world)
    forbid(action)
    waiting = after(world, environment, 0)
    assert waiting.status is Status.SEEDING
    assert waiting.reason is not None
    assert waiting.reason.startswith("Waiting to retry after AccessDenied")
    for _ in range(9):
        waiting = after(world, environment, 1)
    assert waiting.status is Status.SEEDING
    allow_again()
    assert after(world, environment, 0.9).status is Status.READY


def test_a_call_denied_for_ten_minutes_fails_the_creation(world: World) -> None:
    environment = seeding(world)
    forbid("kms:GenerateDataKey")
    for _ in range(11):
        after(world, environment, 1)
    failed = world.look(environment)
    allow_again()
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert failed.failure.cause == "permission"
    assert "kms:GenerateDataKey" in failed.failure.message


def test_the_keys_policy_names_the_roles_of_the_service_and_no_others(world: World) -> None:
    ready = world.ready("aaaaaaaaaa", {"kms_key": True})
    assert ready.outputs is not None
    key, bucket = ready.outputs.kms_key_arn, ready.bucket("sor")
    client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    everything = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
    tagged = {"aws:ResourceTag/terraglue:environment": "??????????"}
    by_tag = {**everything, "Action": "kms:*", "Condition": {"StringLike": tagged}}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything, by_tag]})
    client("iam").put_role_policy(RoleName="other", PolicyName="p", PolicyDocument=document)
    credentials = access.assume(client, "other", "lambda.amazonaws.com", "test")

    def read() -> Any:
        return client("s3", credentials).get_object(Bucket=bucket, Key="a")

    with pytest.raises(ClientError, match="kms:Decrypt"):
        read()
    with pytest.raises(ClientError, match="kms:DescribeKey"):
        client("kms", credentials).describe_key(KeyId=key)
    kms.let_tags_count()
    read()
    client("kms", credentials).describe_key(KeyId=key)


def test_a_deletion_ends_although_aws_denies_calls_about_what_is_gone(world: World) -> None:
    ready = world.ready("aaaaaaaaaa", {"kms_key": True})
    assert ready.outputs is not None and ready.outputs.kms_key_arn is not None
    stack_id = world.operated.settled(ready)["StackId"]
    world.change(ready, delete_requested=True)
    world.reconcile(world.service("tick"), ready)
    world.operated.settled(ready, stack_id)
    # The key's waiting period is over, too.
    _, _, _, region, account, name = ready.outputs.kms_key_arn.split(":")
    del kms_backends[account][region].keys[name.removeprefix("key/")]
    gone = after(world, ready, 1)
    assert gone.status is Status.DELETED, gone.reason
    assert gone.receipt is not None
    assert {"AWS::KMS::Alias", "AWS::KMS::Key"} <= {entry.type for entry in gone.receipt.removed}
