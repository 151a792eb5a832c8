"""The macros that a query needs, from `macros.sql`."""

from __future__ import annotations

import functools
import re
from pathlib import Path

_STATEMENT = re.compile(r"CREATE OR REPLACE TEMP MACRO (\w+)\(.*?;\n", re.DOTALL)
_NAME = re.compile(r"\btrino_\w+")


@functools.cache
def _macros() -> dict[str, str]:
    text = Path(__file__).with_name("macros.sql").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in _STATEMENT.finditer(text)}


def definitions(sql: str) -> list[str]:
    """Return the statements that create the macros of a query, each after those that it needs."""
    found: dict[str, str] = {}

    def add(text: str) -> None:
        for name in sorted(set(_NAME.findall(text)) & set(_macros()) - set(found)):
            own = _macros()[name]
            add(own.partition(" AS\n")[2])
            found[name] = own

    add(sql)
    return list(found.values())
