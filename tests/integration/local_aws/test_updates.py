"""Update handlers of the local CloudFormation for each resource type, and updates in progress."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloudformation.resources import HANDLERS
from local.cloudformation.schemas import schema
from local.iam import access
from tests.support.served_stacks import (
    Aws,
    bucket,
    buckets,
    create,
    deployer,
    history,
    job,
    made,
    serving,
    settled,
    template,
    versioned,
)

TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with serving() as make:
        yield make


@pytest.fixture
def slow() -> Iterator[Aws]:
    """A resource takes a tenth of a second."""
    with serving(seconds_per_stack=2) as make:
        yield make


def change(aws: Aws, name: str, kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Create a stack of one resource and change its properties in place."""
    capabilities = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    create(aws, name, template({"It": {"Type": kind, "Properties": before}}), **capabilities)
    assert settled(aws, name)["StackStatus"] == "CREATE_COMPLETE", history(aws, name)
    first = physical_id(aws, name)
    body = template({"It": {"Type": kind, "Properties": after}})
    aws("cloudformation").update_stack(StackName=name, TemplateBody=body, **capabilities)
    assert settled(aws, name)["StackStatus"] == "UPDATE_COMPLETE", history(aws, name)
    assert ("It", "DELETE_COMPLETE") not in history(aws, name)
    assert physical_id(aws, name) == first


def physical_id(aws: Aws, name: str) -> str:
    detail = aws("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="It")
    return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def test_a_type_has_an_update_handler_if_the_registry_has_one() -> None:
    assert len(HANDLERS) >= 14
    assert {kind for kind, handler in HANDLERS.items() if handler.update is not None} == {
        kind for kind in HANDLERS if schema(kind).can_update
    }


def test_a_bucket_loses_properties_removed_from_its_template(aws: Aws) -> None:
    rule = {"Id": "r", "Status": "Enabled", "ExpirationInDays": 3}
    before = {
        "BucketName": "bare",
        "LifecycleConfiguration": {"Rules": [rule]},
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LoggingConfiguration": {"LogFilePrefix": "a/"},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    log_policy = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}}
    log_policy |= {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::bare/*"}
    create(aws, "bare", template({"It": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bare"}}}))
    settled(aws, "bare")
    document = json.dumps({"Version": "2012-10-17", "Statement": [log_policy]})
    aws("s3").put_bucket_policy(Bucket="bare", Policy=document)
    for properties in (before, {"BucketName": "bare"}):
        body = template({"It": {"Type": "AWS::S3::Bucket", "Properties": properties}})
        aws("cloudformation").update_stack(StackName="bare", TemplateBody=body)
        assert settled(aws, "bare")["StackStatus"] == "UPDATE_COMPLETE", history(aws, "bare")
    s3 = aws("s3")
    assert s3.get_bucket_versioning(Bucket="bare")["Status"] == "Suspended"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="bare")
    for call in (
        s3.get_bucket_lifecycle_configuration,
        s3.get_public_access_block,
        s3.get_bucket_ownership_controls,
        s3.get_bucket_tagging,
    ):
        with pytest.raises(ClientError):
            call(Bucket="bare")


def test_all_properties_of_a_role_are_updated(aws: Aws) -> None:
    iam = aws("iam")
    arns = [
        iam.create_policy(PolicyName=f"managed-{n}", PolicyDocument=json.dumps(policy("s3:GetObject")))[
            "Policy"
        ]["Arn"]
        for n in range(3)
    ]
    before = {
        "RoleName": "changed",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]},
        "Description": "one",
        "PermissionsBoundary": arns[2],
        "ManagedPolicyArns": [arns[0]],
        "Policies": [
            {"PolicyName": name, "PolicyDocument": policy("s3:GetObject")}
            for name in ("same", "other", "gone")
        ],
        "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}],
    }
    trusted = {**TRUST, "Principal": {"Service": "lambda.amazonaws.com"}}
    after = {
        "RoleName": "changed",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
        "Description": "two",
        "MaxSessionDuration": 7200,
        "ManagedPolicyArns": [arns[1]],
        "Policies": [
            {"PolicyName": "same", "PolicyDocument": policy("s3:GetObject")},
            {"PolicyName": "other", "PolicyDocument": policy("s3:PutObject")},
            {"PolicyName": "new", "PolicyDocument": policy("s3:ListBucket")},
        ],
        "Tags": [{"Key": "a", "Value": "2"}],
    }
    change(aws, "role", "AWS::IAM::Role", before, after)
    role = iam.get_role(RoleName="changed")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("two", 7200)
    assert role["AssumeRolePolicyDocument"]["Statement"] == [trusted]
    assert "PermissionsBoundary" not in role
    attached = iam.list_attached_role_policies(RoleName="changed")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [arns[1]]
    assert sorted(iam.list_role_policies(RoleName="changed")["PolicyNames"]) == ["new", "other", "same"]
    other = iam.get_role_policy(RoleName="changed", PolicyName="other")["PolicyDocument"]
    assert other["Statement"][0]["Action"] == ["s3:PutObject"]
    assert iam.list_role_tags(RoleName="changed")["Tags"] == [{"Key": "a", "Value": "2"}]


def test_policies_move_between_roles(aws: Aws) -> None:
    iam = aws("iam")
    for name in ("mover-1", "mover-2"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy()))
    body = {"PolicyName": "inline", "PolicyDocument": policy("s3:GetObject"), "Roles": ["mover-1"]}
    change(
        *(aws, "inline", "AWS::IAM::Policy", body),
        {**body, "Roles": ["mover-2"], "PolicyDocument": policy("s3:PutObject")},
    )
    assert iam.list_role_policies(RoleName="mover-1")["PolicyNames"] == []
    document = iam.get_role_policy(RoleName="mover-2", PolicyName="inline")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == ["s3:PutObject"]

    body = {"ManagedPolicyName": "managed", "PolicyDocument": policy("s3:GetObject"), "Roles": ["mover-1"]}
    change(
        *(aws, "managed", "AWS::IAM::ManagedPolicy", body),
        {**body, "Roles": ["mover-2"], "PolicyDocument": policy("s3:PutObject")},
    )
    arn = physical_id(aws, "managed")
    assert iam.list_attached_role_policies(RoleName="mover-1")["AttachedPolicies"] == []
    [attached] = iam.list_attached_role_policies(RoleName="mover-2")["AttachedPolicies"]
    assert attached["PolicyArn"] == arn
    [version] = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    shown = iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])["PolicyVersion"]
    assert shown["Document"]["Statement"][0]["Action"] == ["s3:PutObject"]

    body = {"PolicyName": "of-one", "RoleName": "mover-1", "PolicyDocument": policy("s3:GetObject")}
    change(aws, "of-one", "AWS::IAM::RolePolicy", body, {**body, "PolicyDocument": policy("s3:PutObject")})
    document = iam.get_role_policy(RoleName="mover-1", PolicyName="of-one")["PolicyDocument"]
    assert document["Statement"][0]["Action"] == ["s3:PutObject"]


def test_a_key_and_its_alias_are_changed(aws: Aws) -> None:
    kms = aws("kms")
    before = {"Description": "one", "EnableKeyRotation": True, "Tags": [{"Key": "a", "Value": "1"}]}
    after = {"Description": "two", "Enabled": False, "KeyPolicy": policy("kms:*")}
    change(aws, "key", "AWS::KMS::Key", before, {**after, "Tags": [{"Key": "b", "Value": "2"}]})
    key_id = physical_id(aws, "key")
    key = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (key["Description"], key["KeyState"]) == ("two", "Disabled")
    assert json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]) == policy("kms:*")
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    # Enabled again, by the default, and with KMS's own policy.
    body = template({"It": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": "false"}}})
    aws("cloudformation").update_stack(StackName="key", TemplateBody=body)
    assert settled(aws, "key")["StackStatus"] == "UPDATE_COMPLETE"
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    assert (
        "arn:aws:iam::123456789012:root" in kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    )

    keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    first, second = ({"AliasName": "alias/changed", "TargetKeyId": key} for key in keys)
    change(aws, "alias", "AWS::KMS::Alias", first, second)
    assert kms.describe_key(KeyId="alias/changed")["KeyMetadata"]["KeyId"] == keys[1]


def test_a_log_group_is_changed(aws: Aws) -> None:
    logs = aws("logs")
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    refused = {"LogGroupName": "/refused", "KmsKeyId": key}
    create(aws, "refused", template({"It": {"Type": "AWS::Logs::LogGroup", "Properties": refused}}))
    assert settled(aws, "refused")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName="refused")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("not allowed to be used with LogGroup" in reason for reason in reasons)
    only = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:*:log-group:/changed"}}
    principal = {"Service": "logs.us-east-1.amazonaws.com"}
    use = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*", "Condition": only}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [use]})
    aws("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    bare = {"LogGroupName": "/changed"}
    whole = {**bare, "RetentionInDays": 7, "KmsKeyId": key, "Tags": [{"Key": "a", "Value": "1"}]}
    change(aws, "logs", "AWS::Logs::LogGroup", bare, whole)
    [group] = logs.describe_log_groups(logGroupNamePrefix="/changed")["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (7, key)
    assert logs.list_tags_log_group(logGroupName="/changed")["tags"] == {"a": "1"}
    body = template({"It": {"Type": "AWS::Logs::LogGroup", "Properties": bare}})
    aws("cloudformation").update_stack(StackName="logs", TemplateBody=body)
    assert settled(aws, "logs")["StackStatus"] == "UPDATE_COMPLETE"
    [group] = logs.describe_log_groups(logGroupNamePrefix="/changed")["logGroups"]
    assert not {"retentionInDays", "kmsKeyId"} & group.keys()
    assert logs.list_tags_log_group(logGroupName="/changed")["tags"] == {}


def test_a_workgroup_is_changed(aws: Aws) -> None:
    results = {"OutputLocation": "s3://a/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    before = {"ResultConfiguration": results, "BytesScannedCutoffPerQuery": 10_000_000}
    after = {"ResultConfiguration": {"OutputLocation": "s3://b/"}, "EnforceWorkGroupConfiguration": False}
    change(
        *(aws, "group", "AWS::Athena::WorkGroup"),
        {"Name": "changed", "Description": "one", "WorkGroupConfiguration": before},
        {"Name": "changed", "State": "DISABLED", "WorkGroupConfiguration": after},
    )
    group = aws("athena").get_work_group(WorkGroup="changed")["WorkGroup"]
    assert (group["State"], group["Description"]) == ("DISABLED", "")
    configuration = group["Configuration"]
    assert configuration["ResultConfiguration"] == {"OutputLocation": "s3://b/"}
    assert configuration["EnforceWorkGroupConfiguration"] is False
    assert "BytesScannedCutoffPerQuery" not in configuration


def test_databases_and_tables_are_changed(aws: Aws) -> None:
    def database(words: str) -> dict[str, Any]:
        return {"CatalogId": "123456789012", "DatabaseInput": {"Name": "db", "Description": words}}

    def table(column: str) -> dict[str, Any]:
        storage = {"Columns": [{"Name": column, "Type": "string"}], "Location": "s3://a/"}
        given = {"Name": "t", "StorageDescriptor": storage, "Parameters": {"classification": "csv"}}
        return {"CatalogId": "123456789012", "DatabaseName": "db", "TableInput": given}

    change(aws, "db", "AWS::Glue::Database", database("one"), database("two"))
    assert aws("glue").get_database(Name="db")["Database"]["Description"] == "two"
    change(aws, "table", "AWS::Glue::Table", table("a"), table("b"))
    shown = aws("glue").get_table(DatabaseName="db", Name="t")["Table"]
    assert shown["StorageDescriptor"]["Columns"] == [{"Name": "b", "Type": "string"}]


def test_a_job_loses_removed_properties_and_keeps_its_creation_time(aws: Aws) -> None:
    plain = {"Name": "forgets", "Role": "r", "Command": {"Name": "glueetl"}}
    whole = {**plain, "Description": "d", "Timeout": 5, "DefaultArguments": {"--a": "1"}, "Tags": {"a": "1"}}
    create(aws, "forgets", template({"It": {"Type": "AWS::Glue::Job", "Properties": whole}}))
    settled(aws, "forgets")
    born = aws("glue").get_job(JobName="forgets")["Job"]["CreatedOn"]
    body = template({"It": {"Type": "AWS::Glue::Job", "Properties": plain}})
    aws("cloudformation").update_stack(StackName="forgets", TemplateBody=body)
    settled(aws, "forgets")
    job = aws("glue").get_job(JobName="forgets")["Job"]
    assert not {"Description", "Timeout"} & job.keys()
    assert (job.get("DefaultArguments", {}), job["CreatedOn"]) == ({}, born)
    arn = "arn:aws:glue:us-east-1:123456789012:job/forgets"
    assert aws("glue").get_tags(ResourceArn=arn)["Tags"] == {}
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        aws("glue").update_job(JobName="nobody", JobUpdate={})


def refused(call: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_changing_a_jobs_role_requires_pass_role(aws: Aws) -> None:
    made(aws, "passed", template({"It": job("passed")}))
    update_it = {"JobName": "passed", "JobUpdate": {"Role": "passer-1", "Command": {"Name": "glueetl"}}}
    for name, actions in (("passer-1", ["glue:UpdateJob"]), ("passer-2", ["glue:UpdateJob", "iam:PassRole"])):
        role = deployer(aws, name, *actions)
        credentials = access.assume(aws, role, "cloudformation.amazonaws.com", "test")
        mine = aws("glue", credentials=credentials)  # type: ignore[call-arg]
        if "iam:PassRole" in actions:
            mine.update_job(**update_it)
        else:
            assert refused(lambda: mine.update_job(**update_it))  # noqa: B023 - called at once


def test_moving_an_alias_requires_permission_for_both_keys(aws: Aws) -> None:
    keys = [aws("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(3)]
    aws("kms").create_alias(AliasName="alias/moving", TargetKeyId=keys[0])
    role = deployer(aws, "mover", "kms:UpdateAlias", resource="arn:aws:kms:*:*:alias/moving")
    statement = {"Effect": "Allow", "Action": "kms:UpdateAlias", "Resource": keys[:2]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_role_policy(RoleName="mover", PolicyName="keys", PolicyDocument=document)
    credentials = access.assume(aws, role, "cloudformation.amazonaws.com", "test")
    mine = aws("kms", credentials=credentials)  # type: ignore[call-arg]
    mine.update_alias(AliasName="alias/moving", TargetKeyId=keys[1])
    assert refused(lambda: mine.update_alias(AliasName="alias/moving", TargetKeyId=keys[2]))
    aws("kms").update_alias(AliasName="alias/moving", TargetKeyId=keys[2])
    assert refused(lambda: mine.update_alias(AliasName="alias/moving", TargetKeyId=keys[1]))


def test_a_policy_can_match_change_sets_by_name(aws: Aws) -> None:
    made(aws, "named", template({"Data": bucket("named-data")}))
    role = deployer(aws, "namer", "cloudformation:DescribeChangeSet")
    condition = {"StringLike": {"cloudformation:ChangeSetName": "ours-*"}}
    statement = {"Effect": "Allow", "Action": "cloudformation:CreateChangeSet", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    aws("iam").put_role_policy(RoleName="namer", PolicyName="named", PolicyDocument=json.dumps(document))
    credentials = access.assume(aws, role, "cloudformation.amazonaws.com", "test")
    mine = aws("cloudformation", credentials=credentials)  # type: ignore[call-arg]
    given = {"StackName": "named", "TemplateBody": template({"Data": versioned("named-data")})}
    mine.create_change_set(ChangeSetName="ours-1", **given)
    assert refused(lambda: mine.create_change_set(ChangeSetName="theirs-1", **given))


def test_only_one_operation_at_a_time(slow: Aws) -> None:
    cloudformation = slow("cloudformation")
    names = [f"busy-{n}" for n in range(5)]
    stack_id = create(slow, "busy", template({name.replace("-", ""): bucket(name) for name in names}))
    assert settled(slow, "busy")["StackStatus"] == "CREATE_COMPLETE"
    after = template({name.replace("-", ""): versioned(name) for name in names})
    began, refused = [], []

    def update() -> None:
        try:
            began.append(cloudformation.update_stack(StackName="busy", TemplateBody=after))
        except ClientError as error:
            refused.append(error.response["Error"]["Message"])

    threads = [threading.Thread(target=update) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(began) == 1
    assert set(refused) == {f"Stack:{stack_id} is in UPDATE_IN_PROGRESS state and can not be updated."}
    for call in (
        lambda: cloudformation.delete_stack(StackName="busy"),
        lambda: cloudformation.delete_stack(StackName=stack_id),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Message"] == (
            f"Stack [{stack_id}] cannot be deleted while in status UPDATE_IN_PROGRESS"
        )
    with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
        cloudformation.create_change_set(StackName="busy", ChangeSetName="c", TemplateBody=after)
    assert settled(slow, "busy")["StackStatus"] == "UPDATE_COMPLETE"
    cloudformation.delete_stack(StackName="busy")
    with pytest.raises(ClientError, match="is in DELETE_IN_PROGRESS state and can not be updated"):
        cloudformation.update_stack(StackName="busy", UsePreviousTemplate=True)
    assert settled(slow, stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_an_update_can_be_cancelled(slow: Aws) -> None:
    cloudformation = slow("cloudformation")
    create(slow, "cancel", template({f"B{n}": bucket(f"cancel-{n}") for n in range(5)}))
    settled(slow, "cancel")
    with pytest.raises(ClientError, match="CancelUpdateStack cannot be called from current stack status"):
        cloudformation.cancel_update_stack(StackName="cancel")
    after = template({f"B{n}": versioned(f"cancel-{n}") for n in range(5)})
    cloudformation.update_stack(StackName="cancel", TemplateBody=after)
    while ("B0", "UPDATE_COMPLETE") not in history(slow, "cancel"):
        time.sleep(0.02)
    cloudformation.cancel_update_stack(StackName="cancel")
    assert settled(slow, "cancel")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert slow("s3").get_bucket_versioning(Bucket="cancel-0")["Status"] == "Suspended"
    assert "Status" not in slow("s3").get_bucket_versioning(Bucket="cancel-4")


def test_a_change_set_cannot_be_executed_before_it_is_ready(slow: Aws) -> None:
    cloudformation = slow("cloudformation")
    create(slow, "moment", template({"Data": bucket("moment-data")}))
    settled(slow, "moment")
    body = template({"Data": versioned("moment-data")})
    made = cloudformation.create_change_set(StackName="moment", ChangeSetName="c", TemplateBody=body)
    with pytest.raises(ClientError, match="cannot be executed in its current status of") as caught:
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
    assert caught.value.response["Error"]["Code"] == "InvalidChangeSetStatus"
    cloudformation.get_waiter("change_set_create_complete").wait(
        ChangeSetName=made["Id"], WaiterConfig={"Delay": 0.05, "MaxAttempts": 100}
    )
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    shown = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert shown["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
    with pytest.raises(ClientError, match="currently in progress"):
        cloudformation.delete_change_set(ChangeSetName=made["Id"])
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName="moment", WaiterConfig={"Delay": 0.05, "MaxAttempts": 100}
    )
    assert "moment-data" in buckets(slow)
