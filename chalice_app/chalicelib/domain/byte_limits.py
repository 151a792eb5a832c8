"""How many bytes of what comes from outside a record keeps.

DynamoDB refuses an item over 400 KB, so every text, list and map that AWS or a job can make as long as it
likes is cut before it is stored. What callers send has the bounds of their requests (http.py, settings.py).
tests/unit/test_record_sizes.py builds the largest record of each kind from these numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.records import Json

MESSAGE_BYTES = 600
"""A message of AWS: a failure's, a run's, a reason."""
RESOURCE_REASON_BYTES = 100
"""Why one of up to 500 resources is as it is; of the first that failed, `failure` tells all."""
LOG_LINE_BYTES = 2000
"""One line of a run's `log_tail`; the logs themselves have all of it."""
RECEIPT_BYTES = 50_000
"""One of a receipt's two lists, as far as it lists things one by one."""
LEFT_BYTES = 15_000
"""What the stacks of failed attempts have left, which the record collects until the receipt."""
MOST_OUTPUTS, MOST_OUTPUT_PARTITIONS = 20, 10
"""Tables that one run has written, and partitions of each."""
LOCATION_BYTES, PARTITION_VALUE_BYTES = 1200, 100
"""Where such a table is, and a value of such a partition."""

_MORE = "…"


def cut(text: str, most: int) -> str:
    """The text, or as much of it as fits into `most` bytes of UTF-8 with an ellipsis behind.

    Half a surrogate pair, which is no character and which DynamoDB refuses, becomes a question mark.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode()
    return raw[: most - len(_MORE.encode())].decode("utf-8", "ignore") + _MORE


def listed(entries: Iterable[Json], most: int) -> list[Json]:
    """A receipt's entries, one by one as far as they fit into `most` bytes, the rest counted by type.

    An entry that counts several already is added to those.
    """
    alone: list[Json] = []
    counted: dict[tuple[str, str | None], Json] = {}
    left = most
    for entry in entries:
        size = sum(len(str(value).encode()) + len(name) for name, value in entry.items())
        if "count" not in entry and size <= left:
            left -= size
            alone.append(entry)
            continue
        key = entry["type"], entry.get("why")
        known = counted.get(key, {"count": 0})
        until = max((e["until"] for e in (known, entry) if e.get("until")), default=None)
        counted[key] = {
            **{name: entry[name] for name in ("type", "why") if name in entry},
            "count": known["count"] + entry.get("count", 1),
            **({"until": until} if until else {}),
        }
    return [*alone, *counted.values()]
