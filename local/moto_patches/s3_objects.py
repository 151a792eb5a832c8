"""Objects of S3 that stay readable for the requests that have already found them.

moto closes the content of an object when another request replaces or deletes the object, so a request in
another thread fails with "I/O operation on closed file". It also computes ETags without its lock. A reader
of S3 gets "the old data or new data, but never partial or corrupt data"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
"""

from __future__ import annotations

import hashlib

from moto.s3.models import FakeKey

from local.moto_patches.patching import replace_methods


def install() -> None:
    """Install the objects in moto, once for the process."""
    replace_methods(FakeKey, {"dispose": _dispose, "etag": property(_etag)})


def _dispose(self: FakeKey, garbage: bool = False) -> None:
    """Close the content when no request has the object any more."""
    if garbage:
        self._value_buffer.close()
    self.disposed = True


def _etag(self: FakeKey) -> str:
    if self._etag is None:
        self._etag = hashlib.md5(self.value, usedforsecurity=False).hexdigest()
    return f'"{self._etag}"'
