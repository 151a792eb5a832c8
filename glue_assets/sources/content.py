"""Content of a table: its columns, and its files as they are published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMENT_LENGTH = 255
"""Characters of a comment, https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html"""


@dataclass(frozen=True)
class Column:
    """A column and its Hive type."""

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class TableFile:
    """A file of a table. The release has `source` at `path` below the table's folder.

    If `source` was made from a file of the data folder, `original` is that file.
    """

    source: Path
    path: str
    original: Path | None = None


@dataclass(frozen=True)
class TableContent:
    """The columns and files of a table in one format: csv, json, orc or parquet.

    `decisions` are sentences about what was recognised or converted, for the report. `parameters` are added
    to the table's parameters in the Data Catalog.
    """

    format: str
    columns: tuple[Column, ...]
    files: tuple[TableFile, ...]
    rows: int
    decisions: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


def comment(text: str) -> str:
    """Return a text as a comment: one line of printable characters, of the length that Glue allows."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:COMMENT_LENGTH]


def told_once(sentences: Iterable[tuple[Path, str]]) -> tuple[str, ...]:
    """Return sentences about files, those of several files once."""
    files: dict[str, list[str]] = {}
    for file, sentence in sentences:
        files.setdefault(sentence, []).append(file.name)
    return tuple(
        f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: {sentence}"
        for sentence, names in files.items()
    )
