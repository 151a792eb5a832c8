"""One stack of the embedded CloudFormation: what the API shows of it, and the work on it in steps.

The work is done by one thread per stack and operation, a resource at a time. A delete that comes while a
stack is still being created cancels the creation between two resources, as the service does.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.cloudformation.resources import Json
from local.cloudformation.template import Placed, Template

STACK_TYPE = "AWS::CloudFormation::Stack"
Announce = Callable[["Stack", "Resource | None"], None]


@dataclass
class Resource:
    """A resource of a stack, from the moment CloudFormation begins with it."""

    logical_id: str
    type: str
    status: str
    updated: datetime
    reason: str | None = None
    placed: Placed | None = None
    properties: Json = field(default_factory=dict)
    keep: bool = False

    @property
    def physical_id(self) -> str:
        """The physical id; empty until there is one."""
        return self.placed.physical_id if self.placed else ""


class Stack:
    """A stack. Everything that the API reads is guarded by `lock`."""

    def __init__(
        self,
        *,
        stack_id: str,
        name: str,
        body: str,
        template: Template,
        tags: dict[str, str],
        role_arn: str | None,
        token: str | None,
        on_failure: str,
        announce: Announce,
    ) -> None:
        self.id = stack_id
        self.name = name
        self.body = body
        self.template = template
        self.tags = tags
        self.role_arn = role_arn
        self.create_token = token
        self.token = token
        self.on_failure = on_failure
        self.status = "CREATE_IN_PROGRESS"
        self.reason: str | None = None
        self.resources: dict[str, Resource] = {}
        self.outputs: list[Json] = []
        self.events: list[Json] = []
        self.created = datetime.now(UTC)
        self.deleted: datetime | None = None
        self.lock = threading.RLock()
        self._announce = announce
        self._order = template.order()
        self._operation = 0
        self._thread: threading.Thread | None = None

    # -- operations --------------------------------------------------------------------------------------

    def start(self, status: str, work: Callable[[int], None]) -> None:
        """Begin an operation in a thread of its own; it follows on one that is still under way."""
        with self.lock:
            self._operation += 1
            before, operation = self._thread, self._operation
            self.set_status(status, "User Initiated")

            def run() -> None:
                if before is not None:
                    before.join()
                work(operation)

            self._thread = threading.Thread(target=run, name=f"stack {self.name}", daemon=True)
            self._thread.start()

    def cancelled(self, operation: int) -> bool:
        """Whether a later operation has taken over."""
        return self._operation != operation

    # -- what is seen ------------------------------------------------------------------------------------

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Move the stack and tell."""
        with self.lock:
            self.status, self.reason = status, reason
            if status == "DELETE_COMPLETE":
                self.deleted = datetime.now(UTC)
            self._event(self.name, self.id, STACK_TYPE, status, reason)
        self._announce(self, None)

    def set_resource(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Move one resource and tell."""
        with self.lock:
            resource.status, resource.reason, resource.updated = status, reason, datetime.now(UTC)
            self.resources[resource.logical_id] = resource
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

    @property
    def order(self) -> list[str]:
        """The logical ids in the order of creation."""
        return self._order
