"""Processes that start, are watched and end together."""

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
from typing import Any

from local.runtime.paths import ROOT

_KILL_AFTER_SECONDS = 10.0
_HARMLESS = re.compile(
    r"PATH|LD_LIBRARY_PATH|LANG|LANGUAGE|LC_(ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME)|TZ"
)


def harmless(environ: Mapping[str, str], more: str = "") -> dict[str, str]:
    """Return the variables that any program may see: where programs are, the language and the time zone.

    `more` is a regular expression of other names that are taken too.
    """
    return {
        name: value
        for name, value in environ.items()
        if _HARMLESS.fullmatch(name) or (more and re.fullmatch(more, name))
    }


class Failed(Exception):
    """Something did not start or did not stay; the message says it to a person."""


def stop_requested(*, watch_stdin: bool = False) -> threading.Event:
    """An event that is set by SIGTERM, by Ctrl-C or, with `watch_stdin`, by the end of the standard input.

    Whoever starts a process with a pipe to its standard input need not live long enough to stop it: when they
    die, however they die, the pipe ends. Call it in the main thread.
    """
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    if watch_stdin:
        threading.Thread(target=_until_end_of_stdin, args=(event,), daemon=True).start()
    return event


def interrupt_on_signals() -> None:
    """Let SIGTERM, and Ctrl-C even where a shell ignores it, end the main thread through `with` blocks."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def log_to_stderr() -> None:
    """Log what is worth reading; `up` keeps the standard error of its processes in files."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("botocore", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a file that others wait for: it appears whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


@dataclass(frozen=True)
class Child:
    """A process that was started here, in a process group of its own, logging to a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready_file: Path

    @classmethod
    def start(
        cls, name: str, arguments: list[str], environ: Mapping[str, str], state: Path, *, again: bool = False
    ) -> Child:
        """Start `python -m local <name> <arguments>`; its ready file and its log go to the folder `state`.

        With `again`, the log of the one before is continued.
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
        """Whether it serves; `Failed` when it has ended instead."""
        if self.ready_file.exists():
            return True
        self.check()
        return False

    def ready(self) -> dict[str, Any]:
        """What it wrote when it began to serve."""
        document: dict[str, Any] = json.loads(self.ready_file.read_text(encoding="utf-8"))
        return document

    def is_killed(self) -> bool:
        """Whether it is gone by a kill, and not by itself."""
        return self.process.poll() == -signal.SIGKILL

    def check(self) -> None:
        """Raise `Failed` with the end of its log when it is no longer there."""
        code = self.process.poll()
        if code is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise Failed(f"The process '{self.name}' {how}. {tail(self.log)}")

    def ask_to_stop(self) -> None:
        """Tell it to end, without waiting."""
        if self.process.poll() is None:
            self.process.terminate()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def wait_stopped(self, seconds: float = _KILL_AFTER_SECONDS) -> None:
        """Wait until it has ended; after `seconds` it is made to, with all of its process group."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, introduced by a sentence."""
    try:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    if not last:
        return f"It logged nothing in {log}."
    return "\n  ".join([f"The end of its log, {log}:", *last])


def _until_end_of_stdin(event: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    event.set()
