"""Errors of Athena's API and of queries."""

from __future__ import annotations


class Refused(Exception):
    """Athena rejects the call. `code` is the error's name."""

    def __init__(self, message: str, *, code: str = "InvalidRequestException") -> None:
        super().__init__(message)
        self.code = code


class QueryFailed(Exception):
    """A query ends as FAILED.

    The message is Athena's reason and begins with the error's name:
    https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html. `category` is 1 for system
    errors, 2 for user errors and 3 for others:
    https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html
    """

    def __init__(self, reason: str, *, category: int = 2) -> None:
        super().__init__(reason)
        self.category = category


class Cancelled(Exception):
    """The query was cancelled."""


def unsupported(what: str) -> QueryFailed:
    """Return the error for a feature of Athena that the emulator lacks."""
    # chalicelib/aws/athena.py passes this sentence on to callers, so it must not name other tables.
    return QueryFailed(f"NOT_SUPPORTED: The local AWS emulator does not support {what}.")
