"""S3 client: reads, writes and copies objects; empties and deletes buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from chalicelib.aws.errors import AwsError, AwsRefused, call_or_none, calling, from_boto, from_code
from chalicelib.lazy import imported

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_BUCKET = {"NoSuchBucket", "404"}
_URL_SUFFIX = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
"""Domains of partitions other than amazonaws.com, as dnsSuffix in botocore's endpoints.json."""

_DELETED_OBJECTS_PER_CALL = 1000
_MAX_REFUSED = 3000
"""Number of consecutive failed deletions after which emptying a bucket stops."""

_copy = imported("boto3.s3.inject", "copy")
"""boto3's copy, as `S3Client.copy` of a `boto3.Session`, in parts above a threshold."""


class ObjectState(NamedTuple):
    """An object's ETag and the value of one tag."""

    etag: str | None
    mark: str | None


class Buckets:
    """Reads, writes and deletes objects and buckets. Methods raise `AwsError`."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def url(self, bucket: str, key: str) -> str:
        """Return the URL of an object in this region and partition."""
        meta = self._client.meta
        suffix = _URL_SUFFIX.get(meta.partition, "amazonaws.com")
        return f"https://{bucket}.s3.{meta.region_name}.{suffix}/{key}"

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return an object's bytes, or None if it does not exist."""
        found = self.read_dated(bucket, key)
        return found[0] if found else None

    def read_dated(self, bucket: str, key: str) -> tuple[bytes, datetime] | None:
        """Return an object's bytes and its last modification, or None if it does not exist."""

        def read() -> tuple[bytes, datetime]:
            response = self._client.get_object(Bucket=bucket, Key=key)
            return response["Body"].read(), response["LastModified"]

        return call_or_none(read, "NoSuchKey")

    def chunks(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in parts of up to one MiB, or nothing if it does not exist."""
        response = call_or_none(lambda: self._client.get_object(Bucket=bucket, Key=key), "NoSuchKey")
        if response is None:
            return
        with calling():
            yield from response["Body"].iter_chunks(1024 * 1024)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy an object of any size within S3, in parts above boto3's threshold."""
        with calling():
            _copy(self._client, {"Bucket": bucket, "Key": key}, to_bucket, to_key)

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""
        with calling():
            self._client.put_object(Bucket=bucket, Key=key, Body=body)

    def replace(self, bucket: str, key: str, body: bytes, *, etag: str | None, mark: dict[str, str]) -> None:
        """Put an object with the tags `mark` if the existing one has `etag`; with None, if none exists.

        Otherwise does nothing: S3 returns 412 if the object is another one, 409 during a concurrent write,
        and 404 if the object was deleted:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with calling(ignore={"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, Tagging=urlencode(mark), **condition)

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether an object exists. Needs `s3:GetObject` and `s3:ListBucket`."""
        found = call_or_none(lambda: self._client.head_object(Bucket=bucket, Key=key), "404", "NoSuchKey")
        return found is not None

    def download_url(self, bucket: str, key: str, seconds: int) -> str:
        """Return a URL with which anybody can download an object, as long as the credentials are valid."""
        target = {"Bucket": bucket, "Key": key}
        with calling():
            return self._client.generate_presigned_url("get_object", Params=target, ExpiresIn=seconds)

    def state(self, bucket: str, key: str, mark: str) -> ObjectState:
        """Return an object's ETag and the value of its tag `mark`. Both are None if it does not exist.

        Neither needs `s3:GetObject`, so the service checks the files of a sandbox without a right to read
        its data. If another object takes the place of the listed one between the two requests, the ETag is
        that of the old one, and a conditional write with it does nothing.
        """
        with calling():
            response = self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        listed = next((item for item in response.get("Contents", []) if item["Key"] == key), None)
        if listed is None:
            return ObjectState(None, None)
        found = call_or_none(
            lambda: self._client.get_object_tagging(Bucket=bucket, Key=key), "NoSuchKey", "404"
        )
        if found is None:
            return ObjectState(None, None)
        return ObjectState(listed["ETag"], {tag["Key"]: tag["Value"] for tag in found["TagSet"]}.get(mark))

    def listing(self, bucket: str, prefix: str) -> list[tuple[str, datetime]]:
        """Return up to 1,000 keys with a prefix, and their last modifications."""
        with calling():
            response = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [(item["Key"], item["LastModified"]) for item in response.get("Contents", [])]

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object. Does nothing if it does not exist."""
        with calling():
            self._client.delete_object(Bucket=bucket, Key=key)

    def remove_all(self, bucket: str, keys: Sequence[str]) -> Iterator[int]:
        """Delete objects, also those that do not exist. Yields the number of each batch of up to 1,000.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        for begin in range(0, len(keys), _DELETED_OBJECTS_PER_CALL):
            batch = keys[begin : begin + _DELETED_OBJECTS_PER_CALL]
            with calling(about=bucket):
                response = self._client.delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            for error in response.get("Errors", []):
                message = f"{bucket}/{error.get('Key', '')}: {error.get('Message', '')}"
                raise from_code(error.get("Code", "Unknown"), message)
            yield len(batch)

    def remove_if(self, bucket: str, key: str, *, etag: str) -> None:
        """Delete an object if it has `etag`. Otherwise does nothing, as `replace`.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        """
        with calling(ignore={"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}):
            self._client.delete_object(Bucket=bucket, Key=key, IfMatch=etag)

    def is_empty(self, bucket: str) -> bool:
        """Return whether a bucket has no object versions and no delete markers, or does not exist."""
        page = call_or_none(lambda: self._client.list_object_versions(Bucket=bucket, MaxKeys=1), *_NO_BUCKET)
        return page is None or (not page.get("Versions") and not page.get("DeleteMarkers"))

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """Return the names of the folders directly below a prefix."""
        with calling():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/"
            )
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    def empty(self, bucket: str) -> Iterator[int]:
        """Delete every version, delete marker and unfinished upload of a bucket, in batches of up to 1,000.

        Yields the number of deletions of each batch, so that the caller can stop in between and call again
        later. Does nothing if the bucket does not exist. Skips objects that S3 refuses to delete, and at the
        end raises `AwsRefused` with the first one's key and S3's message.
        """
        refused = _Refused(bucket)
        with calling(ignore=_NO_BUCKET, about=bucket):
            yield from self._remove_uploads(bucket, refused)
            yield from self._remove_versions(bucket, refused)
            refused.raise_first()

    def remove_bucket(self, bucket: str) -> None:
        """Delete an empty bucket. Does nothing if it does not exist."""
        with calling(ignore=_NO_BUCKET, about=bucket):
            self._client.delete_bucket(Bucket=bucket)

    def _remove_uploads(self, bucket: str, refused: _Refused) -> Iterator[int]:
        for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                try:
                    self._client.abort_multipart_upload(
                        Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
                except ClientError as error:
                    failure = from_boto(error)
                    if failure.code == "NoSuchUpload":
                        continue  # it is completed or aborted already
                    if not isinstance(failure, AwsRefused) or refused.count >= _MAX_REFUSED:
                        raise
                    refused.add(failure.code, upload["Key"], failure.message)
                else:
                    yield 1

    def _remove_versions(self, bucket: str, refused: _Refused) -> Iterator[int]:
        after: Any = {}
        refused_in_a_row = 0
        while refused_in_a_row < _MAX_REFUSED:
            # List from the same place again: the deleted versions are no longer listed.
            page = self._client.list_object_versions(Bucket=bucket, MaxKeys=1000, **after)
            versions: Any = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            errors: Any = []
            if versions:
                objects: Any = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]
                response = self._client.delete_objects(
                    Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
                )
                errors = response.get("Errors", [])
                yield len(versions) - len(errors)
            refused_in_a_row = refused_in_a_row + len(errors) if len(errors) == len(versions) else 0
            for error in errors:
                refused.add(error.get("Code", "Unknown"), error.get("Key", ""), error.get("Message", ""))
            if not page.get("IsTruncated") and (errors or not versions):
                return
            if errors:
                after = _markers_after(versions, errors)
            elif not versions:
                after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def _markers_after(versions: list[Any], errors: list[Any]) -> dict[str, str]:
    """Return the markers to continue listing after the last version that S3 did not delete.

    S3 lists the versions of a key newest first.
    """
    refused = {(error.get("Key"), error.get("VersionId")) for error in errors}
    stay = [version for version in versions if (version["Key"], version["VersionId"]) in refused] or versions
    last = max(stay, key=lambda version: (version["Key"], -version["LastModified"].timestamp()))
    return {"KeyMarker": last["Key"], "VersionIdMarker": last["VersionId"]}


class _Refused:
    """Counts the deletions that S3 refused, and keeps the first error."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._first: AwsError | None = None
        self.count = 0

    def add(self, code: str, key: str, message: str) -> None:
        """Count a refused deletion. Raises `AwsThrottled` or `AwsUnavailable` if a retry can succeed."""
        failure = from_code(code, f"{self._bucket}/{key}: {message or code}")
        if not isinstance(failure, AwsRefused):
            raise failure
        self.count += 1
        self._first = self._first or failure

    def raise_first(self) -> None:
        """Raise `AwsRefused` if a deletion was refused."""
        if self._first is not None:
            more = f" (and {self.count - 1:,} more)" if self.count > 1 else ""
            raise AwsRefused(self._first.code, self._first.message + more)
