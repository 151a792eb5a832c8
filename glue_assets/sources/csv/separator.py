"""Separator and quote of a delimited text, from its first records.

The separator is the one of tab, `;`, `|` and `,` with which most records have the same number of fields, at
least two; of several, the first of this list, because a comma is also a decimal separator. The quote is `"`.
It is `'` if that gives the records a more equal number of fields or is around all names of the header, and
nothing if the separator is a tab and quotes are parts of values.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.text.contents import BREAK, Text

SEPARATORS = ("\t", ";", "|", ",")
_SAMPLE, _RECORDS = 1 << 20, 500
_BLANK = re.compile(rf"(?:[^\S\r\n]*(?:{BREAK.pattern}))+")
_SEPARATOR_LINE = re.compile(rf'"?sep=(.)"?[^\S\r\n]*(?:{BREAK.pattern})', re.IGNORECASE)  # Excel's


@dataclass(frozen=True)
class Form:
    """A separator and a quote, and the first records that they give, with the number of their last lines."""

    separator: str
    quote: str
    records: tuple[tuple[int, list[str]], ...]
    sample: str = field(repr=False)

    @property
    def width(self) -> int:
        """The usual number of fields."""
        widths = [len(record) for _, record in self.records]
        return max(sorted(set(widths), reverse=True), key=widths.count) if widths else 0

    @property
    def quality(self) -> tuple[float, bool]:
        """Share of records with the usual number of fields and whole quotes; whether the first has it."""
        width = self.width
        if width < 2:
            return 0.0, False
        alike = sum(len(record) == width and all(map(self._is_whole, record)) for _, record in self.records)
        return round(alike / len(self.records), 2), len(self.records[0][1]) == width

    def _is_whole(self, text: str) -> bool:
        """Return whether the quotes in a text are pairs, or doubled within quotes."""
        return text.count('"') % 2 == 0 or (
            self.quote == '"' and '"' + text.replace('"', '""') + '"' in self.sample
        )


def first_part(text: Text) -> tuple[str, bool]:
    """Return the beginning of a text, and whether it is all of it."""
    sample = ""
    for chunk in text.chunks():
        if len(sample) >= _SAMPLE and chunk:
            return sample, False
        sample += chunk
    return sample, True


def lead(sample: str) -> tuple[int, str | None]:
    """Return the length of what is above the header without being a title, and Excel's separator."""
    blank = _BLANK.match(sample)
    start = blank.end() if blank else 0
    line = _SEPARATOR_LINE.match(sample, start)
    if not line:
        return start, None
    blank = _BLANK.match(sample, line.end())
    return (blank or line).end(), line[1]


def recognised_form(sample: str, is_whole: bool, options: TableOptions, told: str | None) -> Form:
    """Return the separator and the quote of a text: the owner's, Excel's (`told`), or recognised ones."""
    separator = options.separator or told
    quotes = ('"', "'", "") if options.quote is None else (options.quote,)
    forms = [
        Form(character, quote, tuple(_records(sample, is_whole, character, quote)), sample)
        for character in ((separator,) if separator else SEPARATORS)
        for quote in quotes
        if options.quote is not None or _is_possible(quote, character, sample)
    ]
    best = max(forms, key=lambda form: form.quality)
    if best.width < 2:  # one column
        best = forms[-1] if options.quote is not None else next(f for f in forms[::-1] if f.quote == '"')
    quoted = (form for form in forms if form.quote == "'" and _is_quoted(best, form))
    return next(quoted, best)


def _is_possible(quote: str, separator: str, sample: str) -> bool:
    if quote == "'":
        return quote in sample and '"' not in BREAK.split(sample, 1)[0]
    return quote == '"' or (separator == "\t" and '"' in sample)


def _is_quoted(plain: Form, form: Form) -> bool:
    """Return whether all names of the header are within quotes."""
    same = plain.separator == form.separator and plain.records and form.records
    return bool(same) and plain.records[0][1] == [f"'{name}'" for name in form.records[0][1]]


def _records(sample: str, is_whole: bool, separator: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first records that are not blank, each with the number of its last line."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        io.StringIO(sample, newline=""),
        delimiter=separator,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    found = [(reader.line_num, record) for record in itertools.islice(reader, _RECORDS + 1) if record]
    if not is_whole or len(found) > _RECORDS:
        found = found[:-1] or found  # the sample may end within a record
    yield from found
