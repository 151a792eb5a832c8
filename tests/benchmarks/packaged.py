"""What the benchmarks of the package share: its zip, and an account of moto for its functions."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalice.test import Client

from tests.support.identity import Issuer
from tests.support.paths import ROOT
from tests.support.small_account import settings, small_account

if TYPE_CHECKING:
    from tests.support.api import Api

PACKAGE = ROOT / "build/package/deployment.zip"
_OTHERS = 19
"""Environments of other owners in an admin's list: its first page is full."""


def unpacked(package: Path, folder: Path) -> Path:
    """Unpack the zip of the functions, and return the folder. Exits if there is none."""
    if not package.exists():
        sys.exit(f"{package} does not exist. Run: make package")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder / "package")
    return folder / "package"


@contextmanager
def account(issuer: Issuer) -> Iterator[tuple[Api, dict[str, Any]]]:
    """Yield the API on moto, and a READY environment of ana. 19 other owners have one, too."""
    os.environ |= settings(issuer) | {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}  # the output is for figures
    sys.path.insert(0, str(ROOT / "chalice_app"))
    import app
    from tests.support.api import Api
    from tests.support.contract import Contract

    with small_account(), Client(app.app, project_dir=str(ROOT / "chalice_app")) as client:
        api = Api(client, issuer, app, Contract(json.loads((ROOT / "docs/openapi.json").read_text())))
        for number in range(_OTHERS):
            api.ready_environment(f"student-{number}")
        yield api, api.ready_environment()
