"""The service's own AWS resources: `chalice_app/resources.json`."""

from __future__ import annotations

import json
from typing import Any

from tests.support.paths import ROOT

FILE = ROOT / "chalice_app/resources.json"
TEMPLATE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]


def test_the_table_survives_its_stack_and_can_be_restored_to_any_second() -> None:
    table = RESOURCES["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_the_table_has_the_keys_and_indexes_that_the_service_reads() -> None:
    properties = RESOURCES["Table"]["Properties"]
    keys = {"table": properties["KeySchema"]}
    keys |= {index["IndexName"]: index["KeySchema"] for index in properties["GlobalSecondaryIndexes"]}
    assert {
        name: [(key["AttributeName"], key["KeyType"]) for key in schema] for name, schema in keys.items()
    } == {
        "table": [("pk", "HASH"), ("sk", "RANGE")],
        "due": [("due_shard", "HASH"), ("due_at", "RANGE")],
        "by_status": [("gsi_status", "HASH"), ("created_at", "RANGE")],
        "by_owner": [("gsi_owner", "HASH"), ("created_at", "RANGE")],
        "by_created": [("gsi_kind", "HASH"), ("created_at", "RANGE")],
    }
    assert {index["Projection"]["ProjectionType"] for index in properties["GlobalSecondaryIndexes"]} == {
        "KEYS_ONLY"
    }


def test_the_assets_bucket_is_private_versioned_encrypted_and_requires_tls() -> None:
    bucket = RESOURCES["AssetsBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [policy] = [entry for entry in RESOURCES.values() if entry["Type"] == "AWS::S3::BucketPolicy"]
    assert policy["Properties"]["Bucket"] == {"Ref": "AssetsBucket"}
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["AssetsBucket", "Arn"]},
        {"Fn::Sub": "${AssetsBucket.Arn}/*"},
    ]


def test_the_assets_bucket_expires_what_nothing_reads_and_no_release() -> None:
    # Sandboxes use releases of any age, so no rule may expire the current version of an object. Only old
    # versions go: of the pointer to the newest release, and of the removed copies of templates.
    [rule] = RESOURCES["AssetsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule == {
        "Id": "Leftovers",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "ExpiredObjectDeleteMarker": True,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def test_the_outputs_contain_the_operators_values() -> None:
    assert {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()} == {
        "TableName": {"Ref": "Table"},
        "AssetsBucketName": {"Ref": "AssetsBucket"},
        "DeploymentRoleArn": {"Fn::GetAtt": ["DeploymentRole", "Arn"]},
        "SandboxBoundaryArn": {"Ref": "SandboxBoundary"},
    }
