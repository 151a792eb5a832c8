"""The installed pyspark, found without an import, which takes a tenth of a second."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_spec = find_spec("pyspark")
if _spec is None or _spec.origin is None:
    raise ImportError("pyspark is not installed.")

FOLDER = Path(_spec.origin).parent
"""Folder of the package."""

VERSION = version("pyspark")
"""Version of the package."""
