"""Checks of all rows of a CSV file, and what is known of it afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glue_assets.sources.csv.decimals import Marks, mark_of, marks_of
from glue_assets.sources.csv.dialect import CsvSource
from glue_assets.sources.csv.faults import add_faults
from glue_assets.sources.csv.reader import (
    MOST_FIELDS,
    line_pattern,
    lines,
    marked_records,
    records,
)
from glue_assets.sources.csv.same_rows import Content, content_of
from glue_assets.sources.csv.types import Forms, forms_of, text_of
from glue_assets.sources.duck import literal, quoted
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems
from glue_assets.sources.text.contents import opened

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK = 1024**2


@dataclass(frozen=True)
class CheckedCsv:
    """A CSV file without faults.

    `why_not` says why Athena and Spark read its records differently, or is None if they do not. `forms` are
    the forms of its columns for `types = "infer"`, and `marks` their decimal separators, if it can have some.
    """

    source: CsvSource
    rows: int
    size: int
    content: Content
    why_not: str | None
    forms: dict[str, Forms] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)


@dataclass
class _Bytes:
    """Counts of uncompressed bytes. `separators` are those below the header."""

    size: int = 0
    lines: int = 0
    separators: int = 0
    has_backslash: bool = False
    has_return: bool = False
    has_nul: bool = False
    has_quote: bool = False


def check(
    source: CsvSource,
    options: TableOptions,
    separators: set[str],
    connection: DuckDBPyConnection,
    problems: Problems,
) -> CheckedCsv | None:
    """Check all rows of a file. Records faults; returns None if there are some.

    `separators` are those of all files of the table.
    """
    import duckdb  # needed only to publish

    count = _count(source)
    is_inferred = options.types == "infer"
    mark = mark_of(options, separators)
    try:
        found = _aggregates(connection, source, _queries(source, options, mark))
    except duckdb.Error as exc:
        if not add_faults(source, problems):
            _add_error(source, exc, problems)
        return None
    found["odd lines"] = None  # unknown
    is_short = len(source.names) <= MOST_FIELDS
    if count.has_quote and is_short and count.lines == found["content"][0] + source.has_header:
        found["odd lines"] = _odd_lines(connection, source)
    suspicious = found["headers"] != source.has_header or found["odd lines"] or count.has_nul
    if suspicious or _has_more_fields(connection, source, count, found):
        before = len(problems.found)
        add_faults(source, problems)
        if found["headers"] < source.has_header and len(problems.found) == before:
            message = "the header has spaces before a quote; delete the spaces, or the quotes"
            problems.add(source.file, message, source.skipped_lines + 1)
        if len(problems.found) > before:
            return None
    forms = {n: Forms(*found[f"forms {n}"]) for n in source.names} if is_inferred else {}
    marks = {n: Marks(mark, *found[f"marks {n}"]) for n in source.names} if mark else {}
    content = Content(tuple(sorted(source.names)), *found["content"])
    why_not = _why_not(source, count, found)
    return CheckedCsv(source, content.rows, count.size, content, why_not, forms, marks)


def _queries(source: CsvSource, options: TableOptions, mark: str | None) -> dict[str, str | tuple[str, ...]]:
    """Return the aggregates to compute. Together they read all columns: DuckDB checks no others for UTF-8."""
    queries: dict[str, str | tuple[str, ...]] = {
        "content": content_of([quoted(name) for name in sorted(source.names)]),
        "blank": "0",
    }
    if len(source.names) == 1:
        queries["blank"] = f"count(*) FILTER (regexp_full_match({quoted(source.names[0])}, '[\\x01-\\x20]+'))"
    for name in source.names:
        value = f"nullif({text_of(name, options, is_typed=True)}, '')"
        if options.types == "infer":
            queries[f"forms {name}"] = forms_of(value)
        if mark:
            queries[f"marks {name}"] = marks_of(value, mark)
    return queries


def _aggregates(
    connection: DuckDBPyConnection, source: CsvSource, queries: dict[str, str | tuple[str, ...]]
) -> dict[str, Any]:
    """Return the results of aggregates over all records in one pass, and the number of `headers`.

    Zero stands for null.
    """
    flat = [part for query in queries.values() for part in ([query] if isinstance(query, str) else query)]
    query = f"SELECT is_header, count(*), {', '.join(flat)} FROM {marked_records(source)} GROUP BY is_header"
    groups = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    values = iter(value or 0 for value in groups.get(False, [0] * (len(flat) + 1))[1:])
    return {
        "headers": groups.get(True, (0,))[0],
        **{
            key: next(values) if isinstance(query, str) else tuple(next(values) for _ in query)
            for key, query in queries.items()
        },
    }


def _count(source: CsvSource) -> _Bytes:
    found = _Bytes()
    quote, separator = source.quote.encode(), source.separator.encode()
    last = b""
    with opened(source.readable) as stream:
        if source.has_header:
            last = stream.readline()
            found.size, found.lines = len(last), last.count(b"\n")
            found.has_quote = bool(quote) and quote in last
        while chunk := stream.read(_CHUNK):
            found.size += len(chunk)
            found.lines += chunk.count(b"\n")
            cut = last[len(last) + 1 - len(separator) :]  # of a separator of several bytes
            found.separators += (cut + chunk).count(separator) if cut else chunk.count(separator)
            found.has_backslash = found.has_backslash or b"\\" in chunk
            found.has_return = found.has_return or b"\r" in chunk
            found.has_nul = found.has_nul or b"\0" in chunk
            found.has_quote = found.has_quote or (bool(quote) and quote in chunk)
            last = chunk
    found.lines += not last.endswith(b"\n")
    return found


def _has_more_fields(
    connection: DuckDBPyConnection, source: CsvSource, count: _Bytes, found: dict[str, Any]
) -> bool:
    """Return whether a record ends in separators too many, which DuckDB overlooks.

    If not, each separator is between two fields, or is within a value that is quoted.
    """
    within = count.separators - found["content"][0] * (len(source.names) - 1)
    if not within or not count.has_quote:
        return bool(within)
    if found["odd lines"] == 0:  # `_odd_lines` has counted the fields
        return False
    separator = literal(source.separator)
    lengths = (
        f"coalesce(sum(length({column}) - length(replace({column}, {separator}, ''))), 0)"
        for column in map(quoted, source.names)
    )
    row = connection.execute(f"SELECT {' + '.join(lengths)} FROM {records(source)}").fetchone()
    return row is None or bool(row[0] != within)


def _why_not(source: CsvSource, count: _Bytes, found: dict[str, Any]) -> str | None:
    """Return why Athena and Spark read the records differently, or None.

    Both read lines as Hadoop does, so `\\r` ends a line, too. Athena splits a line like OpenCSVSerde, bug for
    bug (https://github.com/trinodb/trino, CsvDeserializer): its escape character is the backslash, a quote
    within a field begins or ends quoted text, and spaces before it disappear. Spark skips lines of spaces.
    """
    if not source.is_plain:
        return ""  # the source's decisions say it
    if count.lines != found["content"][0] + source.has_header:
        return "it contains line breaks within quotes or blank lines, at which Athena ends a row"
    if count.has_backslash:
        return r"it contains backslashes, which Athena drops (\)"
    if count.has_return:
        return "it contains carriage returns, at which Athena and Spark end a row"
    if found["blank"]:
        return "it contains lines of spaces only, which Spark skips"
    if count.has_quote and found["odd lines"] != 0:
        return "it contains quotes in fields that are not quoted as a whole, which Athena drops"
    return None


def _odd_lines(connection: DuckDBPyConnection, source: CsvSource) -> int:
    """Return the number of lines that readers split differently."""
    odd = f"NOT regexp_full_match(line, {literal(line_pattern(source))})"
    row = connection.execute(f"SELECT count(*) FILTER ({odd}) FROM {lines(source)}").fetchone()
    return int(row[0]) if row else 0


def _add_error(source: CsvSource, error: Exception, problems: Problems) -> None:
    """Record an error of DuckDB where Python's reader found none."""
    text = str(error)
    if "Out of Memory" in text:
        what = f"does not fit into 1 GB of memory with {len(source.names):,} columns"
        problems.add(source.file, f"{what}; split the columns among several tables")
        return
    found = re.search(r"CSV Error on Line: (\d+)", text)
    reason = re.search(r"(?m)^(?:Value with|Expected Number|Maximum line|Invalid unicode).*$", text)
    message = f"cannot be read: {reason[0].strip() if reason else text.partition(chr(10))[0]}"
    advice = "check the quotes of this line, and delete spaces before opening quotes"
    problems.add(source.file, f"{message}; {advice}", source.skipped_lines + int(found[1]) if found else None)
