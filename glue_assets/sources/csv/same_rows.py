"""Files of a table that have the same rows, as after a second download: `orders (1).csv`.

Files of different partitions can be the same, as their partitions tell their rows apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_assets.sources.problems import Problems


@dataclass(frozen=True)
class Content:
    """The columns and the number of rows of a file, and two sums that the same rows have in any order."""

    names: tuple[str, ...]
    rows: int
    total: int
    mixed: int


def content_of(values: Sequence[str]) -> tuple[str, str, str]:
    """Return the aggregates in SQL whose results are the arguments of `Content` after `names`.

    `values` are a row's values in SQL, in the order of `names`. Null and the empty string count as the same,
    so that the same rows are the same content in every dialect, compression and format of strings.
    """
    texts = ", ".join(f"coalesce({value}, '')" for value in values)
    hashed = f"hash({texts})"
    return "count(*)", f"sum({hashed})", f"bit_xor({hashed})"


def check_same_rows(contents: Mapping[Path, Content], problems: Problems) -> None:
    """Record each file that has the same rows as another one in its folder."""
    seen: dict[tuple[Path, Content], Path] = {}
    for file, content in contents.items():
        if not content.rows:
            continue
        first = seen.setdefault((file.parent, content), file)
        if first != file:
            rows = "row" if content.rows == 1 else f"{content.rows:,} rows"
            message = f"has the same {rows} as {first.name}; remove one of them"
            problems.add(file, message)
