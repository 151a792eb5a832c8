"""Checks the content of job files, and unpacks archives of them.

A parser's time and memory depend on the content and not only on its size: 330 kB of nested f-string fields
keep Python's own parser busy for a minute. So a child process parses, with limits, and does not block other
requests.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.json_types import Json
from chalicelib.errors import Unavailable
from chalicelib.services import file_parser, script_reader

_PARSER = Path(file_parser.__file__)
_READER = Path(script_reader.__file__)
_SECONDS = 10.0
"""Time limit of a child. `file_parser` limits its CPU time and, if the system can, its memory."""
_ALL_SECONDS = 15.0
"""Time limit for the files of one request, which API Gateway ends after 29 seconds."""
_TURN_SECONDS = 10.0
_TOO_MUCH = "Checking the file takes too much time or memory. Split or simplify it."
_TOO_LONG = "Checking all files takes too much time. Upload fewer at once."
_BINARY = (".zip", ".whl")


@dataclass(frozen=True)
class Unpacked:
    """The files of an archive and the skipped paths, or the errors of its entries."""

    files: dict[str, bytes]
    skipped: list[str]
    errors: list[Json]


class FileContents:
    """Runs at most `at_once` child processes at a time."""

    def __init__(self, *, at_once: int = 2, seconds: float = _SECONDS) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._seconds = seconds

    def error(self, ending: str, body: bytes) -> Json | None:
        """Return the error of a file, or None.

        `detail` is the message; `line` and `column` are there if the error has a place. Raises `Unavailable`
        if too many files are being checked.
        """
        return self.errors({ending: body}).get(ending)

    def errors(self, files: Mapping[str, bytes]) -> dict[str, Json]:
        """Return the errors of files by path. The ending of a path determines how the file is checked."""
        found: dict[str, Json] = {}
        left = []
        for path, body in files.items():
            if wrong := None if path.endswith(_BINARY) else _not_utf8(body):
                found[path] = wrong
            elif _ending(path) in file_parser.CHECKS:
                left.append(path)
        deadline = time.monotonic() + _ALL_SECONDS
        while left:
            if time.monotonic() > deadline:
                return {**found, **{path: {"detail": _TOO_LONG} for path in left}}
            batch = [[_ending(path), base64.b64encode(files[path]).decode()] for path in left]
            output, is_complete = self._run(_PARSER, ["check"], json.dumps(batch).encode())
            checked = [json.loads(line) for line in output.split(b"\n")[:-1]]
            found |= {path: wrong for path, wrong in zip(left, checked, strict=False) if wrong}
            # A child that dies after some files may have used up its limits for them: try the next one again.
            if not is_complete and not checked:
                found[left[0]] = {"detail": _TOO_MUCH}
            left = left[max(1, len(checked)) :]
        return found

    def read(self, scripts: Sequence[bytes]) -> list[Json]:
        """Return what Python files import and use (`script_reader`).

        Returns an empty list if that takes too much time or memory, because only warnings depend on it.
        """
        texts = json.dumps([base64.b64encode(script).decode() for script in scripts])
        try:
            output, is_complete = self._run(_READER, [], texts.encode())
        except Unavailable:
            return []
        found: list[Json] = json.loads(output) if is_complete else []
        return found

    def unpacked(self, kind: str, body: bytes) -> Unpacked:
        """Unpack an archive of job files. `kind` is zip or tar."""
        output, is_complete = self._run(_PARSER, ["unpack", kind], body)
        if not is_complete:
            return Unpacked({}, [], [{"detail": "Unpacking the archive takes too much time or memory."}])
        found = json.loads(output)
        files = {path: base64.b64decode(content) for path, content in found.get("files", {}).items()}
        return Unpacked(files, found.get("skipped", []), found.get("errors", []))

    def _run(self, program: Path, task: list[str], given: bytes) -> tuple[bytes, bool]:
        """Run a child process. Return its output, and whether it ended within its limits."""
        if not self._places.acquire(timeout=_TURN_SECONDS):
            raise Unavailable("Too many files are being checked. Retry.", retry_after=10)
        try:
            done = subprocess.run(  # noqa: S603 - programs of ours, which parse files and never execute them
                [sys.executable, "-I", "-S", str(program), *task],
                input=given,
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            return expired.stdout or b"", False
        finally:
            self._places.release()
        if done.returncode < 0 or done.returncode == file_parser.OUT_OF_MEMORY:  # killed at a limit
            return done.stdout, False
        if done.returncode != 0:
            raise RuntimeError(
                f"The parser of job files is broken: {done.stderr[-1000:].decode(errors='replace')}"
            )
        return done.stdout, True


def _ending(path: str) -> str:
    return "." + path.rpartition(".")[2]


def _not_utf8(body: bytes) -> Json | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return {"detail": f"Not UTF-8: byte {error.start + 1} is invalid."}
    return None
