"""CSV tables of OpenCSVSerde."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.athena.compression import decompress
from local.athena.errors import QueryFailed
from local.athena.hive import identifier, literal
from local.athena.scans import LINE_BYTES, Columns, Json, Read, arguments, listed, scan_rows, struct
from local.athena.text import BOM, Skipped

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html: a date is a number of days since 1970-01-01,
# and a timestamp a number of milliseconds.
_VALUES = {
    **{kind: f"TRY_CAST({{0}} AS {kind})" for kind in ("BOOLEAN", "BIGINT", "INTEGER", "DOUBLE")},
    "VARCHAR": "{0}",
    "DATE": "DATE '1970-01-01' + TRY_CAST({0} AS INTEGER)",
    "TIMESTAMP": "make_timestamp_ms(TRY_CAST({0} AS BIGINT))",
}
_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Syntax:
    """How OpenCSVSerde splits a line.

    The rules are those of Trino, the base of Athena engine version 3, which repeat those of opencsv 2.3:
    https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats/src/main/java/io/trino/hive/formats/line/csv
    """

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Syntax:
        """Return the syntax of a table. Raises `QueryFailed` if two of its characters are equal."""
        given = {
            name: (properties.get(f"{name}Char") or default)[0]  # Hive ignores further characters
            for name, default in (("separator", ","), ("quote", '"'), ("escape", "\\"))
        }
        if given["escape"] == '"':  # Hive's default for writing; its reader takes the backslash instead
            given["escape"] = "\\"
        found = cls(**given)
        is_off = found.quote == found.escape == "\0"
        if len({found.separator, found.quote, found.escape}) < (2 if is_off else 3):
            raise QueryFailed("NOT_SUPPORTED: CSV not supported: separatorChar, quoteChar, escapeChar differ")
        return found

    def fields(self, line: str, most: int) -> list[str]:
        """Split a line into at most this many texts. An empty line has none."""
        if not line:
            return []
        if self.quote not in line and self.escape not in line:
            return line.split(self.separator, most)[:most]
        return self._quoted(line, most)

    def _quoted(self, line: str, most: int) -> list[str]:
        found: list[str] = []
        text: list[str] = []
        in_quotes = in_field = False
        place = 0
        while place < len(line) and len(found) < most:
            character, following = line[place], line[place + 1 : place + 2]
            if character == self.escape:
                # It is dropped if it escapes nothing, and before the first character of a field.
                if (in_quotes or in_field) and following in (self.quote, self.escape):
                    text.append(following)
                    place += 1
            elif character == self.quote:
                if (in_quotes or in_field) and following == self.quote:
                    text.append(following)
                    place += 1
                else:
                    if self._is_literal(line, place):
                        if text and "".join(text).isspace():
                            text.clear()
                        else:
                            text.append(character)
                    in_quotes = not in_quotes
                in_field = not in_field
            elif character == self.separator and not in_quotes:
                found.append("".join(text))
                text.clear()
                in_field = False
            else:
                text.append(character)
                in_field = True
            place += 1
        # A field that is still quoted at the end of the line is missing.
        return found if in_quotes or len(found) == most else [*found, "".join(text)]

    def _is_literal(self, line: str, place: int) -> bool:
        """Return whether a quote within a field belongs to its text, as in `a,bc"d"ef,g`."""
        return (
            place > 2
            and line[place - 1] != self.separator
            and place + 1 < len(line)
            and line[place + 1] != self.separator
        )

    def plain(self, columns: int) -> re.Pattern[bytes]:
        """Return the pattern of lines with this number of fields that every CSV reader reads alike."""
        separator, quote, escape = (
            re.escape(part.encode()) for part in (self.separator, self.quote, self.escape)
        )
        bare = rb"[^%b%b%b\r\n]*+" % (separator, quote, escape)
        field = rb"(?:%b(?:[^%b%b\r\n]|%b%b)*+%b|%b)" % (quote, quote, escape, quote, quote, quote, bare)
        more = b"".join((separator, field)) * (columns - 1)
        return re.compile(rb"(?:(?!\n)%b%b(?:\n|\Z))*+" % (field, more))


def read_csv(columns: Columns, properties: Mapping[str, str]) -> Read:
    """Return the reader of a CSV table. Values that cannot be parsed are bad data."""
    if others := sorted(set(columns.values()) - set(_VALUES)):
        raise QueryFailed(
            f"NOT_SUPPORTED: OpenCSVSerde does not support the types {', '.join(others)}; use string columns"
        )
    syntax, skipped = Syntax.of(properties), Skipped.of(properties)
    texts = dict.fromkeys(columns, "VARCHAR")
    plain = (
        syntax.plain(len(columns)) if ord(max(syntax.separator, syntax.quote, syntax.escape)) < 128 else None
    )
    is_lenient = properties.get("use.null.for.invalid.data", "").lower() == "true"
    outputs = [
        f"{_value(name, kind, place, is_lenient=is_lenient)} AS {identifier(name)}"
        for place, (name, kind) in enumerate(columns.items())
    ]

    def rows_of(file: Path) -> Iterator[Json]:
        for line in skipped.lines(file):
            yield dict(zip(texts, syntax.fields(line, len(texts)), strict=False))  # missing fields are null

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            decompress(file)
        if plain and not skipped.footer and all(_is_plain(file, plain) for file in files):
            rows = _scan_plain(texts, files, syntax, skipped.header)
        else:
            rows = scan_rows(texts, files, rows_of)
        return f"SELECT {', '.join(outputs)} FROM ({rows})"

    return read


def _is_plain(file: Path, plain: re.Pattern[bytes]) -> bool:
    """Return whether all lines match a pattern and are UTF-8."""
    with file.open("rb") as stream:
        if stream.read(len(BOM)) == BOM:
            return False
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            chunk += stream.readline()
            if not plain.fullmatch(chunk):
                return False
            try:
                chunk.decode()
            except UnicodeDecodeError:
                return False
    return True


def _scan_plain(columns: Columns, files: list[Path], syntax: Syntax, header: int) -> str:
    """Return the SQL with which DuckDB reads plain lines itself, which is faster by far."""
    options = {
        "auto_detect": "false",
        "compression": "'none'",
        "header": "false",
        "skip": str(header),
        "delim": literal(syntax.separator),
        "quote": literal(syntax.quote),
        "escape": literal(syntax.quote),
        "columns": struct(columns),
        "force_not_null": f"[{', '.join(map(literal, columns))}]",  # empty values are not null
        "max_line_size": str(LINE_BYTES),
        "hive_partitioning": "false",
    }
    return f"SELECT * FROM read_csv({listed(files)}, {arguments(options)})"


def _value(name: str, kind: str, place: int, *, is_lenient: bool) -> str:
    column = identifier(name)
    value = _VALUES[kind].format(column)
    if kind == "VARCHAR":
        return value
    if is_lenient:
        # DuckDB moves a bare TRY_CAST into its CSV reader, where it fails instead of being null.
        return f"CASE WHEN length({column}) > 0 THEN {value} END"
    reason = f"'HIVE_BAD_DATA: Error parsing field value ''' || {column} || ''' for field {place}'"
    # COALESCE would evaluate error() in any case.
    return f"CASE WHEN {column} IS NOT NULL AND {value} IS NULL THEN error({reason}) ELSE {value} END"
