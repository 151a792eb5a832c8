"""How many bytes of what comes from outside a record keeps.

DynamoDB refuses an item over 400 KB, so every text, list and map that AWS or a job can make as long as it
likes is cut before it is stored. What callers send has the bounds of their requests (http.py, settings.py).
tests/unit/test_record_sizes.py builds the largest record of each kind from these numbers.
"""

from __future__ import annotations

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
