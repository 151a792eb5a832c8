"""Permission checks of S3 requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from moto.s3.models import s3_backends

from local.iam.checks import Context, PermissionCheck
from local.iam.kms import s3_key_checks

# Most of moto's names of S3 actions are IAM's names.
_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_PUT_BUCKET = {
    "encryption": "PutEncryptionConfiguration",
    "ownershipControls": "PutBucketOwnershipControls",
    "publicAccessBlock": "PutBucketPublicAccessBlock",
    "replication": "PutReplicationConfiguration",
}
ACTIONS_UNKNOWN_TO_MOTO = {
    "BUCKET": {
        "GET": {
            "encryption": "GetEncryptionConfiguration",
            "object-lock": "GetBucketObjectLockConfiguration",
            "ownershipControls": "GetBucketOwnershipControls",
            "publicAccessBlock": "GetBucketPublicAccessBlock",
            "replication": "GetReplicationConfiguration",
        },
        "PUT": {**_PUT_BUCKET, "object-lock": "PutBucketObjectLockConfiguration"},
        "DELETE": _PUT_BUCKET,
    },
    "KEY": {"DELETE": {"tagging": "DeleteObjectTagging"}},
}
"""Actions that moto's own table lacks, by resource type, method and query parameter."""


def s3_checks(request: Any, resource: str, context: Context) -> Iterator[PermissionCheck]:
    """Yield the permission checks of an S3 request, which is one of moto's response objects."""
    operation = request.data["Action"]
    action = f"s3:{_ACTIONS.get(operation, operation)}"
    context = _with_owner(context, resource)
    for parameter in ("prefix", "delimiter"):
        if operation in ("ListBucket", "ListBucketVersions") and parameter in request.querystring:
            context = {**context, f"s3:{parameter}": request.querystring[parameter][0]}
    if operation == "DeleteObject" and "/" not in resource:  # DeleteObjects has its keys in the body
        for item in ElementTree.fromstring(request.body).iter():  # noqa: S314 - from a client on this machine
            if item.tag.rpartition("}")[2] == "Object":
                found = {part.tag.rpartition("}")[2]: part.text or "" for part in item}
                name = "s3:DeleteObjectVersion" if found.get("VersionId") else action
                yield PermissionCheck(name, f"{resource}/{found['Key']}", context)
    else:
        yield PermissionCheck(action, resource, context)
    source = None
    if named := request.headers.get("X-Amz-Copy-Source"):
        source = f"arn:aws:s3:::{unquote(named).lstrip('/').partition('?')[0]}"
        yield PermissionCheck("s3:GetObject", source, _with_owner(context, source))
        if _copies_tags(request, source):
            yield PermissionCheck("s3:GetObjectTagging", source, _with_owner(context, source))
            yield PermissionCheck("s3:PutObjectTagging", resource, context)
    if "/" in resource:
        chosen = request.headers.get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
        yield from s3_key_checks(request.method, action, resource, source, context, chosen)


def _copies_tags(request: Any, source: str) -> bool:
    """Return whether a CopyObject request copies tags, which requires permissions of its own.

    UploadPartCopy copies none. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    is_part = "uploadId" in request.querystring
    replaces = request.headers.get("X-Amz-Tagging-Directive", "COPY") == "REPLACE"
    bucket, _, key = source.rpartition(":")[2].partition("/")
    partition, account = s3_backends.bucket_accounts.get(bucket, ("aws", ""))
    if is_part or replaces or not account:
        return False
    backend = s3_backends[account][partition]
    stored = backend.buckets[bucket].keys.get(key)
    return stored is not None and bool(backend.tagger.get_tag_dict_for_resource(stored.arn))


def _with_owner(context: Context, resource: str) -> Context:
    """Return the context with the account of the bucket. Bucket names are shared by all accounts."""
    bucket = resource.rpartition(":")[2].partition("/")[0]
    _, account = s3_backends.bucket_accounts.get(bucket, ("", context["aws:ResourceAccount"]))
    return {**context, "aws:ResourceAccount": account}
