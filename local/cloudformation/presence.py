"""Existence of resources, for drift-aware change sets.

Only deletions are detected. AWS compares every property:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.cloudformation.analytics import table_names
from local.cloudformation.resources import HANDLERS, CallFailed, Json
from local.cloudformation.stack import Resource

_READS: dict[str, tuple[str, str, str]] = {
    "AWS::Athena::WorkGroup": ("athena", "get_work_group", "WorkGroup"),
    "AWS::Glue::Database": ("glue", "get_database", "Name"),
    "AWS::Glue::Job": ("glue", "get_job", "JobName"),
    "AWS::Glue::SecurityConfiguration": ("glue", "get_security_configuration", "Name"),
    "AWS::IAM::ManagedPolicy": ("iam", "get_policy", "PolicyArn"),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
    "AWS::KMS::Key": ("kms", "describe_key", "KeyId"),
    "AWS::S3::Bucket": ("s3", "head_bucket", "Bucket"),
    "AWS::S3::BucketPolicy": ("s3", "get_bucket_policy", "Bucket"),
}
_NOT_FOUND = ("404",)
Call = Callable[..., Any]


def is_gone(resource: Resource, call: Call) -> bool:
    """Return whether a resource of a stack no longer exists. `call` is `Context.call`."""
    if resource.placed is None:
        return False
    try:
        return not _read(resource, call)
    except CallFailed as error:
        if error.code in HANDLERS[resource.type].missing or error.code in _NOT_FOUND:
            return True
        raise


def _read(resource: Resource, call: Call) -> bool:
    """Return whether a resource exists. AWS may also raise its own error."""
    name, properties = resource.physical_id, resource.properties
    if resource.type == "AWS::Glue::Table":
        database, table = table_names(name)
        call("glue", "get_table", DatabaseName=database, Name=table)
        return True
    if resource.type == "AWS::KMS::Alias":  # no call describes an alias itself
        aliases = call("kms", "list_aliases", KeyId=properties["TargetKeyId"])["Aliases"]
        return any(alias["AliasName"] == name for alias in aliases)
    if resource.type == "AWS::Logs::LogGroup":
        found = call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
        return any(group["logGroupName"] == name for group in found)
    if resource.type in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        for role in properties.get("Roles") or [properties["RoleName"]]:
            call("iam", "get_role_policy", RoleName=role, PolicyName=properties["PolicyName"])
        return True
    service, operation, argument = _READS[resource.type]
    answer: Json = call(service, operation, **{argument: name})
    if resource.type == "AWS::KMS::Key":  # its handler treats a key that is pending deletion as missing
        return bool(answer["KeyMetadata"]["KeyState"] != "PendingDeletion")
    return True
