"""Job files in a sandbox's bucket: the uploads of users, and the live objects that Glue reads.

An upload is written once, under its own key. Then the record, which names the upload of each path, is
written if nobody changed it since. Only then the live object, which the Glue job uses, is replaced or, for a
path that the record does not name any more, deleted. So the bytes of a rejected request never reach the
live object. If the process dies in between, the live object is outdated: the start of a run and the tick
settle it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from chalicelib.aws.errors import AwsUnavailable
from chalicelib.aws.s3 import Buckets, ObjectState
from chalicelib.clock import Clock, now, sortable_id
from chalicelib.domain.environment import Environment, Status
from chalicelib.storage.store import Store

_TRIES = 10
_FOLDER = ".content/"
"""Below the prefix of the job files. No path of a job file begins with a dot."""
_MARK = "content"
_TAKES_FILES = {Status.READY, Status.UPDATING}
_UNUSED_AFTER = timedelta(hours=1)
"""No request takes this long: an upload that no record names by then was left by a dead process."""


class LiveFiles:
    """Reads and writes job files. Every method is idempotent. Errors are raised as `AwsError`."""

    def __init__(self, store: Store, buckets: Buckets, *, clock: Clock = now) -> None:
        self._store = store
        self._buckets = buckets
        self._clock = clock

    def new_content(self) -> str:
        """Return the ID of a new upload, of one file or of several."""
        return sortable_id(self._clock())

    def add(self, environment: Environment, path: str, body: bytes, content: str) -> None:
        """Write a file of an upload that no record names yet."""
        self._buckets.write(_bucket(environment), _content_key(environment, content, path), body)

    def read(self, environment: Environment, path: str, buckets: Buckets) -> bytes | None:
        """Return the bytes of a file that the record lists, or None if it was replaced meanwhile.

        `buckets` has the sandbox's credentials, because the file is read for a caller.
        """
        content = environment.job_files[path].content
        key = environment.job_file_key(path)  # of a file that came with the release
        if content is not None:
            key = _content_key(environment, content, path)
        return buckets.read(_bucket(environment), key)

    def remove(self, environment: Environment, path: str, content: str | None) -> None:
        """Remove an upload that no record names."""
        if content is not None:
            self._buckets.remove(_bucket(environment), _content_key(environment, content, path))

    def settle(
        self,
        environment: Environment,
        paths: Iterable[str] | None = None,
        bodies: Mapping[str, bytes] | None = None,
    ) -> None:
        """Make live objects agree with what the record names; of all paths by default.

        Only files that users put or deleted are checked. An object is replaced or deleted only if it is the
        one that was there before the record was read (If-Match), so a slow writer does not undo a later one:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        `bodies` are what the caller has just uploaded with the record `environment`, which saves reading it.
        """
        bucket = _bucket(environment)
        left: Collection[str] = _changed_by_users(environment, paths)
        for _ in range(_TRIES):
            if not left:
                return
            live = {path: self._buckets.state(bucket, environment.job_file_key(path), _MARK) for path in left}
            read = self._store.environment(environment.id)
            if read is None or read.status not in _TAKES_FILES:
                return  # the next step empties the bucket
            left = [path for path in _changed_by_users(read, left) if _differs(read, path, live[path])]
            for path in left:
                key, etag = read.job_file_key(path), live[path].etag
                if path not in read.job_files:
                    self._buckets.remove_if(bucket, key, etag=etag or "")
                    continue
                content, body = _content(read, path), None
                if bodies and path in bodies and content == _content(environment, path):
                    body = bodies[path]
                else:
                    body = self._buckets.read(bucket, _content_key(read, content, path))
                if body is not None:  # otherwise it was replaced since
                    self._buckets.replace(bucket, key, body, etag=etag, mark={_MARK: content})
        raise AwsUnavailable("JobFilesChanging", "Other requests changed the job files at the same time.")

    def remove_unused(self, environment: Environment) -> None:
        """Remove up to a thousand uploads that no record names because their request died."""
        prefix = f"{environment.job_file_key('')}{_FOLDER}"
        used = {file.content for file in environment.job_files.values()}
        before = self._clock() - _UNUSED_AFTER
        for key, written in self._buckets.listing(_bucket(environment), prefix):
            if written < before and key.removeprefix(prefix).partition("/")[0] not in used:
                self._buckets.remove(_bucket(environment), key)


def _bucket(environment: Environment) -> str:
    return environment.bucket("glue_assets")


def _content(environment: Environment, path: str) -> str:
    file = environment.job_files.get(path)
    return (file and file.content) or ""


def _differs(environment: Environment, path: str, live: ObjectState) -> bool:
    if path not in environment.job_files:
        return live.etag is not None
    return live.mark != _content(environment, path)


def _content_key(environment: Environment, content: str, path: str) -> str:
    return environment.job_file_key(f"{_FOLDER}{content}/{path}")


def _changed_by_users(environment: Environment, paths: Iterable[str] | None) -> list[str]:
    files, removed = environment.job_files, environment.removed_files
    return [
        path
        for path in ([*files, *removed] if paths is None else paths)
        if (files[path].content is not None if path in files else path in removed)
    ]
