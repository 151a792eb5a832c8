"""Job files in tests: archives of folders, and a path for each depth."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Literal

from chalicelib.api.routes.job_files import _PATHS


def job_file_paths() -> dict[str, str]:
    """Return a path of each depth, by the suffix of the operations that handle it."""
    return {where: "f/" * route.count("/") + "main.py" for where, route in _PATHS.items()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file. Names that end with a slash are folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes], compression: Literal["", "gz"] = "gz") -> bytes:
    """Return a tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()
