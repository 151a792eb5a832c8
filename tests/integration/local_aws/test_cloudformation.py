"""Local CloudFormation over real HTTP: steps, events, failures, rollback, deletion."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.served_stacks import (
    Aws,
    bucket,
    buckets,
    create,
    deployer,
    history,
    serving,
    settled,
    template,
)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with serving() as make:
        yield make


def test_resources_are_created_after_their_references(aws: Aws) -> None:
    body = template(
        {
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Data"},
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Deny",
                                "Principal": "*",
                                "Action": "s3:*",
                                "Resource": {"Fn::Sub": "${Data.Arn}/*"},
                            }
                        ],
                    },
                },
            },
            "Data": bucket("order-data"),
        },
        Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Data", "Arn"]}}},
    )
    create(aws, "order", body)
    stack = settled(aws, "order")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"] == [{"OutputKey": "Arn", "OutputValue": "arn:aws:s3:::order-data"}]
    assert [status for status in history(aws, "order") if status[1] == "CREATE_COMPLETE"] == [
        ("Data", "CREATE_COMPLETE"),
        ("Policy", "CREATE_COMPLETE"),
        ("order", "CREATE_COMPLETE"),
    ]
    policy = json.loads(aws("s3").get_bucket_policy(Bucket="order-data")["Policy"])
    assert policy["Statement"][0]["Resource"] == "arn:aws:s3:::order-data/*"


def test_a_failed_resource_is_reported_and_everything_is_rolled_back(aws: Aws) -> None:
    aws("s3").create_bucket(Bucket="taken-name")
    body = template({"First": bucket("roll-first"), "Second": bucket("taken-name", DependsOn="First")})
    create(aws, "roll", body)
    assert settled(aws, "roll")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "roll-first" not in buckets(aws)
    assert "taken-name" in buckets(aws)
    shown = aws("cloudformation").describe_stack_events(StackName="roll")["StackEvents"]
    [reason] = [e["ResourceStatusReason"] for e in shown if e["ResourceStatus"] == "CREATE_FAILED"]
    assert "taken-name already exists" in reason
    aws("cloudformation").delete_stack(StackName="roll")
    with pytest.raises(ClientError, match="does not exist"):
        settled(aws, "roll")


def test_a_bucket_with_objects_prevents_the_deletion_of_the_stack(aws: Aws) -> None:
    stack_id = create(aws, "full", template({"Data": bucket("full-data"), "Other": bucket("full-other")}))
    settled(aws, "full")
    aws("s3").put_object(Bucket="full-data", Key="a", Body=b"1")
    aws("cloudformation").delete_stack(StackName="full")
    stuck = settled(aws, "full")
    assert stuck["StackStatus"] == "DELETE_FAILED"
    assert "[Data]" in stuck["StackStatusReason"]
    assert buckets(aws) & {"full-data", "full-other"} == {"full-data"}
    aws("s3").delete_object(Bucket="full-data", Key="a")
    aws("cloudformation").delete_stack(StackName="full")
    assert settled(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert "full-data" not in buckets(aws)
    states = aws("cloudformation").list_stack_resources(StackName=stack_id)["StackResourceSummaries"]
    assert {state["ResourceStatus"] for state in states} == {"DELETE_COMPLETE"}


def test_resources_with_a_retain_policy_are_kept(aws: Aws) -> None:
    stack_id = create(aws, "keep", template({"Data": bucket("keep-data", DeletionPolicy="Retain")}))
    settled(aws, "keep")
    aws("cloudformation").delete_stack(StackName="keep")
    assert settled(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert ("Data", "DELETE_SKIPPED") in history(aws, stack_id)
    assert "keep-data" in buckets(aws)


def test_conditions_choose_resources_properties_and_outputs(aws: Aws) -> None:
    body = template(
        {
            "Maybe": bucket("cond-maybe", Condition="Wanted"),
            "Always": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": {"Fn::If": ["Wanted", "cond-yes", "cond-no"]},
                    "Tags": {"Fn::If": ["Wanted", [{"Key": "a", "Value": "b"}], {"Ref": "AWS::NoValue"}]},
                },
            },
        },
        Parameters={"Want": {"Type": "String", "AllowedValues": ["true", "false"]}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "true"]}},
        Outputs={"Maybe": {"Condition": "Wanted", "Value": {"Ref": "Maybe"}}},
    )
    create(aws, "cond", body, Parameters=[{"ParameterKey": "Want", "ParameterValue": "false"}])
    stack = settled(aws, "cond")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert "Outputs" not in stack or stack["Outputs"] == []
    assert {name for name in buckets(aws) if name.startswith("cond-")} == {"cond-no"}


@pytest.mark.parametrize(
    ("name", "body", "arguments", "words"),
    [
        ("x", "{", {}, "Template format error"),
        ("x", "{}", {}, "At least one Resources member"),
        ("x", template({"A": bucket("a", DependsOn="A")}), {}, "Circular dependency"),
        (
            "x",
            template({"A": bucket({"Ref": "Nothing"})}),
            {},
            r"Unresolved resource dependencies \[Nothing\]",
        ),  # type: ignore[arg-type]
        ("x y", template({"A": bucket("a")}), {}, "stackName"),
        (
            "x",
            template({"A": bucket("a")}, Parameters={"P": {"Type": "String"}}),
            {},
            r"Parameters: \[P\] must have values",
        ),
        (
            "x",
            template({"A": bucket("a")}),
            {"Parameters": [{"ParameterKey": "Q", "ParameterValue": "1"}]},
            r"Parameters: \[Q\] do not exist",
        ),
        (
            "x",
            template({"A": bucket("a")}, Parameters={"P": {"Type": "Number", "MaxValue": 3}}),
            {"Parameters": [{"ParameterKey": "P", "ParameterValue": "4"}]},
            "Parameter P failed to satisfy constraint",
        ),
        ("x", template({"R": {"Type": "AWS::IAM::Role"}}), {}, "CAPABILITY_IAM"),
        ("x", template({"Q": {"Type": "AWS::SQS::Queue"}}), {}, r"Unrecognized resource types: \[AWS::SQS"),
        ("x", template({"A": bucket("a")}), {"TimeoutInMinutes": 5}, "does not support TimeoutInMinutes"),
        (
            "x",
            template(
                {"A": bucket({"Fn::If": ["C", "a", {"Ref": "Gone"}]})},
                Conditions={"C": {"Fn::Equals": ["1", "1"]}},
            ),  # type: ignore[arg-type]
            {},
            r"Unresolved resource dependencies \[Gone\]",
        ),
        ("x", template({"A": bucket("a")}, Description="x" * 52_000), {}, "may not exceed"),
    ],
)
def test_an_invalid_template_is_rejected_at_once(
    aws: Aws, name: str, body: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        create(aws, name, body, **arguments)


def test_an_unsupported_feature_is_an_error(aws: Aws) -> None:
    body = template({"Thing": {"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {}}}})
    create(aws, "loud", body)
    assert settled(aws, "loud")["StackStatus"] == "ROLLBACK_COMPLETE"
    shown = aws("cloudformation").describe_stack_events(StackName="loud")["StackEvents"]
    words = "does not support WebsiteConfiguration of AWS::S3::Bucket"
    assert any(words in event.get("ResourceStatusReason", "") for event in shown)
    with pytest.raises(ClientError, match="does not support list_exports"):
        aws("cloudformation").list_exports()


def test_dependencies_of_an_undeletable_resource_are_kept(aws: Aws) -> None:
    key = {"Type": "AWS::KMS::Key", "Properties": {"Description": "for the bucket"}}
    create(aws, "stuck", template({"Key": key, "Data": bucket("stuck-data", DependsOn="Key")}))
    settled(aws, "stuck")
    aws("s3").put_object(Bucket="stuck-data", Key="a", Body=b"1")
    aws("cloudformation").delete_stack(StackName="stuck")
    assert settled(aws, "stuck")["StackStatus"] == "DELETE_FAILED"
    states = aws("cloudformation").list_stack_resources(StackName="stuck")["StackResourceSummaries"]
    assert {state["LogicalResourceId"]: state["ResourceStatus"] for state in states} == {
        "Key": "CREATE_COMPLETE",
        "Data": "DELETE_FAILED",
    }
    assert "(Service: S3, Status Code: 409" in states[1]["ResourceStatusReason"]


def test_a_partially_created_resource_is_rolled_back(aws: Aws) -> None:
    role = {
        "RoleName": "half-made",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/there-is-none"],
    }
    body = template({"Role": {"Type": "AWS::IAM::Role", "Properties": role}})
    create(aws, "half", body, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert settled(aws, "half")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "half-made" not in [role["RoleName"] for role in aws("iam").list_roles()["Roles"]]


def test_two_stacks_cannot_have_the_same_job(aws: Aws) -> None:
    job = {"Name": "one-job", "Role": "r", "Command": {"Name": "glueetl"}}
    body = template({"Job": {"Type": "AWS::Glue::Job", "Properties": job}})
    create(aws, "job-1", body)
    assert settled(aws, "job-1")["StackStatus"] == "CREATE_COMPLETE"
    create(aws, "job-2", body)
    assert settled(aws, "job-2")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert aws("glue").get_job(JobName="one-job")["Job"]["Name"] == "one-job"


def test_a_token_is_accepted_once_for_all_stacks_of_a_name(aws: Aws) -> None:
    body = template({"Data": bucket("token-data")})
    stack_id = create(aws, "token", body, ClientRequestToken="t1")

    def again() -> None:
        with pytest.raises(ClientError) as caught:
            create(aws, "token", body, ClientRequestToken="t1")
        assert caught.value.response["Error"]["Code"] == "TokenAlreadyExistsException"

    again()
    with pytest.raises(ClientError, match="already exists"):
        create(aws, "token", body, ClientRequestToken="t2")
    settled(aws, "token")
    aws("cloudformation").delete_stack(StackName=stack_id, ClientRequestToken="t3")
    with pytest.raises(ClientError, match="TokenAlreadyExistsException"):
        aws("cloudformation").delete_stack(StackName=stack_id, ClientRequestToken="t3")
    settled(aws, stack_id)
    again()
    create(aws, "token", body, ClientRequestToken="t2")  # the rejected request did not use it up


def test_many_stacks_are_created_concurrently(aws: Aws) -> None:
    threads = [
        threading.Thread(target=create, args=(aws, f"many-{n}", template({"Data": bucket(f"many-{n}")})))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {settled(aws, f"many-{n}")["StackStatus"] for n in range(8)} == {"CREATE_COMPLETE"}


def test_events_reach_a_queue_in_the_shape_of_eventbridge(aws: Aws) -> None:
    queue = aws("sqs").create_queue(QueueName="stack-events")["QueueUrl"]
    pattern = {"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Resource Status Change"]}
    aws("events").put_rule(Name="stack-events", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:stack-events"}
    aws("events").put_targets(Rule="stack-events", Targets=[target])
    stack_id = create(aws, "told", template({"Data": bucket("told-data")}), ClientRequestToken="t")
    settled(aws, "told")
    messages = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    last = json.loads(messages[-1]["Body"])
    assert last["source"] == "aws.cloudformation"
    assert last["time"].endswith("Z")
    assert last["resources"] == [stack_id]
    assert last["detail"] == {
        "stack-id": stack_id,
        "logical-resource-id": "Data",
        "physical-resource-id": "told-data",
        "status-details": {"status": "CREATE_COMPLETE", "status-reason": ""},
        "resource-type": "AWS::S3::Bucket",
        "client-request-token": "t",
    }
    aws("events").remove_targets(Rule="stack-events", Ids=["queue"])


def test_a_stack_has_exactly_the_permissions_of_its_role(aws: Aws) -> None:
    role = deployer(aws, "stacker", "s3:*", resource="arn:aws:s3:::mine-*")
    body = template({"First": bucket("mine-1"), "Second": bucket("theirs-1", DependsOn="First")})
    create(aws, "limited", body, RoleARN=role)
    assert settled(aws, "limited")["StackStatus"] == "ROLLBACK_COMPLETE"
    shown = aws("cloudformation").describe_stack_events(StackName="limited")["StackEvents"]
    [reason] = [
        event["ResourceStatusReason"] for event in shown if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    # CloudFormation checks whether the bucket exists before it creates it, and lacks that permission, too.
    assert "(Service: S3, Status Code: 403" in reason
    assert {"mine-1", "theirs-1"} & buckets(aws) == set()


def test_a_missing_permission_is_the_reason_of_the_failure(aws: Aws) -> None:
    role = deployer(aws, "half", "glue:Get*")
    job = {
        "Type": "AWS::Glue::Job",
        "Properties": {"Name": "j", "Role": "half", "Command": {"Name": "glueetl"}},
    }
    create(aws, "lacking", template({"Job": job}), RoleARN=role)
    assert settled(aws, "lacking")["StackStatus"] == "ROLLBACK_COMPLETE"
    shown = aws("cloudformation").describe_stack_events(StackName="lacking")["StackEvents"]
    [reason] = [
        event["ResourceStatusReason"] for event in shown if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert "assumed-role/half/AWSCloudFormation is not authorized to perform: glue:CreateJob" in reason
    assert "HandlerErrorCode: AccessDenied" in reason


def test_a_stack_is_deleted_with_its_role_or_the_named_one(aws: Aws) -> None:
    maker = deployer(aws, "maker", "s3:CreateBucket", "s3:ListBucket")
    breaker = deployer(aws, "breaker", "s3:DeleteBucket")
    create(aws, "made", template({"Bucket": bucket("made-1")}), RoleARN=maker)
    assert settled(aws, "made")["StackStatus"] == "CREATE_COMPLETE"
    aws("cloudformation").delete_stack(StackName="made")
    assert settled(aws, "made")["StackStatus"] == "DELETE_FAILED"
    stack_id = settled(aws, "made")["StackId"]
    aws("cloudformation").delete_stack(StackName="made", RoleARN=breaker)
    assert settled(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_role_that_is_not_for_stacks_is_rejected(aws: Aws) -> None:
    other = deployer(aws, "for-glue", "s3:*", service="glue")
    for arn in (other, other.replace("for-glue", "nobody")):
        with pytest.raises(ClientError, match="is invalid or cannot be assumed") as caught:
            create(aws, "refused", template({"Bucket": bucket("refused-1")}), RoleARN=arn)
        assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_the_sandboxs_properties_reach_its_resources(aws: Aws) -> None:
    rule = {
        "Id": "cleanup",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    log_policy = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::given-logs/*",
    }
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    job = {
        "Name": "given",
        "Description": "what it does",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://given-1/job.py"},
        "NonOverridableArguments": {"--A": "1"},
        "SecurityConfiguration": "safe",
        "MaxRetries": 2,
    }
    for_logs = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
            for principal in (
                {"AWS": "arn:aws:iam::123456789012:root"},
                {"Service": "logs.us-east-1.amazonaws.com"},
            )
        ],
    }
    resources = {
        "Logs": bucket("given-logs"),
        "LogsPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Logs"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [log_policy]},
            },
        },
        "Data": bucket("given-1", DependsOn="LogsPolicy"),
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": for_logs}},
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/given", "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
        },
        "Boundary": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"ManagedPolicyName": "given-boundary", "PolicyDocument": nothing},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "given",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "PermissionsBoundary": {"Ref": "Boundary"},
            },
        },
        "Job": {"Type": "AWS::Glue::Job", "Properties": {**job, "JobMode": "SCRIPT"}},
    }
    resources["Data"]["Properties"] |= {
        "LifecycleConfiguration": {"Rules": [rule]},
        "LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "a/"},
    }
    create(aws, "given", template(resources), Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = settled(aws, "given")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    [kept] = aws("s3").get_bucket_lifecycle_configuration(Bucket="given-1")["Rules"]
    assert kept["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7  # moto forgets NewerNoncurrentVersions
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    logging = aws("s3").get_bucket_logging(Bucket="given-1")["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == ("given-logs", "a/")
    [group] = aws("logs").describe_log_groups(logGroupNamePrefix="/given")["logGroups"]
    assert ":key/" in group["kmsKeyId"]
    role = aws("iam").get_role(RoleName="given")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/given-boundary")
    shown = aws("glue").get_job(JobName="given")["Job"]
    assert {**shown, **job, "Role": role["Arn"]} == shown


def test_no_operation_outlasts_the_server() -> None:
    """Its calls would reach what the next test has in moto."""
    with serving(seconds_per_stack=60) as aws:
        create(aws, "outlasting", template({f"Bucket{n}": bucket(f"outlasting-{n}") for n in range(5)}))
    assert [thread for thread in threading.enumerate() if thread.name == "stack outlasting"] == []
