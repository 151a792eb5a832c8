"""CSV files in SQL, and record by record.

DuckDB reads all rows in parallel with bounded memory; nothing of the dialect is left to its sniffer. Python's
csv module reads a file again only to find the lines of faults, because it knows the line of each record.
"""

from __future__ import annotations

import csv
import re
from typing import Any

from glue_assets.sources.csv.dialect import CsvSource
from glue_assets.sources.duck import literal, pattern, quoted
from glue_assets.sources.text.contents import opened

LONGEST_RECORD = 8 * 1024**2
"""Bytes of a record. DuckDB keeps several buffers of this size for each thread."""

MOST_FIELDS = 500
"""Fields of a line for which a regular expression is fast."""

_BUFFER = 2 * LONGEST_RECORD
# Four bytes that no text contains: the file is read line by line.
_NO_SEPARATOR = "\x01\x02\x03\x04"


def records(source: CsvSource) -> str:
    """Return the relation of a file's records in SQL, with a column of strings for each name.

    An empty field is NULL, and `''` if it is quoted. A blank line is no record, as in Spark and pandas.
    """
    columns = ", ".join(map(quoted, source.names))
    return f"(SELECT {columns} FROM {marked_records(source)} WHERE NOT is_header)"


def marked_records(source: CsvSource) -> str:
    """Return the same with the header, and a column `is_header`.

    DuckDB must not skip the header: if its line has a fault, DuckDB skips the whole file without an error.
    """
    table = _read_csv(source, source.separator, source.quote, source.names, is_strict=True)
    header = header_of(source)
    if header is None:
        is_header = "false"
    else:
        texts = zip(source.names, (text.lstrip(" ") for text in header), strict=False)
        same = (f"ltrim(coalesce({quoted(name)}, '')) = {literal(text)}" for name, text in texts)
        is_header = " AND ".join(same)
    # DuckDB skips blank lines unless they could be records with one empty field.
    only = f" WHERE {quoted(source.names[0])} IS NOT NULL" if len(source.names) == 1 else ""
    return f"(SELECT *, {is_header} AS is_header FROM {table}{only})"


def lines(source: CsvSource) -> str:
    """Return the relation of a file's lines in SQL, with a column `line`."""
    return _read_csv(source, _NO_SEPARATOR, "", ("line",), is_strict=False)


def line_pattern(source: CsvSource) -> str:
    """Return the regular expression of a line that every reader splits alike.

    Each field is quoted as a whole, or has no quote. It is for at most `MOST_FIELDS` fields.
    """
    quote, separator = re.escape(source.quote), re.escape(source.separator)
    field = f"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|[^{quote}{separator}]*)"
    return f"{field}(?:{separator}{field}){{{len(source.names) - 1}}}"


def header_of(source: CsvSource) -> list[str] | None:
    """Return the texts of the header, or None if the file has no header. `add_faults` records its faults."""
    if not source.has_header:
        return None
    with opened(source.readable) as stream:
        text = (line.decode("utf-8", "replace") for line in stream)
        return next(csv.reader(text, **(dialect(source) | {"strict": False})), [])


def dialect(source: CsvSource) -> dict[str, Any]:
    """Return the arguments of Python's csv.reader.

    DuckDB takes a quote after one space as the beginning of a quoted field, too.
    """
    quoting = {"quotechar": source.quote} if source.quote else {"quoting": csv.QUOTE_NONE}
    return {"delimiter": source.separator, "strict": True, "skipinitialspace": bool(source.quote), **quoting}


def _read_csv(
    source: CsvSource, separator: str, quote: str, names: tuple[str, ...], *, is_strict: bool
) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = {
        "auto_detect": "false",
        "compression": "'gzip'" if source.readable.name.endswith(".gz") else "'none'",
        "delim": literal(separator),
        "quote": literal(quote),
        "escape": literal(quote),
        "header": "false",
        "columns": f"{{{columns}}}",
        "new_line": r"'\n'",
        "nullstr": "''",
        "allow_quoted_nulls": "false",
        "null_padding": "false",
        "strict_mode": str(is_strict).lower(),
        "hive_partitioning": "false",
        "max_line_size": str(LONGEST_RECORD),
        "buffer_size": str(_BUFFER),
    }
    arguments = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({literal(pattern(source.readable))}, {arguments})"
