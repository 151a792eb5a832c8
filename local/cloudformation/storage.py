"""S3 resources."""

from __future__ import annotations

from local.cloudformation.resources import (
    CallFailed,
    Context,
    Former,
    Json,
    Unsupported,
    changed,
    document,
    given,
    resource,
    tag_changes,
)
from local.cloudformation.template import Placed

_PUT_UNCHANGED = {
    "VersioningConfiguration": "put_bucket_versioning",
    "PublicAccessBlockConfiguration": "put_public_access_block",
    "OwnershipControls": "put_bucket_ownership_controls",
}
_REMOVALS: dict[str, tuple[str, Json]] = {
    "BucketEncryption": ("delete_bucket_encryption", {}),
    "VersioningConfiguration": (
        "put_bucket_versioning",
        {"VersioningConfiguration": {"Status": "Suspended"}},
    ),
    "PublicAccessBlockConfiguration": ("delete_public_access_block", {}),
    "OwnershipControls": ("delete_bucket_ownership_controls", {}),
    "LifecycleConfiguration": ("delete_bucket_lifecycle", {}),
    "LoggingConfiguration": ("put_bucket_logging", {"BucketLoggingStatus": {}}),
}
"""Calls that remove a property of a bucket, with their arguments besides the bucket's name."""


def _update_bucket(context: Context, former: Former, properties: Json) -> Placed:
    name = former.name
    for key, (operation, arguments) in _REMOVALS.items():
        if key in former.properties and key not in properties:
            context.call("s3", operation, Bucket=name, **arguments)
    _configure_bucket(
        context, name, {key: properties[key] for key in properties if changed(former, properties, key)}
    )
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted or unwanted:
        _tag_bucket(context, name, properties)
    return former.placed


def _tag_bucket(context: Context, name: str, properties: Json) -> None:
    if tags := context.tag_list(properties.get("Tags")):
        context.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tags})
    else:
        context.call("s3", "delete_bucket_tagging", Bucket=name)


def _delete_bucket(context: Context, name: str, _: Json) -> None:
    context.call("s3", "delete_bucket", Bucket=name)


@resource(
    "AWS::S3::Bucket",
    "BucketName BucketEncryption VersioningConfiguration PublicAccessBlockConfiguration OwnershipControls "
    "LifecycleConfiguration LoggingConfiguration Tags",
    missing="NoSuchBucket",
    update=_update_bucket,
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
    if context.tag_list(properties.get("Tags")):
        _tag_bucket(context, name, properties)
    return bucket


def _refuse_existing(context: Context, name: str) -> None:
    """Raise an error for an existing bucket. S3 in us-east-1 would accept its owner's request."""
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
    for key, operation in _PUT_UNCHANGED.items():
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


def _configure_logging(context: Context, name: str, configuration: Json) -> None:
    """Configure logging. Without a destination, the bucket itself is the destination."""
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
    """Convert a rule of the template to the API's format."""
    taken = {"Id", "Status", "Prefix", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}
    unknown = rule.keys() - taken - {"ExpirationInDays", "ExpiredObjectDeleteMarker"}
    if unknown:
        raise Unsupported(f"The AWS emulator does not support {', '.join(unknown)} of a lifecycle rule.")
    made: Json = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    made |= {"ID": rule["Id"]} if "Id" in rule else {}
    made |= given(rule, "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    expiration: Json = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = rule["ExpirationInDays"]
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = rule["ExpiredObjectDeleteMarker"]
    return made | ({"Expiration": expiration} if expiration else {})


def _put_bucket_policy(context: Context, bucket: str, properties: Json) -> None:
    policy = document(properties["PolicyDocument"])
    context.call("s3", "put_bucket_policy", Bucket=bucket, Policy=policy)


def _update_bucket_policy(context: Context, former: Former, properties: Json) -> Placed:
    _put_bucket_policy(context, former.name, properties)
    return former.placed


def _delete_bucket_policy(context: Context, name: str, _: Json) -> None:
    context.call("s3", "delete_bucket_policy", Bucket=name)


@resource(
    "AWS::S3::BucketPolicy",
    "Bucket PolicyDocument",
    missing="NoSuchBucket NoSuchBucketPolicy",
    update=_update_bucket_policy,
    delete=_delete_bucket_policy,
)
def _bucket_policy(context: Context, properties: Json) -> Placed:
    _put_bucket_policy(context, properties["Bucket"], properties)
    return Placed(properties["Bucket"], {})
