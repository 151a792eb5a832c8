"""Files that are something else than their name says, by their first bytes."""

from __future__ import annotations

import re

# Signatures: https://en.wikipedia.org/wiki/List_of_file_signatures
_KINDS = (
    (rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|xl/|docProps/)", "is an Excel workbook; name it .xlsx"),
    (rb"PK\x03\x04", "is a zip archive; unpack it and put its files here"),
    (rb"\xd0\xcf\x11\xe0", "is an Excel workbook of the old kind; save it as .xlsx, or as CSV UTF-8"),
    (rb"\x28\xb5\x2f\xfd", "is compressed with zstd; decompress it with zstd -d, or compress it with gzip"),
    (rb"\xfd7zXZ|7z\xbc\xaf|Rar!|\x1f\x9d", "is an archive; unpack it and put its files here"),
    (rb"PAR1", "is a Parquet file; name it .parquet"),
    (rb"ORC\x08|ORC\x0a|ORC[\x80-\xff]", "is an ORC file; name it .orc"),
    (rb"Obj\x01", "is an Avro file; name it .avro"),
    (rb"SQLite format 3", "is a SQLite database; export its table as CSV"),
    (rb"%PDF-", "is a PDF; download the table as CSV"),
    (rb"\xd8\xff[\xdb\xe0-\xef]|\x89PNG\r|GIF8[79]a", "is a picture; put the file with the data here"),
    (
        rb"version https://git-lfs",
        "is a Git LFS pointer instead of the data; run git lfs pull, or download the file itself",
    ),
    (rb"[./]*(?:\.git/)?annex/objects/", "is a git-annex pointer instead of the data; run git annex get"),
    (
        rb"(?i)\s*<(?:!doctype|html|head|!--|\?xml)",
        "is a web page or XML; download the file itself (on GitHub: the button Raw)",
    ),
    (rb'\s*(?:\[\s*)?\{\s*"', "contains JSON; name it .json"),
)
_MARKS = b"\xef\xbb\xbf\xff\xfe"


def foreign_content(head: bytes) -> str | None:
    """Return what a file that should be delimited text is instead, and what to do, from its first bytes."""
    start = head if head.startswith(b"\xff\xfe\x00\x00") else head.lstrip(_MARKS)
    if start[1:64:2].count(0) > 16 or start[0:64:2].count(0) > 16:
        start = start.replace(b"\0", b"") if not start.startswith(b"PK") else start  # UTF-16
    return next((what for pattern, what in _KINDS if re.match(pattern, start, re.DOTALL)), None)
