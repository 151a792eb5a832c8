"""S3 and KMS and CloudWatch Logs resources."""

from __future__ import annotations

from typing import Any

from local.cloudformation.resources import CallFailed, Context, Json, Unsupported, document, given, resource
from local.cloudformation.template import Placed


def _delete_bucket(context: Context, name: str, _: Json) -> None:
    context.call("s3", "delete_bucket", Bucket=name)


@resource(
    "AWS::S3::Bucket",
    "BucketName BucketEncryption VersioningConfiguration PublicAccessBlockConfiguration OwnershipControls "
    "LifecycleConfiguration LoggingConfiguration Tags",
    missing="NoSuchBucket",
    delete=_delete_bucket,
)
def _bucket(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("BucketName")).lower()
    where = (
        {}
        if context.region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
    )
    _refuse_existing(context, name)
    context.call("s3", "create_bucket", Bucket=name, **where)
    bucket = Placed(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{context.region}.amazonaws.com",
        },
    )
    context.made(bucket)
    _configure_bucket(context, name, properties)
    return bucket


def _refuse_existing(context: Context, name: str) -> None:
    """S3 in us-east-1 lets an owner create the same bucket again; CloudFormation does not."""
    try:
        context.call("s3", "head_bucket", Bucket=name)
    except CallFailed as error:
        if error.status != 404:
            raise
    else:
        raise CallFailed("s3", "BucketAlreadyExists", f"{name} already exists", 0, "null")


def _configure_bucket(context: Context, name: str, properties: Json) -> None:
    if "BucketEncryption" in properties:
        rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        context.call(
            "s3",
            "put_bucket_encryption",
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": [_encryption_rule(rule) for rule in rules]},
        )
    direct = {
        "VersioningConfiguration": "put_bucket_versioning",
        "PublicAccessBlockConfiguration": "put_public_access_block",
        "OwnershipControls": "put_bucket_ownership_controls",
    }
    for key, operation in direct.items():
        if key in properties:
            context.call("s3", operation, Bucket=name, **{key: properties[key]})
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        context.call(
            "s3",
            "put_bucket_lifecycle_configuration",
            Bucket=name,
            LifecycleConfiguration={"Rules": rules},
        )
    if "LoggingConfiguration" in properties:
        _configure_logging(context, name, properties["LoggingConfiguration"])
    tags = context.tag_list(properties.get("Tags"))
    if tags:
        context.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tags})


def _configure_logging(context: Context, name: str, configuration: Json) -> None:
    """The template's words are not the API's, and what is left out means the bucket itself."""
    wanted = {
        "TargetBucket": configuration.get("DestinationBucketName", name),
        "TargetPrefix": configuration.get("LogFilePrefix", ""),
        **given(configuration, "TargetObjectKeyFormat"),
    }
    context.call("s3", "put_bucket_logging", Bucket=name, BucketLoggingStatus={"LoggingEnabled": wanted})


def _encryption_rule(rule: Json) -> Json:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {renamed.get(key, key): value for key, value in rule.items()}


def _lifecycle_rule(rule: Json) -> Json:
    """The template's words for a rule are not the API's."""
    taken = {"Id", "Status", "Prefix", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}
    unknown = rule.keys() - taken - {"ExpirationInDays", "ExpiredObjectDeleteMarker"}
    if unknown:
        raise Unsupported(f"The embedded AWS does not support {', '.join(unknown)} of a lifecycle rule.")
    made: Json = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    made |= {"ID": rule["Id"]} if "Id" in rule else {}
    made |= given(rule, "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    expiration: Json = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = rule["ExpirationInDays"]
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = rule["ExpiredObjectDeleteMarker"]
    return made | ({"Expiration": expiration} if expiration else {})


def _delete_bucket_policy(context: Context, name: str, _: Json) -> None:
    context.call("s3", "delete_bucket_policy", Bucket=name)


@resource(
    "AWS::S3::BucketPolicy",
    "Bucket PolicyDocument",
    missing="NoSuchBucket NoSuchBucketPolicy",
    delete=_delete_bucket_policy,
)
def _bucket_policy(context: Context, properties: Json) -> Placed:
    policy = document(properties["PolicyDocument"])
    context.call("s3", "put_bucket_policy", Bucket=properties["Bucket"], Policy=policy)
    return Placed(properties["Bucket"], {})


def _delete_key(context: Context, key_id: str, properties: Json) -> None:
    days = int(properties.get("PendingWindowInDays", 30))
    context.call("kms", "schedule_key_deletion", KeyId=key_id, PendingWindowInDays=days)


@resource(
    "AWS::KMS::Key",
    "Description KeyPolicy EnableKeyRotation PendingWindowInDays Tags KeySpec KeyUsage Enabled",
    missing="NotFoundException",
    delete=_delete_key,
)
def _key(context: Context, properties: Json) -> Placed:
    policy = {"Policy": document(properties["KeyPolicy"])} if "KeyPolicy" in properties else {}
    tags = [
        {"TagKey": key, "TagValue": value} for key, value in context.tag_map(properties.get("Tags")).items()
    ]
    made = context.call(
        "kms",
        "create_key",
        **given(properties, "Description", "KeySpec", "KeyUsage"),
        **policy,
        Tags=tags,
    )["KeyMetadata"]
    key = Placed(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})
    context.made(key)
    if str(properties.get("EnableKeyRotation", "false")).lower() == "true":
        context.call("kms", "enable_key_rotation", KeyId=made["KeyId"])
    if str(properties.get("Enabled", "true")).lower() == "false":
        context.call("kms", "disable_key", KeyId=made["KeyId"])
    return key


def _delete_alias(context: Context, name: str, _: Json) -> None:
    context.call("kms", "delete_alias", AliasName=name)


@resource("AWS::KMS::Alias", "AliasName TargetKeyId", missing="NotFoundException", delete=_delete_alias)
def _alias(context: Context, properties: Json) -> Placed:
    context.call("kms", "create_alias", **properties)
    return Placed(properties["AliasName"], {})


def _delete_log_group(context: Context, name: str, _: Json) -> None:
    context.call("logs", "delete_log_group", logGroupName=name)


@resource(
    "AWS::Logs::LogGroup",
    "LogGroupName RetentionInDays KmsKeyId Tags",
    missing="ResourceNotFoundException",
    delete=_delete_log_group,
)
def _log_group(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("LogGroupName"))
    arguments: dict[str, Any] = {"tags": context.tag_map(properties.get("Tags"))}
    if "KmsKeyId" in properties:
        arguments["kmsKeyId"] = properties["KmsKeyId"]
    context.call("logs", "create_log_group", logGroupName=name, **arguments)
    group = Placed(name, {"Arn": f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}:*"})
    context.made(group)
    if "RetentionInDays" in properties:
        days = properties["RetentionInDays"]
        context.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=days)
    return group
