"""Marks of the queries with which the service reads rows of tables for `GET .../rows`.

They run in the workgroup of a sandbox, and the operator pays for them. The mark distinguishes them from the
queries of users, who cannot create one. They can read and repeat a marked query, whose table may be another
one by then, so each mark occurs once: the import of queries records which execution has it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

_COMMENT = " -- terraglue "


class PreviewMarks:
    """Signs queries with the service's secret."""

    def __init__(self, secret: str, *, new_id: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._secret = hashlib.sha256(b"preview " + secret.encode()).digest()
        self._new_id = new_id

    def marked(self, sql: str) -> str:
        """Return a query with a new mark, a comment at its end."""
        named = f"{sql}{_COMMENT}{self._new_id()}"
        return f"{named}-{self._digest(named)}"

    def mark_of(self, sql: str) -> str | None:
        """Return the mark of a query that the service has marked, or None."""
        named, _, digest = sql.rpartition("-")
        is_marked = hmac.compare_digest(digest.encode("utf-8", "replace"), self._digest(named).encode())
        return digest if is_marked else None

    def _digest(self, sql: str) -> str:
        return hmac.new(self._secret, sql.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
