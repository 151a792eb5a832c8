"""Change sets of the local CloudFormation: their descriptions and their execution."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.iam import access
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
    serving,
    settled,
    template,
    update,
    versioned,
)

UNCHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with serving() as make:
        yield make


def test_a_change_set_lists_added_changed_replaced_and_removed_resources(aws: Aws) -> None:
    before = template(
        {"Renamed": bucket("told-old"), "Same": bucket("told-same"), "Gone": bucket("told-gone")}
        | {"Changed": bucket("told-changed")}
    )
    after = template(
        {"Renamed": bucket("told-new"), "Same": bucket("told-same"), "New": bucket("told-more")}
        | {"Changed": versioned("told-changed")}
    )
    made(aws, "told", before)
    shown = propose(aws, "told", TemplateBody=after, Description="why")
    assert (shown["Status"], shown["ExecutionStatus"], shown["Description"]) == (
        "CREATE_COMPLETE",
        "AVAILABLE",
        "why",
    )
    found = changes(shown)
    assert found.keys() == {"Renamed", "Changed", "New", "Gone"}
    assert found["Renamed"] == {
        "Action": "Modify",
        "LogicalResourceId": "Renamed",
        "PhysicalResourceId": "told-old",
        "ResourceType": "AWS::S3::Bucket",
        "Replacement": "True",
        "PolicyAction": "ReplaceAndDelete",
        "Scope": ["Properties"],
        "Details": [
            {
                "Target": {
                    "Attribute": "Properties",
                    "Name": "BucketName",
                    "RequiresRecreation": "Always",
                },
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
        ],
    }
    assert found["Changed"]["Replacement"] == "False"
    [detail] = found["Changed"]["Details"]
    assert detail["Target"]["Name"] == "VersioningConfiguration"
    assert detail["Target"]["RequiresRecreation"] == "Never"
    assert found["New"] == {
        "Action": "Add",
        "LogicalResourceId": "New",
        "ResourceType": "AWS::S3::Bucket",
        "Scope": [],
        "Details": [],
    }
    assert (found["Gone"]["Action"], found["Gone"]["PhysicalResourceId"]) == ("Remove", "told-gone")
    # A change set changes nothing yet.
    assert {"told-old", "told-gone"} <= buckets(aws)
    assert settled(aws, "told")["StackStatus"] == "CREATE_COMPLETE"


def test_an_executed_change_set_changes_resources_and_then_cleans_up(aws: Aws) -> None:
    before = template({"Data": bucket("exec-old"), "Gone": bucket("exec-gone")})
    made(aws, "exec", before)
    after = template(
        {"Data": bucket("exec-new"), "More": bucket("exec-more", DependsOn="Data")},
        Outputs={"Name": {"Value": {"Ref": "Data"}}},
    )
    shown = propose(aws, "exec", TemplateBody=after)
    propose(aws, "exec", "other", TemplateBody=after)
    aws("cloudformation").execute_change_set(ChangeSetName="next", StackName="exec")
    stack = settled(aws, "exec")
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Outputs"] == [{"OutputKey": "Name", "OutputValue": "exec-new"}]
    assert {name for name in buckets(aws) if name.startswith("exec-")} == {"exec-new", "exec-more"}
    events = history(aws, "exec")
    assert events[events.index(("exec", "UPDATE_IN_PROGRESS")) :] == [
        ("exec", "UPDATE_IN_PROGRESS"),
        ("Data", "UPDATE_IN_PROGRESS"),
        ("Data", "UPDATE_IN_PROGRESS"),
        ("Data", "UPDATE_COMPLETE"),
        ("More", "CREATE_IN_PROGRESS"),
        ("More", "CREATE_IN_PROGRESS"),
        ("More", "CREATE_COMPLETE"),
        ("exec", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Gone", "DELETE_IN_PROGRESS"),
        ("Gone", "DELETE_COMPLETE"),
        ("Data", "DELETE_IN_PROGRESS"),
        ("Data", "DELETE_COMPLETE"),
        ("exec", "UPDATE_COMPLETE"),
    ]
    described = aws("cloudformation").describe_change_set(ChangeSetName=shown["ChangeSetId"])
    assert described["ExecutionStatus"] == "EXECUTE_COMPLETE"
    left = aws("cloudformation").list_change_sets(StackName="exec")["Summaries"]
    assert [one["ChangeSetName"] for one in left] == ["next"]  # the others are gone with it
    with pytest.raises(ClientError, match=r"current execution status of \[EXECUTE_COMPLETE\]") as caught:
        aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
    assert caught.value.response["Error"]["Code"] == "InvalidChangeSetStatus"
    states = aws("cloudformation").list_stack_resources(StackName="exec")["StackResourceSummaries"]
    assert {s["LogicalResourceId"]: s["PhysicalResourceId"] for s in states} == {
        "Data": "exec-new",
        "More": "exec-more",
    }


def test_the_events_of_an_update_reach_the_bus_with_its_token(aws: Aws) -> None:
    queue = aws("sqs").create_queue(QueueName="updates")["QueueUrl"]
    pattern = {
        "source": ["aws.cloudformation"],
        "detail": {"status-details": {"status": ["UPDATE_COMPLETE"]}},
    }
    aws("events").put_rule(Name="updates", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:updates"}
    aws("events").put_targets(Rule="updates", Targets=[target])
    stack = made(aws, "bus", template({"Data": bucket("bus-data")}), ClientRequestToken="first")
    update(aws, "bus", template({"Data": versioned("bus-data")}), ClientRequestToken="second")
    found = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    events = [json.loads(message["Body"]) for message in found]
    aws("events").remove_targets(Rule="updates", Ids=["queue"])
    assert [event["detail-type"] for event in events] == [
        "CloudFormation Resource Status Change",
        "CloudFormation Stack Status Change",
    ]
    assert events[0]["detail"] == {
        "stack-id": stack["StackId"],
        "logical-resource-id": "Data",
        "physical-resource-id": "bus-data",
        "resource-type": "AWS::S3::Bucket",
        "status-details": {"status": "UPDATE_COMPLETE", "status-reason": ""},
        "client-request-token": "second",
    }


def test_nothing_to_change_is_a_failed_change_set_and_a_rejected_update(aws: Aws) -> None:
    body = template({"Data": bucket("same-data")}, Parameters={"P": {"Type": "String", "Default": "a"}})
    made(aws, "same", body)
    parameters = [{"ParameterKey": "P", "ParameterValue": "b"}]  # of no consequence
    shown = propose(aws, "same", TemplateBody=body, Parameters=parameters)
    assert (shown["Status"], shown["StatusReason"], shown["ExecutionStatus"]) == (
        "FAILED",
        UNCHANGED,
        "UNAVAILABLE",
    )
    with pytest.raises(ClientError, match=r"current status of \[FAILED\]"):
        aws("cloudformation").execute_change_set(ChangeSetName="next", StackName="same")
    with pytest.raises(ClientError) as caught:
        update(aws, "same", body)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["Error"]["Message"] == "No updates are to be performed."
    kept = template({"Data": bucket("same-data", DeletionPolicy="Retain")})
    with pytest.raises(ClientError, match="No updates are to be performed"):  # not automatically
        update(aws, "same", kept)
    assert update(aws, "same", body, Tags=[{"Key": "a", "Value": "b"}])["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]
    assert aws("s3").get_bucket_tagging(Bucket="same-data")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_parameters_are_the_cause_of_changes_also_through_conditions(aws: Aws) -> None:
    body = template(
        {
            "Data": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": {"Fn::Sub": "cause-${Name}"},
                    "VersioningConfiguration": {
                        "Fn::If": ["Versions", {"Status": "Enabled"}, {"Ref": "AWS::NoValue"}]
                    },
                },
            }
        },
        Parameters={"Name": {"Type": "String"}, "Versions": {"Type": "String"}},
        Conditions={"Versions": {"Fn::Equals": [{"Ref": "Versions"}, "true"]}},
    )

    def values(name: str, versions: str) -> list[dict[str, Any]]:
        return [
            {"ParameterKey": "Name", "ParameterValue": name},
            {"ParameterKey": "Versions", "ParameterValue": versions},
        ]

    made(aws, "cause", body, Parameters=values("one", "false"))
    shown = propose(
        aws,
        "cause",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Name", "UsePreviousValue": True}, values("", "true")[1]],
    )
    [detail] = changes(shown)["Data"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Versions")
    assert {p["ParameterKey"]: p["ParameterValue"] for p in shown["Parameters"]} == {
        "Name": "one",
        "Versions": "true",
    }
    shown = propose(aws, "cause", "more", UsePreviousTemplate=True, Parameters=values("two", "false"))
    assert changes(shown)["Data"]["Replacement"] == "True"
    with pytest.raises(ClientError, match=r"parameter key Other. Cannot specify usePreviousValue as true"):
        propose(
            aws,
            "cause",
            "wrong",
            UsePreviousTemplate=True,
            Parameters=[*values("a", "b"), {"ParameterKey": "Other", "UsePreviousValue": True}],
        )
    aws("cloudformation").execute_change_set(ChangeSetName="next", StackName="cause")
    stack = settled(aws, "cause")
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}["Versions"] == "true"
    assert aws("s3").get_bucket_versioning(Bucket="cause-one")["Status"] == "Enabled"
    # Without the property, S3 suspends versioning; it cannot remove it.
    aws("cloudformation").update_stack(
        StackName="cause", UsePreviousTemplate=True, Parameters=values("one", "false")
    )
    assert settled(aws, "cause")["StackStatus"] == "UPDATE_COMPLETE"
    assert aws("s3").get_bucket_versioning(Bucket="cause-one")["Status"] == "Suspended"


def test_references_to_a_replaced_resource_are_known_after_execution(aws: Aws) -> None:
    def body(name: str) -> str:
        policy = {
            "Bucket": {"Ref": "Data"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:DeleteObject",
                        "Resource": {"Fn::Sub": "${Data.Arn}/*"},
                    }
                ],
            },
        }
        return template(
            {"Data": bucket(name), "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy}}
        )

    made(aws, "chain", body("chain-a"))
    found = changes(propose(aws, "chain", TemplateBody=body("chain-b")))
    assert found["Data"]["Replacement"] == "True"
    assert found["Policy"]["Replacement"] == "Conditional"
    assert [
        (
            detail["Target"]["Name"],
            detail["Target"]["RequiresRecreation"],
            detail["Evaluation"],
            detail["ChangeSource"],
            detail["CausingEntity"],
        )
        for detail in found["Policy"]["Details"]
    ] == [
        ("Bucket", "Always", "Dynamic", "ResourceReference", "Data"),
        ("PolicyDocument", "Never", "Dynamic", "ResourceAttribute", "Data.Arn"),
    ]
    shown = aws("cloudformation").describe_change_set(
        ChangeSetName="next", StackName="chain", IncludePropertyValues=True
    )
    assert json.loads(changes(shown)["Policy"]["AfterContext"])["Properties"]["Bucket"] == (
        "{{changeSet:KNOWN_AFTER_APPLY}}"
    )
    aws("cloudformation").execute_change_set(ChangeSetName="next", StackName="chain")
    assert settled(aws, "chain")["StackStatus"] == "UPDATE_COMPLETE"
    policy = json.loads(aws("s3").get_bucket_policy(Bucket="chain-b")["Policy"])
    assert policy["Statement"][0]["Resource"] == "arn:aws:s3:::chain-b/*"
    assert "chain-a" not in buckets(aws)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "DELETE_COMPLETE"])
def test_a_stack_in_a_failed_state_is_not_updated(aws: Aws, status: str) -> None:
    name = status.lower().replace("_", "-")
    body = template({"Data": bucket(f"{name}-data"), "Other": bucket(f"{name}-other", DependsOn="Data")})
    if status == "ROLLBACK_COMPLETE":
        aws("s3").create_bucket(Bucket=f"{name}-other")
    stack_id = create(aws, name, body)
    settled(aws, name)
    if status == "DELETE_FAILED":
        aws("s3").put_object(Bucket=f"{name}-data", Key="a", Body=b"1")
    if status != "ROLLBACK_COMPLETE":
        aws("cloudformation").delete_stack(StackName=name)
    assert settled(aws, stack_id)["StackStatus"] == status
    words = f"Stack:{stack_id} is in {status} state and can not be updated."
    for call in (
        lambda: update(aws, stack_id, template({"Data": versioned(f"{name}-data")})),
        lambda: propose(aws, stack_id, TemplateBody=template({"Data": versioned(f"{name}-data")})),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Message"] == words


def test_a_repeated_token_starts_no_second_update(aws: Aws) -> None:
    made(aws, "again", template({"Data": bucket("again-data")}))
    after = template({"Data": versioned("again-data")})
    update(aws, "again", after, ClientRequestToken="t1")
    with pytest.raises(ClientError, match="TokenAlreadyExistsException"):
        update(aws, "again", after, ClientRequestToken="t1")
    assert history(aws, "again").count(("again", "UPDATE_IN_PROGRESS")) == 1
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(aws, "again", after, ClientRequestToken="t2")
    first = propose(aws, "again", TemplateBody=template({"Data": bucket("again-data")}), ClientToken="c1")
    second = propose(aws, "again", TemplateBody=template({"Data": bucket("again-data")}), ClientToken="c1")
    assert first["ChangeSetId"] == second["ChangeSetId"]
    with pytest.raises(ClientError) as caught:
        propose(aws, "again", TemplateBody=after, ClientToken="c2")
    assert caught.value.response["Error"]["Code"] == "AlreadyExistsException"
    execution = {"ChangeSetName": "next", "StackName": "again", "ClientRequestToken": "t3"}
    aws("cloudformation").execute_change_set(**execution)
    settled(aws, "again")
    with pytest.raises(ClientError, match="TokenAlreadyExistsException"):
        aws("cloudformation").execute_change_set(**execution)
    assert history(aws, "again").count(("again", "UPDATE_IN_PROGRESS")) == 2


def test_a_change_set_can_be_deleted_and_is_outdated_by_another_update(aws: Aws) -> None:
    made(aws, "outdated", template({"Data": bucket("outdated-data")}))
    after = template({"Data": versioned("outdated-data")})
    propose(aws, "outdated", TemplateBody=after)
    propose(aws, "outdated", "gone", TemplateBody=after)
    aws("cloudformation").delete_change_set(ChangeSetName="gone", StackName="outdated")
    aws("cloudformation").delete_change_set(ChangeSetName="gone", StackName="outdated")
    with pytest.raises(ClientError) as caught:
        aws("cloudformation").describe_change_set(ChangeSetName="gone", StackName="outdated")
    assert caught.value.response["Error"]["Code"] == "ChangeSetNotFound"
    update(aws, "outdated", after)
    [summary] = aws("cloudformation").list_change_sets(StackName="outdated")["Summaries"]
    assert summary["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ClientError, match=r"current execution status of \[OBSOLETE\]"):
        aws("cloudformation").execute_change_set(ChangeSetName="next", StackName="outdated")


def test_a_new_stack_whose_change_set_is_deleted_is_not_created(aws: Aws) -> None:
    body = template({"Data": bucket("away-data")})
    shown = propose(aws, "away", TemplateBody=body, ChangeSetType="CREATE")
    got = aws("cloudformation").get_template(StackName="away", ChangeSetName="next")["TemplateBody"]
    assert got == json.loads(body)
    aws("cloudformation").delete_stack(StackName="away")
    assert settled(aws, shown["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="is in DELETE_COMPLETE state"):
        aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
    assert "away-data" not in buckets(aws)


def test_a_stack_in_review_can_be_created(aws: Aws) -> None:
    shown = propose(aws, "direct", TemplateBody=template({"A": bucket("direct-a")}), ChangeSetType="CREATE")
    stack_id = create(aws, "direct", template({"B": bucket("direct-b")}))
    assert stack_id == shown["StackId"]
    assert settled(aws, "direct")["StackStatus"] == "CREATE_COMPLETE"
    assert {name for name in buckets(aws) if name.startswith("direct-")} == {"direct-b"}
    described = aws("cloudformation").describe_change_set(ChangeSetName=shown["ChangeSetId"])
    assert described["ExecutionStatus"] == "OBSOLETE"


def test_a_new_stack_can_be_reviewed_first(aws: Aws) -> None:
    body = template({"Data": bucket("review-data")}, Outputs={"Name": {"Value": {"Ref": "Data"}}})
    shown = propose(aws, "review", TemplateBody=body, ChangeSetType="CREATE")
    assert changes(shown)["Data"]["Action"] == "Add"
    [stack] = aws("cloudformation").describe_stacks(StackName="review")["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert "review-data" not in buckets(aws)
    aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
    stack = settled(aws, "review")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"] == [{"OutputKey": "Name", "OutputValue": "review-data"}]
    with pytest.raises(
        ClientError, match=r"\[review\] already exists and cannot be created again with the changeSet \[x\]"
    ):
        propose(aws, "review", "x", TemplateBody=body, ChangeSetType="CREATE")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "x y"}, "at 'changeSetName' failed to satisfy constraint"),
        ({"Description": "x" * 1025}, "at 'description' failed to satisfy constraint"),
        ({"TemplateBody": "{}"}, "At least one Resources member"),
        ({"TemplateBody": None}, "Either Template URL or Template Body must be specified"),
        ({"UsePreviousTemplate": True}, "cannot specify both usePreviousTemplate"),
        ({"stack": "nobody"}, r"Stack \[nobody\] does not exist"),
        ({"ChangeSetType": "IMPORT"}, "does not support change sets of type IMPORT"),
        ({"NotificationARNs": ["arn:aws:sns:us-east-1:1:x"]}, "does not support NotificationARNs"),
        ({"Tags": [{"Key": str(n), "Value": "x"} for n in range(51)]}, "more than 50 tags"),
        ({"RoleARN": "arn:aws:iam::123456789012:role/nobody"}, "is invalid or cannot be assumed"),
        ({"TemplateBody": template({"R": {"Type": "AWS::IAM::Role"}})}, r"Requires capabilities : \[CAP"),
    ],
)
def test_an_invalid_change_set_is_rejected(aws: Aws, arguments: dict[str, Any], words: str) -> None:
    if "wrong-data" not in buckets(aws):
        made(aws, "wrong", template({"Data": bucket("wrong-data")}))
    given = {"stack": "wrong", "TemplateBody": template({"Data": versioned("wrong-data")}), **arguments}
    with pytest.raises(ClientError, match=words):
        propose(aws, **{key: value for key, value in given.items() if value is not None})


def test_a_resource_cannot_change_its_type(aws: Aws) -> None:
    made(aws, "type", template({"Thing": bucket("type-data")}))
    after = template({"Thing": job("type")})
    with pytest.raises(ClientError, match=r"Update of resource type is not permitted.*\[Thing\]"):
        update(aws, "type", after)
    shown = propose(aws, "type", TemplateBody=after)
    assert shown["Status"] == "FAILED"
    assert "Update of resource type is not permitted" in shown["StatusReason"]


def test_permission_to_describe_a_change_set_does_not_allow_execution(aws: Aws) -> None:
    made(aws, "allowed", template({"Data": bucket("allowed-data")}))
    shown = propose(aws, "allowed", TemplateBody=template({"Data": versioned("allowed-data")}))
    actions = ("cloudformation:DescribeChangeSet", "cloudformation:CreateChangeSet")
    stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/allowed/*"
    role = deployer(aws, "looker", *actions, resource=stack)
    credentials = access.assume(aws, role, "cloudformation.amazonaws.com", "test")
    mine = aws("cloudformation", credentials=credentials)  # type: ignore[call-arg]
    assert mine.describe_change_set(ChangeSetName=shown["ChangeSetId"])["Status"] == "CREATE_COMPLETE"
    for call in (
        lambda: mine.execute_change_set(ChangeSetName=shown["ChangeSetId"]),
        lambda: mine.delete_change_set(ChangeSetName="next", StackName="allowed"),
        lambda: mine.update_stack(StackName="allowed", UsePreviousTemplate=True),
        lambda: mine.create_change_set(  # hands a role on
            StackName="allowed", ChangeSetName="more", UsePreviousTemplate=True, RoleARN=role
        ),
        lambda: mine.describe_change_set(ChangeSetName="next", StackName="other"),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "AccessDenied", caught.value


def test_the_aws_cli_deploys_twice(aws: Aws, tmp_path: Path) -> None:
    """Deletion is not included, because the CLI's waiters poll every 30 seconds."""

    def run(operation: str, *more: str) -> str:
        command = [str(Path(sys.executable).with_name("aws")), "cloudformation", operation]
        environment = {
            "AWS_ENDPOINT_URL": aws("s3").meta.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(tmp_path / "none"),
        }
        done = subprocess.run([*command, *more], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def deploy(body: str, *more: str) -> str:
        file = tmp_path / "template.json"
        file.write_text(body, encoding="utf-8")
        second = int(time.time())
        while int(time.time()) == second:  # after which the CLI names its change sets
            time.sleep(0.02)
        told = run("deploy", "--stack-name", "cli", "--template-file", str(file), *more)
        if found := re.search(r"--change-set-name (\S+)", told):
            run("execute-change-set", "--change-set-name", found[1])
            assert settled(aws, "cli")["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return told

    parameters = {"Suffix": {"Type": "String"}}
    before = {"Data": bucket({"Fn::Sub": "cli-${Suffix}"})}  # type: ignore[arg-type]
    body = template(before, Parameters=parameters)
    deploy(body, "--no-execute-changeset", "--parameter-overrides", "Suffix=a")
    assert "cli-a" in buckets(aws)
    after = {**before, "More": bucket({"Fn::Sub": "cli-more-${Suffix}"})}  # type: ignore[arg-type]
    body = template(after, Parameters=parameters)
    deploy(body, "--no-execute-changeset", "--tags", "a=b")  # the parameter stays as it is
    assert "cli-more-a" in buckets(aws)
    assert settled(aws, "cli")["Tags"] == [{"Key": "a", "Value": "b"}]
    again = deploy(body, "--no-fail-on-empty-changeset", "--tags", "a=b")
    assert "No changes to deploy" in again
