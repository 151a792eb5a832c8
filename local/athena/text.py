"""Tables of text lines: LazySimpleSerDe and RegexSerDe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.athena.compression import decompress
from local.athena.errors import QueryFailed, unsupported
from local.athena.hive import HiveType
from local.athena.hive_text import parse, parse_strictly
from local.athena.scans import Columns, Json, Read, for_json, scan_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Types = Mapping[str, HiveType]

BOM = b"\xef\xbb\xbf"
"""Mark with which a UTF-8 file may begin."""

# Hive's separators by depth, without tab, line breaks and escape
_SEPARATORS = [chr(code) for code in (*range(1, 9), 11, *range(14, 27), *range(28, 32))]


@dataclass(frozen=True)
class Delimiters:
    """How LazySimpleSerDe splits a line.

    https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html; the properties and their defaults are
    those of Hive (`LazySerDeParameters`).
    """

    separators: tuple[str, ...]
    escape: str
    null: str
    last_takes_rest: bool

    @classmethod
    def of(cls, serde: Mapping[str, str]) -> Delimiters:
        """Return the delimiters of a table. Raises `QueryFailed` for properties that are not supported."""
        for name in ("timestamp.formats", "serialization.encoding"):
            if serde.get(name, "").upper() not in ("", "UTF-8", "UTF8"):
                raise unsupported(f"the property {name} of LazySimpleSerDe")
        if serde.get("line.delim", "\n") not in ("\n", "10"):
            raise unsupported("line.delim of LazySimpleSerDe other than a line feed")
        # Hive 1 misspelled the name: https://issues.apache.org/jira/browse/HIVE-16922
        given = (
            serde.get("field.delim", serde.get("serialization.format")),
            serde.get("collection.delim", serde.get("colelction.delim")),
            serde.get("mapkey.delim"),
        )
        first = [_character(text, _SEPARATORS[depth]) for depth, text in enumerate(given)]
        return cls(
            separators=(*first, *_SEPARATORS[3:]),
            escape=_character(serde["escape.delim"], "\\") if "escape.delim" in serde else "",
            null=serde.get("serialization.null.format", "\\N"),
            last_takes_rest=serde.get("serialization.last.column.takes.rest", "").lower() == "true",
        )

    def fields(self, line: str, most: int) -> list[str]:
        """Split a line into the texts of its columns."""
        return self._split(line, self.separators[0], most if self.last_takes_rest else 0)

    def value(self, text: str, kind: HiveType, depth: int = 1) -> Any:
        """Return the value of a column, or of a part of one at this depth."""
        if text == self.null:
            return None
        match kind.name:
            case "array":
                parts = self._split(text, self.separators[depth]) if text else []
                return [self.value(part, kind.children[0][1], depth + 1) for part in parts]
            case "map":
                entries = self._split(text, self.separators[depth]) if text else []
                return self._map(entries, kind, depth + 1)
            case "struct":
                parts = self._split(text, self.separators[depth], len(kind.children))
                padded = parts + [self.null] * (len(kind.children) - len(parts))
                pairs = zip(padded, kind.children, strict=False)
                return {name: self.value(part, child, depth + 1) for part, (name, child) in pairs}
        return parse(self._unescaped(text) if kind.name in ("string", "varchar", "char") else text, kind)

    def _map(self, entries: list[str], kind: HiveType, depth: int) -> dict[Any, Any]:
        (_, key_kind), (_, value_kind) = kind.children
        found: dict[Any, Any] = {}
        for entry in entries:
            key, *value = self._split(entry, self.separators[depth], 2)
            item = self.value(value[0], value_kind, depth + 1) if value else None
            found.setdefault(self.value(key, key_kind, depth + 1), item)  # the first of equal keys counts
        return found

    def _split(self, text: str, separator: str, most: int = 0) -> list[str]:
        if not self.escape or self.escape not in text:
            return text.split(separator, most - 1 if most else -1)
        parts: list[str] = []
        begin = place = 0
        while place < len(text) and (not most or len(parts) < most - 1):
            if text[place] == separator:
                parts.append(text[begin:place])
                begin = place + 1
            elif text[place] == self.escape:
                place += 1
            place += 1
        return [*parts, text[begin:]]

    def _unescaped(self, text: str) -> str:
        if not self.escape or self.escape not in text:
            return text
        plain = {"n": "\n", "r": "\r"}
        pattern = re.escape(self.escape) + "(.)"
        return re.sub(pattern, lambda found: plain.get(found[1], found[1]), text, flags=re.DOTALL)


def _character(text: str | None, default: str) -> str:
    """Return a delimiter that is given as a character, or as its code."""
    if not text:
        return default
    return chr(int(text) % 256) if re.fullmatch(r"-?\d+", text) and -128 <= int(text) <= 127 else text[0]


def read_lazy_simple(columns: Columns, types: Types, serde: Mapping[str, str]) -> Read:
    """Return the reader of a LazySimpleSerDe table. Missing fields are null, and others are ignored."""
    delimiters = Delimiters.of(serde)
    skipped = Skipped.of(serde)

    def row(line: str) -> Json:
        texts = delimiters.fields(line, len(types))
        values = {name: delimiters.value(text, types[name]) for name, text in zip(types, texts, strict=False)}
        return {name: for_json(values.get(name), kind) for name, kind in types.items()}

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            decompress(file)
        return scan_rows(columns, files, lambda file: map(row, skipped.lines(file)))

    return read


def read_regex(columns: Columns, types: Types, serde: Mapping[str, str]) -> Read:
    """Return the reader of a RegexSerDe table. A line that does not match is a row of nulls.

    https://docs.aws.amazon.com/athena/latest/ug/regex-serde.html
    """
    flags = re.DOTALL
    if serde.get("input.regex.case.insensitive", "").lower() == "true":
        flags |= re.IGNORECASE
    text = serde.get("input.regex", "")
    if not text:
        raise QueryFailed("HIVE_INVALID_METADATA: RegexSerDe has no input.regex")
    try:
        pattern = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", text), flags)
    except re.error as error:
        raise unsupported(f"the regular expression of the table ({error})") from error
    if nested := [name for name, kind in types.items() if kind.children or kind.name == "binary"]:
        raise QueryFailed(f"NOT_SUPPORTED: RegexSerDe cannot read the type of the column {nested[0]}")
    skipped = Skipped.of(serde)

    def row(line: str) -> Json:
        match = pattern.fullmatch(line)
        texts = match.groups() if match else ()
        pairs = zip(types.items(), texts, strict=False)
        values = {name: None if part is None else parse_strictly(part, kind) for (name, kind), part in pairs}
        return {name: for_json(values.get(name), kind) for name, kind in types.items()}

    def read(_: DuckDBPyConnection, files: list[Path]) -> str:
        for file in files:
            decompress(file)
        return scan_rows(columns, files, lambda file: map(row, skipped.lines(file)))

    return read


@dataclass(frozen=True)
class Skipped:
    """Numbers of lines at the begin and the end of each file that are no rows."""

    header: int
    footer: int

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Skipped:
        """Return the numbers in a table's properties."""
        counts = [properties.get(f"skip.{part}.line.count", "0") or "0" for part in ("header", "footer")]
        if not all(count.isdecimal() for count in counts):
            raise QueryFailed("HIVE_INVALID_METADATA: Invalid value for skip.header.line.count property")
        return cls(*map(int, counts))

    def lines(self, file: Path) -> Iterator[str]:
        """Yield the lines of a decompressed file, without their line breaks."""
        # Of bytes, because splitlines() of a string also splits at characters such as U+2028. Trino's
        # TextLineReader skips the mark as well.
        lines = file.read_bytes().removeprefix(BOM).splitlines()
        for line in lines[self.header : len(lines) - self.footer]:
            yield line.decode(errors="replace")
