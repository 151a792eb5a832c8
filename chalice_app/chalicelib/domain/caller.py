"""The authenticated user of a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """A user whose bearer token is valid."""

    owner: str
    is_admin: bool

    @property
    def scope(self) -> tuple[str, bool]:
        """Return the identity to which page cursors are bound."""
        return self.owner, self.is_admin

    def may_see(self, owner: str) -> bool:
        """Return whether the caller may see an owner's environments: their own, or all as an admin."""
        return self.is_admin or self.owner == owner
