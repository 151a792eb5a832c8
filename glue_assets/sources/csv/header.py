"""Header of a delimited text: whether the first record is one, or what stands in its place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

Record = Sequence[str]

_NUMBER = re.compile(r"[-+(]?[$€£]?\s?(?:\d[\d.,' ]*|\.\d+)(?:[eE][-+]?\d+)?\s?[%)€]?")
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(?::\d{2})?")
_ADDRESS = re.compile(r"https?://\S+|[^@\s]+@[^@\s]+\.\w+")
_YEARS = range(1700, 2200)


def is_header(first: Record, rows: Sequence[Record]) -> bool:
    """Return whether the first record of a file is its header rather than data.

    It is data if it has a number, date or address in a column that has mostly such values, or if its texts
    occur again in two of their columns. Numbers that count up, such as years, may be a header.
    """
    rows = [row for row in rows if row != first]
    values = [_kind(text) for text in first]
    columns = [[row[n] for row in rows if n < len(row) and row[n].strip()] for n in range(len(first))]
    labels = _labels(first, columns)
    again = 0
    for position, (text, kind, column) in enumerate(zip(first, values, columns, strict=True)):
        if kind and position not in labels and _mostly(column, kind):
            return False
        again += bool(text.strip()) and text in column
    return again < 2


def title_lines(records: Sequence[tuple[int, Record]]) -> int:
    """Return the number of lines above the header that are a title, from records and their first lines.

    A title has fewer fields than the records below, or leaves most of them empty.
    """
    widths = [len(record) for _, record in records]
    usual = max(sorted(set(widths), reverse=True), key=widths.count) if widths else 0
    if usual < 2 or widths.count(usual) * 2 < len(widths):
        return 0
    above = 0
    for line, record in records[: len(records) - 1]:
        filled = sum(bool(text.strip()) for text in record)
        is_narrow = len(record) < usual and filled <= max(1, usual // 2)
        if not (is_narrow or (usual > 2 and filled <= 1)):
            return above
        above = line
    return 0


def is_blank_separated(lines: Sequence[str]) -> bool:
    """Return whether lines of one field have several that are separated by blanks."""
    words = [line.split() for line in lines]
    count = len(words[0])
    if len(words) < 2 or any(len(found) != count for found in words):
        return False
    return count > 2 or (count == 2 and all(_kind(word) == "number" for found in words[1:] for word in found))


def _kind(text: str) -> str:
    text = text.strip()
    for kind, pattern in (("time", _TIME), ("number", _NUMBER), ("address", _ADDRESS)):
        if pattern.fullmatch(text):
            return kind
    return ""


def _mostly(column: Sequence[str], kind: str) -> bool:
    return not column or sum(_kind(text) == kind for text in column) * 2 >= len(column)


def _labels(first: Record, columns: Sequence[Sequence[str]]) -> set[int]:
    """Return the positions of numbers that name columns, beside a field that is a text.

    These are years over other values than years, or three numbers or more that count up by one.
    """
    if all(not text.strip() or _kind(text) for text in first):
        return set()
    numbers = {n: int(text) for n, text in enumerate(first) if re.fullmatch(r"\s*\d{1,4}\s*", text)}
    values = list(numbers.values())
    if len(values) > 2 and {after - before for before, after in itertools.pairwise(values)} == {1}:
        return set(numbers)
    if len(set(values)) < len(values):
        return set()
    return {n for n, year in numbers.items() if year in _YEARS and not _mostly_years(columns[n])}


def _mostly_years(column: Sequence[str]) -> bool:
    return sum(text.strip().isdecimal() and int(text) in _YEARS for text in column) * 2 > len(column)
