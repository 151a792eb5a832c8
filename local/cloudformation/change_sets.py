"""Change sets: the changes of an update or of a new stack, to review, execute or delete."""

from __future__ import annotations

import functools
import re
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from local.cloudformation.changes import Differences, compare
from local.cloudformation.drift import NO_DRIFT, Drift
from local.cloudformation.provisioner import reason_of
from local.cloudformation.requests import Refused, StackRequest
from local.cloudformation.stack import Stack, Version
from local.cloudformation.stacks import Stacks
from local.cloudformation.threads import Runner
from local.cloudformation.versions import version_of, with_previous
from local.iam.resources import CHANGE_SET_STACKS

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_DESCRIPTION_LIMIT = 1024
_UNCHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
"""States in which a stack can be updated."""


@dataclass
class ChangeSet:
    """A change set.

    `operation` is the number of the stack operation that executes it. `drift` is that of the stack's
    resources, if the change set reverts it.
    """

    id: str
    name: str
    stack: Stack
    is_new: bool
    request: StackRequest
    version: Version
    description: str | None
    token: str | None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "CREATE_PENDING"
    reason: str | None = None
    differences: Differences | None = None
    is_obsolete: bool = False
    operation: int | None = None
    drift: Drift = NO_DRIFT

    @property
    def execution_status(self) -> str:
        """ExecutionStatus of the change set."""
        if self.operation is not None:
            end = self.stack.ends.get(self.operation)
            if end is None and self.stack.operation == self.operation:
                return "EXECUTE_IN_PROGRESS"
            return "EXECUTE_COMPLETE" if end in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else "EXECUTE_FAILED"
        if self.is_obsolete:
            return "OBSOLETE"
        return "AVAILABLE" if self.status == "CREATE_COMPLETE" else "UNAVAILABLE"


class Engine(Protocol):
    """CloudFormation operations that change sets use."""

    stacks: Stacks

    def review(self, request: StackRequest, change_set: str) -> Stack:
        """Return a new stack without resources, or the existing one that is still in review."""

    def check_role(self, role_arn: str | None) -> None:
        """Raise `Refused` if CloudFormation cannot assume the role."""

    def drift(self, stack: Stack, role_arn: str | None) -> Drift:
        """Return the drift of a stack's resources."""

    def begin(
        self,
        stack: Stack,
        request: StackRequest,
        version: Version,
        *,
        is_new: bool,
        drift: Drift = NO_DRIFT,
    ) -> int:
        """Start to create or update a stack and revert its drift. Return the operation's number."""


class ChangeSets:
    """The change sets of all stacks. `lock` is the engine's lock. Creating one takes `seconds`."""

    def __init__(
        self, engine: Engine, prefix: str, lock: AbstractContextManager[Any], runner: Runner, seconds: float
    ) -> None:
        self._engine = engine
        self._prefix = prefix
        self._runner = runner
        self._seconds = seconds
        self._all: dict[str, ChangeSet] = {}
        self._lock = lock

    def create(self, request: StackRequest, name: str, kind: str, description: str | None) -> ChangeSet:
        """Start to create a change set. The same token returns the same change set."""
        if not _NAME.fullmatch(name):
            raise Refused(
                "ValidationError",
                f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            )
        if len(description or "") > _DESCRIPTION_LIMIT:
            raise Refused(
                "ValidationError",
                f"1 validation error detected: Value at 'description' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_DESCRIPTION_LIMIT}",
            )
        if kind not in ("CREATE", "UPDATE"):
            raise Refused("ValidationError", f"The AWS emulator does not support change sets of type {kind}.")
        is_new = kind == "CREATE"
        with self._lock:
            stack = (
                self._engine.review(request, name) if is_new else self._engine.stacks.find_live(request.name)
            )
            existing = next((one for one in self.of(stack) if one.name == name), None)
            if existing is not None:
                if request.token is not None and existing.token == request.token:
                    return existing
                raise Refused("AlreadyExistsException", f"ChangeSet {existing.id} already exists")
            if not is_new:
                refuse_unless_updatable(stack)
            self._engine.check_role(request.role_arn)
            whole = with_previous(request, stack)
            made = ChangeSet(
                id=f"{self._prefix}/{name}/{uuid.uuid4()}",
                name=name,
                stack=stack,
                is_new=is_new,
                request=whole,
                version=version_of(whole, stack.id),
                description=description,
                token=request.token,
            )
            self._all[made.id] = made
            CHANGE_SET_STACKS[made.id] = stack.id
        self._runner.start(f"change set {name}", functools.partial(self._make, made))
        return made

    def find(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """Return a change set by ID, or by its name and its stack's name."""
        with self._lock:
            if name_or_id in self._all:
                return self._all[name_or_id]
            if not name_or_id.startswith("arn:"):
                stack = self._engine.stacks.find_live(_given(stack_name))
                for change_set in self.of(stack):
                    if change_set.name == name_or_id:
                        return change_set
        raise Refused("ChangeSetNotFound", f"ChangeSet [{name_or_id}] does not exist")

    def of(self, stack: Stack) -> list[ChangeSet]:
        """Return the change sets of a stack."""
        with self._lock:
            return [one for one in self._all.values() if one.stack is stack]

    def execute(self, change_set: ChangeSet, token: str | None) -> None:
        """Execute a change set and delete the other change sets of its stack."""
        tokens = self._engine.stacks.new_token(change_set.stack.name, token)
        with self._lock, change_set.stack.lock, tokens:
            which = f"ChangeSet [{change_set.id}] cannot be executed in its current"
            if change_set.status != "CREATE_COMPLETE":
                raise Refused("InvalidChangeSetStatus", f"{which} status of [{change_set.status}]")
            if change_set.execution_status != "AVAILABLE":
                execution = change_set.execution_status
                raise Refused("InvalidChangeSetStatus", f"{which} execution status of [{execution}]")
            request = change_set.request = replace(change_set.request, token=token)
            change_set.operation = self._engine.begin(
                change_set.stack,
                request,
                change_set.version,
                is_new=change_set.is_new,
                drift=change_set.drift,
            )
            for other in self.of(change_set.stack):
                if other is not change_set and other.operation is None:
                    del self._all[other.id]

    def delete(self, name_or_id: str, stack_name: str | None) -> None:
        """Delete a change set. Has no effect if it does not exist."""
        with self._lock:
            if not name_or_id.startswith("arn:"):
                self._engine.stacks.find_live(_given(stack_name))
            try:
                change_set = self.find(name_or_id, stack_name)
            except Refused:
                return
            if change_set.execution_status == "EXECUTE_IN_PROGRESS":
                raise Refused(
                    "InvalidChangeSetStatus",
                    "An operation on this ChangeSet is currently in progress. "
                    "Please attempt this operation again later.",
                )
            del self._all[change_set.id]

    def outdate(self, stack: Stack) -> None:
        """Mark the change sets of a stack as obsolete after another change."""
        for change_set in self.of(stack):
            change_set.is_obsolete = True

    def _make(self, change_set: ChangeSet) -> None:
        change_set.status = "CREATE_IN_PROGRESS"
        self._runner.wait(self._seconds)
        stack = change_set.stack
        try:
            if change_set.request.reverts_drift:
                change_set.drift = self._engine.drift(stack, change_set.request.role_arn)
            with stack.lock:
                drift = change_set.drift
                differences = compare(stack, change_set.version, drift.gone, drift.modified)
        except Exception as error:  # any error makes the change set FAILED
            change_set.reason = reason_of(error)
            change_set.status = "FAILED"
            return
        change_set.differences = differences
        if differences or change_set.is_new:
            change_set.status = "CREATE_COMPLETE"
        else:
            change_set.reason = _UNCHANGED
            change_set.status = "FAILED"


def refuse_unless_updatable(stack: Stack) -> None:
    """Raise `Refused` if the stack's status does not allow updates."""
    if stack.status not in UPDATABLE:
        raise Refused(
            "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated."
        )


def _given(stack_name: str | None) -> str:
    if not stack_name:
        raise Refused(
            "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."
        )
    return stack_name
