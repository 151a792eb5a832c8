"""How S3 is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import AwsRefused, AwsUnavailable, from_boto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"NoSuchBucket", "NoSuchUpload", "404"}


class Buckets:
    """The calls that seeding and emptying need; errors come out as `AwsError`."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, bucket: str, key: str) -> bytes | None:
        """An object's bytes; None when there is none."""
        found = self.read_dated(bucket, key)
        return found[0] if found else None

    def read_dated(self, bucket: str, key: str) -> tuple[bytes, datetime] | None:
        """An object's bytes and when it was written; None when there is none."""
        try:
            answer = self._client.get_object(Bucket=bucket, Key=key)
            return answer["Body"].read(), answer["LastModified"]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "NoSuchKey":
                return None
            raise failure from error

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy an object on the server side, of any size (in parts above boto3's threshold)."""
        try:
            self._client.copy({"Bucket": bucket, "Key": key}, to_bucket, to_key)
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is removed."""
        try:
            self._client.delete_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def is_empty(self, bucket: str) -> bool:
        """Whether a bucket has neither objects nor old versions of any; so has one that does not exist."""
        try:
            page = self._client.list_object_versions(Bucket=bucket, MaxKeys=1)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code not in _GONE:
                raise failure from error
            return True
        return not page.get("Versions") and not page.get("DeleteMarkers")

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """The names directly below a prefix that other keys lie below."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/"
            )
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    def empty(self, bucket: str) -> Iterator[int]:
        """Remove every version, delete marker and unfinished upload of a bucket, up to 1,000 a step.

        Gives after each step how many it removed, so that the caller can stop between two. A bucket that does
        not exist is empty. Raises `AwsRefused` with S3's words when an object cannot be removed.
        """
        try:
            yield from self._remove_uploads(bucket)
            yield from self._remove_versions(bucket)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code not in _GONE:
                raise failure from error

    def _remove_uploads(self, bucket: str) -> Iterator[int]:
        for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                self._client.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
                yield 1

    def _remove_versions(self, bucket: str) -> Iterator[int]:
        while True:
            # Always the first page: what was listed is gone when the next one is asked for.
            page = self._client.list_object_versions(Bucket=bucket, MaxKeys=1000)
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not versions:
                return
            doomed = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in cast(list[Any], versions)]
            answer = self._client.delete_objects(
                Bucket=bucket,
                Delete={"Objects": cast(Any, doomed), "Quiet": True},
            )
            for error in answer.get("Errors", [])[:1]:
                kind = AwsUnavailable if error.get("Code") == "InternalError" else AwsRefused
                raise kind(error.get("Code", "Unknown"), f"{error.get('Key')}: {error.get('Message')}")
            yield len(doomed)
