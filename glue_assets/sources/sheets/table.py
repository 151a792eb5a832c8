"""Tables of spreadsheets: the first visible sheet of each file, read like CSV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from glue_assets.sources.content import TableContent
from glue_assets.sources.csv.dialect import CsvSource, recognise
from glue_assets.sources.csv.table import prepare_sources
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems
from glue_assets.sources.sheets.file import sheet_as_csv


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of spreadsheets. Records faults; None if it has no content."""
    before = len(problems.found)
    as_csv = replace(options, separator=",", quote='"', encoding="utf-8")
    sources = [_source(file, folder, as_csv, work, problems) for file in folder.files]
    if len(problems.found) > before:
        return None
    return prepare_sources(folder, [source for source in sources if source], as_csv, work, problems)


def _source(
    file: Path, folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> CsvSource | None:
    """Return the first sheet of a file as CSV."""
    copy = work / "sheets" / f"{folder.below(file)}.csv"
    sheet = sheet_as_csv(file, copy, problems)
    if sheet is None:
        return None
    faults = Problems()
    source = recognise(copy, options, work, faults)
    for fault in faults.found:
        place = file if fault.place == copy else fault.place
        problems.add(place, fault.message.replace(copy.name, file.name), fault.line)
    if source is None:
        return None
    told = tuple(sentence.replace(copy.name, file.name) for sentence in source.decisions)
    return replace(source, file=file, is_plain=False, decisions=(*sheet.decisions, *told))
