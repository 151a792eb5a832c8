"""Faults in JSON files, with their lines: a slow and exact reader for files in which something is suspicious.

DuckDB reads the good files. It names neither the line nor every fault: it accepts a comma before a closing
bracket, and rounds large numbers.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glue_assets.sources.json.file import LONGEST, JsonFile
from glue_assets.sources.problems import Problems
from glue_assets.sources.text.contents import opened

_TOO_LONG = "has a row of more than 32 MB, the most that Athena reads; make it shorter, or split it"
TOO_DEEP = "is nested too deeply; at most 100 levels of objects and lists are possible"
_CHUNK = 1024**2
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")
_ADVICE = {
    # Python before 3.13 says the same for {"a": 1,}
    "Expecting property name": "write names of fields in double quotes, and no comma before }",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Unterminated string starting at": "a closing quote is missing",
    "Invalid control character at": "write line breaks in strings as \\n and tabs as \\t",
    "Invalid \\escape": "write \\ in strings as \\\\",
}


def record_faults(file: JsonFile, problems: Problems) -> None:
    """Record the first fault of the syntax, and the faults of records before it."""
    for line, fault in _faults(file.text):
        problems.add(file.path, fault, line)


def _faults(file: Path) -> Iterator[tuple[int | None, str]]:
    """Yield lines and faults. Records can be on lines, in one array, or one after the other."""
    reader = _Reader(file)
    try:
        opening = reader.next_letter()
        is_array = opening == "["
        if is_array:
            reader.advance(1)
        is_first, comma = True, 0
        while letter := reader.next_letter():
            if is_array and letter == "]":
                if comma:
                    yield comma, "has a comma before the closing ]; remove it"
                reader.advance(1)
                if reader.next_letter():
                    yield reader.line, "has more after the closing ]; put all objects into one array"
                return
            if is_array and not is_first and not comma:
                if letter != ",":
                    yield reader.line, "a comma between two objects is missing; write it"
                    return
                comma = reader.line
                reader.advance(1)
                continue
            if not is_array and letter == ",":
                yield reader.line, "has a comma between objects; put [ before the first and ] after the last"
                return
            is_first, comma = False, 0
            line = reader.line
            value = reader.value()
            for fault in dict.fromkeys(reader.found):
                yield line, fault
            if not isinstance(value, dict):
                yield line, 'is not an object; each row must be an object with fields: {"id": 1}'
        if is_array:
            yield reader.line, "the closing ] is missing; the file may not be complete"
        elif is_first:
            yield 1, "the file is empty"
    except json.JSONDecodeError as exc:
        advice = next((text for begin, text in _ADVICE.items() if exc.msg.startswith(begin)), "")
        wrong = f"is not valid JSON: {exc.msg}, column {exc.colno}"
        yield reader.line_of(exc), f"{wrong}; {advice or 'correct it, or write the file again with a tool'}"
    except UnicodeDecodeError as exc:
        yield reader.broken_line(exc), "has a byte that is not UTF-8; save the file with the encoding UTF-8"
    except ValueError as exc:
        yield reader.line, str(exc)
    except (EOFError, OSError, zlib.error) as exc:
        yield None, f"cannot be read: {exc}; copy the file again"
    finally:
        reader.close()


class _Reader:
    """The text of a file, of which only the record that is being read is in memory."""

    def __init__(self, file: Path) -> None:
        self._stream = opened(file)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._position = 0
        self.line = 1
        self._lines_read = 0  # line breaks in all complete chunks
        self._is_complete = False
        self.found: list[str] = []
        self._values = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._number,
            parse_constant=self._constant,
        )

    def _more(self) -> bool:
        """Read more text, and forget what was consumed. Return whether there was any."""
        if self._is_complete:
            return False
        chunk = self._stream.read(max(_CHUNK, len(self._text)))
        self._is_complete = not chunk
        text = self._decoder.decode(chunk, final=not chunk)
        self._lines_read += chunk.count(b"\n")
        self._text = self._text[self._position :] + text
        self._position = 0
        return not self._is_complete

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def advance(self, length: int) -> None:
        """Consume characters."""
        self.line += self._text.count("\n", self._position, self._position + length)
        self._position += length

    def next_letter(self) -> str:
        """Consume white space. Return the character after it, empty at the end of the file."""
        while True:
            space = _SPACE.match(self._text, self._position)
            self.advance(len(space[0]) if space else 0)
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Consume a value. `found` has the faults in it."""
        while True:
            self.found.clear()
            try:
                value, end = self._values.raw_decode(self._text, self._position)
            except RecursionError:
                raise ValueError(TOO_DEEP) from None
            except json.JSONDecodeError:
                if len(self._text) > 2 * LONGEST:
                    raise ValueError(_TOO_LONG) from None
                if self._is_complete:
                    raise
                self._more()  # the record may continue in the next chunk
                continue
            if end == len(self._text) and not self._is_complete:  # 12 can be the beginning of 123
                self._more()
                continue
            length = end - self._position
            if _SURROGATE.search(self._text, self._position, end) and not _is_unicode(value):
                self.found.append("has half of a character (\\ud800 to \\udfff alone); remove it")
            if length > LONGEST // 4 and len(self._text[self._position : end].encode()) > LONGEST:
                self.found.append(_TOO_LONG)
            self.advance(length)
            return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key.lower() for key, _ in pairs}) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key.lower() in seen:
                    self.found.append(
                        f"the key {key!r} occurs twice in one object, where case does not count; remove one"
                    )
                seen.add(key.lower())
        return dict(pairs)

    def _integer(self, text: str) -> int:
        if len(text) > 20 or (len(text) > 18 and not -(2**63) <= int(text) < 2**64):
            self.found.append(
                f"the integer {text[:40]} has more than 64 bits; write it as a string, in quotes"
            )
        return 0

    def _number(self, text: str) -> float:
        if abs(float(text)) == float("inf"):
            self.found.append(f"the number {text[:40]} is too large; write it as a string, in quotes")
        return 0.0

    def _constant(self, text: str) -> None:
        self.found.append(f"has {text}, which is not JSON; write null, or a string in quotes")

    def line_of(self, error: json.JSONDecodeError) -> int:
        """Return the line of an error in the text that is in memory."""
        return self.line + self._text.count("\n", self._position, error.pos)

    def broken_line(self, error: UnicodeDecodeError) -> int:
        """Return the line of a byte that cannot be decoded."""
        return 1 + self._lines_read + error.object.count(b"\n", 0, error.start)


def _is_unicode(value: Any) -> bool:
    """Return whether all strings of a value can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
