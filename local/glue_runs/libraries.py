"""Libraries and files of a run: fetches what the job's arguments name, and installs modules with pip."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.glue_runs import arguments as names
from local.runtime.paths import GLUE_LIBRARIES

_IMPORTABLE = (".py", ".zip", ".whl", ".egg")
_WHEELS = ".gluewheels.zip"
_INSTALL_SECONDS = 300.0
_TICK_SECONDS = 0.1
# Options of pip that would install elsewhere than into the folder of the modules.
_ELSEWHERE = ("--target", "--prefix", "--root", "--user", "--break-system-packages")
_SHORT_TARGET = re.compile("-[IUhqv]*t")  # `-t`, perhaps after options without a value
_FAILED = "pip cannot install --additional-python-modules:"

Fetch = Callable[[str, Path], None]
"""Downloads an s3:// URI to a path with the rights of the job's role. Raises OSError."""


@dataclass(frozen=True)
class Libraries:
    """What a run imports: entries of PYTHONPATH, and jars."""

    python_path: tuple[Path, ...]
    jars: tuple[Path, ...]


@dataclass(frozen=True)
class LibraryFolders:
    """Folders of a run: its own, its working directory, and the cache of installed modules of all runs."""

    run: Path
    work: Path
    modules: Path


def prepare(
    arguments: Mapping[str, str],
    folders: LibraryFolders,
    fetch: Fetch,
    stop: threading.Event,
    log: Callable[[str], None],
) -> Libraries:
    """Fetch and install the libraries and files of a run. Raises OSError with one sentence.

    Returns early if `stop` is set. The job's own files come before modules, and these before the libraries
    that Glue provides.
    """
    folder = folders.run / "libraries"
    folder.mkdir(parents=True, exist_ok=True)
    python_path = [folder]
    for uri in names.listed(arguments, names.EXTRA_PY_FILES):
        library = folder / uri.rpartition("/")[2]
        if library.suffix not in _IMPORTABLE:
            raise OSError(f"{names.EXTRA_PY_FILES} {uri}: must end in {', '.join(_IMPORTABLE)}.")
        fetch(uri, library)
        if library.suffix != ".py":
            python_path.append(library)
    for uri in names.listed(arguments, names.EXTRA_FILES):
        if uri.endswith("/"):
            raise OSError(f"{names.EXTRA_FILES} {uri}: must be a file, not a folder.")
        fetch(uri, folders.work / uri.rpartition("/")[2])
    jars = []
    for uri in names.listed(arguments, names.EXTRA_JARS):
        jars.append(folders.run / "jars" / uri.rpartition("/")[2])
        fetch(uri, jars[-1])
    if wanted := names.listed(arguments, names.PYTHON_MODULES):
        try:
            options = shlex.split(arguments.get(names.INSTALLER_OPTION, ""))
        except ValueError as error:
            raise OSError(f"{names.INSTALLER_OPTION}: {error}.") from error
        requirements = _requirements(wanted, folders.run / "modules", fetch)
        python_path.append(_installed([*options, *requirements], folders.modules, stop, log))
    if GLUE_LIBRARIES.is_dir():
        python_path.append(GLUE_LIBRARIES)
    return Libraries(tuple(python_path), tuple(jars))


def lake_jars(variable: str) -> tuple[Path, ...]:
    """Return the jars of LAKE_JARS: paths of jars or of folders of jars, separated as in PATH."""
    paths = [Path(item).expanduser().absolute() for item in variable.split(os.pathsep) if item]
    return tuple(jar for path in paths for jar in (sorted(path.glob("*.jar")) if path.is_dir() else [path]))


def _requirements(wanted: list[str], folder: Path, fetch: Fetch) -> list[str]:
    """Return arguments for pip. Distributions in S3 are fetched, and a zip of wheels is unpacked.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
    """
    requirements: list[str] = []
    for number, item in enumerate(wanted):
        if "://" not in item:
            requirements.append(item)
            continue
        path = folder / str(number) / item.rpartition("/")[2]
        fetch(item, path)
        if not path.name.endswith(_WHEELS):
            requirements.append(str(path))
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(path.parent)
        except zipfile.BadZipFile as error:
            raise OSError(f"{item} is not a zip file.") from error
        wheels = sorted(path.parent.rglob("*.whl"))
        links = {f"--find-links={wheel.parent}": None for wheel in wheels}
        requirements += [*links, *map(str, wheels)]
    return requirements


def _installed(
    pip_arguments: list[str], cache: Path, stop: threading.Event, log: Callable[[str], None]
) -> Path:
    """Return the folder with the installed modules. A folder of an earlier run is used again."""
    for option in pip_arguments:
        if _installs_elsewhere(option):
            raise OSError(f"{names.INSTALLER_OPTION} {option}: the local Glue does not support it.")
    final = cache / _key(pip_arguments)
    if final.is_dir():
        return final
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=cache) as scratch:
        made = Path(scratch) / "modules"
        made.mkdir()
        _install(pip_arguments, made, stop, log)
        if stop.is_set():
            return final
        for name in ("pyspark", "py4j"):  # a dependency of a module must not replace the Spark of the run
            shutil.rmtree(made / name, ignore_errors=True)
        if not final.is_dir():  # another run may have been first
            made.rename(final)
    return final


def _installs_elsewhere(option: str) -> bool:
    """Return whether an option is one of `_ELSEWHERE`. pip also knows them by their beginnings."""
    name = option.partition("=")[0]
    is_beginning = len(name) > len("--") and any(known.startswith(name) for known in _ELSEWHERE)
    return (is_beginning and name != "--pre") or _SHORT_TARGET.match(option) is not None


def _key(pip_arguments: list[str]) -> str:
    """Return a name that depends on the requirements, the content of files, and this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for argument in pip_arguments:
        path = Path(argument)
        is_file = path.is_absolute() and path.is_file()
        digest.update(b"\0" + (path.name.encode() + path.read_bytes() if is_file else argument.encode()))
    return digest.hexdigest()[:32]


def _install(
    pip_arguments: list[str], folder: Path, stop: threading.Event, log: Callable[[str], None]
) -> None:
    """Run pip with its own configuration, such as another index, until it ends or `stop` is set."""
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--target", str(folder), *pip_arguments]
    deadline = time.monotonic() + _INSTALL_SECONDS
    with tempfile.TemporaryFile() as output:
        pip = subprocess.Popen(  # noqa: S603 - the pip of this Python
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
        while pip.poll() is None:
            if stop.wait(_TICK_SECONDS) or time.monotonic() >= deadline:
                pip.kill()
                pip.wait()
                break
        if stop.is_set() or pip.returncode == 0:
            return
        output.seek(0)
        said = output.read().decode("utf-8", "replace").strip()
    log(said)
    if pip.returncode < 0:
        raise OSError(f"{_FAILED} it took longer than {_INSTALL_SECONDS:.0f} seconds.")
    lines = said.splitlines() or [f"exit code {pip.returncode}"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    raise OSError(f"{_FAILED} {(errors or lines)[-1].strip()}")
