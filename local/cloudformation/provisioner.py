"""Provisioner of a stack: creates or deletes its resources one by one, with a pause for each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError

from local.cloudformation import resources
from local.cloudformation.parameters import TemplateError
from local.cloudformation.resources import CallFailed, Clients, Context, Unsupported
from local.cloudformation.stack import Resource, Stack
from local.cloudformation.template import Placed

# Error codes of the resource handler contract, by a part of the service's code
# (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html).
_HANDLER_CODES = (
    ("AccessDenied", "AccessDenied"),
    ("AlreadyExists", "AlreadyExists"),
    ("AlreadyOwned", "AlreadyExists"),
    ("Throttl", "Throttling"),
    ("Limit", "ServiceLimitExceeded"),
    ("NotFound", "NotFound"),
    ("NoSuch", "NotFound"),
    ("Invalid", "InvalidRequest"),
    ("Malformed", "InvalidRequest"),
    ("Validation", "InvalidRequest"),
)

_SERVICES = {
    "athena": "Athena",
    "glue": "Glue",
    "iam": "Iam",
    "kms": "Kms",
    "logs": "CloudWatchLogs",
    "s3": "S3",
}


WhyFailed = Callable[[str, str, str], str | None]
"""Function that returns why an action (create, update, delete) on a resource fails, or None."""


def no_fault(_action: str, _resource_type: str, _logical_id: str) -> None:
    """Inject no fault."""


class InjectedFault(Exception):
    """An injected fault. The message is the resource's reason."""


@dataclass(frozen=True)
class Tools:
    """Tools of an operation. `wait` sleeps until the time has passed or the server stops."""

    clients: Clients
    region: str
    account: str
    wait: Callable[[float], None]
    why_failed: WhyFailed = no_fault


class Provisioner:
    """Creates and deletes the resources of a stack. Stops early when a later operation starts."""

    def __init__(self, stack: Stack, tools: Tools, pause: float) -> None:
        self._stack = stack
        self._tools = tools
        self._pause = pause

    def create(self, operation: int) -> None:
        """Create every resource, or roll back."""
        stack = self._stack
        for logical_id in stack.order:
            if stack.cancelled(operation):
                return
            resource = self.create_resource(logical_id)
            if resource.status == "CREATE_FAILED":
                self._failed(operation, f"The following resource(s) failed to create: [{logical_id}]. ")
                return
        if stack.cancelled(operation):
            return
        try:
            stack.outputs = stack.template.outputs(self.placed())
        except TemplateError as error:
            self._failed(operation, str(error))
            return
        stack.set_status("CREATE_COMPLETE")

    def create_resource(self, logical_id: str) -> Resource:
        """Create a resource of the template. Its status is the result."""
        stack = self._stack
        resource = self.new_resource(logical_id, "CREATE_IN_PROGRESS")
        stack.set_resource(resource, "CREATE_IN_PROGRESS")
        failure = self.make(resource)
        if failure is not None:
            stack.set_resource(resource, "CREATE_FAILED", failure)
            return resource
        stack.set_resource(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        stack.set_resource(resource, "CREATE_COMPLETE")
        return resource

    def new_resource(self, logical_id: str, status: str) -> Resource:
        """Return a resource that does not exist yet."""
        declared = self._stack.template.resources[logical_id]
        resource = Resource(logical_id, declared["Type"], status, datetime.now(UTC))
        resource.deletion_policy = declared.get("DeletionPolicy", "Delete")
        return resource

    def make(self, resource: Resource) -> str | None:
        """Call AWS to create a resource, after the pause. Return the reason of a failure."""
        stack = self._stack
        self.pause()
        try:
            self.check("create", resource)
            resource.tags = stack.tags
            resource.properties = stack.template.properties(resource.logical_id, self.placed())
            resource.placed = resources.create(resource.type, self.context(resource), resource.properties)
        except Exception as error:  # any error is the resource's failure
            return reason_of(error)
        return None

    def _failed(self, operation: int, reason: str) -> None:
        stack = self._stack
        if stack.on_failure == "DO_NOTHING":
            stack.set_status("CREATE_FAILED", reason)
            return
        stack.set_status("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
        for resource in stack.resources.values():
            resource.undo_creation()
        failed = self._delete_all(operation)
        if stack.cancelled(operation):
            return
        if failed:
            stack.set_status("ROLLBACK_FAILED", _failed_to_delete(failed))
        elif stack.on_failure == "DELETE":
            stack.set_status("DELETE_COMPLETE")
        else:
            stack.set_status("ROLLBACK_COMPLETE")

    def delete(self, operation: int) -> None:
        """Delete every resource."""
        failed = self._delete_all(operation)
        if failed:
            self._stack.set_status("DELETE_FAILED", _failed_to_delete(failed))
        else:
            self._stack.set_status("DELETE_COMPLETE")

    def _delete_all(self, operation: int) -> list[str]:
        """Delete all resources in reverse order, except the dependencies of resources that remain."""
        stack = self._stack
        failed: list[str] = []
        needed: set[str] = set()
        for leftover in stack.leftovers[::-1]:  # left by an update that could not be rolled back
            if stack.cancelled(operation):
                return failed
            if self.delete_resource(leftover):
                stack.leftovers.remove(leftover)
            else:
                failed.append(leftover.logical_id)
        forgotten = [name for name in stack.resources if name not in stack.order]
        for logical_id in [*forgotten, *reversed(stack.order)]:
            if stack.cancelled(operation):
                return failed
            resource = stack.resources.get(logical_id)
            if resource is None or resource.status == "DELETE_COMPLETE":
                continue
            if logical_id in needed:
                needed |= stack.template.needs(logical_id)
            elif not self.delete_resource(resource):
                failed.append(logical_id)
                needed |= stack.template.needs(logical_id) if logical_id in stack.order else set()
        return failed

    def delete_resource(self, resource: Resource) -> bool:
        """Delete a resource unless its policy keeps it. Return whether it succeeded."""
        stack = self._stack
        if resource.keep and resource.placed is not None:
            stack.record_status(resource, "DELETE_SKIPPED")
            return True
        stack.record_status(resource, "DELETE_IN_PROGRESS")
        self.pause()
        try:
            if resource.placed is not None:
                self.check("delete", resource)
                resources.delete(
                    resource.type,
                    self.context(resource),
                    resource.physical_id,
                    resource.properties,
                )
        except Exception as error:  # any error is the resource's failure
            stack.record_status(resource, "DELETE_FAILED", reason_of(error))
            return False
        stack.record_status(resource, "DELETE_COMPLETE")
        return True

    def check(self, action: str, resource: Resource) -> None:
        """Raise `InjectedFault` if a fault is injected."""
        if reason := self._tools.why_failed(action, resource.type, resource.logical_id):
            raise InjectedFault(reason)

    def pause(self) -> None:
        """Wait for the duration of one resource."""
        self._tools.wait(self._pause)

    def placed(self) -> dict[str, Placed]:
        """Return the created resources for `Ref` and `Fn::GetAtt`."""
        return {r.logical_id: r.placed for r in self._stack.resources.values() if r.placed}

    def context(self, resource: Resource) -> Context:
        """Return the handler's context of a resource."""

        def made(placed: Placed) -> None:
            resource.placed = placed

        return Context(
            clients=self._tools.clients,
            stack_name=self._stack.name,
            logical_id=resource.logical_id,
            region=self._tools.region,
            account=self._tools.account,
            tags=self._stack.tags,
            made=made,
        )


def reason_of(error: Exception) -> str:
    """Return the reason of a failed resource in CloudFormation's format."""
    if isinstance(error, CallFailed):
        kind = next((kind for word, kind in _HANDLER_CODES if word in error.code), "GeneralServiceException")
        service = _SERVICES.get(error.service, error.service)
        return (
            f'Resource handler returned message: "{error.message} (Service: {service}, Status Code: '
            f'{error.status}, Request ID: {error.request_id})" (RequestToken: {uuid.uuid4()}, '
            f"HandlerErrorCode: {kind})"
        )
    if isinstance(error, InjectedFault | Unsupported | TemplateError | BotoCoreError):
        return str(error)
    return f"Internal error of the AWS emulator: {type(error).__name__}: {error}"


def _failed_to_delete(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]. "
