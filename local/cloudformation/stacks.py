"""Stacks of the account, by ID and by name."""

from __future__ import annotations

import contextlib
import re
import threading
import uuid
from collections.abc import Iterator

from local.cloudformation.requests import Refused
from local.cloudformation.stack import Stack

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class Stacks:
    """Every stack, deleted ones included. `lock` guards the set of stacks."""

    def __init__(self, region: str, account: str) -> None:
        self.lock = threading.RLock()
        self._prefix = f"arn:aws:cloudformation:{region}:{account}:stack"
        self._stacks: dict[str, Stack] = {}
        self._tokens: dict[str, set[str]] = {}

    @contextlib.contextmanager
    def new_token(self, name: str, token: str | None) -> Iterator[None]:
        """Accept a request about the stack of a name. Raises `Refused` if an earlier one had the same token.

        A token is used up if its request was accepted, also for later stacks of the same name.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html#API_CreateStack_Errors
        and, for the message, https://github.com/banzaicloud/pipeline/issues/3016.
        """
        used = self._tokens.setdefault(name, set())
        if token in used:
            raise Refused(
                "TokenAlreadyExistsException",
                f"The client request token {token} has already been used for this stack. "
                "Retry the request with a different client request token.",
            )
        yield
        if token is not None:
            used.add(token)

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
