"""Releases in the assets bucket: what `glue_assets/release.py` published.

`releases/latest.json` names the newest release; `releases/<release>/manifest.json` lists its contents. A
release never changes, so its manifest is cached for the life of the process. The pointer is cached for
`_POINTER_SECONDS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws.s3 import Buckets
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.errors import Unavailable
from chalicelib.storage.template_copies import template_copy

_POINTER_SECONDS = 30


@dataclass(frozen=True)
class ReleaseFile:
    """One file that seeding copies: from `path` below the release to `key` in the bucket `target`."""

    path: str
    target: str
    key: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class ReleasedTable:
    """A table of a release. Its TableInput has no name and location, and is None if it is unknown."""

    database: str
    name: str
    definition: Json | None


@dataclass(frozen=True)
class Partitioned:
    """A partitioned table: its partitions as (values, path), and their common storage descriptor."""

    database: str
    table: str
    storage: Json
    partitions: tuple[tuple[tuple[str, ...], str], ...]


@dataclass(frozen=True)
class Release:
    """A published release. `resources` are (logical ID, type, parameter that must be 'true' or None)."""

    # Files that seeding copies to the job files have this prefix in `files` (glue_assets/release.py).
    JOB_FILES = "jobs/"

    id: str
    bucket: str
    template: str
    files: tuple[ReleaseFile, ...]
    resources: tuple[tuple[str, str, str | None], ...]
    databases: tuple[str, ...]
    version: str
    notes: str
    published_at: str
    partitioned: tuple[Partitioned, ...] = ()
    tables: tuple[ReleasedTable, ...] = ()

    def path(self, relative: str) -> str:
        """Return the key of a file in the assets bucket."""
        return f"releases/{self.id}/{relative}"

    def resource_count(self, parameters: Mapping[str, str]) -> int:
        """Return the number of resources of a stack with these template parameters."""
        return sum(when is None or parameters.get(when) == "true" for _, _, when in self.resources)


class Releases:
    """Finds releases in the assets bucket."""

    def __init__(self, buckets: Buckets, bucket: str, clock: Clock = now) -> None:
        self._buckets = buckets
        self._bucket = bucket
        self._clock = clock
        self._latest: tuple[str, datetime] | None = None
        self._known: dict[str, Release] = {}

    def latest(self, *, afresh: bool = False) -> Release:
        """Return the newest release, cached for half a minute. Raises `Unavailable` if there is none."""
        moment = self._clock()
        if afresh or self._latest is None or (moment - self._latest[1]).total_seconds() > _POINTER_SECONDS:
            pointer = self._buckets.read(self._bucket, "releases/latest.json")
            if pointer is None:
                raise Unavailable("No release has been published yet.", retry_after=60)
            self._latest = json.loads(pointer)["release"], moment
        return self.get(self._latest[0])

    def get(self, release_id: str) -> Release:
        """Return a release. Raises `Unavailable` if it is not in the assets bucket."""
        release = self.find(release_id)
        if release is None:
            raise Unavailable(f"Release {release_id} is not in the assets bucket.", retry_after=60)
        return release

    def find(self, release_id: str) -> Release | None:
        """Return a release, or None if it is not in the assets bucket."""
        if release_id not in self._known:
            release = self._read(release_id)
            if release is None:
                return None
            self._known[release_id] = release
        return self._known[release_id]

    def all(self) -> list[Release]:
        """Return every published release, newest first."""
        found = [self.get(release_id) for release_id in self._buckets.folders(self._bucket, "releases/")]
        return sorted(found, key=lambda release: (release.published_at, release.id), reverse=True)

    def template_url(self, environment: Environment) -> str:
        """Return the URL of an environment's template: the release's, or its own copy.

        An environment whose job has arguments, or with several jobs, needs a copy.
        """
        release = self.get(environment.release)
        key = release.path(release.template)
        if environment.settings.has_own_template:
            text = self._buckets.read(self._bucket, key)
            if text is None:
                raise Unavailable(
                    f"Release {release.id} has no template in the assets bucket.", retry_after=60
                )
            key = _template_copy(environment)
            self._buckets.write(self._bucket, key, template_copy(text.decode(), environment).encode())
        return self._buckets.url(self._bucket, key)

    def remove_template(self, environment: Environment) -> None:
        """Remove an environment's copy of its template, if there is one."""
        if environment.settings.has_own_template or environment.as_desired.settings.has_own_template:
            self._buckets.remove(self._bucket, _template_copy(environment))

    def _read(self, release_id: str) -> Release | None:
        found = self._buckets.read_dated(self._bucket, f"releases/{release_id}/manifest.json")
        if found is None:
            return None
        body, published = found
        manifest = json.loads(body)
        return Release(
            id=manifest["release"],
            bucket=self._bucket,
            template=manifest["template"]["path"],
            files=tuple(
                ReleaseFile(f["path"], f["target"], f["key"], f["size"], f["sha256"])
                for f in manifest["files"]
            ),
            resources=tuple((r["logical_id"], r["type"], r.get("when")) for r in manifest["resources"]),
            databases=tuple(sorted({table["database"] for table in manifest["tables"]})),
            version=manifest["version"],
            notes=manifest.get("notes", ""),
            published_at=timestamp(published),
            partitioned=tuple(_partitioned(table) for table in manifest["tables"] if table.get("partitions")),
            tables=tuple(
                ReleasedTable(table["database"], table["table"], table.get("definition"))
                for table in manifest["tables"]
            ),
        )


def _template_copy(environment: Environment) -> str:
    return f"environments/{environment.id}/template.yaml"


def _partitioned(table: Json) -> Partitioned:
    partitions = tuple((tuple(p["values"]), p["path"]) for p in table["partitions"])
    return Partitioned(table["database"], table["table"], table["storage"], partitions)
