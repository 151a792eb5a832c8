"""Folders of databases and tables."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.s3_uris import bucket_and_key

CLUSTER = "cluster://run"
"""A file system of the run's own, which ends with the run."""

WAREHOUSE = f"{CLUSTER}/user/spark/warehouse"
"""Folder of new databases that have no other location.

In Glue, it is on the driver, at `file:/spark-warehouse`:
https://docs.aws.amazon.com/glue/latest/dg/example_glue_GetDatabases_section.html
"""


@dataclass(frozen=True)
class Folders:
    """Creates and deletes folders: in S3 with the client of the run's role, on the cluster below a folder."""

    s3: Any
    cluster: Path

    def make(self, location: str) -> None:
        """Create the object that represents a folder in S3, as S3A does, unless it has objects."""
        bucket, prefix = _place(location)
        if prefix and not self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
            self.s3.put_object(Bucket=bucket, Key=prefix)

    def delete(self, location: str) -> None:
        """Delete a folder. Never deletes the content of a whole bucket."""
        if location.startswith(CLUSTER + "/"):
            path = (self.cluster / location.removeprefix(CLUSTER).strip("/")).resolve()
            if path != self.cluster.resolve() and path.is_relative_to(self.cluster.resolve()):
                shutil.rmtree(path, ignore_errors=True)
            return
        bucket, prefix = _place(location)
        if not prefix:
            return
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                self.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def _place(location: str) -> tuple[str, str]:
    """Return the bucket and the prefix of a location, or an empty prefix if it is no folder in S3."""
    bucket, key = bucket_and_key(location) or ("", "")
    path = key.strip("/")
    return (bucket, f"{path}/") if path else ("", "")
