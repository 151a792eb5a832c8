"""A spare process, in which Spark's Java is ready before a run needs it.

Starting Spark takes longer than a small job. While the machine is idle, one process starts Java, uses Spark
for some seconds and waits (`local.spark.spare`). The next run takes it for itself, with its folder. The
process knows nothing of any run until then, runs only that script, and ends with it; so no run sees another
one. A run for which Java has to be started with other options, or whose files replace modules, starts its own
process, and so does a run whose spare has died.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.glue_modules import provided
from local.glue_runs import arguments as names
from local.glue_runs.state import RunSpec
from local.runtime.paths import GLUE_LIBRARIES
from local.spark import class_archive, filesystem, launch
from local.spark.java import java_home
from local.spark.launch import Launch, work_dir

_PROGRAM = Path(launch.__file__).with_name("spare.py")
_GLUE_VERSION = "5.1"
_CHECK_SECONDS = 0.5
_OWN_PROCESS = (names.EXTRA_JARS, names.EXTRA_PY_FILES, names.LAKE_FORMATS, names.PYTHON_MODULES)


def machine_is_idle() -> bool:
    """Return whether less than one process per core was running in the last minute."""
    return os.getloadavg()[0] < (os.cpu_count() or 1)


@dataclass(frozen=True)
class SpareOptions:
    """When there is a spare process.

    The first one starts after `delay_seconds`, a further one after a run, both only while `is_idle` and no
    run is active. A spare that no run takes for `idle_seconds` ends.
    """

    is_idle: Callable[[], bool] = machine_is_idle
    delay_seconds: float = 2.0
    idle_seconds: float = 900.0


@dataclass(frozen=True)
class Spare:
    """A process without a script, in its own process group. Its folder becomes that of its run."""

    process: subprocess.Popen[bytes]
    folder: Path
    marker: str
    started: float

    @classmethod
    def start(cls, folder: Path, cache_dir: Path) -> Spare:
        """Start a process without any variable of AWS."""
        libraries = folder / "libraries"
        libraries.mkdir(parents=True)
        java, modules = java_home(), ",".join(sorted(provided(_GLUE_VERSION)))
        spark = Launch(
            scratch=folder,
            conf_dir=class_archive.conf_dir(cache_dir),
            java_home=java,
            jar=filesystem.prepare(cache_dir, java),
            python_path=[libraries, *([GLUE_LIBRARIES] if GLUE_LIBRARIES.is_dir() else [])],
            archive=class_archive.find(cache_dir, java),
        )
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(_PROGRAM), modules, str(folder / "ready")],
            env=spark.environment(),
            cwd=work_dir(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process, folder, f"spare {secrets.token_hex(16)}", time.monotonic())

    def is_alive(self) -> bool:
        """Return whether the process has not ended. If it has, kill what it has left, such as its Java."""
        if self.process.poll() is None:
            return True
        kill_group(self.process)
        return False

    @property
    def has_begun(self) -> bool:
        """Whether a script has begun in the process."""
        return self._began.exists()

    @property
    def _began(self) -> Path:
        return self.folder / "began"

    def assign(
        self, arguments: list[str], environment: Mapping[str, str], properties: Mapping[str, str]
    ) -> bool:
        """Make it the process of a run with a command line of `runner.py`. Return whether it is alive."""
        assignment = {
            "began": str(self._began),
            "marker": self.marker,
            "arguments": arguments,
            "environment": dict(environment),
            "properties": dict(properties),
        }
        try:
            if self.process.stdin:
                self.process.stdin.write(f"{json.dumps(assignment)}\n".encode())
                self.process.stdin.flush()
        except OSError:
            return False
        return self.is_alive()

    def end(self) -> None:
        """Kill the process group, unless the process has ended and was waited for."""
        if self.process.returncode is None:
            kill_group(self.process)
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                with contextlib.suppress(OSError):  # an assignment that nobody reads
                    pipe.close()

    def discard(self) -> None:
        """End it, without a run, and remove its folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Spares:
    """At most one spare process. A thread starts it, and ends it if nothing needs it."""

    def __init__(
        self, options: SpareOptions, work_dir: Path, cache_dir: Path, is_busy: Callable[[], bool]
    ) -> None:
        self._options = options
        self._work_dir = work_dir
        self._cache_dir = cache_dir
        self._is_busy = is_busy
        self._spare: Spare | None = None
        self._is_wanted = True
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="spare")
        self._thread.start()

    def take(self, spec: RunSpec) -> Spare | None:
        """Return the spare process, if there is one that fits the run. It belongs to the run from now on."""
        with self._lock:
            self._is_wanted = True
            spare = self._spare
            if spare is None or not _fits(spec) or not spare.is_alive():
                return None
            self._spare = None
            return spare

    def close(self) -> None:
        """End the spare process."""
        self._closed.set()
        self._thread.join()
        with self._lock:
            self._drop()

    def _keep(self) -> None:
        self._closed.wait(self._options.delay_seconds)
        while not self._closed.is_set():
            with self._lock:
                self._check()
            self._closed.wait(_CHECK_SECONDS)

    def _check(self) -> None:
        if self._spare is not None:
            is_old = time.monotonic() - self._spare.started > self._options.idle_seconds
            if is_old or not self._spare.is_alive():
                self._drop()
        elif self._is_wanted and not self._is_busy() and self._options.is_idle():
            self._is_wanted = False
            with contextlib.suppress(OSError):
                self._spare = Spare.start(self._work_dir / f"spare_{secrets.token_hex(8)}", self._cache_dir)

    def _drop(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.discard()


def _fits(spec: RunSpec) -> bool:
    """Return whether a run needs no jars, modules or Spark properties of its own."""
    given = spec.arguments
    has_own = any(given.get(name) for name in _OWN_PROCESS) or bool(names.spark_properties(given))
    return not has_own and provided(spec.glue_version) == provided(_GLUE_VERSION)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its process group. Has no effect if all have ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS raises the latter for zombies
        os.killpg(process.pid, signal.SIGKILL)
