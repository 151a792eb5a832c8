"""Full description of a stack and its resources, to compare one stack with another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Json = dict[str, Any]
Aws = Callable[[str], Any]

# Creation times and generated values.
_PASSING = {
    *("ResponseMetadata", "CreationTime", "creationTime", "CreationDate", "CreateDate", "CreateTime"),
    *(
        "CreatedOn",
        "LastModifiedOn",
        "UpdateTime",
        "CreatedTimeStamp",
        "LastUpdatedTime",
        "RoleId",
        "VersionId",
    ),
    *("storedBytes", "StackId", "RoleLastUsed", "LastUpdatedDate"),
}
_UNIQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def described(aws: Aws, stack_name: str, keep: frozenset[str] = frozenset()) -> Json:
    """Describe the stack and its resources by logical ID. Replaces most IDs that AWS generates by `<id>`."""
    [stack] = aws("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    resources = aws("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    found: Json = {"stack": {key: stack.get(key) for key in ("Outputs", "Parameters", "Tags", "RoleARN")}}
    for resource in resources:
        kind, name = resource["ResourceType"], resource["PhysicalResourceId"]
        found[resource["LogicalResourceId"]] = [
            kind,
            name,
            _SHOWN[kind](aws, name, resource["LogicalResourceId"]),
        ]
    for entries in (found["stack"][key] or [] for key in ("Outputs", "Parameters", "Tags")):
        entries.sort(key=json.dumps)
    text = json.dumps(_lasting(found), default=str, sort_keys=True)
    made_up = _UNIQUE.sub(lambda match: match[0] if match[0] in keep else "<id>", text)
    state: Json = json.loads(made_up)
    return state


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in _PASSING}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


def _sorted(tags: list[Json]) -> list[Json]:
    return sorted(tags, key=json.dumps)


def _bucket(aws: Aws, name: str, _: str) -> Json:
    s3 = aws("s3")
    calls = {
        "encryption": s3.get_bucket_encryption,
        "versioning": s3.get_bucket_versioning,
        "lifecycle": s3.get_bucket_lifecycle_configuration,
        "ownership": s3.get_bucket_ownership_controls,
        "public access": s3.get_public_access_block,
        "logging": s3.get_bucket_logging,
        "tags": lambda Bucket: _sorted(s3.get_bucket_tagging(Bucket=Bucket)["TagSet"]),
    }
    return {what: _or_error(call, Bucket=name) for what, call in calls.items()}


def _or_error(call: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]


def _role(aws: Aws, name: str, _: str) -> Json:
    iam = aws("iam")
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    role = iam.get_role(RoleName=name)["Role"]
    return {
        "role": {key: value for key, value in role.items() if key != "Tags"},
        "inline": {
            one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in inline
        },
        "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        "tags": _sorted(iam.list_role_tags(RoleName=name)["Tags"]),
    }


def _key(aws: Aws, key_id: str, _: str) -> Json:
    kms = aws("kms")
    return {
        "key": kms.describe_key(KeyId=key_id)["KeyMetadata"],
        "rotates": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        "policy": json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]),
        "tags": _sorted(kms.list_resource_tags(KeyId=key_id)["Tags"]),
        "aliases": [alias["AliasName"] for alias in kms.list_aliases(KeyId=key_id)["Aliases"]],
    }


def _alias(aws: Aws, name: str, _: str) -> Json:
    [alias] = [one for one in aws("kms").list_aliases()["Aliases"] if one["AliasName"] == name]
    return {"target": alias["TargetKeyId"]}


def _tags(aws: Aws, kind: str, name: str) -> Any:
    return aws("glue").get_tags(ResourceArn=f"arn:aws:glue:us-east-1:123456789012:{kind}/{name}")["Tags"]


def _work_group(aws: Aws, name: str, _: str) -> Json:
    arn = f"arn:aws:athena:us-east-1:123456789012:workgroup/{name}"
    return {
        "group": aws("athena").get_work_group(WorkGroup=name)["WorkGroup"],
        "tags": _sorted(aws("athena").list_tags_for_resource(ResourceARN=arn)["Tags"]),
    }


def _log_group(aws: Aws, name: str, _: str) -> Json:
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    [group] = [one for one in groups if one["logGroupName"] == name]
    return {"group": group, "tags": aws("logs").list_tags_log_group(logGroupName=name)["tags"]}


def _table(aws: Aws, identifier: str, _: str) -> Any:
    _, database, name = identifier.split("|")
    return aws("glue").get_table(DatabaseName=database, Name=name)["Table"]


_SHOWN: dict[str, Callable[[Aws, str, str], Any]] = {
    "AWS::Athena::WorkGroup": _work_group,
    "AWS::Glue::Database": lambda aws, name, _: aws("glue").get_database(Name=name)["Database"],
    "AWS::Glue::Job": lambda aws, name, _: [aws("glue").get_job(JobName=name), _tags(aws, "job", name)],
    "AWS::Glue::SecurityConfiguration": lambda aws, name, _: aws("glue").get_security_configuration(
        Name=name
    ),
    "AWS::Glue::Table": _table,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": lambda aws, name, _: json.loads(
        aws("s3").get_bucket_policy(Bucket=name)["Policy"]
    ),
}
