"""Cost of the service per month, by number of users."""

from __future__ import annotations

from collections.abc import Mapping


def lines(region: str, parameters: Mapping[str, str]) -> list[str]:
    """Return a table of the cost per month, one line per size."""
    return []
