"""Parses job files within limits of time and memory. `file_contents` runs it as a separate process.

- `check`: standard input is a JSON list of [ending, content in base64]. Prints a line for each file as soon
  as it is parsed: null, or its error as JSON. If the process dies, the first missing line is the file that
  exceeds the limits.
- `unpack zip`, `unpack tar`: standard input is an archive of job files, a .tar with or without gzip. Prints
  one JSON object: either `errors`, or `files` (content in base64 by path) and `skipped` paths.

Any other exit means that the input exceeds the limits. It imports no other module of the service, because
every PUT of a file waits for its start.
"""

import ast
import base64
import gzip
import io
import json
import re
import resource
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

OUT_OF_MEMORY = 3
"""Exit status if the memory limit is reached."""
_CPU_SECONDS = 5
# The function of the API has 1,024 MB. 1 MB of ordinary Python needs 100 to 300.
_MEMORY_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024
MAX_FOLDER_BYTES = 8 * 1024 * 1024
"""Unpacked files of one archive: parsing them must take less than API Gateway's 29 seconds."""
_ENCRYPTED = 0x1
# What Python's zipimport can read (https://docs.python.org/3.11/library/zipimport.html).
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK_BYTES = 1024 * 1024
_UNREADABLE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, ValueError, OSError),
    RuntimeError,
)
_MADE_BY_TOOLS = re.compile(
    r"(?:.*/)?(?:__MACOSX|\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini|__pycache__|\.git)(?:/.*)?|.*\.py[co]"
)
"""Entries of an archive that nobody wrote: of macOS, Windows, Python and git. They are skipped."""

Wrong = dict[str, str | int | None]


def limit() -> None:
    """Limit this process. macOS does not support a limit of address space: there only time is limited."""
    limits = (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
    )
    for kind, most in limits:
        _, allowed = resource.getrlimit(kind)
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def python(body: bytes) -> Wrong | None:
    """Return the first error that Python's parser finds."""
    try:
        ast.parse(body)
    except SyntaxError as error:
        if not error.lineno:  # the error concerns the whole file, such as a null byte or its encoding
            return {"detail": f"Not valid Python: {error.msg}."}
        words = f"Line {error.lineno}, column {error.offset}: {error.msg}."
        return {"detail": words, "line": error.lineno, "column": error.offset}
    except (ValueError, RecursionError) as error:
        return {"detail": f"Not valid Python: {error or type(error).__name__}."}
    return None


def json_text(body: bytes) -> Wrong | None:
    """Return the first error of a JSON text."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        words = f"Line {error.lineno}, column {error.colno}: {error.msg}."
        return {"detail": words, "line": error.lineno, "column": error.colno}
    except (ValueError, RecursionError) as error:
        return {"detail": f"Not valid JSON: {error}."}
    return None


def modules(body: bytes) -> Wrong | None:
    """Return why Python could not import from a zip file, or why it must not be unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            detail = _listing_error(archive.infolist()) or _content_error(archive)
    except _UNREADABLE as error:
        detail = f"Not a readable zip file: {error}."
    return {"detail": detail} if detail else None


def _listing_error(entries: list[zipfile.ZipInfo]) -> str | None:
    if len(entries) > MAX_ENTRIES:
        return f"The zip file has {len(entries):,} entries; the maximum is {MAX_ENTRIES:,}."
    if (size := sum(entry.file_size for entry in entries)) > MAX_UNPACKED_BYTES:
        return f"The zip file has {size:,} unpacked bytes; the maximum is {MAX_UNPACKED_BYTES:,}."
    names: set[str] = set()
    for entry in entries:
        # The original name: in `filename`, a null byte ends the name and separators are replaced.
        name = entry.orig_filename
        if _is_unsafe(name.removesuffix("/")):
            return f"The zip file has the path {name!r}. Paths must be relative, without '..'."
        if name.removesuffix("/") in names:
            return f"The zip file has the entry {name!r} twice."
        names.add(name.removesuffix("/"))
        if detail := _entry_error(entry):
            return f"The entry {name!r} of the zip file {detail}."
    files = {entry.orig_filename for entry in entries if not entry.is_dir()}
    if both := _file_and_folder(files, names):
        return f"The zip file has {both!r} as a file and as a folder."
    return None


def _is_unsafe(name: str) -> bool:
    parts = name.split("/")
    return "\\" in name or "\0" in name or ":" in parts[0] or any(part in ("", ".", "..") for part in parts)


def _entry_error(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return None if entry.compress_type in _METHODS else "must be stored or deflated"


def _file_and_folder(files: set[str], names: set[str]) -> str | None:
    for name in sorted(names):
        parents = (name[:end] for end, letter in enumerate(name) if letter == "/")
        if both := next((parent for parent in parents if parent in files), None):
            return both
    return None


def _content_error(archive: zipfile.ZipFile) -> str | None:
    """Read all entries, which verifies their headers, lengths and checksums (CRC-32)."""
    for entry in archive.infolist():
        size = 0
        with archive.open(entry) as content:
            while chunk := content.read(_CHUNK_BYTES):
                size += len(chunk)
        if size != entry.file_size:
            return f"The entry {entry.orig_filename!r} of the zip file is truncated."
    return None


CHECKS: dict[str, Callable[[bytes], Wrong | None]] = {
    ".py": python,
    ".json": json_text,
    ".zip": modules,
    ".whl": modules,  # a zip file: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
}


def unpack(kind: str, body: bytes) -> dict[str, Any]:
    """Return the files of an archive, or every error of its entries."""
    try:
        if kind == "zip":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                return _unpacked(_zip_entries(archive))
        with tarfile.open(fileobj=io.BytesIO(_without_gzip(body)), mode="r:") as tar:
            return _unpacked(_tar_entries(tar))
    except _UNREADABLE as error:
        return {"errors": [{"detail": f"Not a readable {kind} file: {error}."}]}


Entry = tuple[str, int, str | None, Callable[[], bytes]]
"""Name, size, error and content of a file in an archive. Directories have no entry."""


def _unpacked(entries: Iterator[Entry]) -> dict[str, Any]:
    files: dict[str, bytes] = {}
    skipped: list[str] = []
    errors: list[dict[str, str]] = []
    folded: dict[str, str] = {}
    size = 0
    for number, (given, file_size, error, content) in enumerate(entries):
        if number >= MAX_ENTRIES:
            return {"errors": [{"detail": f"The archive has more than {MAX_ENTRIES:,} files."}]}
        name = given.removeprefix("./")
        if _is_unsafe(name):
            error = "The path must be relative, without '..' and backslashes"
        elif _MADE_BY_TOOLS.fullmatch(name):
            skipped.append(name)
            continue
        elif (other := folded.setdefault(name.casefold(), name)) != name:
            error = f"The archive also has {other!r}, which differs only in case"
        elif name in files:
            error = "The archive has this path twice"
        elif file_size > MAX_FILE_BYTES:
            error = f"A job file must have at most {MAX_FILE_BYTES:,} bytes; this one has {file_size:,}"
        if error is None:
            size += file_size
            if size > MAX_FOLDER_BYTES:
                most = f"{MAX_FOLDER_BYTES:,}"
                return {
                    "errors": [{"detail": f"The files have more than {most} bytes. Upload fewer at once."}]
                }
            files[name] = content()
        else:
            errors.append({"path": given[:200], "detail": f"{error}."})
    if both := _file_and_folder(set(files), set(files)):
        errors.append({"path": both, "detail": "The archive has this path as a file and as a folder."})
    if errors:
        return {"errors": errors}
    return {
        "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
        "skipped": skipped,
    }


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for entry in archive.infolist():
        kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 if the archive was not made on Unix
        if entry.is_dir():
            continue
        error = _entry_error(entry)
        if kind not in (0, stat.S_IFREG):
            error = "is a link or a device"

        def content(entry: zipfile.ZipInfo = entry) -> bytes:
            with archive.open(entry) as file:
                read = file.read(MAX_FILE_BYTES + 1)
            if len(read) != entry.file_size:
                raise ValueError(f"{entry.orig_filename!r} has another size than its directory entry")
            return read

        yield entry.orig_filename, entry.file_size, error and f"The entry {error}", content


def _tar_entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    for entry in archive:
        if entry.isdir():
            continue

        def content(entry: tarfile.TarInfo = entry) -> bytes:
            file = archive.extractfile(entry)
            read = file.read(MAX_FILE_BYTES + 1) if file else b""
            if len(read) != entry.size:
                raise ValueError(f"{entry.name!r} is truncated")
            return read

        yield entry.name, entry.size, None if entry.isreg() else "The entry is a link or a device", content


def _without_gzip(body: bytes) -> bytes:
    """Return a tar file without its compression, whose output is limited."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    most = MAX_FOLDER_BYTES + MAX_ENTRIES * 2048  # headers, and padding to blocks of 512 bytes
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise ValueError(f"it has more than {most:,} unpacked bytes")
    return unpacked


def main(task: str, kind: str = "") -> None:
    """Run a task on standard input."""
    body = sys.stdin.buffer.read()
    if task == "unpack":
        print(json.dumps(unpack(kind, body)))
        return
    for ending, content in json.loads(body):
        print(json.dumps(CHECKS[ending](base64.b64decode(content))), flush=True)


if __name__ == "__main__":
    limit()
    try:
        main(*sys.argv[1:])
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
