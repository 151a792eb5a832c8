"""How large an answer may be.

Lambda hands on at most 6 MB of JSON (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)
in which the body, itself JSON, is a string: so quotes and all but ASCII are escaped, twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")

MOST_BYTES = 4 * 1024 * 1024
"""Of what is variable in an answer; links, names and headers have room beside it."""


def wire_bytes(value: object) -> int:
    """Return how many bytes a value takes in what Lambda hands on."""
    return len(json.dumps(json.dumps(value, default=str)))


def first_that_fit(items: Iterable[Item], most: int = MOST_BYTES) -> tuple[list[Item], bool]:
    """Return the first items that are no larger together than `most`, and whether some were left out."""
    fitting: list[Item] = []
    for item in items:
        most -= wire_bytes(item)
        if most < 0:
            return fitting, True
        fitting.append(item)
    return fitting, False
