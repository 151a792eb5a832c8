"""Initial state of the simulated account: the table, and a release with a small template.

The template has the parameters and outputs of the real template and one resource of every type that must not
remain. The real template has three times as many resources, which would slow the test down accordingly.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import yaml

from glue_assets import template_builder
from local.runtime.paths import ROOT
from local.setup.bootstrap import ASSETS_BUCKET, Clients, ensure_storage

RELEASE = "0.0.1-abcdef012345"

_BUCKETS = ("SorBucket", "SotBucket", "SpecBucket", "GlueAssetsBucket", "AthenaResultsBucket")
_PREFIX = "terraglue-${EnvironmentId}"
_DATABASES = {"SotDatabase": "sot", "ShopDatabase": "db_shop"}
_SCRIPT = "jobs/sot_ecommerce.py"
_DATA = ("db_shop/orders/1.csv", "db_shop/orders/2.csv")
_SCANNED = "GuardDutyMalwareScanStatus=NO_THREATS_FOUND"
"""Tag of GuardDuty Malware Protection for S3. A copy of a tagged object requires more permissions."""
# The only resource as text: the service copies it, and inserts the arguments of the settings.
_JOB = """\
  GlueJob:
    Type: AWS::Glue::Job
    Properties:
      Name: !Sub terraglue-${EnvironmentId}-${JobName}
      Role: !GetAtt GlueJobRole.Arn
      GlueVersion: !Ref GlueVersion
      WorkerType: !Ref WorkerType
      NumberOfWorkers: !Ref NumberOfWorkers
      Timeout: !Ref TimeoutMinutes
      MaxRetries: !Ref MaxRetries
      ExecutionProperty: {MaxConcurrentRuns: !Ref MaxConcurrentRuns}
      Command:
        Name: glueetl
        ScriptLocation: !Sub s3://${GlueAssetsBucket}/${JobFilesPrefix}${JobScript}
      DefaultArguments:
        --custom-logGroup-prefix: !Sub /aws-glue/jobs/terraglue-${EnvironmentId}
        --OUTPUT_BUCKET: !Ref SotBucket
        --OUTPUT_DB: !Ref SotDatabase
        --OUTPUT_TABLE: tbsot_ecommerce_br
        --OUTPUT_TABLE_URI: !Sub s3://${SotBucket}/tbsot_ecommerce_br
        # releases.py: the arguments of the settings
"""

Json = dict[str, Any]


def set_up(clients: Clients) -> None:
    """Create the service's table and bucket, and upload the release."""
    ensure_storage(clients)
    s3 = clients("s3")
    for key, text in _release().items():
        s3.put_object(Bucket=ASSETS_BUCKET, Key=key, Body=text.encode(), Tagging=_SCANNED)


@functools.cache
def _real_template() -> Json:
    return template_builder.parse(template_builder.assemble(ROOT / "glue_assets"))


def _template() -> str:
    real = _real_template()
    template = {
        "Parameters": real["Parameters"],
        "Conditions": real["Conditions"],
        "Outputs": {
            **{name: {"Value": {"Ref": name}} for name in _BUCKETS},
            "SotDatabase": {"Value": {"Ref": "SotDatabase"}},
            "DatabaseDbShop": {"Value": {"Ref": "ShopDatabase"}},
            "JobId": {"Value": {"Ref": "GlueJob"}},
            "RoleArn": {"Value": {"Fn::GetAtt": ["GlueJobRole", "Arn"]}},
            "KmsKeyArn": {"Condition": "CreatesKey", "Value": {"Fn::GetAtt": ["Key", "Arn"]}},
            "AthenaWorkgroup": {"Condition": "HasAthenaWorkgroup", "Value": {"Ref": "Workgroup"}},
            "OutputLogGroup": {"Value": {"Ref": "OutputLogGroup"}},
            "ErrorLogGroup": {"Value": {"Ref": "ErrorLogGroup"}},
        },
    }
    return yaml.safe_dump(template) + yaml.safe_dump({"Resources": _resources()}) + _JOB


def _resources() -> Json:
    real = _real_template()["Resources"]
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        **{name: real[name] for name in ("Key", "KeyAlias")},
        **{name: _bucket(name) for name in _BUCKETS},
        **{name: _database(last) for name, last in _DATABASES.items()},
        "OrdersTable": {
            "Type": "AWS::Glue::Table",
            "Properties": {
                "DatabaseName": {"Ref": "ShopDatabase"},
                "TableInput": {"Name": "orders", "StorageDescriptor": {"Columns": []}},
            },
        },
        "Workgroup": {
            "Type": "AWS::Athena::WorkGroup",
            "Condition": "HasAthenaWorkgroup",
            "Properties": {"Name": {"Fn::Sub": _PREFIX}, "RecursiveDeleteOption": True},
        },
        "GlueJobRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Ref": "RoleName"},
                "PermissionsBoundary": {"Ref": "PermissionsBoundaryArn"},
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            },
        },
        "OutputLogGroup": _log_group("output"),
        "ErrorLogGroup": _log_group("error"),
    }


def _bucket(name: str) -> Json:
    # Encrypted with the sandbox's key, if it has one.
    encryption = _real_template()["Resources"][name]["Properties"]["BucketEncryption"]
    bucket: Json = {
        "BucketName": {"Fn::Sub": f"{_PREFIX}-${{{name}Name}}"},
        "BucketEncryption": encryption,
    }
    if name == "SotBucket":
        bucket["VersioningConfiguration"] = {"Status": "Enabled"}
    return {"Type": "AWS::S3::Bucket", "Properties": bucket}


def _database(last: str) -> Json:
    name = {"Fn::Sub": f"terraglue_${{EnvironmentId}}_{last}"}
    return {"Type": "AWS::Glue::Database", "Properties": {"DatabaseInput": {"Name": name}}}


def _log_group(last: str) -> Json:
    name = {"Fn::Sub": f"/aws-glue/jobs/{_PREFIX}/{last}"}
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}


def manifest() -> Json:
    """Return the manifest of the release."""
    files = [{"path": _SCRIPT, "target": "glue_assets", "key": _SCRIPT, "size": 1, "sha256": "0" * 64}]
    files += [
        {"path": f"data/{key}", "target": "sor", "key": key, "size": 5, "sha256": "1" * 64} for key in _DATA
    ]
    conditions = {"CreatesKey": "KmsKey", "HasAthenaWorkgroup": "AthenaWorkgroup", None: None}
    return {
        "release": RELEASE,
        "version": "0.0.1",
        "notes": "Release of the chaos test.",
        "template": {"path": "template.yaml"},
        "files": files,
        "resources": [
            {"logical_id": name, "type": made["Type"], "when": conditions[made.get("Condition")]}
            for name, made in {**_resources(), "GlueJob": {"Type": "AWS::Glue::Job"}}.items()
        ],
        "tables": [{"database": "db_shop", "table": "orders"}],
    }


def _release() -> dict[str, str]:
    """Return the objects of the release, by key."""
    folder = f"releases/{RELEASE}"
    return {
        f"{folder}/template.yaml": _template(),
        f"{folder}/{_SCRIPT}": "print('hello')\n",
        **{f"{folder}/data/{key}": "id\n1\n" for key in _DATA},
        f"{folder}/manifest.json": json.dumps(manifest()),
        "releases/latest.json": json.dumps({"release": RELEASE}),
    }
