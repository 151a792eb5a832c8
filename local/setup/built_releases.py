"""Builds the release of this checkout, and keeps it until one of its files changes.

Reading the data takes seconds, and the release follows from the content of files alone: the code and
templates of `glue_assets`, the data folder and the installed packages. A kept release has the hash of all of
them as its name. Its upload is verified: S3 rejects a file that differs from the hash in the release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from glue_assets import release as releases
from glue_assets.tables import DataError
from local.runtime.paths import LINTED, RELEASES, ROOT
from local.runtime.processes import Failed

_KEPT = 8
"""Number of releases in the cache."""

_PACKAGES = ("cfn-lint", "duckdb", "PyYAML")
_RELEASE = "release.pickle"


def built(data: Path, cache: Path = RELEASES) -> releases.Release:
    """Return the release with the data of a folder, built unless it was kept.

    Its converted files are in the cache. Raises `Failed` for invalid data.
    """
    try:
        final = cache / _key(data)
    except OSError:  # the build says what is wrong with the file
        final = cache / "unreadable"
    if (kept := _kept(final)) is not None:
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=cache))
    try:
        release = _moved(_build(data, scratch), scratch, final)
        (scratch / _RELEASE).write_bytes(pickle.dumps(release))
        if _kept(final) is None:
            shutil.rmtree(final, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process was first, with an equal release
            scratch.rename(final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _drop_old(cache, final)
    return release


def _build(data: Path, work: Path) -> releases.Release:
    try:
        release = releases.build(ROOT, data, releases.project_version(ROOT), work, lint=False)
        _lint(release.template)
    except DataError as error:
        raise Failed(f"The data in {data} is invalid: {error}") from error
    return release


def _lint(template: str) -> None:
    """Reject a template that fails cfn-lint. Records passed templates, as cfn-lint takes seconds."""
    passed = LINTED / hashlib.sha256(f"{version('cfn-lint')} {template}".encode()).hexdigest()
    if passed.exists():
        return
    if wrong := releases.findings(template):
        raise DataError("\n".join(wrong))
    LINTED.mkdir(exist_ok=True)
    passed.touch()


def _kept(folder: Path) -> releases.Release | None:
    """Return the release in a folder of the cache, or None if it is missing or incomplete."""
    try:
        release: releases.Release = pickle.loads((folder / _RELEASE).read_bytes())  # noqa: S301 - our own file
    except Exception:  # pickle raises anything for a damaged file
        return None
    if not all(file.source.is_file() and file.source.stat().st_size == file.size for file in release.files):
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return release


def _moved(release: releases.Release, old: Path, new: Path) -> releases.Release:
    """Return the release with the paths that its converted files have in another folder."""
    files = tuple(
        dataclasses.replace(file, source=new / file.source.relative_to(old))
        if file.source.is_relative_to(old)
        else file
        for file in release.files
    )
    return dataclasses.replace(release, files=files)


def _key(data: Path) -> str:
    """Return a hash of everything that a release is made from. Raises OSError if a file cannot be read."""
    digest = hashlib.sha256()
    installed = [f"{name} {version(name)}" for name in _PACKAGES]
    for text in (sys.version, *installed, releases.project_version(ROOT), str(ROOT), str(data)):
        digest.update(f"{text}\0".encode())
    for folder in (ROOT / "glue_assets", data):
        for path in _paths(folder):
            content = ""
            if path.is_file():
                with path.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:32]


def _paths(folder: Path) -> Iterator[Path]:
    """Yield the files and folders below a folder in a fixed order, without byte code.

    Follows links as the build does, except to folders that contain the link.
    """
    for parent, folders, names in os.walk(folder, followlinks=True):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if name != "__pycache__" and not here.resolve().is_relative_to((here / name).resolve())
        )
        yield from (here / name for name in (*folders, *sorted(names)))


def _drop_old(cache: Path, newest: Path) -> None:
    entries = [path for path in cache.iterdir() if path != newest and path.is_dir()]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in entries[_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
