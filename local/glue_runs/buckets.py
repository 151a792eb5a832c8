"""Buckets as folders: downloads objects before a run and uploads the run's changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

_ASSETS = "-glue-assets"
_SCHEMES = ("s3", "s3a", "s3n")
_Stamp = tuple[int, int]


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and key of an s3:// URI, or empty strings for another URI."""
    parts = urlsplit(uri)
    return (parts.netloc, parts.path.lstrip("/")) if parts.scheme in _SCHEMES else ("", "")


def needed(clients_s3: Any, glue: Any, script: str, values: Iterable[str]) -> list[str]:
    """Return the existing buckets that a run may use.

    These are the buckets in an argument or in the script's location, the buckets of tables in a database that
    an argument names, and the buckets of the script's sandbox, which have a common prefix.
    """
    words = {word.strip() for value in values for word in value.split(",")} | {script}
    uris = words | set(_table_locations(glue, words))
    named = words | {split_uri(uri)[0] for uri in uris}
    own = split_uri(script)[0]
    sandbox = own.removesuffix(_ASSETS) + "-" if own.endswith(_ASSETS) else None
    existing = [bucket["Name"] for bucket in clients_s3.list_buckets()["Buckets"]]
    return [name for name in existing if name in named or (sandbox and name.startswith(sandbox))]


def _table_locations(glue: Any, words: set[str]) -> Iterator[str]:
    for page in glue.get_paginator("get_databases").paginate():
        for database in page["DatabaseList"]:
            if database["Name"] not in words:
                continue
            for tables in glue.get_paginator("get_tables").paginate(DatabaseName=database["Name"]):
                for table in tables["TableList"]:
                    yield table.get("StorageDescriptor", {}).get("Location", "")


@dataclass
class Mirror:
    """A bucket and its local folder during a run."""

    s3: Any
    bucket: str
    folder: Path
    _known: dict[str, _Stamp] = field(default_factory=dict)

    def download(self) -> list[str]:
        """Download every object. Return the keys that were skipped.

        Keys are skipped if the role may not read them, or if they cannot be files, such as `a` beside `a/b`,
        or `../x`.
        """
        left_out = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            self.folder.mkdir(parents=True, exist_ok=True)  # only if the bucket may be listed
            for item in page.get("Contents", []):
                if not self._download_one(item):
                    left_out.append(item["Key"])
        return left_out

    def _download_one(self, item: dict[str, Any]) -> bool:
        key: str = item["Key"]
        path = self.folder / key
        if ".." in key.split("/") or key.startswith("/") or "//" in key:
            return False
        try:
            if key.endswith("/"):  # the console's representation of an empty folder
                path.mkdir(parents=True, exist_ok=True)
                return True
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(body, file)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            return False
        written = item["LastModified"].timestamp()  # jobs read the age of files
        os.utime(path, (written, written))
        self._known[key] = _stamp(path)
        return True

    def upload(self) -> int:
        """Upload new and changed files and delete removed ones. Return the number of changed objects."""
        changes = 0
        found: set[str] = set()
        for path in self._files():
            key = path.relative_to(self.folder).as_posix()
            found.add(key)
            if self._known.get(key) != (stamp := _stamp(path)):
                with path.open("rb") as file:
                    self.s3.put_object(Bucket=self.bucket, Key=key, Body=file)
                self._known[key] = stamp
                changes += 1
        for key in self._known.keys() - found:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
            del self._known[key]
            changes += 1
        return changes

    def _files(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name != "_temporary"]  # belongs to an unfinished commit
            for name in names:
                if not (name.startswith(".") and name.endswith(".crc")):  # Hadoop's local checksums
                    yield Path(folder, name)


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
