"""Conversion of CSV files to Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glue_assets.sources.csv.dialect import CsvSource
from glue_assets.sources.csv.faults import add_faults
from glue_assets.sources.csv.reader import records
from glue_assets.sources.csv.types import PlannedColumn
from glue_assets.sources.duck import quoted, write_parquet
from glue_assets.sources.problems import Problems

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MISFITS = 1000  # different values of a column that are looked up in the file


def check_values(
    source: CsvSource, planned: Sequence[PlannedColumn], connection: DuckDBPyConnection, problems: Problems
) -> None:
    """Record the values that do not fit the types and date formats asked for, with their lines."""
    asked = [column for column in planned if column.misfit]
    if not asked:
        return
    counts = ", ".join(f"count(*) FILTER ({column.misfit})" for column in asked)
    row = connection.execute(f"SELECT {counts} FROM {records(source)}").fetchone() or ()
    misfits = {}
    for column, count in zip(asked, row, strict=True):
        if count:
            text = f"trim(coalesce({quoted(column.name)}, ''))"
            query = f"SELECT DISTINCT {text} FROM {records(source)} WHERE {column.misfit} LIMIT {_MISFITS}"
            values = connection.execute(query).fetchall()
            misfits[column.name] = {value.strip(): column.reason for (value,) in values}
    if misfits and not add_faults(source, problems, misfits):
        for name, reasons in misfits.items():
            problems.add(source.file, f"{name} is {min(reasons)!r}, {min(reasons.values())}")


def convert(
    source: CsvSource, planned: Sequence[PlannedColumn], connection: DuckDBPyConnection, target: Path
) -> None:
    """Write a file's rows as Parquet. The connection must have one thread."""
    values = ", ".join(f"{column.value} AS {quoted(column.name)}" for column in planned)
    write_parquet(connection, f"SELECT {values} FROM {records(source)}", target)
