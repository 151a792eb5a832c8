"""Clock, timestamps and generated IDs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# RFC 4648 base32 in lower case: valid in bucket names, job names and URLs, in ascending byte order.
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Format a time as RFC 3339 in UTC with milliseconds and Z. The strings sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Parse a result of `timestamp` or any RFC 3339 time."""
    return datetime.fromisoformat(text)


def later(moment: datetime, seconds: float) -> str:
    """Return the timestamp `seconds` after a moment."""
    return timestamp(moment + timedelta(seconds=seconds))


def environment_id() -> str:
    """Return ten random characters of a-z2-7 (almost 50 bits).

    An ID has at least one digit, so that it is never a word.
    """
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(10))
        if not made.isalpha():
            return made


def sortable_id(moment: datetime) -> str:
    """Return 16 characters of a-z2-7 that sort by time: 45 bits of milliseconds, then 35 random bits."""
    return _sortable(moment, secrets.randbits(35))


def run_id_of(name: str, moment: datetime) -> str:
    """Return a sortable ID that depends only on a name and a moment."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:5], "big") >> 5
    return _sortable(moment, digest)


def _sortable(moment: datetime, low: int) -> str:
    value = int(moment.timestamp() * 1000) << 35 | low
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(75, -1, -5))
