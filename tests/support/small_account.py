"""Moto account with what the service needs, and a small release whose resources moto supports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import yaml
from moto import mock_aws
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from glue_assets import template_builder
from local.moto_patches import dynamodb, s3_objects
from local.moto_patches.patching import replace_methods
from local.setup import roles
from local.setup.table import table_properties
from tests.support.identity import AUDIENCE, ISSUER, Issuer
from tests.support.paths import ROOT

TABLE = "terraglue"
ASSETS = "terraglue-assets"
RELEASE = "0.0.1-abcdef012345"
INSPECTOR = f"arn:aws:iam::123456789012:role/{roles.INSPECTOR}"
READER = f"arn:aws:iam::123456789012:role/{roles.READER}"
USER = f"arn:aws:iam::123456789012:role/{roles.USER}"
BUCKETS = ("SorBucket", "SotBucket", "SpecBucket", "GlueAssetsBucket", "AthenaResultsBucket")
PARAMETERS = template_builder.parse(template_builder.assemble(ROOT / "glue_assets"))["Parameters"]
ARGUMENTS = """
Metadata:
    Arguments:
        --DATA_FORMAT: parquet
        # releases.py: the arguments of the settings
"""


def settings(issuer: Issuer) -> dict[str, str]:
    """Return the service's environment variables in this account."""
    return {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TABLE_NAME": TABLE,
        "ASSETS_BUCKET": ASSETS,
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "JWKS_URI": issuer.jwks_uri,
        "BUDGET_USD": "1",
        "CURSOR_KEY": "not a secret",
        "SANDBOX_INSPECTOR_ROLE_ARN": INSPECTOR,
        "SANDBOX_READER_ROLE_ARN": READER,
        "SANDBOX_USER_ROLE_ARN": USER,
        "FEDERATION_URL": "http://127.0.0.1:9/federation",  # where nothing listens
    }


@contextmanager
def small_account() -> Iterator[None]:
    """Mock an account in this process, with the service's table and one small release."""
    dynamodb.install()  # tests send calls from several threads
    s3_objects.install()
    restore = replace_methods(
        CloudFormationBackend,
        {
            "describe_change_set": describe_change_set,
            "delete_change_set": delete_change_set,
        },
    )
    restore_drift = replace_methods(CloudFormationResponse, no_drift())
    with mock_aws():
        create_table()
        publish_small_release()
        yield
    restore_drift()
    restore()


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


def create_sandbox_roles() -> None:
    """Create the roles that act in sandboxes for their owners, for tests with IAM enforced."""
    roles.ensure_sandbox_roles(boto3.client, roles.arns(TABLE, ASSETS, ""), lambda _: "*")


def create_table() -> None:
    boto3.client("dynamodb").create_table(TableName=TABLE, **table_properties())


def publish_small_release(release: str = RELEASE, pointer: str = "latest", **manifest_fields: Any) -> None:
    """Publish a release as the newest one, or as that of the data set `data-sets/NAME`."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=ASSETS)
    script, data = "jobs/sot_ecommerce.py", "db_shop/tbl/a.csv"
    manifest = {
        "release": release,
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
        **manifest_fields,
    }
    files = {
        f"releases/{release}/template.yaml": yaml.safe_dump(small_template()) + ARGUMENTS,
        f"releases/{release}/{script}": "print('hello')\n",
        f"releases/{release}/data/{data}": "id\n1\n",
        f"releases/{release}/manifest.json": json.dumps(manifest),
        f"releases/{pointer}.json": json.dumps({"release": release}),
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


def no_drift() -> dict[str, Any]:
    """Return methods for drift detection, which moto lacks: no stack has drifted."""
    answers: dict[str, dict[str, Any]] = {
        "detect_stack_drift": {"StackDriftDetectionId": "d"},
        "describe_stack_drift_detection_status": {"DetectionStatus": "DETECTION_COMPLETE"},
        "describe_stack_resource_drifts": {"StackResourceDrifts": []},
    }
    return {name: lambda _, answer=answer: ActionResult(answer) for name, answer in answers.items()}
