"""Paths to fields: names with dots between them, and backticks around a name that contains a dot."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A dot in front belongs to the name: joins make such names.
_STEP = re.compile(r"`(?P<quoted>[^`]*)`|(?P<plain>(?:^\.)?[^.`]+)")

Path = tuple[str, ...]


def parse(path: str) -> Path:
    """Return the names of a path. `[]` after the name of an array is optional."""
    names = []
    for match in _STEP.finditer(path):
        quoted = match["quoted"]
        names.append(match["plain"].removesuffix("[]") if quoted is None else quoted)
    return tuple(name for name in names if name)


def parse_all(paths: str | Sequence[str]) -> list[Path]:
    """Return the paths of an argument that is one path or several."""
    return [parse(path) for path in ([paths] if isinstance(paths, str) else paths)]


def quote(name: str) -> str:
    """Return a name as Spark reads it in an expression."""
    return "`" + name.replace("`", "``") + "`"
