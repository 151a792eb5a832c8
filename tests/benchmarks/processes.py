"""Measured processes: wall and CPU seconds, and the peak memory of a process with its children."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """What a process and its children took. `memory_mb` is the peak of their resident memory."""

    wall: float
    cpu: float
    memory_mb: float


class ProcessFailed(Exception):
    """A measured process ended with an error. The message has the end of its output."""


def measure(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Measured:
    """Run a process to its end. Raises ProcessFailed.

    CPU seconds are those that the operating system counts for it and for the children that it waited for.
    """
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        peak = [0.0]
        watch = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
    if process.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-4000:]
        raise ProcessFailed(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak[0])


def _watch(pid: int, peak: list[float]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            total = 0
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            peak[0] = max(peak[0], total / 2**20)
            time.sleep(_SAMPLE_SECONDS)


@contextlib.contextmanager
def locked(path: Path | None) -> Iterator[None]:
    """Lock a file, so that benchmarks of one machine wait for each other."""
    if path is None:
        yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
