"""How S3 is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.aws.errors import AwsError, AwsRefused, calling, from_boto, from_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"NoSuchBucket", "404"}
_HOPELESS = 3000
"""After so many things in a row that S3 does not remove, the rest is not tried."""


class ObjectState(NamedTuple):
    """What is known of an object without its bytes."""

    etag: str | None
    mark: str | None


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
        with calling("NoSuchKey"):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            return answer["Body"].read(), answer["LastModified"]
        return None

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy an object on the server side, of any size (in parts above boto3's threshold)."""
        with calling():
            self._client.copy({"Bucket": bucket, "Key": key}, to_bucket, to_key)

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""
        with calling():
            self._client.put_object(Bucket=bucket, Key=key, Body=body)

    def replace(self, bucket: str, key: str, body: bytes, *, etag: str | None, mark: dict[str, str]) -> None:
        """Put an object in the place of the one with an ETag (None: of none); not if another one is there.

        S3 answers 412 when it is another one, 409 when somebody else writes it now, and 404 when it is gone:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with calling("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, Metadata=mark, **condition)

    def state(self, bucket: str, key: str, mark: str) -> ObjectState:
        """Return an object's ETag and one of its metadata; both None if there is no such object."""
        with calling("404", "NoSuchKey"):
            answer = self._client.head_object(Bucket=bucket, Key=key)
            return ObjectState(answer["ETag"], answer["Metadata"].get(mark))
        return ObjectState(None, None)

    def listing(self, bucket: str, prefix: str) -> list[tuple[str, datetime]]:
        """Return up to a thousand keys with a prefix, and when they were written."""
        with calling():
            answer = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix)
            return [(item["Key"], item["LastModified"]) for item in answer.get("Contents", [])]
        return []

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is removed."""
        with calling():
            self._client.delete_object(Bucket=bucket, Key=key)

    def is_empty(self, bucket: str) -> bool:
        """Whether a bucket has neither objects nor old versions of any; so has one that does not exist."""
        with calling(*_GONE):
            page = self._client.list_object_versions(Bucket=bucket, MaxKeys=1)
            return not page.get("Versions") and not page.get("DeleteMarkers")
        return True

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """The names directly below a prefix that other keys lie below."""
        with calling():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/"
            )
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    def empty(self, bucket: str) -> Iterator[int]:
        """Remove every version, delete marker and unfinished upload of a bucket, up to 1,000 a step.

        Gives after each step how many it removed, so that the caller can stop between two; whoever comes next
        goes on there, for what is gone is not listed any more. A bucket that does not exist is empty. What S3
        keeps is passed over, and said at the end by an `AwsRefused` with the first one's key and S3's words.
        """
        kept = _Kept(bucket)
        with calling(*_GONE, about=bucket):
            yield from self._remove_uploads(bucket, kept)
            yield from self._remove_versions(bucket, kept)
            kept.tell()

    def remove_bucket(self, bucket: str) -> None:
        """Remove an empty bucket; one that does not exist is removed."""
        with calling(*_GONE, about=bucket):
            self._client.delete_bucket(Bucket=bucket)

    def _remove_uploads(self, bucket: str, kept: _Kept) -> Iterator[int]:
        for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                try:
                    self._client.abort_multipart_upload(
                        Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
                except ClientError as error:
                    failure = from_boto(error)
                    if failure.code == "NoSuchUpload":
                        continue  # somebody else was faster
                    if not isinstance(failure, AwsRefused) or kept.count >= _HOPELESS:
                        raise
                    kept.add(failure.code, upload["Key"], failure.message)
                else:
                    yield 1

    def _remove_versions(self, bucket: str, kept: _Kept) -> Iterator[int]:
        after: Any = {}
        in_vain = 0
        while in_vain < _HOPELESS:
            # The same page again: what was listed is gone when it is asked for the next time.
            page = self._client.list_object_versions(Bucket=bucket, MaxKeys=1000, **after)
            versions: Any = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            errors: Any = []
            if versions:
                doomed: Any = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]
                answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
                errors = answer.get("Errors", [])
                yield len(versions) - len(errors)
            in_vain = in_vain + len(errors) if len(errors) == len(versions) else 0
            for error in errors:
                kept.add(error.get("Code", "Unknown"), error.get("Key", ""), error.get("Message", ""))
            if not page.get("IsTruncated") and (errors or not versions):
                return
            if errors:
                after = _past(versions, errors)
            elif not versions:
                after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def _past(versions: list[Any], errors: list[Any]) -> dict[str, str]:
    """Where to list on, behind the last version that stays; of a key, S3 lists the newest first."""
    kept = {(error.get("Key"), error.get("VersionId")) for error in errors}
    stay = [version for version in versions if (version["Key"], version["VersionId"]) in kept] or versions
    last = max(stay, key=lambda version: (version["Key"], -version["LastModified"].timestamp()))
    return {"KeyMarker": last["Key"], "VersionIdMarker": last["VersionId"]}


class _Kept:
    """What S3 does not remove, counted; what it does not remove only now ends the emptying at once."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._first: AwsError | None = None
        self.count = 0

    def add(self, code: str, key: str, message: str) -> None:
        """Count one; `AwsThrottled` or `AwsUnavailable` when another try will do."""
        failure = from_code(code, f"{self._bucket}/{key}: {message or code}")
        if not isinstance(failure, AwsRefused):
            raise failure
        self.count += 1
        self._first = self._first or failure

    def tell(self) -> None:
        """Raise `AwsRefused` if there is something."""
        if self._first is not None:
            more = f" (and {self.count - 1:,} more)" if self.count > 1 else ""
            raise AwsRefused(self._first.code, self._first.message + more)
