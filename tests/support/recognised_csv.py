"""Fixtures that recognise CSV files, with expectations about their text and dialect."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue_assets.sources.csv.dialect import CsvSource, recognise
from glue_assets.sources.folder.options import TABLE_FILE, TableOptions
from glue_assets.sources.problems import Problems

Read = Callable[..., CsvSource]
Refuse = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes, name: str = "a.csv", **options: Any) -> CsvSource:
        source, problems = _recognised(tmp_path, content, name, options)
        assert not problems.found
        assert source
        return source

    return read


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """Return the faults of a file, as `line: message`."""

    def refuse(content: bytes, name: str = "a.csv", **options: Any) -> list[str]:
        _, problems = _recognised(tmp_path, content, name, options)
        assert problems.found
        return [f"{problem.line}: {problem.message}" for problem in problems.found]

    return refuse


def _recognised(
    tmp_path: Path, content: bytes, name: str, options: dict[str, Any]
) -> tuple[CsvSource | None, Problems]:
    table = tmp_path / "shop" / "orders"
    table.mkdir(parents=True, exist_ok=True)
    file = table / name
    file.write_bytes(content)
    problems = Problems()
    given = TableOptions(file=table / TABLE_FILE, **options)
    return recognise(file, given, tmp_path / "work", problems), problems


def text_of(source: CsvSource) -> bytes:
    content = source.readable.read_bytes()
    return gzip.decompress(content) if source.readable.name.endswith(".gz") else content


def records(source: CsvSource) -> list[list[str]]:
    stream = io.StringIO(text_of(source).decode(), newline="")
    return list(csv.reader(stream, delimiter=source.separator, quotechar=source.quote or None))
