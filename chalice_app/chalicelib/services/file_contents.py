"""Checks the content of a job file: Python, JSON, SQL or a zip of modules.

A parser's time and memory depend on the content and not only on its size: 330 kB of nested f-string fields
keep Python's own parser busy for a minute. So a child process parses, with limits, and does not block other
requests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from chalicelib.domain.json_types import Json
from chalicelib.errors import Unavailable
from chalicelib.services import file_parser, script_reader

_PARSER = Path(file_parser.__file__)
_READER = Path(script_reader.__file__)
_SECONDS = 10.0
"""Time limit of a child. `file_parser` limits its CPU time and, if the system can, its memory."""
_TURN_SECONDS = 10.0
_TOO_MUCH = "Checking the file takes too much time or memory. Split or simplify it."
ENDINGS = (".py", ".sql", ".json", ".zip")


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
        if ending in (".py", ".sql", ".json"):
            try:
                body.decode("utf-8")
            except UnicodeDecodeError as error:
                return {"detail": f"Not UTF-8: byte {error.start + 1} is invalid."}
        return None if ending == ".sql" else self._parsed(ending, body)

    def read(self, scripts: Sequence[bytes]) -> list[Json]:
        """Return what valid Python files import and use (`script_reader`).

        Returns an empty list if that takes too long, because only warnings depend on it.
        """
        try:
            done = subprocess.run(  # noqa: S603 - script_reader.py, which never executes the files
                [sys.executable, "-I", "-S", str(_READER)],
                input=json.dumps([script.decode("utf-8-sig") for script in scripts]).encode(),
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return []
        found: list[Json] = json.loads(done.stdout) if done.returncode == 0 else []
        return found

    def _parsed(self, ending: str, body: bytes) -> Json | None:
        if not self._places.acquire(timeout=_TURN_SECONDS):
            raise Unavailable("Too many files are being checked. Retry.", retry_after=10)
        try:
            done = subprocess.run(  # noqa: S603 - file_parser.py, which parses the file and never executes it
                [sys.executable, "-I", "-S", str(_PARSER), ending],
                input=body,
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"detail": _TOO_MUCH}
        finally:
            self._places.release()
        if (
            done.returncode < 0 or done.returncode == file_parser.OUT_OF_MEMORY
        ):  # killed at a limit, or crashed
            return {"detail": _TOO_MUCH}
        if done.returncode != 0:
            raise RuntimeError(
                f"The parser of job files is broken: {done.stderr[-1000:].decode(errors='replace')}"
            )
        found: Json | None = json.loads(done.stdout)
        return found
