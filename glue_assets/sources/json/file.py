"""A JSON file: JSON Lines as they are, or records in an array or on several lines, written as JSON Lines."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from glue_assets.sources.duck import literal, pattern
from glue_assets.sources.text.contents import opened

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST = 32 * 1024**2
"""Largest row in bytes, https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html"""

_CHUNK = 1024**2
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    *((f"{bracket}".encode("utf-16-le"), "utf-16-le") for bracket in "{["),
    *((f"{bracket}".encode("utf-16-be"), "utf-16-be") for bracket in "{["),
)
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"([ \t\r]*:)?')


@dataclass(frozen=True)
class JsonFile:
    """A JSON file. `lines` has its records as JSON Lines, and is `path` if it has them so already.

    `text` is the file in UTF-8, with the line numbers of the original.
    """

    path: Path
    text: Path
    lines: Path
    decisions: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Arguments of DuckDB's functions that read JSON: the file and its options."""
        return f"{reading(self.lines)}, format = 'newline_delimited'"


def reading(file: Path) -> str:
    """Return arguments of DuckDB's functions that read JSON."""
    compression = "gzip" if file.name.lower().endswith(".gz") else "none"
    return (
        f"{literal(pattern(file))}, compression = '{compression}', hive_partitioning = false,"
        f" maximum_object_size = {LONGEST}"
    )


def in_utf_8(file: Path, work: Path) -> JsonFile:
    """Return a file as UTF-8 without a byte order mark, written to the folder `work` if necessary."""
    with opened(file) as stream:
        start = stream.read(4)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if encoding is None:
        return JsonFile(file, file, file)
    target = work / "text.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(file) as stream, target.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            out.write(decoder.decode(chunk).encode())
        out.write(decoder.decode(b"", final=True).encode())
    name = {"utf-8-sig": "UTF-8 with a byte order mark"}.get(encoding, encoding.upper())
    return JsonFile(file, target, target, (f"{name}, converted to UTF-8",))


def in_lines(connection: DuckDBPyConnection, file: JsonFile, work: Path) -> JsonFile:
    """Return a file with its records as JSON Lines. Raises `duckdb.Error` if it is invalid.

    The connection must have one thread, so that the records keep their order.
    """
    is_array = _opening(file.text) == b"["
    if not is_array and _is_lines(connection, file):
        return file
    target = work / "lines.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    # In valid JSON a line break is never within a string.
    text = "replace(replace(CAST(json AS VARCHAR), chr(10), ' '), chr(13), ' ')"
    layout = "array" if is_array else "unstructured"
    connection.execute(
        f"COPY (SELECT {text} FROM read_json_objects({reading(file.text)}, format = '{layout}'))"
        f" TO {literal(str(target))}"
        " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION none)"
    )
    what = "a JSON array" if is_array else "JSON objects that are not one on each line"
    told = f"{what}, written as JSON Lines; the original is kept"
    return replace(file, lines=target, decisions=(*file.decisions, told))


def in_lower_case(file: JsonFile, work: Path) -> JsonFile:
    """Return a file whose keys are in lower case, because they are not always spelled alike."""

    def lowered(match: re.Match[bytes]) -> bytes:
        return match[0].decode().lower().encode() if match[2] else match[0]

    target = work / "lower.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened(file.lines) as lines, target.open("wb") as out:
        for line in lines:
            out.write(_STRING.sub(lowered, line))
    told = "keys written in lower case, because they differ in their case"
    return replace(file, lines=target, decisions=(*file.decisions, told))


def _opening(file: Path) -> bytes:
    """Return the first character that is no white space."""
    with opened(file) as stream:
        while chunk := stream.read(4096):
            if text := chunk.lstrip():
                return text[:1]
    return b""


def _is_lines(connection: DuckDBPyConnection, file: JsonFile) -> bool:
    """Return whether each line is one JSON value."""
    import duckdb  # needed only to publish

    try:
        connection.execute(f"SELECT count(json) FROM read_json_objects({file.source})").fetchall()
    except duckdb.Error:
        return False
    return True
