"""Dialect of a delimited text: separator, quotes and header, recognised or as `_table.toml` says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_assets.sources.content import comment
from glue_assets.sources.csv.header import is_blank_separated, is_header, title_lines
from glue_assets.sources.csv.separator import SEPARATORS, Form, first_part, lead, recognised_form
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.names import column_names
from glue_assets.sources.problems import Problems
from glue_assets.sources.text.contents import BREAK, Text, examine
from glue_assets.sources.text.line_ends import normalised

_SELDOM_SEPARATORS = ("~", "^", "\x01", "\x1f", "¦", "¬", "§", ":")
_SHOWN = {"\t": "tab"}
_SHOWN_NAMES = 5
_MOST_COLUMNS = 5_000  # more do not fit into memory, whatever the number of rows


@dataclass(frozen=True)
class CsvSource:
    """A file of delimited text whose encoding and dialect are known.

    `readable` is UTF-8 without a byte order mark, its records end in `\\n` (the last one perhaps in nothing),
    and it begins with the header if `has_header`. It is `file` itself if that is so (compressed with gzip if
    and only if its name ends in `.gz`), or else an uncompressed copy in the folder of converted files. Line
    breaks within quotes are as in `file`. It begins after the first `skipped_lines` lines of `file`; the
    number of a line of `file` is higher by that. `quote` is empty if nothing is quoted.

    `names` are the names of columns in the order of the file, and `originals` the texts of the header where
    they differ, on one line of at most 255 characters. The header may have more or fewer fields than the
    records. `is_plain` is true if nothing was recognised or rewritten: comma, `"`, UTF-8, `\\n`, and a header
    of names. `decisions` are sentences about what was recognised.
    """

    file: Path
    readable: Path
    separator: str
    quote: str
    has_header: bool
    names: tuple[str, ...]
    originals: tuple[str | None, ...]
    is_plain: bool
    decisions: tuple[str, ...]
    skipped_lines: int = 0


def recognise(file: Path, options: TableOptions, work: Path, problems: Problems) -> CsvSource | None:
    """Return a file of delimited text with its dialect. Records faults; None if it cannot be read.

    A copy is written to the folder `work`, which is created if necessary.
    """
    text = examine(file, options.encoding, problems)
    if text is None:
        return None
    sample, is_whole = first_part(text)
    start, told = lead(sample)
    decisions = [*text.decisions]
    if start:
        what = "the line sep= of Excel was" if told else "the blank lines above the header were"
        decisions.append(f"{file.name}: {what} left out")
    skipped = len(BREAK.findall(sample[:start]))
    form = recognised_form(sample[start:], is_whole, options, told)
    if not form.records:
        problems.add(file, "the file is empty", 1)
        return None
    if form.width > _MOST_COLUMNS:
        what = f"has {form.width:,} columns, and {_MOST_COLUMNS:,} are possible"
        problems.add(file, f"{what}; write one row for each value, with its name in a column", skipped + 1)
        return None
    if fault := _fault(form, options, skipped):
        problems.add(file, *fault)
        return None
    if options.separator is None and form.separator != ",":
        decisions.append(f"{file.name}: the separator {_shown(form.separator)} was recognised")
    if options.quote is None and form.quote != '"':
        decisions.append(f"{file.name}: {_quotes(form.quote)}")
    has_header = options.header is not False
    names, originals = _columns(file, form, options, problems)
    if changed := [(text, name) for text, name in zip(originals, names, strict=True) if text is not None]:
        shown = ", ".join(f"{text!r} is {name}" for text, name in changed[:_SHOWN_NAMES])
        more = f", and {len(changed) - _SHOWN_NAMES} more" if len(changed) > _SHOWN_NAMES else ""
        decisions.append(f"{file.name}: names of columns were made legal: {shown}{more}")
    readable = file
    if not text.is_readable or start:
        readable = _copy(text, start, form, options, work)
        if text.line_ends - {"\n"}:
            ends = " and ".join(sorted(_ENDS[end[-2:]] for end in text.line_ends))
            decisions.append(f"{file.name}: the line ends {ends} were written as LF")
    is_plain = (
        readable == file
        and (form.separator, form.quote, has_header) == (",", '"', True)
        and not any(text is not None for text in originals)
    )
    comments = tuple(_comment(text, name) for text, name in zip(originals, names, strict=True))
    return CsvSource(
        file,
        readable,
        form.separator,
        form.quote,
        has_header,
        names,
        comments,
        is_plain,
        tuple(decisions),
        skipped,
    )


_ENDS = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}


def _fault(form: Form, options: TableOptions, skipped: int) -> tuple[str, int] | None:
    """Return why the first record is neither a header nor data as the owner says, and its line."""
    first = form.records[0][1]
    line = skipped + 1
    titles = title_lines(form.records)
    if titles:
        last = skipped + titles
        lines = f"line {line} is" if last == line else f"lines {line} to {last} are"
        what = f"{lines} not like the lines below, which have {form.width} fields"
        return f"{what}; delete what is above the names of the columns", line
    if form.width < 2 and options.separator is None and (unseen := _unseen_separator(form)):
        return unseen, line
    if options.header is None and not is_header(first, [record for _, record in form.records[1:]]):
        names = ", ".join(f'"{name}"' for name in _placeholders(len(first))[:3])
        more = ", ..." if len(first) > 3 else ""
        what = f"the first line seems to be data ({', '.join(first[:3])[:60]}) instead of names of columns"
        return (
            f"{what}; write in _table.toml header = false and names = [{names}{more}] with {len(first)} "
            "names, or header = true if these are the names",
            line,
        )
    return None


def _unseen_separator(form: Form) -> str | None:
    """Return why a file of one column seems to have more of them."""
    lines = [",".join(record) for _, record in form.records]
    for separator in SEPARATORS:
        others = {line.count(separator) for line in lines if line.count(separator) > 1}
        if separator not in lines[0] and len(others) == 1 and sum(separator in line for line in lines) > 1:
            what = f"has one field, but lines below have {others.pop() + 1}, separated by {_shown(separator)}"
            return f'{what}; delete what is above the names of the columns, or write separator = ","'
    for separator in _SELDOM_SEPARATORS:
        counts = {line.count(separator) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts != {0}:
            shown = separator if separator.isprintable() else f"\\u{ord(separator):04x}"
            return f'has one column; if {shown} separates fields, write separator = "{shown}"'
    if is_blank_separated(lines):
        advice = (
            "save it with commas" if any("  " in line.strip() for line in lines) else 'write separator = " "'
        )
        return f'has one column; if blanks separate fields, {advice}, else write separator = ","'
    return None


def _columns(
    file: Path, form: Form, options: TableOptions, problems: Problems
) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """Return the names of columns, and the texts of the header that differ from them."""
    if options.header is False:
        names = options.names or _placeholders(form.width)
        if len(names) != form.width:
            what = f"has {form.width} fields, but names in _table.toml has {len(names)} names"
            problems.add(file, f"{what}; write one name for each field", 1)
        return names, (None,) * len(names)
    texts = form.records[0][1]
    legal = column_names(texts)
    renamed = tuple(_renamed(text, name, texts, options) for text, name in zip(texts, legal, strict=True))
    for name in sorted({name for name in renamed if renamed.count(name) > 1}):
        problems.add(options.file, f"rename gives {name} to two columns of {file.name}; write another name")
    return renamed, tuple(None if text == name else text for text, name in zip(texts, renamed, strict=True))


def _renamed(text: str, name: str, texts: Sequence[str], options: TableOptions) -> str:
    if new := options.rename.get(name):
        return new
    new = options.rename.get(text) or options.rename.get(text.strip())
    return new if new and texts.count(text) == 1 else name


def _placeholders(count: int) -> tuple[str, ...]:
    return column_names([""] * count)


def _copy(text: Text, start: int, form: Form, options: TableOptions, work: Path) -> Path:
    folder = options.file.parent
    below = text.file.relative_to(folder) if text.file.is_relative_to(folder) else Path(text.file.name)
    target = work / "text" / below.with_name(f"{below.name}.utf8.csv")
    target.parent.mkdir(parents=True, exist_ok=True)
    chunks = text.chunks()
    rest = itertools.chain([_without(chunks, start)], chunks)
    with target.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(rest if text.line_ends <= {"\n"} else normalised(rest, form.separator, form.quote))
    return target


def _without(chunks: Iterator[str], count: int) -> str:
    """Return the rest of the chunk in which the first `count` characters end."""
    begun = ""
    while len(begun) < count:
        begun += next(chunks)
    return begun[count:]


def _comment(text: str | None, name: str) -> str | None:
    """Return a text as the comment of a column, or None if it says no more than the name."""
    plain = comment(text or "")
    return plain if plain not in ("", name) else None


def _shown(separator: str) -> str:
    return _SHOWN.get(separator, separator)


def _quotes(quote: str) -> str:
    return f"the quote {quote} was recognised" if quote else "quotes are parts of values, not around them"
