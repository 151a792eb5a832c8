"""Checks of tables whose files have their own types: JSON, Parquet, ORC and Avro."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.problems import Problems


def check_table(folder: TableFolder, problems: Problems) -> None:
    """Record files with the same bytes, which would double rows."""
    sizes = defaultdict(list)
    for file in folder.files:
        sizes[file.parent, file.stat().st_size].append(file)
    seen: dict[tuple[Path, str], Path] = {}
    for file in (file for files in sizes.values() if len(files) > 1 for file in files):
        with file.open("rb") as stream:
            # Files of different partitions can be the same, as their partitions tell their rows apart.
            key = (file.parent, hashlib.file_digest(stream, "sha256").hexdigest())
            first = seen.setdefault(key, file)
        if first is not file:
            problems.add(file, f"has the same content as {folder.below(first)}; remove one of them")
