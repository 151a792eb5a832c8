"""Failed updates of the local CloudFormation: rollback, leftovers and continuation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.served_stacks import (
    Aws,
    bucket,
    buckets,
    changes,
    create,
    deployer,
    history,
    job,
    made,
    propose,
    reasons,
    serving,
    settled,
    template,
    update,
    versioned,
)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with serving() as make:
        yield make


def test_a_failed_update_leaves_everything_as_it_was(aws: Aws) -> None:
    aws("s3").create_bucket(Bucket="undo-taken")
    before = template(
        {"Job": job("undo", Timeout=5), "Data": bucket("undo-data"), "Kept": bucket("undo-old")},
        Outputs={"Name": {"Value": {"Ref": "Kept"}}},
        Parameters={"P": {"Type": "String", "Default": "before"}},
    )
    stack = made(aws, "undo", before, Tags=[{"Key": "a", "Value": "1"}])
    job_before = aws("glue").get_job(JobName="undo")["Job"]
    after = template(
        {
            "Job": job("undo", Timeout=6, MaxRetries=1),
            "Data": versioned("undo-data", DependsOn="Job"),
            "Kept": bucket("undo-new", DependsOn="Data"),
            "New": bucket("undo-more", DependsOn="Kept"),
            "Fails": bucket("undo-taken", DependsOn="New"),
        },
        Outputs={"Other": {"Value": "x"}},
        Parameters={"P": {"Type": "String", "Default": "after"}},
    )
    rolled_back = update(aws, "undo", after, Tags=[{"Key": "a", "Value": "2"}])
    assert rolled_back["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons(aws, "undo", "UPDATE_ROLLBACK_IN_PROGRESS") == [
        "The following resource(s) failed to create: [Fails]. "
    ]
    for key in ("Outputs", "Parameters", "Tags"):
        assert rolled_back[key] == stack[key]
    assert aws("cloudformation").get_template(StackName="undo")["TemplateBody"] == json.loads(before)
    job_after = aws("glue").get_job(JobName="undo")["Job"]
    assert {**job_after, "LastModifiedOn": 0} == {**job_before, "LastModifiedOn": 0}
    assert {name for name in buckets(aws) if name.startswith("undo-")} == {
        "undo-data",
        "undo-old",
        "undo-taken",
    }
    assert aws("s3").get_bucket_tagging(Bucket="undo-old")["TagSet"] == [{"Key": "a", "Value": "1"}]
    events = history(aws, "undo")
    assert events[events.index(("undo", "UPDATE_ROLLBACK_IN_PROGRESS")) :] == [
        ("undo", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Job", "UPDATE_IN_PROGRESS"),
        ("Job", "UPDATE_COMPLETE"),
        ("Data", "UPDATE_IN_PROGRESS"),
        ("Data", "UPDATE_COMPLETE"),
        ("Kept", "UPDATE_IN_PROGRESS"),
        ("Kept", "UPDATE_COMPLETE"),
        ("undo", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Fails", "DELETE_IN_PROGRESS"),
        ("Fails", "DELETE_COMPLETE"),
        ("New", "DELETE_IN_PROGRESS"),
        ("New", "DELETE_COMPLETE"),
        ("Kept", "DELETE_IN_PROGRESS"),
        ("Kept", "DELETE_COMPLETE"),
        ("undo", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    assert update(aws, "undo", before.replace("5", "7"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_custom_named_resource_cannot_be_replaced(aws: Aws) -> None:
    def body(mode: str) -> str:
        configuration = {"S3Encryptions": [{"S3EncryptionMode": mode}]}
        properties = {"Name": "custom", "EncryptionConfiguration": configuration}
        return template({"Safe": {"Type": "AWS::Glue::SecurityConfiguration", "Properties": properties}})

    made(aws, "custom", body("DISABLED"))
    found = changes(propose(aws, "custom", TemplateBody=body("SSE-S3")))
    assert found["Safe"]["Replacement"] == "True"  # Glue cannot change one
    assert update(aws, "custom", body("SSE-S3"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons(aws, "custom", "UPDATE_FAILED") == [
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename custom and update the stack again."
    ]
    kept = aws("glue").get_security_configuration(Name="custom")["SecurityConfiguration"]
    assert kept["EncryptionConfiguration"]["S3Encryption"] == [{"S3EncryptionMode": "DISABLED"}]


def test_an_undeletable_resource_is_skipped_after_three_attempts(aws: Aws) -> None:
    made(aws, "orphan", template({"Data": bucket("orphan-old")}))
    aws("s3").put_object(Bucket="orphan-old", Key="a", Body=b"1")
    stack = update(aws, "orphan", template({"Data": bucket("orphan-new")}))
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "UPDATE_COMPLETE",
        "Update successful. One or more resources could not be deleted.",
    )
    assert history(aws, "orphan").count(("Data", "DELETE_FAILED")) == 3
    assert {"orphan-old", "orphan-new"} <= buckets(aws)
    aws("cloudformation").delete_stack(StackName="orphan")
    assert settled(aws, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert "orphan-old" in buckets(aws)


def test_retain_policies_keep_removed_and_replaced_resources(aws: Aws) -> None:
    before = {
        "Removed": bucket("policy-removed", DeletionPolicy="Retain"),
        "Replaced": bucket("policy-old", UpdateReplacePolicy="Retain"),
        "Other": bucket("policy-other", DeletionPolicy="Retain"),
    }
    made(aws, "policy", template(before))
    after = template(
        {
            "Replaced": bucket("policy-new", UpdateReplacePolicy="Retain"),
            "Other": bucket("policy-another", DeletionPolicy="Retain"),
        }
    )
    found = changes(propose(aws, "policy", TemplateBody=after))
    assert {name: change["PolicyAction"] for name, change in found.items()} == {
        "Removed": "Retain",
        "Replaced": "ReplaceAndRetain",
        "Other": "ReplaceAndDelete",
    }
    update(aws, "policy", after)
    assert {name for name in buckets(aws) if name.startswith("policy-")} == {
        "policy-removed",
        "policy-old",
        "policy-new",
        "policy-another",
    }
    assert ("Removed", "DELETE_SKIPPED") in history(aws, "policy")


def stuck(aws: Aws, name: str) -> None:
    """A stack whose job can be changed but not rolled back: its role allows changes only at stage 1."""
    role = deployer(aws, name, "glue:GetJob", "glue:CreateJob", "glue:*agResource", "s3:*", "iam:PassRole")
    allow(aws, name, {"StringEquals": {"aws:ResourceTag/stage": "1"}})
    aws("s3").create_bucket(Bucket=f"{name}-taken")
    before = {"Data": bucket(f"{name}-old"), "Job": job(name, Timeout=5, Tags={"stage": "1"})}
    made(aws, name, template(before), RoleARN=role)
    resources = {
        "Data": bucket(f"{name}-renamed"),
        "Job": job(name, Timeout=6, Tags={"stage": "2"}),
        "New": bucket(f"{name}-new", DependsOn="Job"),
        "Fails": bucket(f"{name}-taken", DependsOn="New"),
    }
    stack = update(aws, name, template(resources))
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "UPDATE_ROLLBACK_FAILED",
        "The following resource(s) failed to update: [Job]. ",
    )


def allow(aws: Aws, role: str, condition: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Action": ["glue:UpdateJob", "glue:DeleteJob"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    aws("iam").put_role_policy(RoleName=role, PolicyName="jobs", PolicyDocument=json.dumps(document))


def test_a_rollback_that_failed_can_be_continued(aws: Aws) -> None:
    stuck(aws, "stick")
    [denied] = [reason for reason in reasons(aws, "stick", "UPDATE_FAILED") if "glue:UpdateJob" in reason]
    assert "is not authorized to perform: glue:UpdateJob" in denied
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and can not be updated"):
        update(aws, "stick", template({"Job": job("stick")}))
    allow(aws, "stick", {})
    aws("cloudformation").continue_update_rollback(StackName="stick")
    assert settled(aws, "stick")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert aws("glue").get_job(JobName="stick")["Job"]["Timeout"] == 5
    assert {name for name in buckets(aws) if name.startswith("stick-")} == {"stick-old", "stick-taken"}


def test_a_rollback_can_continue_without_failing_resources(aws: Aws) -> None:
    stuck(aws, "skip")
    with pytest.raises(ClientError, match=r"Resources \[New\] cannot be skipped"):
        aws("cloudformation").continue_update_rollback(StackName="skip", ResourcesToSkip=["New"])
    aws("cloudformation").continue_update_rollback(StackName="skip", ResourcesToSkip=["Job"])
    assert settled(aws, "skip")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert aws("glue").get_job(JobName="skip")["Job"]["Timeout"] == 6
    with pytest.raises(ClientError, match="can not be rolled back"):
        aws("cloudformation").continue_update_rollback(StackName="skip")


def test_a_stack_whose_rollback_failed_can_be_deleted_completely(aws: Aws) -> None:
    stuck(aws, "leave")
    allow(aws, "leave", {})
    stack_id = settled(aws, "leave")["StackId"]
    aws("cloudformation").delete_stack(StackName="leave")
    assert settled(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert {name for name in buckets(aws) if name.startswith("leave-")} == {"leave-taken"}
    assert "leave" not in aws("glue").list_jobs()["JobNames"]


def test_an_update_has_the_permissions_of_its_role_and_keeps_it(aws: Aws) -> None:
    first = deployer(aws, "updater-1", "s3:CreateBucket", "s3:ListBucket", resource="arn:aws:s3:::role-*")
    made(aws, "role", template({"Data": bucket("role-data")}), RoleARN=first)
    after = template({"Data": versioned("role-data")})
    assert update(aws, "role", after)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"  # nor back again
    [reason, *_] = reasons(aws, "role", "UPDATE_FAILED")
    assert (
        "assumed-role/updater-1/AWSCloudFormation is not authorized to perform: s3:PutBucketVersioning"
        in (reason)
    )
    second = deployer(aws, "updater-2", "s3:*", resource="arn:aws:s3:::role-*")
    aws("cloudformation").continue_update_rollback(StackName="role", RoleARN=second)
    assert settled(aws, "role")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    stack = update(aws, "role", after)
    assert (stack["StackStatus"], stack["RoleARN"]) == ("UPDATE_COMPLETE", second)


def test_retain_except_on_create_deletes_on_a_rolled_back_creation(aws: Aws) -> None:
    aws("s3").create_bucket(Bucket="except-taken")
    data = bucket("except-data", DeletionPolicy="RetainExceptOnCreate")
    fails = bucket("except-taken", DependsOn="Data")
    create(aws, "except-1", template({"Data": data, "Fails": fails}))
    assert settled(aws, "except-1")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "except-data" not in buckets(aws)
    other = bucket("except-other")
    made(aws, "except-2", template({"Other": other}))
    stack = update(aws, "except-2", template({"Other": other, "Data": data, "Fails": fails}))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "except-data" not in buckets(aws)
    update(aws, "except-2", template({"Other": other, "Data": data}))
    assert update(aws, "except-2", template({"Other": other}))["StackStatus"] == "UPDATE_COMPLETE"
    assert "except-data" in buckets(aws)
