"""Time and names, as values that a test can choose."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# RFC 4648 base32 in lower case: safe in bucket names, job names and URLs, and sorted as its bytes are.
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, ending in Z; such strings sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The time that `timestamp` wrote (or any RFC 3339 time)."""
    return datetime.fromisoformat(text)


def later(moment: datetime, seconds: float) -> str:
    """The timestamp `seconds` after a moment."""
    return timestamp(moment + timedelta(seconds=seconds))


def environment_id() -> str:
    """Ten random characters of a-z2-7 (almost 50 bits), with a digit: no word of a language is an id."""
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(10))
        if not made.isalpha():
            return made


def sortable_id(moment: datetime) -> str:
    """Sixteen characters of a-z2-7 that sort by time: 45 bits of milliseconds, then 35 random bits."""
    return _sortable(moment, secrets.randbits(35))


def run_id_of(name: str, moment: datetime) -> str:
    """Such an id that is always the same for a name and a moment."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:5], "big") >> 5
    return _sortable(moment, digest)


def _sortable(moment: datetime, low: int) -> str:
    value = int(moment.timestamp() * 1000) << 35 | low
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(75, -1, -5))
