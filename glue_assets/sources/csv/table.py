"""CSV tables: files that Athena and Spark read alike stay CSV, others become Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from pathlib import Path

from glue_assets.sources.content import Column, TableContent, TableFile
from glue_assets.sources.csv.check import CheckedCsv, check
from glue_assets.sources.csv.convert import check_values, convert
from glue_assets.sources.csv.dialect import CsvSource, recognise
from glue_assets.sources.csv.same_rows import check_same_rows
from glue_assets.sources.csv.split import PART_BYTES, split
from glue_assets.sources.csv.types import PlannedColumn, plan_column
from glue_assets.sources.duck import connected, threads_for
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of CSV files. Records faults; None if it has no content."""
    recognised = [recognise(file, options, work, problems) for file in folder.files]
    return prepare_sources(folder, [source for source in recognised if source], options, work, problems)


def prepare_sources(
    folder: TableFolder, sources: Sequence[CsvSource], options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of sources readable as CSV. Records faults; None if there are some.

    A file whose source is not plain becomes Parquet, so files of other formats can come as copies in CSV.
    """
    before = len(problems.found)
    _check_columns(sources, problems)
    separators = {source.separator for source in sources}
    widest = max((len(source.names) for source in sources), default=1)
    with connected(work, threads=threads_for(widest)) as connection:
        found = [check(source, options, separators, connection, problems) for source in sources]
        checked = [file for file in found if file]
        check_same_rows({file.source.file: file.content for file in checked}, problems)
        if len(problems.found) > before or not checked:
            return None
        planned = _planned(checked, options)
        decisions = [text for file in checked for text in file.source.decisions]
        is_csv = not any(column.is_changed for column in planned) and all(
            file.why_not is None and file.source.names == sources[0].names for file in checked
        )
        if is_csv:
            return _csv(folder, checked, planned, work, decisions)
        for file in checked:
            check_values(file.source, planned, connection, problems)
    if len(problems.found) > before:
        return None
    return _parquet(folder, checked, planned, work, decisions)


def _check_columns(sources: Sequence[CsvSource], problems: Problems) -> None:
    first = sources[0] if sources else None
    for source in sources[1:]:
        if first and set(source.names) != set(first.names):
            lacks = ", ".join(name for name in first.names if name not in source.names)
            more = ", ".join(name for name in source.names if name not in first.names)
            differing = " and ".join(
                words
                for names, words in ((lacks, f"lacks {lacks}"), (more, f"has in addition {more}"))
                if names
            )
            message = f"the header differs from that of {first.file.name}: it {differing}"
            advice = "files of one table have the same columns; rename them, or make it a table of its own"
            problems.add(source.file, f"{message}; {advice}", 1)


def _planned(checked: Sequence[CheckedCsv], options: TableOptions) -> list[PlannedColumn]:
    columns = []
    for name in checked[0].source.names:
        forms = [file.forms[name] for file in checked if file.forms]
        marks = [file.marks[name] for file in checked if file.marks]
        columns.append(
            plan_column(
                name, options, reduce(or_, forms) if forms else None, reduce(or_, marks) if marks else None
            )
        )
    return columns


def _columns(source: CsvSource, planned: Sequence[PlannedColumn]) -> tuple[Column, ...]:
    return tuple(
        Column(column.name, column.type, original)
        for column, original in zip(planned, source.originals, strict=True)
    )


def _csv(
    folder: TableFolder,
    checked: Sequence[CheckedCsv],
    planned: Sequence[PlannedColumn],
    work: Path,
    decisions: list[str],
) -> TableContent:
    taken = {folder.below(file.source.file) for file in checked}
    files: list[TableFile] = []
    for file in checked:
        path = file.source.file
        if file.size <= PART_BYTES:
            files.append(TableFile(path, folder.below(path)))
            continue
        parts = list(split(folder, path, work, taken))
        files += parts
        decisions.append(f"{path.name}: published as {len(parts)} files, which are read in parallel")
    columns = _columns(checked[0].source, planned)
    rows = sum(file.rows for file in checked)
    return TableContent("csv", columns, tuple(files), rows, tuple(decisions), {"multiLine": "false"})


def _parquet(
    folder: TableFolder,
    checked: Sequence[CheckedCsv],
    planned: Sequence[PlannedColumn],
    work: Path,
    decisions: list[str],
) -> TableContent:
    names = checked[0].source.names
    decisions += [column.decision for column in planned if column.decision]
    files = []
    with connected(work, threads=1) as connection:
        for file in checked:
            original = file.source.file
            path = f"{folder.below(original)}.parquet"
            target = work / "converted" / path
            convert(file.source, planned, connection, target)
            files.append(TableFile(target, path, original))
            decisions.append(f"{original.name}: converted to Parquet{_because(file, names)}")
    rows = sum(file.rows for file in checked)
    return TableContent("parquet", _columns(checked[0].source, planned), tuple(files), rows, tuple(decisions))


def _because(file: CheckedCsv, names: tuple[str, ...]) -> str:
    if file.why_not:
        return f", because {file.why_not}"
    return "" if file.source.names == names else ", because its columns have another order"
