"""CSV tables of files whose dialect is given, so that tests of rows do not depend on how it is recognised."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from glue_assets.sources.content import TableContent
from glue_assets.sources.csv.dialect import CsvSource
from glue_assets.sources.csv.table import prepare_sources
from glue_assets.sources.duck import pattern
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems


@dataclass(frozen=True)
class Prepared:
    """The content of a table, or its faults as `name:line: message`."""

    content: TableContent | None
    faults: list[str]

    @property
    def table(self) -> TableContent:
        assert self.content is not None, self.faults
        return self.content

    @property
    def types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.table.columns}

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of all files, as DuckDB reads Parquet and Python reads CSV."""
        found: list[tuple[Any, ...]] = []
        for file in self.table.files:
            if self.table.format == "parquet":
                found += duckdb.read_parquet(pattern(file.source), hive_partitioning=False).fetchall()
            else:
                found += [tuple(row) for row in csv.reader(io.StringIO(text_of(file.source), newline=""))][1:]
        return found


def text_of(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if file.name.endswith(".gz") else content).decode("utf-8", "replace")


def csv_source(file: Path, **dialect: Any) -> CsvSource:
    """A plain CSV file, or one of the given dialect; names from its first line."""
    first = CsvSource(file, file, ",", '"', True, (), (), True, ())
    source = replace(first, **dialect, is_plain=not dialect)
    if not source.names:
        head = text_of(file).split("\n")[0].replace('"', "")
        source = replace(source, names=tuple(head.split(source.separator)))
    return replace(source, originals=source.originals or (None,) * len(source.names))


def prepared(
    root: Path,
    files: dict[str, str | bytes],
    options: dict[str, Any] | None = None,
    dialects: dict[str, dict[str, Any]] | None = None,
) -> Prepared:
    """Prepare the table `root/s/t` with these files and options; `dialects` are by file."""
    folder = root / "s" / "t"
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(path)
    problems = Problems()
    content = prepare_sources(
        TableFolder("s", "t", folder, tuple(paths)),
        [csv_source(path, **(dialects or {}).get(path.relative_to(folder).as_posix(), {})) for path in paths],
        TableOptions(file=folder / "_table.toml", **(options or {})),
        root / "work",
        problems,
    )
    faults = [str(problem).removeprefix(f"{folder}/") for problem in problems.sorted()]
    return Prepared(content, faults)
