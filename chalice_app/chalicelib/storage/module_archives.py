"""Zip files of the modules among an environment's job files, one for each job.

Glue imports from `--extra-py-files`, where a zip file, but not a folder, can contain packages:
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
So the script of a job can import its neighbours and the packages of the job files as on a developer's
machine: `lib/dates.py` is `lib.dates`, relative to the script's folder or to the folder of all job files.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

from chalicelib.aws.errors import AwsUnavailable
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment
from chalicelib.domain.settings import JobSettings
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

_TRIES = 5
_MARK = "modules"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same time for all entries: the same files give the same zip file."""
_NOT_MODULES = (".zip", ".whl")


class ModuleArchives:
    """Builds the zip files of modules. Errors are raised as `AwsError`."""

    def __init__(self, store: Store, buckets: Buckets, files: LiveFiles) -> None:
        self._store = store
        self._buckets = buckets
        self._files = files

    def uri(self, environment: Environment, job: JobSettings) -> str | None:
        """Return the URI of a job's modules, which are built if they changed. None if there are none."""
        path = f".modules/{job.name}/modules.zip"  # no path of a job file begins with a dot
        bucket, key = environment.bucket("glue_assets"), environment.job_file_key(path)
        for _ in range(_TRIES):
            entries = _entries(environment, job)
            if not entries:
                return None
            digest = _digest(environment, entries)
            live = self._buckets.state(bucket, key, _MARK)
            if live.mark == digest:
                return environment.job_file_uri(path)
            body = self._zip(environment, entries)
            if body is not None:
                self._buckets.replace(bucket, key, body, etag=live.etag, mark={_MARK: digest})
            environment = self._store.environment(environment.id) or environment
        raise AwsUnavailable("JobFilesChanging", "Other requests changed the job files at the same time.")

    def _zip(self, environment: Environment, entries: dict[str, str]) -> bytes | None:
        """Return a zip file, or None if another request replaced a file meanwhile."""
        bodies: dict[str, bytes] = {}
        for path in {*entries.values()}:
            body = self._files.read(environment, path, self._buckets)
            if body is None:
                return None
            bodies[path] = body
        buffer = io.BytesIO()
        # Python imports a package without __init__.py only from a folder that has an entry (zipimport).
        folders = {name[: end + 1] for name in entries for end, letter in enumerate(name) if letter == "/"}
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in sorted(folders):
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), b"")
            for name, path in entries.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), bodies[path], zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def _entries(environment: Environment, job: JobSettings) -> dict[str, str]:
    """Return the job files in the zip file by their name there. Empty without a module besides the script.

    Files that came with the release are not modules of the user's job. Files that are not Python are there
    for `importlib.resources` and `pkgutil.get_data`.
    """
    paths = sorted(
        path
        for path, file in environment.job_files.items()
        if file.content is not None and not path.endswith(_NOT_MODULES)
    )
    if environment.settings.mode != "production" or not any(
        path.endswith(".py") and path != job.script for path in paths
    ):
        return {}
    home = f"{(job.script or '').rpartition('/')[0]}/".removeprefix("/")
    beside = {path.removeprefix(home): path for path in paths if path.startswith(home)}
    return dict(sorted({**{path: path for path in paths}, **beside}.items()))


def _digest(environment: Environment, entries: dict[str, str]) -> str:
    contents = [(name, environment.job_files[path].sha256) for name, path in entries.items()]
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()
