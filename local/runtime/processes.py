"""Processes: start, supervision and shutdown."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from local.runtime.paths import ROOT

_KILL_AFTER_SECONDS = 10.0
_SAFE_VARIABLES = re.compile(
    r"PATH|LD_LIBRARY_PATH|LANG|LANGUAGE|LC_(ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME)|TZ"
)


def safe_environment(environ: Mapping[str, str], more: str = "") -> dict[str, str]:
    """Return the variables that any program may see: paths of programs, language and time zone.

    `more` is a regular expression for the names of further variables.
    """
    return {
        name: value
        for name, value in environ.items()
        if _SAFE_VARIABLES.fullmatch(name) or (more and re.fullmatch(more, name))
    }


class Failed(Exception):
    """A process did not start or has ended. The message is for the user."""


def stop_requested(*, watch_stdin: bool = False) -> threading.Event:
    """Return an event that SIGTERM, Ctrl-C or, with `watch_stdin`, the end of the standard input sets.

    A parent that starts a process with a pipe as its standard input does not have to stop it: the pipe closes
    when the parent dies. Must be called in the main thread.
    """
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    if watch_stdin:
        threading.Thread(target=_until_end_of_stdin, args=(event,), daemon=True).start()
    return event


def interrupt_on_signals() -> None:
    """Let SIGTERM and Ctrl-C raise KeyboardInterrupt, even if the shell ignores SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def log_to_stderr() -> None:
    """Log to standard error, which `up` writes to files."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("botocore", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def end_now() -> NoReturn:
    """End this process. Skips the interpreter's clean-up of modules, which takes seconds with moto."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, readable only by its owner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


@dataclass(frozen=True)
class Child:
    """A child process in its own process group, with a log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready_file: Path

    @classmethod
    def start(
        cls, name: str, arguments: list[str], environ: Mapping[str, str], state: Path, *, again: bool = False
    ) -> Child:
        """Start `python -m local <name> <arguments>` with its ready file and its log in the folder `state`.

        With `again`, append to the existing log.
        """
        log, ready_file = state / f"{name}.log", state / f"{name}.json"
        ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "local", name, "--ready-file", str(ready_file), "--watch-stdin"]
        with log.open("ab" if again else "wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, *arguments],
                cwd=ROOT,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name, process, log, ready_file)

    def is_ready(self) -> bool:
        """Return whether the process is ready. Raises `Failed` if it has ended."""
        if self.ready_file.exists():
            return True
        self.check()
        return False

    def ready(self) -> dict[str, Any]:
        """Return the content of the ready file."""
        document: dict[str, Any] = json.loads(self.ready_file.read_text(encoding="utf-8"))
        return document

    def is_killed(self) -> bool:
        """Return whether the process was killed by SIGKILL."""
        return self.process.poll() == -signal.SIGKILL

    def check(self) -> None:
        """Raise `Failed` with the end of the log if the process has ended."""
        code = self.process.poll()
        if code is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise Failed(f"The process '{self.name}' {how}. {tail(self.log)}")

    def request_stop(self) -> None:
        """Ask the process to end, without waiting."""
        if self.process.poll() is None:
            self.process.terminate()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def wait_stopped(self, seconds: float = _KILL_AFTER_SECONDS) -> None:
        """Wait until the process has ended. After `seconds`, kill its process group."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log after an introductory sentence."""
    try:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    if not last:
        return f"Its log, {log}, is empty."
    return "\n  ".join([f"Last lines of its log, {log}:", *last])


def _until_end_of_stdin(event: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    event.set()
