"""Line ends: a text with `\\n` after each record, and line breaks within quotes as they were."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from glue_assets.sources.text.contents import BREAK


def normalised(chunks: Iterable[str], separator: str, quote: str) -> Iterator[str]:
    """Yield a text of records that end in `\\n`, from chunks that do not cut a line end in two."""
    records = _Records(separator, quote)
    pending: list[str] = []  # a line of which the end has not come yet
    for chunk in chunks:
        last = max(chunk.rfind("\n"), chunk.rfind("\r"))
        if last < 0:
            pending.append(chunk)
            continue
        yield records.with_ends("".join((*pending, chunk[: last + 1])))
        pending = [chunk[last + 1 :]]
    yield "".join(pending)


class _Records:
    """Records of a text that comes line by line. Quotes open only at the beginning of a field."""

    def __init__(self, separator: str, quote: str) -> None:
        self._quote = quote
        self._is_inside = False
        self._opening = separator + quote
        mark = re.escape(quote or "\0")
        self._closing = re.compile(f"(?:[^{mark}]|{mark * 2})*+{mark}")
        self._beside = {"", separator, "\n", "\r"}

    def with_ends(self, lines: str) -> str:
        """Return whole lines, with `\\n` in the place of line ends that are not within quotes."""
        if not self._quote or (self._quote not in lines and not self._is_inside):
            return _with_line_feeds(lines)
        parts = lines.split(self._quote)
        if self._is_inside:
            parts.insert(0, "")
        outside = parts[0::2]
        beside = {part[:1] for part in outside[1:]} | {part[-1:] for part in outside[: len(parts) // 2]}
        if not beside <= self._beside:  # a quote is part of a value, so that not every second part is quoted
            return "".join(self._each(lines))
        # A scan rejects NUL, so that it can join the parts.
        parts[0::2] = _with_line_feeds("\0".join(outside)).split("\0")
        whole = self._quote.join(parts)[1 if self._is_inside else 0 :]
        self._is_inside = len(parts) % 2 == 0
        return whole

    def _each(self, lines: str) -> Iterator[str]:
        start = 0
        for match in BREAK.finditer(lines):
            line = lines[start : match.start()]
            if self._is_inside or line.count(self._quote) % 2:
                self._is_inside = self._is_open_after(line)
            yield line
            yield match[0] if self._is_inside else "\n"
            start = match.end()

    def _is_open_after(self, line: str) -> bool:
        position, is_inside = 0, self._is_inside
        if not is_inside and line.startswith(self._quote):
            position, is_inside = 1, True
        while True:
            if is_inside:
                closing = self._closing.match(line, position)
                if not closing:
                    return True
                position = closing.end()
            position = line.find(self._opening, position) + len(self._opening)
            if position < len(self._opening):
                return False
            is_inside = True


def _with_line_feeds(text: str) -> str:
    """Return a text with `\\n` in the place of all line ends, without a search if they are `\\r\\n`."""
    if "\r\r" not in text:
        text = text.replace("\r\n", "\n")
    return BREAK.sub("\n", text) if "\r" in text else text
