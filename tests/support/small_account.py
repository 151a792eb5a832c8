"""Moto account with what the service needs, and a small release whose resources moto supports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import boto3
import yaml
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend

from glue_assets import template_builder
from local.moto_patches.patching import replace_methods
from local.setup import roles
from local.setup.table import table_properties
from tests.support.paths import ROOT

TABLE = "terraglue"
ASSETS = "terraglue-assets"
RELEASE = "0.0.1-abcdef012345"
READER = f"arn:aws:iam::123456789012:role/{roles.READER}"
BUCKETS = ("SorBucket", "SotBucket", "SpecBucket", "GlueAssetsBucket", "AthenaResultsBucket")
PARAMETERS = template_builder.parse(template_builder.assemble(ROOT / "glue_assets"))["Parameters"]
ARGUMENTS = """
Metadata:
    Arguments:
        --DATA_FORMAT: parquet
        # releases.py: the arguments of the settings
"""


def small_template() -> dict[str, Any]:
    """The real template's parameters and outputs, with only the resources that moto supports."""
    prefix = "terraglue-${EnvironmentId}"
    return {
        "Parameters": {
            name: {"Type": "String", **({"Default": ""} if real.get("Default") == "" else {})}
            for name, real in PARAMETERS.items()
        },
        "Resources": {
            logical_id: {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": {"Fn::Sub": f"{prefix}-${{{logical_id}Name}}"}},
            }
            for logical_id in BUCKETS
        },
        "Outputs": {
            **{logical_id: {"Value": {"Ref": logical_id}} for logical_id in BUCKETS},
            "SotDatabase": {"Value": {"Fn::Sub": "terraglue_${EnvironmentId}_sot"}},
            "DatabaseDbShop": {"Value": {"Fn::Sub": "terraglue_${EnvironmentId}_db_shop"}},
            "JobId": {"Value": {"Fn::Sub": "terraglue-${EnvironmentId}-${JobName}"}},
            "RoleArn": {"Value": {"Fn::Sub": "arn:aws:iam::123456789012:role/${RoleName}"}},
            **{
                f"{stream}LogGroup": {"Value": {"Fn::Sub": f"/aws-glue/jobs/{prefix}/{name}"}}
                for stream, name in (("Output", "output"), ("Error", "error"))
            },
        },
    }


class ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def describe_change_set(backend: CloudFormationBackend, change_set_name: str) -> Any:
    """Correct moto's error for a missing change set, which names the stack instead."""
    for change_set in backend.change_sets.values():
        if change_set.change_set_name == change_set_name:
            return change_set
    raise ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist")


def delete_change_set(backend: CloudFormationBackend, change_set_name: str) -> None:
    """Avoid moto's crash on a missing change set."""
    for change_set_id, change_set in list(backend.change_sets.items()):
        if change_set.change_set_name == change_set_name:
            del backend.change_sets[change_set_id]


def create_reader_role() -> None:
    """Create the role that reads sandboxes, for tests with IAM enforced."""
    resources = json.loads((ROOT / "chalice_app/functions.json").read_text())["Resources"]
    [policy] = resources["SandboxReader"]["Properties"]["Policies"]
    known = {**roles.arns(TABLE, ASSETS, ""), "ApiHandlerRole.Arn": "*"}
    iam, name = boto3.client("iam"), READER.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    document = json.dumps(roles.resolved(policy["PolicyDocument"], known))
    iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)


def create_table() -> None:
    boto3.client("dynamodb").create_table(TableName=TABLE, **table_properties())


def publish_small_release() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=ASSETS)
    script, data = "jobs/sot_ecommerce.py", "db_shop/tbl/a.csv"
    manifest = {
        "release": RELEASE,
        "version": "0.0.1",
        "notes": "The first.",
        "template": {"path": "template.yaml"},
        "files": [
            {"path": script, "target": "glue_assets", "key": script, "size": 15, "sha256": "0" * 64},
            {"path": f"data/{data}", "target": "sor", "key": data, "size": 5, "sha256": "1" * 64},
        ],
        "resources": [
            {"logical_id": logical_id, "type": "AWS::S3::Bucket", "when": None} for logical_id in BUCKETS
        ],
        "tables": [{"database": "db_shop", "table": "tbl"}],
    }
    files = {
        f"releases/{RELEASE}/template.yaml": yaml.safe_dump(small_template()) + ARGUMENTS,
        f"releases/{RELEASE}/{script}": "print('hello')\n",
        f"releases/{RELEASE}/data/{data}": "id\n1\n",
        f"releases/{RELEASE}/manifest.json": json.dumps(manifest),
        "releases/latest.json": json.dumps({"release": RELEASE}),
    }
    for key, text in files.items():
        s3.put_object(Bucket=ASSETS, Key=key, Body=text.encode())


def make_stacks_one_by_one() -> Callable[[], None]:
    """Serialize stack creation. moto's CloudFormation iterates its stacks while another thread adds one."""
    lock, original = threading.Lock(), CloudFormationBackend.create_stack

    def create_stack(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return original(*args, **kwargs)

    return replace_methods(CloudFormationBackend, {"create_stack": create_stack})
