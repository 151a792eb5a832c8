"""Optimistic concurrency: a write is repeated from its read if the record changed in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from chalicelib.errors import Conflict, StaleRecord

Result = TypeVar("Result")

_ATTEMPTS = 5


def repeat_if_stale(read_and_write: Callable[[], Result], record: str) -> Result:
    """Return the result of `read_and_write`, called again after `StaleRecord`.

    Raises `Conflict`, which names the `record`, after five attempts.
    """
    for _ in range(_ATTEMPTS):
        with suppress(StaleRecord):
            return read_and_write()
    raise Conflict(f"Other requests changed the {record} at the same time. Retry.")
