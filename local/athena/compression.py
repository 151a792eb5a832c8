"""Compression of text files, by the ending of their names as in Hadoop.

https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html lists the formats. Columnar files
state their compression themselves.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from local.athena.errors import QueryFailed, unsupported

_STREAMS: dict[str, Callable[[Path], IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open}  # type: ignore[dict-item]
_UNSUPPORTED = (".lzo", ".zip")
_BLOCK = 256 * 1024  # of Hadoop's codecs, io.compression.codec.snappy.buffersize

ENDINGS = (*_STREAMS, ".deflate", ".lz4", ".snappy", ".zst", *_UNSUPPORTED)
"""Endings of names that say how a text file is compressed."""


def compressed(ending: str, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the compressed content of a file with this ending, or the lines themselves without one."""
    if not ending:
        yield from lines
        return
    content = b"".join(lines)
    if ending == ".gz":
        yield gzip.compress(content)
    elif ending == ".bz2":
        yield bz2.compress(content)
    else:
        import cramjam

        if ending == ".zst":
            yield bytes(cramjam.zstd.compress(content))
            return
        codecs: dict[str, Any] = {
            ".snappy": cramjam.snappy.compress_raw,
            ".lz4": functools.partial(cramjam.lz4.compress_block, store_size=False),
        }
        for begin in range(0, len(content), _BLOCK):
            block = content[begin : begin + _BLOCK]
            chunk = bytes(codecs[ending](block))
            yield len(block).to_bytes(4, "big") + len(chunk).to_bytes(4, "big") + chunk


def decompress(file: Path) -> None:
    """Replace a text file by its decompressed content. Raises `QueryFailed` if it cannot be decompressed."""
    ending = file.suffix
    if ending not in ENDINGS:
        return
    if ending in _UNSUPPORTED:
        raise unsupported(f"text files with the ending {ending}; compress them with gzip, bzip2 or Zstandard")
    plain = file.with_name(f"{file.name}.plain")
    try:
        if ending in _STREAMS:
            with _STREAMS[ending](file) as source, plain.open("wb") as target:
                shutil.copyfileobj(source, target)
        else:
            plain.write_bytes(_decompressed(ending, file.read_bytes()))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise QueryFailed(f"HIVE_CURSOR_ERROR: Failed to read file {file}: {error}") from error
    plain.replace(file)


def _decompressed(ending: str, content: bytes) -> bytes:
    if ending == ".deflate":
        return zlib.decompress(content)
    import cramjam

    codecs: dict[str, Any] = {".snappy": cramjam.snappy.decompress_raw, ".lz4": cramjam.lz4.decompress_block}
    try:
        if ending == ".zst":
            return bytes(cramjam.zstd.decompress(content))
        return b"".join(_hadoop_blocks(content, ending, codecs[ending]))
    except cramjam.DecompressionError as error:
        raise ValueError(str(error)) from error


def _hadoop_blocks(content: bytes, ending: str, codec: Any) -> list[bytes]:
    """Decompress Hadoop's blocks: the length of the plain block, then chunks with their own lengths."""
    plain, place = [], 0
    while place < len(content):
        length, place = _number(content, place), place + 4
        while length > 0:
            size, place = _number(content, place), place + 4
            chunk, place = content[place : place + size], place + size
            sized = {"output_len": length} if ending == ".lz4" else {}
            plain.append(bytes(codec(chunk, **sized)))
            length -= len(plain[-1])
            if not plain[-1]:
                raise ValueError("an empty chunk")
    return plain


def _number(content: bytes, place: int) -> int:
    if place + 4 > len(content):
        raise EOFError("the file ends within a block")
    return int.from_bytes(content[place : place + 4], "big")
