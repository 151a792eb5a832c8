"""Requests about job files: the script of a job, and the files that it imports or reads.

An upload goes to the sandbox's bucket first and then into the record, so every file in the record exists.
`live_files` then copies it to where Glue reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress

from chalicelib.aws.errors import AwsError
from chalicelib.aws.s3 import Buckets
from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, JobFile, Status
from chalicelib.domain.job_warnings import JobWarning, file_warnings
from chalicelib.domain.setting_types import JOB_FILE
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import (
    Conflict,
    InvalidFields,
    InvalidFile,
    LearningMode,
    NotFound,
    PayloadTooLarge,
    ServiceError,
    StaleRecord,
    TooManyFiles,
    UnsupportedMediaType,
)
from chalicelib.observability import logger
from chalicelib.services.environments import Environments
from chalicelib.services.file_contents import ENDINGS, FileContents
from chalicelib.services.readiness import require_ready
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

MAX_BYTES = 1024 * 1024
MAX_FILES = 50
_WRITE_TRIES = 5
_READ_TRIES = 3
_SETTLED_SECONDS = 120
"""By then every call of a request has ended, also if its client repeated it."""


class JobFiles:
    """Lists, reads and writes job files."""

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
        self._store = store
        self._environments = environments
        self._live = live
        self._contents = contents
        self._buckets_of = buckets_of
        self._unsupported = unsupported
        self._clock = clock

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
        self, caller: Caller, environment_id: str, path: str, body: bytes, request_id: str
    ) -> tuple[Environment, bool]:
        """Write a file, and replace the one with the same path.

        Returns the environment, and whether the file is new. Raises `InvalidFields` for an invalid path or
        content, `PayloadTooLarge`, and `Conflict` if the environment does not accept files now.
        """
        environment = self._environments.visible(caller, environment_id)
        _check_path(path)
        _check_state(environment, path)  # before the content, which takes seconds to parse
        wrong = self._contents.error(_ending(path, body), body)
        if wrong:
            raise InvalidFile([{"pointer": "", **wrong}], detail=f"{path}: {wrong['detail']}")
        content = self._live.add(environment, path, body)
        try:
            environment, before = self._record(caller, environment, path, body, content, request_id)
        except ServiceError:  # after an AwsError, the record may name the upload
            with suppress(AwsError):
                self._live.remove(environment, path, content)
            raise
        try:
            try:
                self._live.settle(environment, [path])
            finally:  # the record names another upload now
                self._live.remove(environment, path, before.content if before else None)
        except AwsError as error:  # the record is right; the next tick or run copies the file
            logger.warning("job file left to the schedule", environment_id=environment_id, detail=str(error))
        return environment, before is None

    def warnings(self, environment: Environment, path: str, body: bytes) -> list[JobWarning]:
        """Return the warnings about a file that was written."""
        if not path.endswith(".py"):
            return []
        job, files = environment.settings.job, environment.job_files
        return [
            warning
            for read in self._contents.read([body])
            for warning in file_warnings(job, files, read, self._unsupported)
        ]

    def _record(
        self, caller: Caller, environment: Environment, path: str, body: bytes, content: str, request_id: str
    ) -> tuple[Environment, JobFile | None]:
        """Record an upload. Return the environment and the previous file, or None."""
        before: JobFile | None = None
        for _ in range(_WRITE_TRIES):
            _check_state(environment, path)
            before = environment.job_files.get(path)
            moment = self._clock()
            sha256 = hashlib.sha256(body).hexdigest()
            file = JobFile(
                size_bytes=len(body),
                sha256=sha256,
                changed_by=caller.owner,
                changed_at=timestamp(moment),
                content=content,
            )
            detail = {"path": path, "sha256": sha256, "before": before.sha256 if before else None}
            event = TimelineEvent(timestamp(moment), caller.owner, "job_file_put", request_id, detail)
            soon = later(moment, _SETTLED_SECONDS)
            after = environment.replace(
                job_files={**environment.job_files, path: file},
                due_at=min(environment.due_at or soon, soon),
            )
            try:
                return self._store.save_environment(environment, after, event), before
            except StaleRecord:
                environment = self._environments.visible(caller, environment.id)
            named = environment.job_files.get(path)
            if named is not None and named.content == content:
                return environment, before  # the response to this write was lost, and boto3 repeated it
        raise Conflict("Other requests changed the environment at the same time. Retry.")


def _check_state(environment: Environment, path: str) -> None:
    if environment.settings.mode != "production":
        raise LearningMode(
            "Job files are read-only in learning mode. Use production mode to upload your own."
        )
    require_ready(environment, "to accept files")
    if path not in environment.job_files and len(environment.job_files) >= MAX_FILES:
        raise TooManyFiles(f"The environment already has {MAX_FILES} job files, which is the maximum.")


def _check_path(path: str) -> None:
    if not JOB_FILE.fullmatch(path):
        words = (
            "Must have at most two folders. Each part must have 1 to 64 characters of a-z, A-Z, 0-9, _, - "
            "and ., and must not start with a dot."
        )
        raise InvalidFields([{"parameter": "path", "detail": words}])


def _ending(path: str, body: bytes) -> str:
    """Return the file name extension of a path, which determines the type of the file."""
    ending = "." + path.rpartition(".")[2]
    if ending not in ENDINGS:
        raise UnsupportedMediaType(f"The name of a job file must end in {', '.join(ENDINGS)}.")
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge(f"A job file must be at most {MAX_BYTES} bytes.")
    return ending
