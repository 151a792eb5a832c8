"""Parquet tables: columns and types from the files.

Files that Spark and Athena read alike stay as they are. The others are written again, all of a table:
docs/decisions/0024-parquet-types-that-engines-read-differently.md
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from glue_assets.sources.content import TableContent, TableFile, told_once
from glue_assets.sources.duck import connected, write_parquet
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.parquet.file import ParquetFile, read_parquet_file
from glue_assets.sources.problems import Problems
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.common_kind import common_kind
from glue_assets.sources.typed.kinds import Kind, Leaf
from glue_assets.sources.typed.table_checks import check_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Of doubles that are integers, and of integers that are doubles without loss
_IS_WHOLE = "abs({0}) <= 9007199254740992 AND {0} = trunc({0})"
_IS_EXACT = "{0} BETWEEN -9007199254740992 AND 9007199254740992"


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of Parquet files. Records faults; None if it has no content."""
    before = len(problems.found)
    check_table(folder, problems)
    with connected(work) as connection:
        read = [read_parquet_file(connection, file, folder, options, problems) for file in folder.files]
        files = [file for file in read if file]
        if len(problems.found) > before:
            return None
        files = [_with_whole_numbers(connection, file, files) for file in files]
        files = _with_one_number_type(connection, files)
        table = common_kind([(file.path, file.target) for file in files], problems)
        if table is None:
            return None
    reasons = told_once((file.path, why) for file in files for why in file.reasons(table))
    rows = sum(file.rows for file in files)
    columns = kinds.columns_of_struct(table)
    if not reasons:
        plain = tuple(TableFile(file, folder.below(file)) for file in folder.files)
        return TableContent("parquet", columns, plain, rows)
    made = []
    with connected(work, threads=1) as connection:
        for file in files:
            target = work / "converted" / folder.below(file.path)
            write_parquet(connection, f"SELECT {file.projection(table)} FROM {file.source}", target)
            made.append(TableFile(target, folder.below(file.path), file.path))
    decisions = (*reasons, "converted to Parquet that Spark and Athena read alike; the originals are kept")
    return TableContent("parquet", columns, tuple(made), rows, decisions)


def _with_whole_numbers(
    connection: DuckDBPyConnection, file: ParquetFile, files: list[ParquetFile]
) -> ParquetFile:
    """Return a file whose unsigned 64-bit integers become bigint if the values of all files fit."""
    target = list(file.target.kinds)
    for position, name in enumerate(file.target.names):
        if file.kind.kinds[position] != Leaf("ubigint"):
            continue
        if all(other.largest(connection, name) < 2**63 for other in files):
            target[position] = Leaf("bigint")
    return replace(file, target=replace(file.target, kinds=tuple(target)))


def _with_one_number_type(connection: DuckDBPyConnection, files: list[ParquetFile]) -> list[ParquetFile]:
    """Return files whose columns of bigint and double, if both occur, have the one that loses nothing.

    pandas writes a column of integers as double if one is missing.
    """
    both = {"bigint", "double"}
    found: dict[str, set[Kind]] = {}
    for file in files:
        for name, _, kind in kinds.fields_of(file.target):
            found.setdefault(name, set()).add(kind)
    wanted: dict[str, Kind] = {}
    for name, parts in found.items():
        if {kind.name for kind in parts if isinstance(kind, Leaf)} >= both:
            if all(file.has_only(connection, name, "double", _IS_WHOLE) for file in files):
                wanted[name] = Leaf("bigint")
            elif all(file.has_only(connection, name, "bigint", _IS_EXACT) for file in files):
                wanted[name] = Leaf("double")
    return [file.with_types(wanted) for file in files]
