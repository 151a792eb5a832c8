"""Releases in a bucket: `releases/<release>/manifest.json` and the files, and pointers to releases.

`releases/latest.json` points to the newest release. `releases/data-sets/<name>.json` points to the release of
a data set. A pointer has the content `{"release": "<release>"}`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from glue_assets.tables import DataError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATEST = "releases/latest.json"
"""Names the newest release."""
DATA_SETS = "releases/data-sets/"
# The API accepts the same names: chalicelib/domain/names.py
DATA_SET = re.compile(r"[a-z][a-z0-9-]{0,39}")


def pointer(data_set: str | None = None) -> str:
    """Return the key of the pointer of a data set, or of the newest release. Raise `DataError` if invalid."""
    if data_set is None:
        return LATEST
    if not DATA_SET.fullmatch(data_set):
        rule = "begin with a letter, and use at most 40 of a-z, 0-9 and -"
        raise DataError(f"{data_set!r} cannot be the name of a data set: {rule}")
    return f"{DATA_SETS}{data_set}.json"


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


def point(
    s3: S3Client, bucket: str, release: str, owner: str | None = None, data_set: str | None = None
) -> bool:
    """Make a release the newest one, or that of a data set. Return whether it was another.

    All files of the release must be there.
    """
    key, content = pointer(data_set), to_json({"release": release})
    if read(s3, bucket, key, owner) == content:
        return False
    s3.put_object(Bucket=bucket, Key=key, Body=content, **expected(owner))
    return True


def data_sets(s3: S3Client, bucket: str) -> dict[str, str]:
    """Return the releases of the data sets in a bucket, by name."""
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=DATA_SETS):
        for item in page.get("Contents", []):
            name = item["Key"].removeprefix(DATA_SETS).removesuffix(".json")
            content = read(s3, bucket, item["Key"])
            if DATA_SET.fullmatch(name) and content is not None:
                found[name] = json.loads(content)["release"]
    return found


def listed(s3: S3Client, bucket: str) -> list[str]:
    """Return the releases in a bucket, newest first, one per line, with the data sets that they contain.

    A star marks the default release.
    """
    latest = json.loads(read(s3, bucket, LATEST) or b"{}").get("release")
    names: dict[str, list[str]] = {}
    for name, release in data_sets(s3, bucket).items():
        names.setdefault(release, []).append(name)
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="releases/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith("/manifest.json"):
                manifest = json.loads(read(s3, bucket, item["Key"]) or b"{}")
                first = manifest.get("notes", "").partition("\n")[0]
                release = manifest["release"]
                star = "*" if release == latest else " "
                tail = f"  {' '.join(names[release])}" if release in names else ""
                found.append((item["LastModified"], f"{star} {release}", f"{tail}  {first}"))
    return [f"{name}  {at:%Y-%m-%d %H:%M}{rest}" for at, name, rest in sorted(found, reverse=True)]


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
