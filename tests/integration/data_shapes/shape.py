"""A shape of data: files as a tool writes them, and the table or the refusal that a release makes of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent / "files"
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Shape:
    """Files by their path below the table's folder, and what is expected of them.

    `columns` are `name type` separated by semicolons; a column without a type is a string. `rows` are
    written by hand, in any order. `told` is a pattern of the table's decisions, `options` the content of
    `_table.toml`. If `refused` is given, the release must refuse the files with one sentence of this pattern.
    """

    files: Mapping[str, str | bytes]
    columns: str = ""
    rows: Sequence[Row] = ()
    told: str = ""
    options: str = ""
    refused: str = ""

    @property
    def types(self) -> list[tuple[str, str]]:
        parts = (part.strip().partition(" ") for part in self.columns.split(";"))
        return [(name, kind or "string") for name, _, kind in parts]

    def write(self, folder: Path) -> None:
        for path, content in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        if self.options:
            (folder / "_table.toml").write_text(self.options, encoding="utf-8")


SHAPES: dict[str, Shape] = {}


def shape(make: Callable[[], Shape]) -> Callable[[], Shape]:
    """Register a shape by the name of its function."""
    SHAPES[make.__name__] = make()
    return make


def accepted() -> dict[str, Shape]:
    return {name: found for name, found in SHAPES.items() if not found.refused}


def refused() -> dict[str, Shape]:
    return {name: found for name, found in SHAPES.items() if found.refused}


def zipped(text: str | bytes) -> bytes:
    """Compress with gzip."""
    return gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)


def stored(name: str) -> bytes:
    """A file that another tool wrote (files/make_files.py)."""
    return (FILES / name).read_bytes()
