"""Paths in the checkout and in its virtual environment."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

SPARK_CACHE = Path(sys.prefix) / "spark-cache"
"""Cache for a faster start of Spark. It fits only the packages of this Python, so it is deleted with them."""

GLUE_LIBRARIES = Path(sys.prefix) / "glue-libraries"
"""The numpy, pandas and pyarrow that Glue provides, if `make glue-libraries` has installed them."""

LINTED = Path(sys.prefix) / "linted"
"""Records of the templates that passed cfn-lint."""

RELEASES = Path(sys.prefix) / "releases"
"""Releases that were built from unchanged files (`local.setup.built_releases`)."""

READY_FILE = ROOT / ".local" / "ready.json"
"""Default path of the file that `up` writes once everything is ready."""
