"""Requests about job files: the scripts of jobs, and the files that they import or read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_fields

from chalicelib.aws.s3 import Buckets
from chalicelib.clock import Clock, now
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import JobFile
from chalicelib.domain.job_warnings import MOST_WARNINGS, JobWarning, file_warnings
from chalicelib.domain.json_types import Json
from chalicelib.domain.setting_types import JOB_FILE, JOB_FILE_ENDINGS, MAX_FOLDERS, MAX_PATH
from chalicelib.errors import (
    InvalidFields,
    InvalidFile,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from chalicelib.services.environments import Environments
from chalicelib.services.file_contents import FileContents
from chalicelib.services.file_parser import MAX_FILE_BYTES
from chalicelib.services.job_file_writes import (
    Changes,
    JobFileWrites,
    Precondition,
    check_accepts_files,
    check_unused,
    sha256,
)
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

MAX_ARCHIVE_BYTES = 4 * 1024 * 1024
"""API Gateway sends it to Lambda in base64, as a part of at most 6 MB of JSON.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
ALWAYS = Precondition()
_READ_TRIES = 3
_SHOWN_FILES = 50
"""Number of files that the event of a folder upload lists."""
_ENDINGS = ", ".join(JOB_FILE_ENDINGS)
_PATH_RULE = (
    f"Must have at most {MAX_FOLDERS} folders and {MAX_PATH} characters. Each part must have 1 to 64 "
    "characters of a-z, A-Z, 0-9, _, - and ., and must not start with a dot."
)


@dataclass(frozen=True)
class FolderUpload:
    """What the upload of a folder changed, by path, and the environment afterwards."""

    environment: Environment
    added: list[str]
    replaced: list[str]
    removed: list[str]
    skipped: list[str]
    warnings: list[JobWarning]


class JobFiles:
    """Lists, reads, writes and removes job files."""

    def __init__(
        self,
        store: Store,
        environments: Environments,
        live: LiveFiles,
        contents: FileContents,
        buckets_of: Callable[[Environment], Buckets],
        *,
        unsupported: Collection[str] = (),
        clock: Clock = now,
    ) -> None:
        self._unsupported = unsupported
        self._environments = environments
        self._live = live
        self._contents = contents
        self._buckets_of = buckets_of
        self._writes = JobFileWrites(store, environments, live, clock)

    def listing(self, caller: Caller, environment_id: str) -> Environment:
        """Return the environment; its `job_files` are the list."""
        return self._environments.visible(caller, environment_id)

    def read(self, caller: Caller, environment_id: str, path: str) -> bytes:
        """Return the bytes of a file as the record names them. Raises `NotFound`."""
        for _ in range(_READ_TRIES):
            environment = self._environments.visible(caller, environment_id)
            if path not in environment.job_files or environment.status is Status.DELETED:
                break
            body = self._live.read(environment, path, self._buckets_of(environment))
            if body is not None:
                return body
        raise NotFound("The job file does not exist.")

    def write(
        self,
        caller: Caller,
        environment_id: str,
        path: str,
        body: bytes,
        request_id: str,
        precondition: Precondition = ALWAYS,
    ) -> tuple[Environment, bool]:
        """Write a file, and replace the one with the same path.

        Returns the environment, and whether the file is new. Raises `InvalidFields` for an invalid path or
        content, `PayloadTooLarge`, `PreconditionFailed`, and `Conflict` if the environment does not accept
        files now.
        """
        environment = self._environments.visible(caller, environment_id)
        _check_path(path)
        check_accepts_files(environment)  # before the content, which takes seconds to parse
        if wrong := self._contents.error(_ending(path, body), body):
            raise InvalidFile([{"pointer": "", **wrong}], detail=f"{path}: {wrong['detail']}")
        digest = sha256(body)

        def wanted(environment: Environment) -> Changes:
            file = environment.job_files.get(path)
            if file and file.sha256 == digest and precondition != ALWAYS:
                return Changes({})  # repeated, because the response was lost
            precondition.check(path, file)
            return Changes({path: body})

        written = self._writes.save(
            *(caller, environment, wanted, "job_file_put"),
            *(lambda before, _: _detail(path, digest, before[path]), request_id),
        )
        return written.environment, written.before.get(path, ...) is None

    def warnings(self, environment: Environment, path: str, body: bytes) -> list[JobWarning]:
        """Return the warnings about a file that was written."""
        return [warning for _, warning in self._warnings(environment, {path: body})]

    def _warnings(
        self, environment: Environment, files: Mapping[str, bytes]
    ) -> Iterator[tuple[str, JobWarning]]:
        """Yield the warnings about files that were written, each with its path."""
        scripts = [path for path in files if path.endswith(".py")]
        jobs = {path: job for job in environment.jobs.values() for path in environment.files_of_run(job)}
        found = self._contents.read([files[path] for path in scripts]) if scripts else []
        for path, read in zip(scripts, found, strict=False):
            job = jobs.get(path, environment.settings.job)
            for warning in file_warnings(job, environment.job_files, read, self._unsupported):
                yield path, warning

    def remove(
        self,
        caller: Caller,
        environment_id: str,
        path: str,
        request_id: str,
        precondition: Precondition = ALWAYS,
    ) -> None:
        """Remove a file.

        Raises `NotFound`, `PreconditionFailed`, and `JobFileInUse` if the settings of a job name it.
        """
        environment = self._environments.visible(caller, environment_id)
        check_accepts_files(environment)
        is_done = False

        def wanted(environment: Environment) -> Changes:
            nonlocal is_done
            if path not in environment.job_files:
                if is_done:  # the write was lost on its way back and repeated, or another request removed it
                    return Changes({})
                raise NotFound("The job file does not exist.")
            precondition.check(path, environment.job_files[path])
            check_unused(environment, [path])
            is_done = True
            return Changes({}, [path])

        self._writes.save(
            *(caller, environment, wanted, "job_file_deleted"),
            *(lambda before, _: _detail(path, None, before[path]), request_id),
        )

    def write_folder(
        self, caller: Caller, environment_id: str, kind: str, body: bytes, request_id: str, *, replace: bool
    ) -> FolderUpload:
        """Write all files of an archive, or none. With `replace`, remove all other files.

        `kind` is zip or tar. Files with the same content stay as they are, so an archive that is uploaded
        twice changes nothing. Raises `InvalidFile` with every error of every file.
        """
        environment = self._environments.visible(caller, environment_id)
        check_accepts_files(environment)
        if len(body) > MAX_ARCHIVE_BYTES:
            raise PayloadTooLarge(f"An archive must be at most {MAX_ARCHIVE_BYTES} bytes. Upload several.")
        unpacked = self._contents.unpacked(kind, body)
        errors = unpacked.errors or self._errors(unpacked.files)
        if not errors and not unpacked.files:
            errors = [{"detail": "The archive has no files."}]
        if errors:
            first = f"{errors[0]['path']}: " if "path" in errors[0] else ""
            more = f" ({len(errors) - 1} more in errors.)" if len(errors) > 1 else ""
            detail = f"{first}{errors[0]['detail']}{more}"
            raise InvalidFile([{"pointer": "", **error} for error in errors], detail=detail)
        digests = {path: sha256(content) for path, content in unpacked.files.items()}

        def wanted(environment: Environment) -> Changes:
            old = environment.job_files
            removed = sorted(old.keys() - digests.keys()) if replace else []
            check_unused(environment, removed)
            changed = {p: c for p, c in unpacked.files.items() if p not in old or old[p].sha256 != digests[p]}
            return Changes(changed, removed)

        written = self._writes.save(
            *(caller, environment, wanted, "job_folder_put"),
            *(lambda before, after: _folder_detail(before, after, replace=replace), request_id),
        )
        before, after = written.before, written.environment.job_files
        return FolderUpload(
            written.environment,
            added=sorted(path for path, old in before.items() if old is None),
            replaced=sorted(path for path, old in before.items() if old is not None and path in after),
            removed=sorted(path for path in before if path not in after),
            skipped=sorted(unpacked.skipped),
            warnings=[
                replace_fields(warning, detail=f"{path}: {warning.detail}")
                for path, warning in self._warnings(written.environment, unpacked.files)
            ][:MOST_WARNINGS],
        )

    def _errors(self, files: Mapping[str, bytes]) -> list[Json]:
        """Return the errors of all files of an archive, sorted by path."""
        found: dict[str, Json] = {}
        for path in files:
            if not _is_path(path):
                found[path] = {"detail": _PATH_RULE}
            elif not path.endswith(JOB_FILE_ENDINGS):
                found[path] = {"detail": f"The name of a job file must end in {_ENDINGS}."}
        found |= self._contents.errors({path: body for path, body in files.items() if path not in found})
        return [{"path": path, **found[path]} for path in sorted(found)]


def _detail(path: str, digest: str | None, before: JobFile | None) -> Json:
    return {"path": path, "sha256": digest, "before": before.sha256 if before else None}


def _folder_detail(before: Mapping[str, JobFile | None], after: Environment, *, replace: bool) -> Json:
    """Return the first changes and the number of all: a page of the timeline has at most 6 MB."""
    files = [
        _detail(path, file.sha256 if (file := after.job_files.get(path)) else None, before[path])
        for path in sorted(before)[:_SHOWN_FILES]
    ]
    return {"replace": replace, "changed": len(before), "files": files}


def _is_path(path: str) -> bool:
    return len(path) <= MAX_PATH and JOB_FILE.fullmatch(path) is not None


def _check_path(path: str) -> None:
    if not _is_path(path):
        raise InvalidFields([{"parameter": "path", "detail": _PATH_RULE}])


def _ending(path: str, body: bytes) -> str:
    """Return the file name extension of a path, which determines the type of the file."""
    ending = "." + path.rpartition(".")[2]
    if ending not in JOB_FILE_ENDINGS:
        raise UnsupportedMediaType(f"The name of a job file must end in {_ENDINGS}.")
    if len(body) > MAX_FILE_BYTES:
        raise PayloadTooLarge(f"A job file must be at most {MAX_FILE_BYTES} bytes.")
    return ending
