"""Stacks of the account, by ID and by name."""

from __future__ import annotations

import re
import threading
import uuid

from local.cloudformation.requests import Refused
from local.cloudformation.stack import Stack

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class Stacks:
    """Every stack, deleted ones included. `lock` guards the set of stacks."""

    def __init__(self, region: str, account: str) -> None:
        self.lock = threading.RLock()
        self._prefix = f"arn:aws:cloudformation:{region}:{account}:stack"
        self._stacks: dict[str, Stack] = {}

    def new_id(self, name: str) -> str:
        """Return a new stack ID."""
        return f"{self._prefix}/{name}/{uuid.uuid4()}"

    def add(self, stack: Stack) -> None:
        """Add a stack, or replace the stack with the same ID."""
        self._stacks[stack.id] = stack

    def live(self, name: str) -> Stack | None:
        """Return the stack of this name that is not deleted, or None."""
        return next((s for s in self._stacks.values() if s.name == name and not s.deleted), None)

    def find(self, name_or_id: str) -> Stack:
        """Return a stack by ID, or a stack that is not deleted by name. Raises `Refused` if missing."""
        with self.lock:
            stack = self._stacks.get(name_or_id) or self.live(name_or_id)
        if stack is None:
            raise Refused("ValidationError", f"Stack with id {name_or_id} does not exist")
        return stack

    def find_live(self, name_or_id: str) -> Stack:
        """Return a stack as `find` does, with the error message of calls that reject deleted stacks."""
        try:
            return self.find(name_or_id)
        except Refused as error:
            raise Refused("ValidationError", f"Stack [{name_or_id}] does not exist") from error

    def newest_first(self, *, deleted: bool) -> list[Stack]:
        """Return all stacks, newest first. `deleted` includes deleted ones."""
        with self.lock:
            return [s for s in reversed(self._stacks.values()) if deleted or not s.deleted]


def check_name(name: str) -> None:
    """Raise `Refused` if CloudFormation does not accept the stack name."""
    if not _NAME.fullmatch(name):
        raise Refused("ValidationError", f"Value '{name}' at 'stackName' failed to satisfy constraint")
