"""File format of written data: its name, compression, and the properties of its SerDe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local.athena.errors import QueryFailed, unsupported

# What Athena engine version 3 writes; the first is the default. "Text file" includes JSON.
# https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html and compression-formats.html
_TEXT = ("GZIP", "BZIP2", "LZ4", "SNAPPY", "ZSTD", "NONE")
_COMPRESSIONS = {
    "PARQUET": ("GZIP", "SNAPPY", "ZSTD", "NONE"),
    "ORC": ("ZLIB", "LZ4", "SNAPPY", "ZSTD", "NONE"),
    "AVRO": ("DEFLATE", "BZIP2", "SNAPPY", "ZSTD", "NONE"),
    "JSON": _TEXT,
    "TEXTFILE": _TEXT,
}
_ENDINGS = {"GZIP": ".gz", "BZIP2": ".bz2", "LZ4": ".lz4", "SNAPPY": ".snappy", "ZSTD": ".zst", "NONE": ""}
_OTHER_NAMES = {"UNCOMPRESSED": "NONE"}


@dataclass(frozen=True)
class FileFormat:
    """A format. `properties` are those of the table and its SerDe. `level` is that of ZSTD."""

    name: str
    compression: str
    properties: Mapping[str, str] = field(default_factory=dict)
    level: int | None = None
    is_csv: bool = False  # of OpenCSVSerde

    @property
    def ending(self) -> str:
        """The ending of file names, by which readers of text know the compression."""
        return _ENDINGS[self.compression] if _COMPRESSIONS[self.name] is _TEXT else ""


def file_format(
    name: str,
    compression: str | None = None,
    properties: Mapping[str, str] | None = None,
    level: int | None = None,
    *,
    is_csv: bool = False,
) -> FileFormat:
    """Return a format, by default with Athena's compression. Raises `QueryFailed` if it is not written."""
    known = _COMPRESSIONS.get(name.upper())
    if known is None:
        raise unsupported(f"writing the format {name}")
    chosen = compression.upper() if compression else known[0]
    chosen = _OTHER_NAMES.get(chosen, chosen)
    if chosen not in known:
        raise QueryFailed(f"NOT_SUPPORTED: {chosen} compression is not supported for {name.upper()}")
    if (name.upper(), chosen) == ("AVRO", "ZSTD"):
        raise unsupported("Avro files with ZSTD")
    return FileFormat(name.upper(), chosen, properties or {}, level, is_csv)
