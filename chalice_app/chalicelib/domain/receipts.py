"""The receipt of a deletion: what was removed, what remains and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace


@dataclass(frozen=True)
class ReceiptEntry:
    """One resource, or `count` resources of a type. `until` is when AWS deletes a remaining one, if known."""

    type: str
    logical_id: str | None = None
    id: str | None = None
    why: str | None = None
    until: str | None = None
    count: int | None = None

    @property
    def size(self) -> int:
        """Return the approximate size of the entry in the record, in bytes."""
        values = {name.name: getattr(self, name.name) for name in fields(self)}
        return sum(
            len(str(value).encode()) + len(name) for name, value in values.items() if value is not None
        )


@dataclass(frozen=True)
class Receipt:
    """What a deletion removed and what it left."""

    removed: list[ReceiptEntry] = field(default_factory=list)
    remaining: list[ReceiptEntry] = field(default_factory=list)


def listed(entries: Iterable[ReceiptEntry], most: int) -> list[ReceiptEntry]:
    """Return the entries that fit into `most` bytes, and the others as counts by type and reason."""
    alone: list[ReceiptEntry] = []
    counted: dict[tuple[str, str | None], ReceiptEntry] = {}
    left = most
    for entry in entries:
        if entry.count is None and entry.size <= left:
            left -= entry.size
            alone.append(entry)
            continue
        key = entry.type, entry.why
        known = counted.get(key, ReceiptEntry(entry.type, why=entry.why, count=0))
        until = max((e.until for e in (known, entry) if e.until), default=None)
        counted[key] = replace(known, count=(known.count or 0) + (entry.count or 1), until=until)
    return [*alone, *counted.values()]
