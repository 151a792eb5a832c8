"""Releases of data folders, whose converted files exist until the process ends."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from glue_assets.release import Release, build
from glue_assets.tables import Table, find_tables
from tests.support.paths import ROOT


def built_release(data: Path, version: str = "1.0.0") -> Release:
    """Build a release of a data folder without cfn-lint."""
    return build(ROOT, data, version, _folder(), lint=False)


def tables_of(data: Path) -> tuple[Table, ...]:
    """Return the tables of a data folder."""
    return find_tables(data, _folder())


def _folder() -> Path:
    return Path(tempfile.mkdtemp(dir=_parent()))


@functools.cache
def _parent() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
