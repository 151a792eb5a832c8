"""Results of statements that return text: one line per row, in a .txt file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from local.athena.results import Result, column
from local.athena.statement import Statement
from local.athena.statements.catalog import ddl_failed

WIDTH = 20
"""Width to which Hive pads names and types (`MetaDataFormatUtils`)."""

MANIFEST_ADVICE = (
    "If a data manifest file was generated at '{output}/{id}-manifest.csv', you may need to manually clean "
    "the data from locations specified in the manifest. Athena will not delete data in your account."
)
"""What Athena adds to the reason of a failed INSERT or UNLOAD."""


class Utility(Statement):
    """A statement that reads the catalog."""

    kind = "UTILITY"
    file: ClassVar[str] = "{id}.txt"


class Definition(Statement):
    """A statement that changes the catalog."""

    kind = "DDL"
    file: ClassVar[str] = "{id}.txt"


def lines(names: Sequence[str], found: Iterable[str]) -> Result:
    """Return text lines as a result. As in Athena, a line is one value, even if it has several columns."""
    return Result([column(name, "string") for name in names], [[line] for line in found], has_header=False)


def done() -> Result:
    """Return the result of a statement without output."""
    return lines((), ())


def padded(*texts: str) -> str:
    """Return texts in Hive's columns."""
    return "\t".join(text.ljust(WIDTH) for text in texts)


def matching(pattern: str | None, names: Iterable[str]) -> list[str]:
    """Return the names that match a regular expression of SHOW, in which `*` stands for any characters.

    Raises `QueryFailed` for an invalid one. https://docs.aws.amazon.com/athena/latest/ug/show-tables.html
    """
    if pattern is None:
        return sorted(names)
    try:
        wanted = re.compile(re.sub(r"(?<!\.)\*", ".*", pattern), re.IGNORECASE)
    except re.error as error:
        raise ddl_failed(str(error)) from error
    return sorted(filter(wanted.fullmatch, names))


def written(count: int) -> Result:
    """Return the result of a statement that wrote rows: it has a column, but no rows."""
    return Result([column("rows", "bigint", 19)], [], has_header=False, updated=count)
