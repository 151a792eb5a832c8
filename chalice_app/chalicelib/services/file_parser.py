"""Parses one file within limits of time and memory. `file_contents` runs it as a separate process.

Called as `python -I -S file_parser.py ENDING` with the file on standard input. Prints null, or the error as
JSON. Any other exit means that the file exceeds the limits. It imports no other module of the service,
because every PUT of a file waits for its start.
"""

import ast
import io
import json
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress

OUT_OF_MEMORY = 3
"""Exit status if the memory limit is reached."""
_CPU_SECONDS = 5
# The function of the API has 1,024 MB. 1 MB of ordinary Python needs 100 to 300.
_MEMORY_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
_ENCRYPTED = 0x1
# What Python's zipimport can read (https://docs.python.org/3.11/library/zipimport.html).
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK_BYTES = 1024 * 1024

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
        if error.lineno is None:  # the error concerns the whole file, such as a null byte
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
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        OSError,
        RuntimeError,
    ) as error:
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
        parts = name.removesuffix("/").split("/")
        if "\\" in name or "\0" in name or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
            return f"The zip file has the path {name!r}. Paths must be relative, without '..'."
        if name.removesuffix("/") in names:
            return f"The zip file has the entry {name!r} twice."
        names.add(name.removesuffix("/"))
        if entry.flag_bits & _ENCRYPTED:
            return f"The entry {name!r} of the zip file is encrypted."
        if entry.compress_type not in _METHODS:
            return f"The entry {name!r} of the zip file must be stored or deflated."
    files = {entry.orig_filename for entry in entries if not entry.is_dir()}
    for name in names:
        parents = (name[:end] for end, letter in enumerate(name) if letter == "/")
        if both := next((parent for parent in parents if parent in files), None):
            return f"The zip file has {both!r} as a file and as a folder."
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


CHECKS: dict[str, Callable[[bytes], Wrong | None]] = {".py": python, ".json": json_text, ".zip": modules}


if __name__ == "__main__":
    limit()
    try:
        print(json.dumps(CHECKS[sys.argv[1]](sys.stdin.buffer.read())))
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
