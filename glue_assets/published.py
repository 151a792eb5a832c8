"""Releases in a bucket: `releases/<release>/manifest.json` and the files, and `releases/latest.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue_assets.tables import DataError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATEST = "releases/latest.json"
"""Names the newest release."""


def copy(s3: S3Client, release: str, source: str, target: str, owner: str) -> bool:
    """Publish a release by copying it from a bucket. Return whether anything was written.

    Both buckets belong to the account `owner`. S3 copies the files itself.
    """
    folder = f"releases/{release}"
    manifest = read(s3, source, f"{folder}/manifest.json", owner)
    if manifest is None:
        raise DataError(f"the bucket {source} has no release {release}")
    is_new = read(s3, target, f"{folder}/manifest.json", owner) is None
    if is_new:
        paths = [file["path"] for file in json.loads(manifest)["files"]]
        for path in (*paths, "template.yaml", "manifest.json"):
            key = f"{folder}/{path}"
            s3.copy_object(
                Bucket=target,
                Key=key,
                CopySource={"Bucket": source, "Key": key},
                ExpectedBucketOwner=owner,
                ExpectedSourceBucketOwner=owner,
            )
    return point(s3, target, release, owner) or is_new


def point(s3: S3Client, bucket: str, release: str, owner: str | None = None) -> bool:
    """Make a release the newest one, after all its files are there. Return whether it was another."""
    pointer = to_json({"release": release})
    if read(s3, bucket, LATEST, owner) == pointer:
        return False
    s3.put_object(Bucket=bucket, Key=LATEST, Body=pointer, **expected(owner))
    return True


def listed(s3: S3Client, bucket: str) -> list[str]:
    """Return the releases in a bucket, newest first, one per line. A star marks the default release."""
    latest = json.loads(read(s3, bucket, LATEST) or b"{}").get("release")
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="releases/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith("/manifest.json"):
                manifest = json.loads(read(s3, bucket, item["Key"]) or b"{}")
                first = manifest.get("notes", "").partition("\n")[0]
                star = "*" if manifest["release"] == latest else " "
                found.append((item["LastModified"], f"{star} {manifest['release']}", first))
    return [f"{name}  {at:%Y-%m-%d %H:%M}  {first}" for at, name, first in sorted(found, reverse=True)]


def read(s3: S3Client, bucket: str, key: str, owner: str | None = None) -> bytes | None:
    """Return an object, or None if it does not exist."""
    try:
        return s3.get_object(Bucket=bucket, Key=key, **expected(owner))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def expected(owner: str | None) -> Any:
    """Return the argument with which S3 rejects a bucket of another account than `owner`, if it is known."""
    return {} if owner is None else {"ExpectedBucketOwner": owner}


def to_json(value: object) -> bytes:
    """Return the text of a document in a release."""
    return (json.dumps(value, indent=2) + "\n").encode()
