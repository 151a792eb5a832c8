"""Releases in the assets bucket: what `glue_assets/release.py` published.

`releases/latest.json` names the newest; `releases/<release>/manifest.json` lists what is in one. A release
never changes, so its manifest is kept for the life of the process; the pointer for `_POINTER_SECONDS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.buckets import Buckets
from chalicelib.clock import Clock, now
from chalicelib.errors import Unavailable

_POINTER_SECONDS = 30


@dataclass(frozen=True)
class ReleaseFile:
    """One file that seeding copies: from `path` below the release to `key` in the bucket `target`."""

    path: str
    target: str
    key: str


@dataclass(frozen=True)
class Release:
    """A published release. `resources` are (logical id, type, parameter that must be 'true' or None)."""

    id: str
    bucket: str
    template: str
    files: tuple[ReleaseFile, ...]
    resources: tuple[tuple[str, str, str | None], ...]
    databases: tuple[str, ...]

    def path(self, relative: str) -> str:
        """The key of one of its files in the assets bucket."""
        return f"releases/{self.id}/{relative}"

    def resource_count(self, parameters: Mapping[str, str]) -> int:
        """How many resources its stack has with these template parameters."""
        return sum(when is None or parameters.get(when) == "true" for _, _, when in self.resources)


class Releases:
    """Finds releases in the assets bucket."""

    def __init__(self, buckets: Buckets, bucket: str, region: str, clock: Clock = now) -> None:
        self._buckets = buckets
        self._bucket = bucket
        self._region = region
        self._clock = clock
        self._latest: tuple[str, datetime] | None = None
        self._known: dict[str, Release] = {}

    def latest(self) -> Release:
        """The newest release; `Unavailable` when none was published."""
        moment = self._clock()
        if self._latest is None or (moment - self._latest[1]).total_seconds() > _POINTER_SECONDS:
            pointer = self._buckets.read(self._bucket, "releases/latest.json")
            if pointer is None:
                raise Unavailable("No release has been published yet.", retry_after=60)
            self._latest = json.loads(pointer)["release"], moment
        return self.get(self._latest[0])

    def get(self, release_id: str) -> Release:
        """One release by its id; `Unavailable` when it is not in the assets bucket."""
        if release_id not in self._known:
            self._known[release_id] = self._read(release_id)
        return self._known[release_id]

    def template_url(self, release: Release) -> str:
        """Where CloudFormation reads the release's template."""
        return f"https://{self._bucket}.s3.{self._region}.amazonaws.com/{release.path(release.template)}"

    def _read(self, release_id: str) -> Release:
        body = self._buckets.read(self._bucket, f"releases/{release_id}/manifest.json")
        if body is None:
            raise Unavailable(f"Release {release_id} is not in the assets bucket.", retry_after=60)
        manifest = json.loads(body)
        return Release(
            id=manifest["release"],
            bucket=self._bucket,
            template=manifest["template"]["path"],
            files=tuple(ReleaseFile(f["path"], f["target"], f["key"]) for f in manifest["files"]),
            resources=tuple((r["logical_id"], r["type"], r.get("when")) for r in manifest["resources"]),
            databases=tuple(sorted({table["database"] for table in manifest["tables"]})),
        )
