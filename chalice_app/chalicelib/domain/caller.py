"""The authenticated user of a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Somebody who proved who they are; as a text, it stands for exactly that."""

    owner: str
    is_admin: bool

    @property
    def scope(self) -> tuple[str, bool]:
        """Who a page cursor is given to."""
        return self.owner, self.is_admin

    def may_see(self, owner: str) -> bool:
        """Admins see every environment, everybody else their own."""
        return self.is_admin or self.owner == owner
