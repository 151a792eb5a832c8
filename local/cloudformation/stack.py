"""A stack: its state in the API, and its operations.

An operation processes one resource at a time (`threads.py`). A deletion during the creation cancels the
creation between two resources, as in AWS. During an update, a stack keeps its earlier version until the
update has succeeded or is rolled back.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from local.cloudformation.resources import Json
from local.cloudformation.template import Placed, Template
from local.cloudformation.threads import Runner

STACK_TYPE = "AWS::CloudFormation::Stack"
Announce = Callable[["Stack", "Resource | None"], None]


@dataclass
class Resource:
    """A resource of a stack, from the beginning of its creation."""

    logical_id: str
    type: str
    status: str
    updated: datetime
    reason: str | None = None
    placed: Placed | None = None
    properties: Json = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """Tags of the stack when the resource was created or last updated."""
    deletion_policy: str = "Delete"
    birth: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Distinguishes a resource from its replacement, which may have the same physical ID."""

    @property
    def physical_id(self) -> str:
        """Physical ID, or an empty string before the creation."""
        return self.placed.physical_id if self.placed else ""

    @property
    def keep(self) -> bool:
        """Whether a deletion keeps the resource.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
        """
        return self.deletion_policy in ("Retain", "RetainExceptOnCreate")

    def undo_creation(self) -> None:
        """Let a rollback delete the resource if its policy allows that."""
        if self.deletion_policy == "RetainExceptOnCreate":
            self.deletion_policy = "Delete"

    @property
    def failed(self) -> bool:
        """Whether its update or its rollback has failed."""
        return self.status == "UPDATE_FAILED"


@dataclass(frozen=True)
class Version:
    """A version of a stack. `order` are the logical IDs in the order of creation."""

    body: str
    template: Template
    tags: dict[str, str]
    order: list[str]


@dataclass(frozen=True)
class Earlier:
    """A stack before its update, and the creation order of the new version."""

    version: Version
    next_order: list[str]
    resources: dict[str, Resource]


class Stack:
    """A stack. `lock` guards all attributes that the API reads."""

    def __init__(
        self,
        *,
        stack_id: str,
        name: str,
        version: Version,
        role_arn: str | None,
        token: str | None,
        on_failure: str,
        announce: Announce,
        runner: Runner,
    ) -> None:
        self.id = stack_id
        self.name = name
        self.version = version
        self.earlier: Earlier | None = None
        self.role_arn = role_arn
        self.token = token
        self.on_failure = on_failure
        self.status = "CREATE_IN_PROGRESS"
        self.reason: str | None = None
        self.resources: dict[str, Resource] = {}
        self.leftovers: list[Resource] = []
        """Resources to remove: replaced by an update, or created by an update that was rolled back."""
        self.outputs: list[Json] = []
        self.events: list[Json] = []
        self.created = datetime.now(UTC)
        self.updated: datetime | None = None
        self.deleted: datetime | None = None
        self.ends: dict[int, str] = {}
        """Final status of each operation, by its number."""
        self.cancel_requested = False
        self.lock = threading.RLock()
        self._announce = announce
        self.operation = 0
        self._runner = runner
        self._until_ended: Callable[[], None] | None = None

    @property
    def template(self) -> Template:
        """Template with the values of its parameters."""
        return self.version.template

    @property
    def tags(self) -> dict[str, str]:
        """The stack's own tags."""
        return self.version.tags

    @property
    def order(self) -> list[str]:
        """Logical IDs in the order of creation."""
        return self.version.order

    # -- operations --------------------------------------------------------------------------------------

    def start(self, status: str, work: Callable[[int], None]) -> int:
        """Start an operation after the running one. Return its number."""
        with self.lock:
            self.cancel_requested = False
            self.operation += 1
            before, operation = self._until_ended, self.operation
            self.set_status(status, "User Initiated")

            def run() -> None:
                if before is not None:
                    before()
                work(operation)

            self._until_ended = self._runner.start(f"stack {self.name}", run)
            return operation

    def begin_update(self, version: Version) -> None:
        """Set a new version and keep the current one."""
        with self.lock:
            resources = {key: replace(resource) for key, resource in self.resources.items()}
            self.earlier = Earlier(self.version, version.order, resources)
            self.version, self.updated = version, datetime.now(UTC)

    def cancelled(self, operation: int) -> bool:
        """Return whether a later operation has started."""
        return self.operation != operation

    # -- state in the API --------------------------------------------------------------------------------

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Set the status of the stack and publish it."""
        with self.lock:
            self.status, self.reason = status, reason
            if status == "DELETE_COMPLETE":
                self.deleted = datetime.now(UTC)
            if not status.endswith("_IN_PROGRESS"):
                self.ends[self.operation] = status
            self._event(self.name, self.id, STACK_TYPE, status, reason)
        self._announce(self, None)

    def set_resource(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Add a resource to the stack, set its status and publish it."""
        with self.lock:
            self.resources[resource.logical_id] = resource
        self.record_status(resource, status, reason)

    def record_status(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Set the status of a resource, possibly a replaced one, and publish it."""
        with self.lock:
            resource.status, resource.reason, resource.updated = status, reason, datetime.now(UTC)
            self._event(resource.logical_id, resource.physical_id, resource.type, status, reason)
        self._announce(self, resource)

    def _event(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None) -> None:
        event: Json = {
            "StackId": self.id,
            "EventId": str(uuid.uuid4()),
            "StackName": self.name,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": physical_id,
            "ResourceType": kind,
            "Timestamp": datetime.now(UTC),
            "ResourceStatus": status,
        }
        event |= {"ResourceStatusReason": reason} if reason else {}
        event |= {"ClientRequestToken": self.token} if self.token else {}
        self.events.append(event)
