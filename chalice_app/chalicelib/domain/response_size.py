"""Size limit of API responses.

Lambda returns at most 6 MB of JSON (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
The body is JSON in a string of that JSON, so quotes are escaped twice. Python's Lambda runtimes before 3.12
also escape non-ASCII characters (https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")

MOST_BYTES = 4 * 1024 * 1024
"""Maximum size of the variable data in a response. The rest is for links, names and headers."""


def wire_bytes(value: object) -> int:
    """Return the size of a value in Lambda's JSON, in bytes."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    if text.isprintable() and text.isascii():  # then only quotation marks and backslashes are escaped
        return len(text) + text.count('"') + text.count("\\") + len('""')
    return len(json.dumps(text))


def first_that_fit(items: Iterable[Item], most: int = MOST_BYTES) -> tuple[list[Item], bool]:
    """Return the first items that fit into `most` bytes together, and whether items were omitted."""
    fitting: list[Item] = []
    for item in items:
        most -= wire_bytes(item)
        if most < 0:
            return fitting, True
        fitting.append(item)
    return fitting, False
