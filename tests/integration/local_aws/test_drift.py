"""Resources deleted outside CloudFormation: events, failed updates, drift-aware change sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.support.served_stacks import (
    Aws,
    bucket,
    changes,
    job,
    made,
    propose,
    serving,
    settled,
    template,
    update,
)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with serving() as aws:
        yield aws


def test_only_a_drift_aware_change_set_creates_deleted_resources_again(aws: Aws) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    body = template(
        {
            "Data": bucket("drift-data"),
            "Other": bucket("drift-other"),
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "Data"}, "PolicyDocument": policy},
            },
            "Job": job("drift-job", Description={"Ref": "Data"}),
            "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        }
    )
    stack = made(aws, "drift", body)
    resources = aws("cloudformation").describe_stack_resources(StackName="drift")["StackResources"]
    [key] = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Key"]
    aws("s3").put_object(Bucket="drift-other", Key="kept", Body=b"1")
    aws("s3").delete_bucket(Bucket="drift-data")
    aws("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert propose(aws, "drift", "plain", TemplateBody=body)["Status"] == "FAILED", "it compares templates"
    shown = propose(aws, "drift", TemplateBody=body, DeploymentMode="REVERT_DRIFT")
    assert shown["DeploymentMode"] == "REVERT_DRIFT"
    gone = {name: change.get("ResourceDriftStatus") for name, change in changes(shown).items()}
    assert {name for name, drift in gone.items() if drift == "DELETED"} == {"Data", "Policy", "Key"}
    aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
    assert settled(aws, "drift")["StackStatus"] == "UPDATE_COMPLETE"
    assert aws("s3").head_bucket(Bucket="drift-data")
    assert aws("s3").get_object(Bucket="drift-other", Key="kept")
    again = propose(aws, "drift", "again", TemplateBody=body, DeploymentMode="REVERT_DRIFT")
    assert again["Status"] == "FAILED", "there is nothing left to do"
    assert settled(aws, "drift")["StackId"] == stack["StackId"]


def test_an_update_of_a_deleted_resource_and_its_rollback_fail(aws: Aws) -> None:
    def body(workers: int) -> str:
        return template({"Job": job("gone-job", NumberOfWorkers=workers, WorkerType="G.1X")})

    made(aws, "gone", body(2))
    aws("glue").delete_job(JobName="gone-job")
    assert update(aws, "gone", body(3))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"


def test_a_stack_with_deleted_resources_can_be_deleted(aws: Aws) -> None:
    body = template({"Data": bucket("half-data"), "Job": job("half-job")})
    stack = made(aws, "half", body)
    aws("glue").delete_job(JobName="half-job")
    aws("s3").delete_bucket(Bucket="half-data")
    aws("cloudformation").delete_stack(StackName="half")
    assert settled(aws, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_another_deployment_mode_is_rejected(aws: Aws) -> None:
    made(aws, "mode", template({"Data": bucket("mode-data")}))
    with pytest.raises(ClientError, match="deploymentMode"):
        propose(aws, "mode", TemplateBody=template({}), DeploymentMode="SOMETHING")
