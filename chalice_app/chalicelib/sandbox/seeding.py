"""Files and partitions of a release: copied into a new sandbox, or replaced by an update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import JobFile
from chalicelib.domain.timeline import ActorType
from chalicelib.sandbox.missing_resources import emptied_buckets
from chalicelib.storage.releases import Partitioned, Release, Releases


class Seeding:
    """Copies a release's files and registers its partitions. Every method can be repeated safely.

    The iterators yield the number of files that are done, as `seeded_files` records it, after each step. They
    continue after the files that are recorded.
    """

    def __init__(self, *, buckets: Buckets, catalog: Catalog, releases: Releases) -> None:
        self._buckets = buckets
        self._catalog = catalog
        self._releases = releases

    def seed(self, environment: Environment) -> Iterator[int]:
        """Copy the release's files and register its partitions."""
        release = self._releases.get(environment.release)
        has_data = environment.settings.upload_data
        for number, file in enumerate(
            release.files[environment.seeded_files :], environment.seeded_files + 1
        ):
            if has_data or file.target != "sor":
                key = _key(environment, file.target, file.key)
                self._buckets.copy(
                    release.bucket, release.path(file.path), environment.bucket(file.target), key
                )
            yield number
        if has_data:
            for _ in self._register_partitions(environment, release):
                yield len(release.files)

    def seed_update(self, environment: Environment) -> Iterator[int]:
        """Remove the files that only the old release has, and copy those that differ between the releases.

        Removes first, so no reader finds the files of both releases in a table's folder, which may have
        different formats. A repetition removes again, which costs one call for 1,000 files. Keeps files that
        are the same in both releases, and job files that a user uploaded, unless their bucket was deleted and
        is empty.
        """
        goal, old = environment.as_desired, self._releases.find(environment.release)
        new = self._releases.get(goal.release)
        existing = _existing_files(environment, old)
        uploaded = {environment.job_file_key(path) for path in uploaded_files(environment)}
        removed: dict[str, list[str]] = {}
        for target, name in sorted(existing.keys() - {(file.target, file.key) for file in new.files}):
            key = _key(goal, target, name)
            if target != "glue_assets" or key not in uploaded:
                removed.setdefault(target, []).append(key)
        for target, keys in removed.items():
            for _ in self._buckets.remove_all(goal.bucket(target), keys):
                yield environment.seeded_files
        for number, file in enumerate(new.files[environment.seeded_files :], environment.seeded_files + 1):
            key = _key(goal, file.target, file.key)
            is_wanted = file.target != "sor" or goal.settings.upload_data
            is_uploaded = file.target == "glue_assets" and key in uploaded
            if is_wanted and not is_uploaded and existing.get((file.target, file.key)) != file.sha256:
                self._buckets.copy(new.bucket, new.path(file.path), goal.bucket(file.target), key)
                yield number
        if goal.settings.upload_data:
            for _ in self._update_partitions(goal, old, new):
                yield len(new.files)

    def changes_data(self, environment: Environment) -> bool:
        """Return whether an update changes files of the SoR bucket, which runs may read."""
        goal = environment.as_desired
        had_data, has_data = environment.settings.upload_data, goal.settings.upload_data
        if goal.release == environment.release or not had_data:
            return has_data and not had_data
        old = self._releases.find(environment.release)
        return old is None or old.data != self._releases.get(goal.release).data

    def job_files(self, environment: Environment) -> dict[str, JobFile]:
        """Return the job files of the release, as the environment records them."""
        release = self._releases.get(environment.release)
        return {
            file.key.removeprefix(Release.JOB_FILES): JobFile(
                size_bytes=file.size,
                sha256=file.sha256,
                changed_by=ActorType.RELEASE,
                changed_by_type=ActorType.RELEASE,
                changed_at=release.published_at,
            )
            for file in release.files
            if file.target == "glue_assets"
        }

    def _register_partitions(self, environment: Environment, release: Release) -> Iterator[Partitioned]:
        for table in release.partitioned:
            self._catalog.add_partitions(
                environment.database(table.database),
                table.table,
                table.storage,
                [(list(values), location) for values, location in _locations(environment, table)],
            )
            yield table

    def _update_partitions(self, goal: Environment, old: Release | None, new: Release) -> Iterator[object]:
        tables = {(table.database, table.name) for table in new.tables}
        kept = {(p.database, p.table): {values for values, _ in p.partitions} for p in new.partitioned}
        for table in old.partitioned if old else ():
            name = table.database, table.table
            removed = {values for values, _ in table.partitions} - kept.get(name, set())
            if removed and name in tables:
                values = [list(each) for each in sorted(removed)]
                yield from self._catalog.remove_partitions(goal.database(table.database), table.table, values)
        for table in self._register_partitions(goal, new):
            yield table
            yield from self._catalog.update_partitions(
                goal.database(table.database),
                table.table,
                table.storage,
                dict(_locations(goal, table)),
            )


def _locations(environment: Environment, table: Partitioned) -> Iterator[tuple[tuple[str, ...], str]]:
    for values, path in table.partitions:
        yield values, f"s3://{environment.bucket('sor')}/{path}"


def uploaded_files(environment: Environment) -> dict[str, JobFile]:
    """Return the job files that a user uploaded, unless they were deleted with their bucket."""
    if "glue_assets" in emptied_buckets(environment):
        return {}
    return {path: file for path, file in environment.job_files.items() if file.content is not None}


def _existing_files(environment: Environment, release: Release | None) -> Mapping[tuple[str, str], str]:
    """Return the SHA-256 of the release's files that the sandbox has, by bucket and key."""
    emptied = emptied_buckets(environment)
    return {
        (file.target, file.key): file.sha256
        for file in (release.files if release else ())
        if file.target not in emptied
        and (environment.settings.upload_data or file.target != "sor")
        and (
            file.target != "glue_assets" or file.key.removeprefix(Release.JOB_FILES) in environment.job_files
        )
    }


def _key(environment: Environment, target: str, key: str) -> str:
    """Return the key of a release's file in its bucket."""
    if target != "glue_assets":
        return key
    return environment.job_file_key(key.removeprefix(Release.JOB_FILES))
