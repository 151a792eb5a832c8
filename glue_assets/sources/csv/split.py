"""Splits CSV files, so that Spark and Athena read them in parallel."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import IO

from glue_assets.sources.content import TableFile
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.text.contents import opened

PART_BYTES = 64 * 1024**2
"""Size of a part before compression."""


def split(
    folder: TableFolder, file: Path, work: Path, taken: set[str], part_bytes: int = PART_BYTES
) -> Iterator[TableFile]:
    """Yield the parts of a file whose records are lines, each with the header.

    They are `<name>-00001.csv` and so on, compressed if the file is. `taken` are the paths of other files of
    the table; the new ones are added.
    """
    stem, ending = _stem(folder.below(file))
    while any(path.startswith(f"{stem}-0") for path in taken):
        stem += "-part"
    with opened(file) as stream, ThreadPoolExecutor(2) as pool:  # zlib compresses without Python's lock
        header = stream.readline()
        waiting = []
        for number, body in enumerate(_bodies(stream, part_bytes), 1):
            path = f"{stem}-{number:05d}{ending}"
            taken.add(path)
            target = work / "parts" / path
            waiting.append(pool.submit(_write, target, header, body))
            if len(waiting) > 1:  # so that memory holds few parts
                waiting.pop(0).result()
            yield TableFile(target, path)
        for future in waiting:
            future.result()


def _stem(path: str) -> tuple[str, str]:
    """Return a path without its ending, and the ending: `a`, `.csv.gz`."""
    plain = path.removesuffix(".gz")
    name = PurePosixPath(plain).suffix
    return plain.removesuffix(name), name + path[len(plain) :]


def _bodies(stream: IO[bytes], part_bytes: int) -> Iterator[bytes]:
    """Yield pieces that end with a line."""
    rest = b""
    while piece := stream.read(part_bytes):
        whole, end, after = piece.rpartition(b"\n")
        if not end:
            rest += piece
            continue
        yield rest + whole + end
        rest = after
    if rest:
        yield rest


def _write(target: Path, header: bytes, body: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as plain:
        if not target.name.endswith(".gz"):
            plain.writelines((header, body))
            return
        with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as stream:  # the same bytes at every time
            stream.write(header)
            stream.write(body)
