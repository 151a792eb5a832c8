"""The bucket for packages: one per account and region, shared by its stages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deploy import aws
from deploy.aws import Account
from deploy.errors import DeploymentError
from deploy.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PLANS = "plans/"
"""Templates of plans. They expire after a day."""

_DAYS_TO_RESTORE = 30
_PARTS_DAYS = 7


def name_of(stage: Stage) -> str:
    """Return the name of the stage's code bucket."""
    return stage.code_bucket or f"terraglue-code-{stage.account}-{stage.region}"


def exists(s3: S3Client, stage: Stage) -> bool:
    """Return whether the bucket exists. Raise `DeploymentError` if it is in another account or region."""
    name = name_of(stage)
    try:
        found = s3.head_bucket(Bucket=name, ExpectedBucketOwner=stage.account)
    except ClientError as error:
        # HeadBucket has no body, and therefore no codes but its status.
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return False
        if status == 403:
            raise DeploymentError(_of_another(name, stage)) from error
        if status == 301:
            raise DeploymentError(
                f"The bucket {name} is not in {stage.region}. Functions need code in their own region."
            ) from error
        raise
    if (region := found.get("BucketRegion", stage.region)) != stage.region:
        raise DeploymentError(
            f"The bucket {name} is in {region}, not in {stage.region}. "
            "Functions need code in their own region."
        )
    return True


def ensure(s3: S3Client, stage: Stage, account: Account) -> str:
    """Return the name of the code bucket. Create it, unless CODE_BUCKET names one."""
    name = name_of(stage)
    there = exists(s3, stage)
    if stage.code_bucket:
        if not there:
            raise DeploymentError(
                f"The bucket {name} does not exist. Create it, or remove CODE_BUCKET from {stage.path}: "
                "deploy then creates a bucket."
            )
        return name
    if not there:
        _create(s3, name, stage)
    _protect(s3, name, account)
    return name


def _create(s3: S3Client, name: str, stage: Stage) -> None:
    # us-east-1 is the default and cannot be given:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    place: Any = {"LocationConstraint": stage.region}
    where = {} if stage.region == "us-east-1" else {"CreateBucketConfiguration": place}
    try:
        s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced", **where)
    except ClientError as error:
        if aws.code(error) == "BucketAlreadyOwnedByYou":
            return
        if aws.code(error) == "BucketAlreadyExists":
            raise DeploymentError(_of_another(name, stage)) from error
        raise
    s3.get_waiter("bucket_exists").wait(Bucket=name, ExpectedBucketOwner=stage.account)


def _protect(s3: S3Client, name: str, account: Account) -> None:
    """Set the bucket's properties. Every deployment does, because an earlier one may have been killed."""
    partition = account.session.get_partition_for_region(account.region)
    arn = f"arn:{partition}:s3:::{name}"
    owner = account.id
    s3.put_public_access_block(
        Bucket=name,
        ExpectedBucketOwner=owner,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_encryption(
        Bucket=name,
        ExpectedBucketOwner=owner,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_bucket_versioning(
        Bucket=name, ExpectedBucketOwner=owner, VersioningConfiguration={"Status": "Enabled"}
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        ExpectedBucketOwner=owner,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "plans",
                    "Status": "Enabled",
                    "Filter": {"Prefix": PLANS},
                    "Expiration": {"Days": 1},
                },
                {
                    "ID": "old-versions",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": _DAYS_TO_RESTORE},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _PARTS_DAYS},
                },
            ]
        },
    )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    s3.put_bucket_policy(Bucket=name, ExpectedBucketOwner=owner, Policy=json.dumps(policy))


def _of_another(name: str, stage: Stage) -> str:
    return (
        f"The bucket {name} belongs to another account, or the credentials may not access it. Code must not "
        f"come from a bucket of others. Set CODE_BUCKET in {stage.path} to a bucket of {stage.account}."
    )
