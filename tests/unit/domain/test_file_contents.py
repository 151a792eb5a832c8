"""Validation of a job file's content, in bounded time."""

from __future__ import annotations

import io
import struct
import time
import zipfile

import pytest

from chalicelib.errors import Unavailable
from chalicelib.services.file_contents import FileContents

TOO_MUCH = "Checking the file takes too much time or memory. Split or simplify it."


def detail(ending: str, body: bytes) -> str | None:
    wrong = FileContents().error(ending, body)
    return None if wrong is None else str(wrong["detail"])


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, body in entries:
            archive.writestr(zipfile.ZipInfo(name), body, compress_type=method)
    return buffer.getvalue()


MODULES = zipped(("pkg/__init__.py", b""), ("pkg/a.py", b"x = 1\n" * 100))


def test_an_error_has_line_and_column() -> None:
    assert FileContents().error(".py", b"x = 1\nx = = 2\n") == {
        "detail": "Line 2, column 5: invalid syntax.",
        "line": 2,
        "column": 5,
    }


def test_a_file_is_never_executed(tmp_path: object) -> None:
    assert detail(".py", f"open({str(tmp_path)!r} + '/x', 'w')\nraise SystemExit(9)\n".encode()) is None


@pytest.mark.parametrize("body", [b"[" * 500_000, b"9" * 1_000_000, b'{"a":' * 100_000])
def test_endless_json_is_rejected_at_once(body: bytes) -> None:
    began = time.monotonic()
    assert (detail(".json", body) or "").startswith(("Not valid JSON", "Line "))
    assert time.monotonic() - began < 5


def test_a_check_that_waits_too_long_for_its_turn_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.file_contents._TURN_SECONDS", 0.05)
    contents = FileContents(at_once=1)
    contents._places.acquire()
    with pytest.raises(Unavailable):
        contents.error(".py", b"x = 1\n")


def test_a_check_that_exceeds_its_time_is_killed() -> None:
    assert FileContents(seconds=0.001).error(".py", b"x = 1\n") == {"detail": TOO_MUCH}


def test_stored_and_deflated_modules_are_accepted() -> None:
    assert detail(".zip", MODULES) is None
    assert detail(".zip", zipped(("a.py", b"x = 1\n"), method=zipfile.ZIP_STORED)) is None


def spoilt(body: bytes, where: bytes, change: int = 1) -> bytes:
    at = body.index(where)
    return body[:at] + bytes([body[at] ^ change]) + body[at + 1 :]


def with_flag(body: bytes, bit: int) -> bytes:
    """A zip file whose only entry has a flag set, in its own header and in the directory."""
    changed = bytearray(body)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.index(signature) + offset
        changed[at : at + 2] = struct.pack("<H", struct.unpack("<H", changed[at : at + 2])[0] | bit)
    return bytes(changed)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"nothing", "Not a readable zip file"),
        (MODULES[:-30], "Not a readable zip file"),
        (MODULES[40:], "Not a readable zip file"),
        (spoilt(zipped(("a.py", b"x = 1\n"), method=zipfile.ZIP_STORED), b"x = 1"), "Bad CRC-32"),
        (spoilt(MODULES, b"pkg/a.py", 2), "differ"),
        (MODULES[: len(MODULES) // 3] + b"\0" * 40 + MODULES[len(MODULES) // 3 + 40 :], "zip file"),
        (with_flag(zipped(("a.py", b"x = 1\n")), 1), "encrypted"),
        (zipped(("../a.py", b"")), "relative"),
        (zipped(("pkg/../../a.py", b"")), "relative"),
        (zipped(("/etc/a.py", b"")), "relative"),
        (zipped(("C:/a.py", b"")), "relative"),
        (zipped(("pkg\\..\\..\\a.py", b"")), "relative"),
        (zipped(("a", b"1"), ("a/b.py", b"")), "as a file and as a folder"),
        (zipped(("bomb.py", b"\0" * (65 * 1024 * 1024))), "unpacked bytes"),
        (zipped(*((f"{number}.py", b"") for number in range(2001))), "entries"),
        (zipped(("a.py", b"x" * 1000), method=zipfile.ZIP_LZMA), "must be stored or deflated"),
    ],
)
def test_a_zip_that_python_cannot_import_from_is_rejected(body: bytes, words: str) -> None:
    assert words in (detail(".zip", body) or "")


def test_a_zip_with_a_name_twice_is_rejected() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        body = zipped(("a.py", b"1"), ("a.py", b"2"))
    assert detail(".zip", body) == "The zip file has the entry 'a.py' twice."


def test_a_zip_that_understates_its_size_is_rejected() -> None:
    """A zip bomb whose directory states a small size."""
    body = bytearray(zipped(("a.py", b"\0" * 10_000_000)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.index(signature) + offset
        body[at : at + 4] = struct.pack("<I", 10)
    assert "zip file" in (detail(".zip", bytes(body)) or "")
