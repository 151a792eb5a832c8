"""Releases in the assets bucket: what `glue_assets/release.py` published.

`releases/<release>/manifest.json` lists the contents of a release. `releases/latest.json` names the newest
release, and `releases/data-sets/<name>.json` the newest one of a data set. A release never changes, so its
manifest is cached for the life of the process. Pointers are cached for `_POINTER_SECONDS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws.catalog_tables import count_in
from chalicelib.aws.s3 import Buckets
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import DATA_SET
from chalicelib.errors import Unavailable
from chalicelib.storage.template_copies import template_copy

_POINTER_SECONDS = 30
_LATEST = "releases/latest.json"
_DATA_SETS = "releases/data-sets/"
_DATA_SET_KEY = re.compile(rf"{_DATA_SETS}({DATA_SET.pattern})\.json")


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

    @property
    def rows(self) -> int | None:
        """Return the number of rows, or None if the release does not tell it."""
        return count_in((self.definition or {}).get("Parameters", {}), "recordCount")


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

    @property
    def data(self) -> dict[tuple[str, str], str]:
        """Return the SHA-256 of the files that seeding copies into the SoR bucket, by bucket and key."""
        return {(file.target, file.key): file.sha256 for file in self.files if file.target == "sor"}

    @property
    def data_bytes(self) -> int:
        """Return the size of the files that seeding copies into the SoR bucket."""
        return sum(file.size for file in self.files if file.target == "sor")

    @property
    def rows(self) -> int | None:
        """Return the number of rows of all tables, or None if the release does not tell it."""
        rows = [table.rows for table in self.tables]
        return None if None in rows else sum(count or 0 for count in rows)

    def resource_count(self, parameters: Mapping[str, str]) -> int:
        """Return the number of resources of a stack with these template parameters."""
        return sum(when is None or parameters.get(when) == "true" for _, _, when in self.resources)


class Releases:
    """Finds releases in the assets bucket."""

    def __init__(self, buckets: Buckets, bucket: str, clock: Clock = now) -> None:
        self._buckets = buckets
        self._bucket = bucket
        self._clock = clock
        self._pointers: dict[str, tuple[str, datetime]] = {}
        self._known: dict[str, Release] = {}

    def latest(self, *, afresh: bool = False) -> Release:
        """Return the newest release, cached for half a minute. Raises `Unavailable` if there is none."""
        release_id = self._pointed(_LATEST, afresh=afresh)
        if release_id is None:
            raise Unavailable("No release has been published yet.", retry_after=60)
        return self.get(release_id)

    def of_data_set(self, name: str, *, afresh: bool = False) -> Release | None:
        """Return the newest release of a data set, cached for half a minute, or None if it is unknown.

        Raises `Unavailable` if the release is not in the assets bucket.
        """
        release_id = self._pointed(f"{_DATA_SETS}{name}.json", afresh=afresh)
        return None if release_id is None else self.get(release_id)

    def default(self) -> Release | None:
        """Return the newest release, cached for half a minute, or None if there is none."""
        release_id = self._pointed(_LATEST)
        return None if release_id is None else self.find(release_id)

    def data_set_names(self) -> list[str]:
        """Return the names of up to 1,000 data sets in alphabetical order. Makes one call."""
        keys = [key for key, _ in self._buckets.listing(self._bucket, _DATA_SETS)]
        return sorted(found[1] for found in map(_DATA_SET_KEY.fullmatch, keys) if found)

    def data_sets(self) -> list[tuple[str, Release]]:
        """Return the data sets by name, with their newest releases. Leaves out those without a release."""
        named = [(name, self._pointed(f"{_DATA_SETS}{name}.json")) for name in self.data_set_names()]
        found = [(name, self.find(release_id)) for name, release_id in named if release_id is not None]
        return [(name, release) for name, release in found if release is not None]

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
        """Return every published release, newest first. One that is being uploaded has no manifest yet."""
        names = self._buckets.folders(self._bucket, "releases/")
        found = [self.find(name) for name in names if f"releases/{name}/" != _DATA_SETS]
        published = [release for release in found if release is not None]
        return sorted(published, key=lambda release: (release.published_at, release.id), reverse=True)

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

    def _pointed(self, key: str, *, afresh: bool = False) -> str | None:
        """Return the ID of the release that a pointer names, or None without a valid pointer."""
        moment = self._clock()
        known = self._pointers.get(key)
        if afresh or known is None or (moment - known[1]).total_seconds() > _POINTER_SECONDS:
            pointer = self._buckets.read(self._bucket, key)
            release_id = None if pointer is None else _release_in(pointer)
            if release_id is None:
                self._pointers.pop(key, None)
                return None
            known = self._pointers[key] = release_id, moment
        return known[0]

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


def _release_in(pointer: bytes) -> str | None:
    """Return the release ID in a pointer, or None if it is damaged: others must stay readable."""
    try:
        content = json.loads(pointer)
    except ValueError:
        return None
    release_id = content.get("release") if isinstance(content, dict) else None
    return release_id if isinstance(release_id, str) and "/" not in release_id else None


def _template_copy(environment: Environment) -> str:
    return f"environments/{environment.id}/template.yaml"


def _partitioned(table: Json) -> Partitioned:
    partitions = tuple((tuple(p["values"]), p["path"]) for p in table["partitions"])
    return Partitioned(table["database"], table["table"], table["storage"], partitions)
