"""Polling intervals in responses: the longer an operation has been running, the less often."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import parse

# Interval in seconds, and up to which age in seconds.
_INTERVALS = ((1, 30.0), (3, 120.0), (10, 600.0), (30, float("inf")))


def poll_after(since: str, moment: datetime | None) -> int:
    """Return the seconds to wait before polling an operation that runs `since` a time. `moment` is now."""
    age = 0.0 if moment is None else (moment - parse(since)).total_seconds()
    return next(seconds for seconds, until in _INTERVALS if age < until)
