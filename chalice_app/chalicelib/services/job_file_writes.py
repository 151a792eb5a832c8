"""Writes job files: the uploads first, then the record, then the objects that Glue reads.

So every file in the record exists, and all files of one request appear in the record at once or not at all.
`live_files` then makes the objects that Glue reads agree with the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, later, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import JobFile
from chalicelib.domain.json_types import Json
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import (
    Conflict,
    JobFileInUse,
    LearningMode,
    PreconditionFailed,
    ServiceError,
    StaleRecord,
    TooManyFiles,
)
from chalicelib.observability import logger
from chalicelib.services.environments import Environments
from chalicelib.services.readiness import require_active
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

MAX_FILES = 200
MAX_LIST_BYTES = 60_000
"""Size of the lists of files and of removed files in an environment's record, which has 400 KB at most."""
ENTRY_BYTES = 200
"""An entry of this list without its path and the name of the user, at most."""
_TRIES = 5
_SETTLED_SECONDS = 120
"""By then every call of a request has ended, also if its client repeated it."""


@dataclass(frozen=True)
class Changes:
    """What a request changes: contents to write, and paths to remove."""

    put: Mapping[str, bytes]
    removed: Collection[str] = ()


@dataclass(frozen=True)
class Written:
    """The environment after a write, and the previous file of each path that changed, None if it is new."""

    environment: Environment
    before: Mapping[str, JobFile | None]


@dataclass(frozen=True)
class Precondition:
    """What a file must be before a request changes it (RFC 9110, section 13.1). By default, anything."""

    digests: Collection[str] = ()
    """SHA-256 of its content, or `*` for any file."""
    is_new: bool = False
    """There must be no file."""

    def check(self, path: str, file: JobFile | None) -> None:
        """Raise `PreconditionFailed` unless it holds."""
        if file is None and self.digests:
            raise PreconditionFailed(f"{path} does not exist, or was deleted.")
        if file and (self.is_new or (self.digests and not {"*", file.sha256} & {*self.digests})):
            raise PreconditionFailed(
                f"{path} was changed by {file.changed_by} at {file.changed_at}. Read it again, then repeat "
                "the change."
            )


Wanted = Callable[[Environment], Changes]
"""Returns what is left to change of an environment. It is called again if another request changed it."""


class JobFileWrites:
    """Writes and removes job files."""

    def __init__(self, store: Store, environments: Environments, live: LiveFiles, clock: Clock) -> None:
        self._store = store
        self._environments = environments
        self._live = live
        self._clock = clock

    def save(
        self,
        caller: Caller,
        environment: Environment,
        wanted: Wanted,
        action: str,
        detail: Callable[[Mapping[str, JobFile | None], Environment], Json],
        request_id: str,
    ) -> Written:
        """Write what is wanted in one conditional write of the record. Does nothing if that is nothing.

        `detail` returns the details of the event from the previous files and the environment afterwards.
        """
        content, uploaded = self._live.new_content(), set[str]()
        try:
            for _ in range(_TRIES):
                changes = wanted(environment)
                if not changes.put and not changes.removed:
                    return Written(environment, {})
                check_accepts_files(environment)
                after = self._after(environment, changes, caller, content)
                for path in changes.put.keys() - uploaded:
                    self._live.add(environment, path, changes.put[path], content)
                    uploaded.add(path)
                before = {path: environment.job_files.get(path) for path in (*changes.put, *changes.removed)}
                event = TimelineEvent(
                    timestamp(self._clock()), caller.owner, action, request_id, detail(before, after)
                )
                try:
                    saved = self._store.save_environment(environment, after, event)
                except StaleRecord:
                    environment = self._environments.visible(caller, environment.id)
                    if not _names(environment, content, changes):
                        continue
                    saved = environment  # the response to this write was lost, and boto3 repeated it
                self._settle(saved, changes, before)
                return Written(saved, before)
            raise Conflict("Other requests changed the environment at the same time. Retry.")
        except ServiceError:  # after an AwsError, the record may name the upload
            with suppress(AwsError):
                for path in uploaded:
                    self._live.remove(environment, path, content)
            raise

    def _after(self, environment: Environment, changes: Changes, caller: Caller, content: str) -> Environment:
        moment = self._clock()
        soon = later(moment, _SETTLED_SECONDS)
        files = {
            path: JobFile(
                size_bytes=len(body),
                sha256=sha256(body),
                changed_by=caller.owner,
                changed_at=timestamp(moment),
                content=content,
            )
            for path, body in changes.put.items()
        }
        job_files = {
            path: file for path, file in environment.job_files.items() if path not in changes.removed
        }
        job_files |= files
        removed = {*environment.removed_files, *changes.removed} - files.keys()
        _check_limits(job_files, removed)
        return environment.replace(
            job_files=job_files,
            removed_files=sorted(removed),
            due_at=min(environment.due_at or soon, soon),
        )

    def _settle(
        self, environment: Environment, changes: Changes, before: Mapping[str, JobFile | None]
    ) -> None:
        try:
            try:
                self._live.settle(environment, before, changes.put)
            finally:  # the record names other uploads now
                for path, file in before.items():
                    self._live.remove(environment, path, file.content if file else None)
        except AwsError as error:  # the record is right; the next tick or run settles the files
            logger.warning("job files left to the schedule", environment_id=environment.id, detail=str(error))


def check_accepts_files(environment: Environment) -> None:
    """Raise `LearningMode` or `EnvironmentNotReady` if job files cannot change now."""
    if environment.settings.mode != "production":
        raise LearningMode(
            "Job files are read-only in learning mode. Use production mode to upload your own."
        )
    require_active(environment, "to accept files")


def check_unused(environment: Environment, paths: Iterable[str]) -> None:
    """Raise `JobFileInUse` if the settings of a job name one of the paths."""
    for job in environment.jobs.values():
        for path in {*paths} & {*environment.files_of_run(job)}:
            use = "an extra file" if path in job.extra_files else "the script"
            raise JobFileInUse(
                f"{path} is {use} of the job {job.name}. Change that with PATCH "
                f"/environments/{environment.id} first."
            )


def sha256(body: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(body).hexdigest()


def _check_limits(files: Mapping[str, JobFile], removed: Collection[str]) -> None:
    if len(files) > MAX_FILES:
        raise TooManyFiles(
            f"The environment would have {len(files)} job files; the maximum is {MAX_FILES}. "
            "Put modules into a .zip."
        )
    size = sum(len(path) + len(file.changed_by.encode()) + ENTRY_BYTES for path, file in files.items())
    size += sum(len(path) + 1 for path in removed)
    if size > MAX_LIST_BYTES:
        raise TooManyFiles(
            f"The list of job files would have {size:,} bytes; the maximum is {MAX_LIST_BYTES:,}. "
            "Use shorter paths, or put modules into a .zip."
        )


def _names(environment: Environment, content: str, changes: Changes) -> bool:
    """Return whether the record has these changes, which only this request makes."""
    return bool(changes.put) and all(
        (file := environment.job_files.get(path)) is not None and file.content == content
        for path in changes.put
    )
