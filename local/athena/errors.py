"""What goes wrong with a query, in Athena's words."""

from __future__ import annotations


class Refused(Exception):
    """A call that Athena does not accept: an InvalidRequestException."""


class QueryFailed(Exception):
    """A query that ends FAILED.

    The message is the reason as Athena gives it, its error's name first:
    https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html. `category` is 1 for the system's
    faults, 2 for the user's, 3 for others: https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html
    """

    def __init__(self, reason: str, *, category: int = 2) -> None:
        super().__init__(reason)
        self.category = category


class Cancelled(Exception):
    """The query was stopped meanwhile."""


def unsupported(what: str) -> QueryFailed:
    """What Athena could do, and the laptop's cannot."""
    return QueryFailed(f"NOT_SUPPORTED: the Athena of the laptop does not know {what}.")
