"""The first visible sheet of a spreadsheet as CSV, with the values as the user sees them."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from glue_assets.sources.problems import Problems

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

# https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-offcrypto/
_OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0"
# Cells with an error (`t="e"`), and formulas whose value no program has stored
_ERROR = re.compile(rb'<c (?=[^>]*\bt="e")[^>]*?\br="([A-Z]+[0-9]+)"')
_NO_VALUE = re.compile(
    rb'<c [^>]*?\br="([A-Z]+[0-9]+)"[^>]*>\s*<f\b(?:[^>]*/>|[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
_CHUNK = 1024**2


@dataclass(frozen=True)
class Sheet:
    """A sheet written as CSV to `copy`, and sentences about what was decided."""

    copy: Path
    decisions: tuple[str, ...]


def sheet_as_csv(file: Path, copy: Path, problems: Problems) -> Sheet | None:
    """Write the first visible sheet of a spreadsheet as CSV. Records faults; None if there are some."""
    import python_calamine  # needed only to publish

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(file)
    except python_calamine.PasswordError:
        problems.add(file, _PROTECTED)
        return None
    except (python_calamine.CalamineError, OSError) as exc:
        problems.add(file, _failure(file, exc))
        return None
    with workbook:
        try:
            return _first_sheet(workbook, file, copy, problems)
        except (python_calamine.CalamineError, zipfile.BadZipFile, LookupError, ValueError) as exc:
            problems.add(file, _failure(file, exc))  # its parts are not those of a workbook
            return None


def _first_sheet(workbook: CalamineWorkbook, file: Path, copy: Path, problems: Problems) -> Sheet | None:
    before = len(problems.found)
    found = _first_visible(workbook)
    if found is None:
        problems.add(file, "has no visible sheet; show the sheet that has the data")
        return None
    position, name = found
    sheet = workbook.get_sheet_by_index(position)
    told = [f"{file.name}: the sheet {name!r} was read"]
    others = [other for other in workbook.sheet_names if other != name]
    if others:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        told.append(f"{file.name}: not read: {shown}; to have them, save each as a file of its own")
    if sheet.merged_cell_ranges:
        told.append(f"{file.name}: of merged cells, the first one has the value, the others are empty")
    if file.suffix.lower() == ".xlsx":
        _check_cells(file, position, problems)
    empty = _write(sheet, copy)
    title = _title(copy) if empty is not None else ""
    if title:
        problems.add(
            file,
            f"the first row with values, {title!r}, seems to be a title, as the next row has more values;"
            " delete the rows above the header",
        )
    if empty is None:
        problems.add(file, f"the sheet {name!r} is empty; move the sheet with the data to the first place")
    elif empty:
        told.append(f"{file.name}: empty rows left out: {empty:,}")
    return Sheet(copy, tuple(told)) if len(problems.found) == before else None


_PROTECTED = "is protected by a password; save it without one"


def _failure(file: Path, exc: Exception) -> str:
    """Return why a file is not a spreadsheet, and what to do."""
    with file.open("rb") as stream:
        start = stream.read(_CHUNK)
    if start.startswith(_OLD_OR_ENCRYPTED) and file.suffix.lower() != ".xls":
        return (
            _PROTECTED
            if "EncryptedPackage".encode("utf-16-le") in start
            else "is an old workbook; name it .xls"
        )
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return "is a web page or XML with the name of a workbook; open it in Excel, and save it as .xlsx"
    if text and re.fullmatch(rb"[^\0-\x08\x0e-\x1f]+", text) and not start.startswith(b"PK"):
        return "is text with the name of a workbook; if it has one record a line, rename it to .csv"
    reason = (str(exc) or type(exc).__name__).splitlines()[0]
    return f"is not a spreadsheet, or is damaged ({reason}); open it and save it again"


def _first_visible(workbook: CalamineWorkbook) -> tuple[int, str] | None:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum  # needed only to publish

    for position, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return position, sheet.name
    return None


def _write(sheet: CalamineSheet, copy: Path) -> int | None:
    """Write the rows of a sheet. Return how many rows between them are empty, or None if all are."""
    used: set[int] = set()
    timed: set[int] = set()
    for row in sheet.iter_rows():
        for position, cell in enumerate(row):
            if cell != "":
                used.add(position)
                if isinstance(cell, dt.datetime):
                    timed.add(position)
    if not used:
        return None
    first, last = min(used), max(used)
    copy.parent.mkdir(parents=True, exist_ok=True)
    empty = waiting = 0
    is_begun = False
    with copy.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(
            stream, lineterminator="\n", quoting=csv.QUOTE_ALL if first == last else csv.QUOTE_MINIMAL
        )
        for row in sheet.iter_rows():
            texts = [_text(cell, position in timed) for position, cell in enumerate(row)][first : last + 1]
            if not any(texts):
                waiting += is_begun
                continue
            empty, waiting, is_begun = empty + waiting, 0, True
            writer.writerow(texts)
    return empty


def _title(copy: Path) -> str:
    """Return the only value of the first row, if the second row has more."""
    with copy.open(encoding="utf-8", newline="") as stream:
        rows = [[text for text in row if text] for row in itertools.islice(csv.reader(stream), 2)]
    return rows[0][0] if len(rows) == 2 and len(rows[0]) == 1 < len(rows[1]) else ""


def _text(cell: Cell, has_time: bool) -> str:
    """Return a value as the user sees it. `has_time` says that dates of its column have times."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return format(Decimal(repr(cell)), "f").removesuffix(".0")
        case dt.datetime():
            return cell.isoformat(" ", "microseconds" if cell.microsecond else "seconds")
        case dt.date():
            return f"{cell.isoformat()} 00:00:00" if has_time else cell.isoformat()
        case dt.timedelta():
            seconds = round(cell.total_seconds())
            sign, seconds = "-" if seconds < 0 else "", abs(seconds)
            return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)


def _check_cells(file: Path, position: int, problems: Problems) -> None:
    """Record cells with errors and formulas without values, which the reader returns as empty."""
    for pattern, what, advice in (
        (_ERROR, "has an error", "correct the formula, or empty the cell"),
        (_NO_VALUE, "has a formula without a value", "open the file in Excel or LibreOffice and save it"),
    ):
        try:
            cells = list(_cells(file, position, pattern))
        except (IndexError, KeyError, ValueError):  # a workbook of another structure, which the reader knows
            return
        if cells:
            shown = ", ".join(cells[:5]) + (f" and {len(cells) - 5:,} more" if len(cells) > 5 else "")
            problems.add(file, f"{what} in {shown}; {advice}")


def _cells(file: Path, position: int, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """Yield the names of cells in the XML of a sheet, of which only a part is in memory."""
    with zipfile.ZipFile(file) as archive, archive.open(_part(archive, position)) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            text = rest + chunk
            end = text.rfind(b"<c ")
            whole, rest = (text[:end], text[end:]) if end > 0 else (b"", text)
            yield from (match[1].decode() for match in pattern.finditer(whole))
        yield from (match[1].decode() for match in pattern.finditer(rest))


def _part(archive: zipfile.ZipFile, position: int) -> str:
    """Return the path of a sheet within a workbook (ECMA-376, part 1, 18.2.19 and part 2, 9.3)."""
    book = archive.read("xl/workbook.xml").decode("utf-8")
    links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8")
    sheet = re.findall(r"<(?:\w+:)?sheet\s[^>]*>", book)[position]
    [identifier] = re.findall(r"\s\w+:id=[\"']([^\"']+)", sheet)
    for link in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", links):
        if re.search(rf"\sId=[\"']{re.escape(identifier)}[\"']", link):
            [target] = re.findall(r"\sTarget=[\"']([^\"']+)", link)
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(identifier)
