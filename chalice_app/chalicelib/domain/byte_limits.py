"""Maximum sizes of the values from AWS and from jobs that a record stores.

DynamoDB rejects an item over 400 KB. AWS and jobs can return strings, lists and maps of any length, so these
are cut before they are stored. Validation of requests limits what callers send.
tests/unit/storage/test_record_sizes.py builds the largest record of each kind from these numbers.
"""

from __future__ import annotations

MESSAGE_BYTES = 600
"""A message of AWS, such as the reason of a failure or of a run."""
RESOURCE_REASON_BYTES = 100
"""One resource's `reason`; a stack has up to 500. `failure` has the message of the first failed resource."""
LOG_LINE_BYTES = 2000
"""One line of a run's `log_tail`. The log stream has the whole line."""
SCRIPT_BYTES = 400
"""The path of the file that made a run fail."""
RECEIPT_BYTES = 50_000
"""The individual entries in one of a receipt's two lists."""
LEFT_BYTES = 15_000
"""Remaining resources of the stacks of failed attempts, which the record lists until the receipt."""
MOST_OUTPUTS, MOST_OUTPUT_PARTITIONS = 20, 10
"""Number of tables that a run lists as written, and of partitions of each table."""
LOCATION_BYTES, PARTITION_VALUE_BYTES = 1200, 100
"""The location of such a table, and one value of such a partition."""

_ELLIPSIS = "…"


def cut(text: str, most: int) -> str:
    """Cut a string to at most `most` bytes of UTF-8, with an ellipsis at the end if it is too long.

    Replaces unpaired surrogates, which DynamoDB rejects, with question marks.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode()
    return raw[: most - len(_ELLIPSIS.encode())].decode("utf-8", "ignore") + _ELLIPSIS
