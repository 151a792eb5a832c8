"""Actual properties of resources, as CloudFormation's read handlers return them.

Drift detection and drift-aware change sets compare them with the template. Each reader returns the properties
of one type in the form of a template, or None if the resource does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from local.cloudformation.analytics import table_names
from local.cloudformation.resources import HANDLERS, CallFailed, Context, Json
from local.cloudformation.stack import Resource

_NOT_FOUND = ("404",)
_UNSET = {
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
}
"""Codes of S3 for a part of a bucket's configuration that is not set."""


def properties(resource: Resource, context: Context) -> Json | None:
    """Return the actual properties of a resource of a stack, or None if it no longer exists.

    Raises `CallFailed` for any other error.
    """
    try:
        return _READERS[resource.type](resource, context)
    except CallFailed as error:
        if error.code in HANDLERS[resource.type].missing or error.code in _NOT_FOUND:
            return None
        raise


def _present(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _document(text: str) -> Any:
    """Return a policy document. IAM encodes it as part of a URL, and boto3 decodes it."""
    return json.loads(unquote(text)) if isinstance(text, str) else text


def _tags(values: Any) -> list[Json]:
    found = values.items() if isinstance(values, dict) else [_pair(tag) for tag in values]
    return [{"Key": key, "Value": value} for key, value in found if not key.startswith("aws:")]


def _pair(tag: Mapping[str, str]) -> tuple[str, str]:
    return tag.get("Key") or tag["TagKey"], tag.get("Value") or tag.get("TagValue") or ""


# -- Glue and Athena -------------------------------------------------------------------------------------


def _database(resource: Resource, context: Context) -> Json:
    found = context.call("glue", "get_database", Name=resource.physical_id)["Database"]
    names = ("Name", "Description", "LocationUri", "Parameters", "TargetDatabase")
    catalog = found.get("CatalogId", context.account)
    return {"CatalogId": catalog, "DatabaseInput": _present({name: found.get(name) for name in names})}


def _table(resource: Resource, context: Context) -> Json:
    database, name = table_names(resource.physical_id)
    found = context.call("glue", "get_table", DatabaseName=database, Name=name)["Table"]
    names = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys")
    more = ("TableType", "Parameters", "TargetTable", "ViewOriginalText", "ViewExpandedText")
    table = {name: found.get(name) for name in (*names, *more)}
    catalog = found.get("CatalogId", context.account)
    return {"CatalogId": catalog, "DatabaseName": database, "TableInput": _present(table)}


def _job(resource: Resource, context: Context) -> Json:
    found = context.call("glue", "get_job", JobName=resource.physical_id)["Job"]
    unknown = {"CreatedOn", "LastModifiedOn", "AllocatedCapacity", "MaxCapacity", "ProfileName"}
    arn = f"arn:aws:glue:{context.region}:{context.account}:job/{resource.physical_id}"
    tags = context.call("glue", "get_tags", ResourceArn=arn)["Tags"]
    return _present({name: value for name, value in found.items() if name not in unknown} | {"Tags": tags})


def _security_configuration(resource: Resource, context: Context) -> Json:
    name = resource.physical_id
    found = context.call("glue", "get_security_configuration", Name=name)["SecurityConfiguration"]
    settings = dict(found["EncryptionConfiguration"])
    if "S3Encryption" in settings:  # the property's name in templates
        settings["S3Encryptions"] = settings.pop("S3Encryption")
    return {"Name": name, "EncryptionConfiguration": settings}


def _work_group(resource: Resource, context: Context) -> Json:
    name = resource.physical_id
    found = context.call("athena", "get_work_group", WorkGroup=name)["WorkGroup"]
    arn = f"arn:aws:athena:{context.region}:{context.account}:workgroup/{name}"
    shown = {name: found.get(name) for name in ("Name", "Description", "State")}
    tags = _tags(context.call("athena", "list_tags_for_resource", ResourceARN=arn)["Tags"])
    return _present({**shown, "WorkGroupConfiguration": found.get("Configuration"), "Tags": tags})


# -- IAM, KMS and CloudWatch Logs ------------------------------------------------------------------------


def _role(resource: Resource, context: Context) -> Json:
    name = resource.physical_id
    role = context.call("iam", "get_role", RoleName=name)["Role"]
    inline = context.call("iam", "list_role_policies", RoleName=name)["PolicyNames"]
    attached = context.call("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"]
    policies = [
        {
            "PolicyName": policy,
            "PolicyDocument": _document(
                context.call("iam", "get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"]
            ),
        }
        for policy in inline
    ]
    return _present(
        {
            **{key: role.get(key) for key in ("RoleName", "Path", "Description", "MaxSessionDuration")},
            "AssumeRolePolicyDocument": _document(role["AssumeRolePolicyDocument"]),
            "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "Policies": policies,
            "Tags": _tags(role.get("Tags", [])),
        }
    )


def _role_policy(resource: Resource, context: Context) -> Json:
    wanted = resource.properties
    documents = [
        context.call("iam", "get_role_policy", RoleName=role, PolicyName=wanted["PolicyName"])[
            "PolicyDocument"
        ]
        for role in wanted.get("Roles") or [wanted["RoleName"]]
    ]
    return {**wanted, "PolicyDocument": _document(documents[0])}


def _managed_policy(resource: Resource, context: Context) -> Json:
    context.call("iam", "get_policy", PolicyArn=resource.physical_id)
    return dict(resource.properties)  # the templates of sandboxes have none: only its existence is read


def _key(resource: Resource, context: Context) -> Json | None:
    name = resource.physical_id
    found = context.call("kms", "describe_key", KeyId=name)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":  # its handler treats such a key as missing
        return None
    policy = context.call("kms", "get_key_policy", KeyId=name, PolicyName="default")["Policy"]
    rotates = context.call("kms", "get_key_rotation_status", KeyId=name)["KeyRotationEnabled"]
    tags = _tags(context.call("kms", "list_resource_tags", KeyId=name)["Tags"])
    shown = {key: found.get(key) for key in ("Description", "Enabled", "KeySpec", "KeyUsage")}
    shown |= {"KeyPolicy": _document(policy), "EnableKeyRotation": rotates, "Tags": tags}
    return {key: value for key, value in shown.items() if value is not None}


def _alias(resource: Resource, context: Context) -> Json | None:
    marker: Json = {}
    while True:  # no call describes an alias itself
        page = context.call("kms", "list_aliases", **marker)
        for alias in page["Aliases"]:
            if alias["AliasName"] == resource.physical_id:
                return {"AliasName": alias["AliasName"], "TargetKeyId": alias["TargetKeyId"]}
        if not page.get("Truncated"):
            return None
        marker = {"Marker": page["NextMarker"]}


def _log_group(resource: Resource, context: Context) -> Json | None:
    name = resource.physical_id
    found = context.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    for group in found:
        if group["logGroupName"] == name:
            tags = context.call(
                "logs", "list_tags_for_resource", resourceArn=group["arn"].removesuffix(":*")
            )["tags"]
            shown = {"RetentionInDays": group.get("retentionInDays"), "KmsKeyId": group.get("kmsKeyId")}
            return _present({"LogGroupName": name, **shown, "Tags": _tags(tags)})
    return None


# -- S3 --------------------------------------------------------------------------------------------------


def _bucket(resource: Resource, context: Context) -> Json:
    name = resource.physical_id
    context.call("s3", "head_bucket", Bucket=name)

    def read(operation: str) -> Json:
        try:
            found: Json = context.call("s3", operation, Bucket=name)
        except CallFailed as error:
            if error.code in _UNSET:
                return {}
            raise
        return found

    encryption = read("get_bucket_encryption").get("ServerSideEncryptionConfiguration", {})
    rules = list(map(_encryption_rule, encryption.get("Rules", [])))
    lifecycle = read("get_bucket_lifecycle_configuration").get("Rules", [])
    logging = read("get_bucket_logging").get("LoggingEnabled", {})
    versioning = read("get_bucket_versioning").get("Status")
    return _present(
        {
            "BucketName": name,
            "BucketEncryption": _present({"ServerSideEncryptionConfiguration": rules}),
            "VersioningConfiguration": versioning and {"Status": versioning},
            "PublicAccessBlockConfiguration": read("get_public_access_block").get(
                "PublicAccessBlockConfiguration"
            ),
            "OwnershipControls": read("get_bucket_ownership_controls").get("OwnershipControls"),
            "LifecycleConfiguration": _present({"Rules": list(map(_lifecycle_rule, lifecycle))}),
            "LoggingConfiguration": _present(
                {
                    "DestinationBucketName": logging.get("TargetBucket"),
                    "LogFilePrefix": logging.get("TargetPrefix"),
                    "TargetObjectKeyFormat": logging.get("TargetObjectKeyFormat"),
                }
            ),
            "Tags": _tags(read("get_bucket_tagging").get("TagSet", [])),
        }
    )


def _encryption_rule(rule: Json) -> Json:
    renamed = {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}
    return {renamed.get(key, key): value for key, value in rule.items()}


def _lifecycle_rule(rule: Json) -> Json:
    expiration = rule.get("Expiration", {})
    return _present(
        {
            "Id": rule.get("ID"),
            "Status": rule["Status"],
            "Prefix": rule.get("Filter", {}).get("Prefix") or rule.get("Prefix"),
            "ExpirationInDays": expiration.get("Days"),
            "ExpiredObjectDeleteMarker": expiration.get("ExpiredObjectDeleteMarker"),
            "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        }
    )


def _bucket_policy(resource: Resource, context: Context) -> Json:
    name = resource.physical_id
    policy = context.call("s3", "get_bucket_policy", Bucket=name)["Policy"]
    return {"Bucket": name, "PolicyDocument": _document(policy)}


_READERS: dict[str, Callable[[Resource, Context], Json | None]] = {
    "AWS::Athena::WorkGroup": _work_group,
    "AWS::Glue::Database": _database,
    "AWS::Glue::Job": _job,
    "AWS::Glue::SecurityConfiguration": _security_configuration,
    "AWS::Glue::Table": _table,
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::IAM::Policy": _role_policy,
    "AWS::IAM::Role": _role,
    "AWS::IAM::RolePolicy": _role_policy,
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
