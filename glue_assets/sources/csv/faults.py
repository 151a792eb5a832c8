"""Faults of a CSV file with their lines, found record by record after DuckDB found that there are some."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glue_assets.sources.csv.dialect import CsvSource
from glue_assets.sources.csv.reader import LONGEST_RECORD, dialect, header_of, line_pattern
from glue_assets.sources.problems import Problems
from glue_assets.sources.text.contents import opened

_MOST = 1000  # faults of a file; a report shows fewer
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")

Misfits = Mapping[str, Mapping[str, str]]
"""What is wrong with values, by column and value (without spaces around it)."""


@dataclass
class _Lines:
    """The lines of a file, some of which are faulty themselves."""

    source: CsvSource
    problems: Problems
    number: int = 0
    text: str = ""

    def __iter__(self) -> Iterator[str]:
        with opened(self.source.readable) as stream:
            for self.number, line in enumerate(stream, 1):
                text = line.decode("utf-8", "surrogateescape")
                if found := _NOT_TEXT.search(text):
                    self._add(found[0])
                    text = _NOT_TEXT.sub("?", text)
                self.text = text
                yield text

    def _add(self, character: str) -> None:
        if character == "\0":
            message = "contains a NUL byte, which no text has; delete it, or export the file again as text"
        else:
            message = (
                "contains bytes that are not UTF-8; save the file as UTF-8, or set encoding in _table.toml"
            )
        self.problems.add(self.source.file, message, self.source.skipped_lines + self.number)


def add_faults(source: CsvSource, problems: Problems, misfits: Misfits | None = None) -> int:
    """Record the faults of a file's records, and values that do not fit their columns. Return their number.

    Lines are counted as an editor counts them. A record is named by its first line.
    """
    header = header_of(source)
    wrong = [(n, found) for n, name in enumerate(source.names) if (found := (misfits or {}).get(name))]
    before = len(problems.found)
    lines = _Lines(source, problems)
    reader = csv.reader(iter(lines), **dialect(source))
    limit = csv.field_size_limit(LONGEST_RECORD)  # of the whole process
    try:
        is_header = header is not None
        while len(problems.found) - before < _MOST:
            first = source.skipped_lines + lines.number + 1
            try:
                record = next(reader, None)
            except csv.Error as exc:
                is_header = False
                last = source.skipped_lines + lines.number
                problems.add(source.file, _syntax(exc, source, first, last, lines.text), first)
                continue
            if record is None:
                break
            if is_header:
                is_header = False
                continue
            if first == source.skipped_lines + lines.number and _is_spaced(lines.text, source):
                message = "has spaces between a separator and a quote; delete these spaces"
                problems.add(source.file, message, first)
                continue
            for message in _faults(record, header, source, wrong):
                problems.add(source.file, message, first)
    finally:
        csv.field_size_limit(limit)
    return len(problems.found) - before


def _is_spaced(line: str, source: CsvSource) -> bool:
    """Return whether more than a space precedes a quoted field, which some readers take as text."""
    separator, quote = re.escape(source.separator), re.escape(source.quote)
    if not quote or not re.search(rf"(?:^|{separator})(?: *\t[ \t]*|  +){quote}", line):
        return False
    return not re.fullmatch(line_pattern(source), line.rstrip("\n"))


def _faults(
    record: list[str],
    header: list[str] | None,
    source: CsvSource,
    wrong: Sequence[tuple[int, Mapping[str, str]]],
) -> Iterator[str]:
    expected = len(source.names)
    if not record:
        return
    if record == header:
        yield "repeats the header; delete this line"
    elif len(record) == 1 and expected > 1 and not record[0].strip():
        yield "has only spaces; delete this line"
    elif len(record) != expected:
        yield _field_count(record, source)
    else:
        for place, reasons in wrong:
            if reason := reasons.get(record[place].strip()):
                yield f"{source.names[place]} is {shortened(record[place])!r}, {reason}"


def _field_count(record: list[str], source: CsvSource) -> str:
    count, expected = len(record), len(source.names)
    words = f"has {count} field{'s'[: count != 1]}, but the {_standard(source)} has {expected}"
    separator = "a tab" if source.separator == "\t" else source.separator
    if count < expected:
        return f"{words}; add the missing fields, each after {separator}"
    if not record[-1].strip() and count == expected + 1:
        return f"{words}; delete the {separator.removeprefix('a ')} at the end of the line"
    if source.quote:
        return f"{words}; put a field that contains {separator} between quotes ({source.quote})"
    return f"{words}; delete the superfluous ones, or set quote in _table.toml if fields are quoted"


def _standard(source: CsvSource) -> str:
    return "header" if source.has_header else "first line"


def _syntax(error: csv.Error, source: CsvSource, first: int, last: int, line: str) -> str:
    quote = source.quote
    if "field larger" in str(error) or "unexpected end" in str(error):
        return (
            f"a quote ({quote}) is opened but never closed, or the record is larger than "
            f"{LONGEST_RECORD // 1024**2} MB; close it, or delete it"
        )
    if "new-line" in str(error):
        return "has a carriage return within a field without quotes; put the field between quotes"
    where = "on this line" if first == last else f"on line {last}, perhaps because one here is never closed"
    if f"\\{quote}" in line:
        return (
            f"text follows a closing quote {where}; quotes within a field seem to be written as \\{quote}, "
            f"so write them as {quote}{quote}"
        )
    return (
        f"text follows a closing quote {where}; double each quote within a field ({quote}{quote}), "
        "and leave nothing between a closing quote and the next separator, "
        'or write quote = "" in _table.toml if the file does not quote fields'
    )


def shortened(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= 60 else text[:57] + "..."
