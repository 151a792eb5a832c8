"""Drift of a sandbox's stack: what hands change is detected and reverted, and nothing else is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.environment import Environment
from tests.support.paths import ROOT
from tests.support.sandbox_stacks import Account, account

SETTINGS = {"kms_key": True}
EXPECTED = {
    "ErrorLogGroup": [("/RetentionInDays", "REMOVE")],
    "GlueJob": [
        ("/DefaultArguments/--mine", "ADD"),
        ("/Description", "REMOVE"),
        ("/ExecutionProperty", "REMOVE"),
        ("/MaxRetries", "NOT_EQUAL"),
        ("/NumberOfWorkers", "NOT_EQUAL"),
        ("/SecurityConfiguration", "REMOVE"),
        ("/Timeout", "NOT_EQUAL"),
    ],
    "GlueJobRole": [("/PermissionsBoundary", "REMOVE"), ("/Policies/mine", "ADD")],
    "JobEncryption": "DELETED",
    "Key": [("/EnableKeyRotation", "NOT_EQUAL")],
    "SorBucket": [
        ("/Tags/cost-center", "REMOVE"),
        ("/Tags/mine", "ADD"),
        ("/Tags/terraglue:environment", "REMOVE"),
        ("/Tags/terraglue:owner", "REMOVE"),
        ("/Tags/terraglue:release", "REMOVE"),
    ],
    "SotBucket": [("/VersioningConfiguration/Status", "NOT_EQUAL")],
    "SotBucketPolicy": [("/PolicyDocument/Statement", "NOT_EQUAL")],
    "SpecBucket": [("/PublicAccessBlockConfiguration", "REMOVE")],
    "TblOrdersInDbEcommerce": [
        ("/TableInput/Description", "REMOVE"),
        ("/TableInput/Parameters", "REMOVE"),
        ("/TableInput/StorageDescriptor/Location", "NOT_EQUAL"),
    ],
    "Workgroup": [("/WorkGroupConfiguration/BytesScannedCutoffPerQuery", "NOT_EQUAL")],
}


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Account]:
    with account(ROOT / "data") as made:
        yield made


def drifts(sandboxes: Account, environment: Environment) -> dict[str, Any]:
    """Detect drift, and return the differences of each drifted resource."""
    aws = sandboxes.aws("cloudformation")
    detection = aws.detect_stack_drift(StackName=environment.name)["StackDriftDetectionId"]
    deadline = time.monotonic() + 60
    while True:
        status = aws.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE", status
    found = aws.describe_stack_resource_drifts(StackName=environment.name)["StackResourceDrifts"]
    assert found
    drifted = [one for one in found if one["StackResourceDriftStatus"] != "IN_SYNC"]
    assert status["DriftedStackResourceCount"] == len(drifted)
    assert status["StackDriftStatus"] == ("DRIFTED" if drifted else "IN_SYNC")
    return {
        one["LogicalResourceId"]: one["StackResourceDriftStatus"]
        if one["StackResourceDriftStatus"] == "DELETED"
        else sorted((it["PropertyPath"], it["DifferenceType"]) for it in one["PropertyDifferences"])
        for one in drifted
    }


def test_a_new_sandbox_has_no_drift(sandboxes: Account) -> None:
    environment = sandboxes.environment("aaaaaaaaa2", SETTINGS)
    assert sandboxes.deploy(environment)["StackStatus"] == "CREATE_COMPLETE"
    assert drifts(sandboxes, environment) == {}


def _by_hand(sandboxes: Account, name: str) -> None:
    """Change a resource of every type of the template."""
    aws, database = sandboxes.aws, f"{name.replace('-', '_')}_db_ecommerce"
    s3, glue, iam, kms, logs = (aws(one) for one in ("s3", "glue", "iam", "kms", "logs"))
    s3.put_bucket_versioning(Bucket=f"{name}-sot", VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=f"{name}-spec")
    s3.put_bucket_tagging(Bucket=f"{name}-sor", Tagging={"TagSet": [{"Key": "mine", "Value": "1"}]})
    opened = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}-sot/*",
    }
    s3.put_bucket_policy(
        Bucket=f"{name}-sot", Policy=json.dumps({"Version": "2012-10-17", "Statement": [opened]})
    )
    [job] = [one for one in glue.get_jobs()["Jobs"] if one["Name"].startswith(name)]
    update = {key: job[key] for key in ("Role", "Command", "DefaultArguments", "GlueVersion", "WorkerType")}
    update |= {"MaxRetries": 9, "NumberOfWorkers": 10, "Timeout": 480}
    update["DefaultArguments"] = {**update["DefaultArguments"], "--mine": "1"}
    glue.update_job(JobName=job["Name"], JobUpdate=update)
    role = f"{name}-glue-job"
    star = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=role, PolicyName="mine", PolicyDocument=json.dumps(star))
    iam.delete_role_permissions_boundary(RoleName=role)
    aws("athena").update_work_group(
        WorkGroup=name, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10**13}, State="DISABLED"
    )
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws-glue/jobs/{name}/")["logGroups"]
    logs.delete_retention_policy(logGroupName=groups[0]["logGroupName"])
    table = glue.get_table(DatabaseName=database, Name="tbl_orders")["Table"]
    storage = {**table["StorageDescriptor"], "Location": "s3://elsewhere/"}
    changed = {"Name": "tbl_orders", "StorageDescriptor": storage, "TableType": "EXTERNAL_TABLE"}
    glue.update_table(DatabaseName=database, TableInput=changed)
    [alias] = [one for one in kms.list_aliases()["Aliases"] if name in one["AliasName"]]
    kms.disable_key_rotation(KeyId=alias["TargetKeyId"])
    glue.delete_security_configuration(
        Name=next(
            one["Name"]
            for one in glue.get_security_configurations()["SecurityConfigurations"]
            if name in one["Name"]
        )
    )


def test_drift_of_every_type_is_detected_and_reverted(sandboxes: Account) -> None:
    environment = sandboxes.environment("aaaaaaaaa3", SETTINGS)
    sandboxes.deploy(environment)
    _by_hand(sandboxes, environment.name)
    assert drifts(sandboxes, environment) == EXPECTED
    shown = sandboxes.propose(environment)
    assert shown["Status"] == "FAILED", "it compares templates"
    shown = sandboxes.propose(environment, DeploymentMode="REVERT_DRIFT")
    changed = {one["ResourceChange"]["LogicalResourceId"] for one in shown["Changes"]}
    assert changed >= EXPECTED.keys()
    replaced = {
        one["ResourceChange"]["LogicalResourceId"]
        for one in shown["Changes"]
        if one["ResourceChange"].get("Replacement") not in ("False", None)
    }
    assert replaced <= {"ErrorLogGroup", "OutputLogGroup"}, "their names contain that of JobEncryption"
    sandboxes.aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
    assert sandboxes.settled(environment)["StackStatus"] == "UPDATE_COMPLETE", sandboxes.failures(environment)
    assert drifts(sandboxes, environment) == {}
