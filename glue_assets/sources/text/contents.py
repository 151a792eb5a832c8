"""Text files: compression, encoding and line ends, recognised from all bytes of a file."""

from __future__ import annotations

import bz2
import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from glue_assets.sources.problems import Problems
from glue_assets.sources.text.encodings import OR_LATIN_1, WINDOWS_1252, codec_of, guesses
from glue_assets.sources.text.foreign import foreign_content

BREAK = re.compile(r"\r+\n|\n|\r")  # `\r\r\n` comes from writing `\r\n` to a file in text mode

_CHUNK = 1 << 20
_SAMPLE = 256 * 1024
_LONGEST_LINE = 32 * _CHUNK
_SHOWN_LINES = 3
_MARKS = (  # UTF-32's first, because it begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Text:
    """A text file.

    `codec` decodes it after the `mark` bytes of a byte order mark, with the error handler `errors`.
    `compression` is gz, bz2 or empty. `line_ends` are those that occur. `decisions` are sentences about what
    was recognised.
    """

    file: Path
    compression: str
    codec: str
    errors: str = "strict"
    mark: int = 0
    line_ends: frozenset[str] = frozenset()
    decisions: tuple[str, ...] = ()

    @property
    def is_readable(self) -> bool:
        """Whether the file is UTF-8 without a byte order mark whose lines end in `\\n`, as its name says."""
        is_named = self.compression == ("gz" if self.file.name.endswith(".gz") else "")
        return is_named and self.codec == "utf-8" and not self.mark and self.line_ends <= {"\n"}

    def chunks(self) -> Iterator[str]:
        """Yield the decoded text with its own line ends, none of which is cut in two."""
        decoder = codecs.getincrementaldecoder(self.codec)(self.errors)
        pending = ""
        with _opened(self.file, self.compression) as stream:
            stream.read(self.mark)
            while data := stream.read(_CHUNK):
                text = pending + decoder.decode(data)
                kept = text.rstrip("\r")
                pending = text[len(kept) :]
                yield kept
            yield pending + decoder.decode(b"", final=True)


def examine(file: Path, encoding: str | None, problems: Problems) -> Text | None:
    """Return a text file, all of which was read. Records faults; None if it cannot be read.

    `encoding` is a name of a codec; if it is None, the encoding is recognised.
    """
    with file.open("rb") as stream:
        start = stream.read(3)
    compression = "gz" if start[:2] == b"\x1f\x8b" else "bz2" if start == b"BZh" else ""
    try:
        with _opened(file, compression) as stream:
            head = stream.read(64 * 1024)
        if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
            problems.add(file, "the file is empty", 1)
            return None
        if fault := foreign_content(head):
            problems.add(file, fault)
            return None
        text = _with_codec(file, compression, head, encoding)
        if not text.codec.startswith("utf") and _is_utf_8(head):
            what = f"is UTF-8, but _table.toml says {encoding}"
            problems.add(file, f"{what}; remove encoding there, because it is recognised")
            return None
        return _scanned(text, is_known=encoding is not None or text.mark > 0, problems=problems)
    except (EOFError, OSError, zlib.error) as exc:
        problems.add(file, f"is damaged or incomplete ({exc}); download or compress it again")
        return None


def _with_codec(file: Path, compression: str, head: bytes, encoding: str | None) -> Text:
    """Return the text with the codec that its first bytes or the owner say, UTF-8 if they say nothing."""
    mark, marked = next(((len(mark), codec) for mark, codec in _MARKS if head.startswith(mark)), (0, ""))
    if marked:
        times = re.match(b"(?:%b)+" % re.escape(head[:mark]), head)  # some programs write it again
        mark = times.end() if times else mark
        told = () if marked == "utf-8" else (f"{file.name}: {marked.upper()} was recognised",)
        return Text(file, compression, marked, mark=mark, decisions=told)
    wide = _utf_16(head)
    if encoding is None:
        told = (f"{file.name}: {wide.upper()} was recognised",) if wide else ()
        return Text(file, compression, wide or "utf-8", decisions=told)
    codec = codec_of(encoding) or encoding
    if codec in ("iso8859-1", WINDOWS_1252):  # as https://encoding.spec.whatwg.org/#names-and-labels
        return Text(file, compression, WINDOWS_1252, OR_LATIN_1)
    codec = {"utf-8-sig": "utf-8", "utf-16": wide or "utf-16-le", "utf-32": "utf-32-le"}.get(codec, codec)
    return Text(file, compression, codec)


def _is_utf_8(head: bytes) -> bool:
    """Return whether bytes, of which the last character may be cut, are UTF-8 with at least two accents."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return sum(not letter.isascii() for letter in text) > 1


def _utf_16(head: bytes) -> str:
    """Return the codec of UTF-16 without a byte order mark, in which every other byte of ASCII text is 0."""
    zeros = {"utf-16-le": head[1::2].count(0), "utf-16-be": head[0::2].count(0)}
    codec = max(zeros, key=zeros.__getitem__)
    enough = max(2, len(head) // 20)
    if zeros[codec] < enough or min(zeros.values()) * 20 > zeros[codec]:
        return ""
    ends = head.decode(codec, errors="ignore")  # of damaged ASCII text, line ends are parts of characters
    return codec if (ends.count("\n") + ends.count("\r")) * 2 > head.count(b"\n") + head.count(b"\r") else ""


def _scanned(text: Text, is_known: bool, problems: Problems) -> Text | None:
    """Return the text with its line ends. Records what cannot be decoded, NUL bytes and endless lines."""
    ends: set[str] = set()
    lines = length = 0
    before = len(problems.found)
    try:
        for chunk in text.chunks():
            if "\0" in chunk and len(problems.found) == before:
                line = lines + len(BREAK.findall(chunk[: chunk.index("\0")])) + 1
                problems.add(text.file, "has a NUL character, as damaged files do; export it again", line)
            count, found = _line_ends(chunk)
            ends.update(found)
            lines += count
            last = max(chunk.rfind("\n"), chunk.rfind("\r"))
            length = len(chunk) - last - 1 + (length if last < 0 else 0)
            if length > _LONGEST_LINE:
                problems.add(
                    text.file, "has no line end in 32 MB; it is not a table, or is damaged", lines + 1
                )
                return None
    except UnicodeDecodeError as exc:
        if is_known:
            line = lines + len(BREAK.findall(exc.object[: exc.start].decode(text.codec, "ignore"))) + 1
            what = f"has the byte 0x{exc.object[exc.start]:02X}, which is not {text.codec}"
            advice = "correct the character" if text.mark else "write another encoding in _table.toml"
            problems.add(text.file, f"{what}; {advice}, or save the file as UTF-8", line)
            return None
        recognised = _other_than_utf_8(text, problems)
        return recognised and _scanned(recognised, is_known=True, problems=problems)
    return replace(text, line_ends=frozenset(ends)) if len(problems.found) == before else None


def _line_ends(chunk: str) -> tuple[int, set[str]]:
    """Return the number and the kinds of line ends."""
    returns, feeds, pairs = chunk.count("\r"), chunk.count("\n"), chunk.count("\r\n")
    if returns == pairs:
        return feeds, {end for end, count in (("\r\n", pairs), ("\n", feeds - pairs)) if count}
    found = BREAK.findall(chunk)
    return len(found), set(found)


def _other_than_utf_8(text: Text, problems: Problems) -> Text | None:
    """Return a text that is not UTF-8 with its encoding. Records an encoding that is not certain."""
    file = text.file
    alike, other, broken, sample = _sorted_lines(text)
    if alike >= other:
        for line in broken:
            what = "has a byte that is not UTF-8, although other lines are UTF-8"
            problems.add(file, f"{what}; correct the character and save the file as UTF-8", line)
        return None
    if alike * 10 > other:
        what = f"mixes encodings: {alike} lines are UTF-8, and {other} are not"
        problems.add(file, f"{what}, the first of them here; save all parts of the file as UTF-8", broken[0])
        return None
    found = guesses(sample)
    if found and found[0].is_certain:
        words = ", ".join(found[0].words)
        told = f"{file.name}: the encoding Windows-1252 was recognised ({words})"
        return replace(text, codec=WINDOWS_1252, errors=OR_LATIN_1, decisions=(told,))
    choices = [f'encoding = "{guess.encoding}" (reads {", ".join(guess.words)})' for guess in found]
    what = f"write in _table.toml: {', or '.join(choices)}" if choices else "save it as UTF-8"
    problems.add(file, f"is not UTF-8, and its encoding is not certain; {what}", broken[0])
    return None


def _sorted_lines(text: Text) -> tuple[int, int, list[int], bytes]:
    """Return the number of lines beyond ASCII that are like UTF-8 and of others, and a sample of the others.

    The third value is the numbers of the first lines that are not UTF-8. A line with a damaged character is
    like UTF-8 if most of its characters are right.
    """
    alike = other = number = size = 0
    broken: list[int] = []
    sample: list[bytes] = []
    for block in _blocks(text):
        right, wrong = (0, 0) if block.isascii() else _of_utf_8(block)
        if (not right and not wrong) or (size >= _SAMPLE and wrong > 20 * right):  # nothing new
            count = _line_ends(block.decode("latin-1"))[0]
            number += count
            other += min(wrong, count)
            continue
        room = _SAMPLE // 8  # of each chunk, so that the sample has lines of different places
        for number, line in enumerate(block.splitlines(keepends=True), number + 1):  # noqa: B020
            if line.isascii():
                continue
            right, wrong = _of_utf_8(line)
            if wrong and len(broken) < _SHOWN_LINES:
                broken.append(number)
            if right > 2 * wrong:
                alike += 1
                continue
            other += 1
            if room > 0 and size < _SAMPLE:
                sample.append(line[:room])
                room -= len(line)
                size += len(line)
    return alike, other, broken, b"".join(sample)


def _of_utf_8(data: bytes) -> tuple[int, int]:
    """Return the number of characters beyond ASCII that are UTF-8, and of bytes that are not."""
    decoded = data.decode("utf-8", errors="replace")
    wrong = decoded.count("\ufffd") - data.count("\ufffd".encode())
    return len(decoded) - len(decoded.encode("ascii", errors="ignore")) - wrong, wrong


def _blocks(text: Text) -> Iterator[bytes]:
    """Yield the bytes of whole lines."""
    pending = b""
    with _opened(text.file, text.compression) as stream:
        while data := stream.read(_CHUNK):
            block = pending + data
            end = max(block.rfind(b"\n"), block[:-1].rfind(b"\r")) + 1
            end = len(block) if len(block) > _LONGEST_LINE else end
            pending = block[end:]
            yield block[:end]
        yield pending


def opened(file: Path) -> BinaryIO:
    """Open a file for reading, decompressed if its name ends in `.gz`."""
    return _opened(file, "gz" if file.name.lower().endswith(".gz") else "")


def _opened(file: Path, compression: str) -> BinaryIO:
    openers = {"gz": gzip.open, "bz2": bz2.open, "": open}
    return cast(BinaryIO, openers[compression](file, "rb"))  # type: ignore[operator]
