"""The files of a sandbox's job: its script and what that imports or reads. People put them, runs use them.

A file goes to the sandbox's bucket first and then into the record: whatever the record lists is there.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping

from chalicelib.auth import Caller
from chalicelib.buckets import Buckets
from chalicelib.clock import Clock, now, timestamp
from chalicelib.environments import Environments
from chalicelib.errors import (
    Conflict,
    EnvironmentNotReady,
    InvalidFields,
    InvalidFile,
    LearningMode,
    NotFound,
    PayloadTooLarge,
    StaleRecord,
    TooManyFiles,
    UnsupportedMediaType,
)
from chalicelib.records import Environment, Event, Json, Status
from chalicelib.settings import JOB_FILE
from chalicelib.store import Store

MAX_BYTES = 1024 * 1024
MAX_FILES = 50
_WRITE_TRIES = 5


class JobFiles:
    """What the routes about job files do."""

    def __init__(
        self, store: Store, environments: Environments, buckets: Buckets, *, clock: Clock = now
    ) -> None:
        self._store = store
        self._environments = environments
        self._buckets = buckets
        self._clock = clock

    def listing(self, caller: Caller, environment_id: str) -> Environment:
        """The environment, whose `job_files` are the list."""
        return self._environments.visible(caller, environment_id)

    def read(self, caller: Caller, environment_id: str, path: str) -> bytes:
        """A file's bytes; `NotFound` when there is none."""
        environment = self._environments.visible(caller, environment_id)
        if path in environment.job_files and environment.status is not Status.DELETED:
            body = self._buckets.read(environment.bucket("glue_assets"), environment.job_file_key(path))
            if body is not None:
                return body
        raise NotFound("There is no such job file.")

    def write(
        self, caller: Caller, environment_id: str, path: str, body: bytes, request_id: str
    ) -> tuple[Environment, bool]:
        """Put a file in the place of the one of its path, if there is one.

        Gives the environment as it is now, and whether the file is new. Raises `InvalidFields` for a path or
        a content that cannot be one's, `PayloadTooLarge`, and `Conflict` where the sandbox takes none.
        """
        environment = self._environments.visible(caller, environment_id)
        _check(path, body)
        for _ in range(_WRITE_TRIES):
            _check_state(environment, path)
            is_new = path not in environment.job_files
            moment = timestamp(self._clock())
            sha256 = hashlib.sha256(body).hexdigest()
            self._buckets.write(environment.bucket("glue_assets"), environment.job_file_key(path), body)
            file = {
                "size_bytes": len(body),
                "sha256": sha256,
                "changed_by": caller.owner,
                "changed_at": moment,
            }
            detail = {
                "path": path,
                "sha256": sha256,
                "before": environment.job_files.get(path, {}).get("sha256"),
            }
            event = Event(moment, caller.owner, "job_file_put", request_id, detail)
            after = environment.but(job_files={**environment.job_files, path: file})
            try:
                return self._store.save_environment(environment, after, event), is_new
            except StaleRecord:
                environment = self._environments.visible(caller, environment_id)
        raise Conflict("The environment is changing too fast; try again.")


def _check_state(environment: Environment, path: str) -> None:
    if environment.settings["mode"] != "production":
        raise LearningMode(
            "A learning sandbox runs the release's job. Ask for one with mode production to run your own."
        )
    if environment.status is not Status.READY or environment.delete_requested:
        raise EnvironmentNotReady(
            f"The environment is {environment.condition}; it takes files only when READY."
        )
    if path not in environment.job_files and len(environment.job_files) >= MAX_FILES:
        raise TooManyFiles(f"There are {MAX_FILES} job files already, and no more can be.")


def _check(path: str, body: bytes) -> None:
    if not JOB_FILE.fullmatch(path):
        words = "A path has a-z, A-Z, 0-9, _, - and . in it, up to two folders, no dot at a beginning."
        raise InvalidFields([{"parameter": "path", "detail": words}])
    ending = "." + path.rpartition(".")[2]
    if ending not in _CHECKS:
        raise UnsupportedMediaType(f"A job file ends in {', '.join(_CHECKS)}.")
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge(f"A job file has at most {MAX_BYTES} bytes.")
    wrong = _CHECKS[ending](path, body)
    if wrong:
        raise InvalidFile([{"pointer": "", **wrong}], detail=f"{path}: {wrong['detail']}")


def _python(path: str, body: bytes) -> Json | None:
    if wrong := _text(path, body):
        return wrong
    try:
        ast.parse(body, filename=path)
    except SyntaxError as error:
        if error.lineno is None:  # it is about the whole file, such as a null byte in it
            return {"detail": f"It is not Python: {error.msg}."}
        words = f"Line {error.lineno}, column {error.offset}: {error.msg}."
        return {"detail": words, "line": error.lineno, "column": error.offset}
    except (ValueError, RecursionError, MemoryError) as error:  # nesting without end
        return {"detail": f"It is not Python: {error or type(error).__name__}."}
    return None


def _json(_: str, body: bytes) -> Json | None:
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        words = f"Line {error.lineno}, column {error.colno}: {error.msg}."
        return {"detail": words, "line": error.lineno, "column": error.colno}
    except (ValueError, RecursionError) as error:
        return {"detail": f"It is not JSON: {error}."}
    return None


def _text(_: str, body: bytes) -> Json | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return {"detail": f"It is not UTF-8: byte {error.start + 1}."}
    return None


def _zip(_: str, body: bytes) -> Json | None:
    return None if zipfile.is_zipfile(io.BytesIO(body)) else {"detail": "It is not a zip file."}


_CHECKS: Mapping[str, Callable[[str, bytes], Json | None]] = {
    ".py": _python,
    ".sql": _text,
    ".json": _json,
    ".zip": _zip,
}
