"""The service's stack: its state, change sets, and the wait for an operation of CloudFormation."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deploy import aws
from deploy.errors import DeploymentError
from deploy.events import Progress

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        RollbackConfigurationTypeDef,
        StackResourceSummaryTypeDef,
    )

CAPABILITIES: list[Any] = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
"""Roles with names, and the SAM transform."""

_POLL_SECONDS = 2.0
_BEGIN_SECONDS = 60.0
"""Time in which an accepted operation must show its first event."""
_CHANGE_SET_MINUTES = 10
_OPERATION_MINUTES = 120  # the longest ROLLOUT (30), the longest WATCH_MINUTES (39), and the resources
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_FAILED_AT_FIRST = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")

Say = Callable[[str], None]
Meanwhile = Callable[[], None]


@dataclass(frozen=True)
class Stack:
    """State of a stack."""

    id: str
    status: str
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_moving(self) -> bool:
        """Return whether CloudFormation is working on the stack."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def can_be_updated(self) -> bool:
        """Return whether the last operation left a complete stack."""
        return self.status in _COMPLETE

    @property
    def failed_at_first(self) -> bool:
        """Return whether the first creation failed. Such a stack can only be deleted."""
        return self.status in _FAILED_AT_FIRST

    @property
    def is_new(self) -> bool:
        """Return whether the stack only has change sets, none of which was executed."""
        return self.status == "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class ChangeSet:
    """A created change set. Without changes, there is nothing to execute."""

    id: str
    changes: tuple[ChangeTypeDef, ...] = ()
    is_empty: bool = False


class Stacks:
    """One stack by name. Clock and sleep are arguments, so tests do not wait."""

    def __init__(
        self,
        cloudformation: CloudFormationClient,
        name: str,
        *,
        say: Say = print,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloudformation = cloudformation
        self.name = name
        self._say = say
        self._clock = clock
        self._sleep = sleep

    def find(self, id: str | None = None) -> Stack | None:
        """Return the stack, or None if it does not exist. Deleted stacks are found only by their ID."""
        try:
            [found] = self._cloudformation.describe_stacks(StackName=id or self.name)["Stacks"]
        except ClientError as error:
            if aws.code(error) == "ValidationError" and "does not exist" in aws.message(error):
                return None
            raise
        return Stack(
            id=found["StackId"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            parameters={
                item["ParameterKey"]: item.get("ParameterValue", "") for item in found.get("Parameters", [])
            },
            outputs={item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])},
        )

    def create_change_set(
        self,
        stack: Stack | None,
        template_url: str,
        parameters: Mapping[str, str],
        rollback: RollbackConfigurationTypeDef | None = None,
    ) -> ChangeSet:
        """Create a change set, and wait until CloudFormation has compared the template with the stack.

        `rollback` has the alarms that undo an update.
        """
        token = f"deploy-{uuid.uuid4().hex}"
        is_update = stack is not None and not stack.is_new
        created = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=token,
            ClientToken=token,
            ChangeSetType="UPDATE" if is_update else "CREATE",
            TemplateURL=template_url,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
            Capabilities=CAPABILITIES,
            RollbackConfiguration=(rollback or {}) if is_update else {},
        )
        return self._compared(created["Id"])

    def _compared(self, id: str) -> ChangeSet:
        until = self._clock() + 60 * _CHANGE_SET_MINUTES
        while True:
            answer = self._cloudformation.describe_change_set(ChangeSetName=id, StackName=self.name)
            status, reason = answer["Status"], answer.get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                break
            if status == "FAILED":
                if any(text in reason for text in _NO_CHANGES):
                    return ChangeSet(id, is_empty=True)
                self.delete_change_set(id)
                raise DeploymentError(f"CloudFormation rejects the template: {reason}")
            if self._clock() > until:
                raise DeploymentError(
                    f"CloudFormation has not compared the template in {_CHANGE_SET_MINUTES} minutes. "
                    "Run the command again."
                )
            self._sleep(_POLL_SECONDS)
        changes = list(answer["Changes"])
        while token := answer.get("NextToken"):
            answer = self._cloudformation.describe_change_set(
                ChangeSetName=id, StackName=self.name, NextToken=token
            )
            changes += answer["Changes"]
        return ChangeSet(id, tuple(changes))

    def delete_change_set(self, id: str) -> None:
        """Delete a change set, and the stack if it has only been created for this one."""
        self._cloudformation.delete_change_set(ChangeSetName=id, StackName=self.name)
        stack = self.find()
        # Another command may be about to execute a change set of its own.
        if stack is not None and stack.is_new and not self._has_change_sets(id):
            self._cloudformation.delete_stack(StackName=stack.id)
            # The next command would otherwise meet a stack without parameters.
            until = self._clock() + _BEGIN_SECONDS
            while (left := self.find(stack.id)) is not None and left.status != "DELETE_COMPLETE":
                if self._clock() > until:
                    break
                self._sleep(_POLL_SECONDS)

    def _has_change_sets(self, but: str) -> bool:
        found = self._cloudformation.list_change_sets(StackName=self.name)["Summaries"]
        return any(summary["ChangeSetId"] != but for summary in found)

    def execute(self, change_set: ChangeSet, meanwhile: Meanwhile = lambda: None) -> Stack:
        """Execute a change set, follow the events, and return the stack. Raise `DeploymentError` if it fails.

        `meanwhile` is called every two seconds.
        If the first creation fails, CloudFormation also deletes the new table and bucket, which it would
        otherwise keep.
        """
        progress = Progress(self._cloudformation, self._say, self._clock)
        progress.skip(self._id())
        try:
            self._cloudformation.execute_change_set(
                ChangeSetName=change_set.id,
                StackName=self.name,
                ClientRequestToken=f"deploy-{uuid.uuid4().hex}",
                RetainExceptOnCreate=True,
            )
        except ClientError as error:
            # A repeated request whose first response was lost.
            if aws.code(error) != "TokenAlreadyExistsException":
                raise
        stack = self.follow(self._id(), progress, meanwhile)
        if stack is None or stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentError(_failure(self.name, stack, progress))
        return stack

    def follow(
        self, id: str, progress: Progress | None = None, meanwhile: Meanwhile = lambda: None
    ) -> Stack | None:
        """Print the events of the current operation until it ends. Return the stack, or None if deleted."""
        progress = progress or Progress(self._cloudformation, self._say, self._clock)
        until = self._clock() + 60 * _OPERATION_MINUTES
        begins_until = self._clock() + _BEGIN_SECONDS
        while True:
            # A status from before the first event may be that of the previous operation.
            has_begun = progress.has_begun or self._clock() > begins_until
            stack = self.find(id)
            progress.show(id)
            if has_begun and (stack is None or not stack.is_moving):
                return None if stack is None or stack.status == "DELETE_COMPLETE" else stack
            if self._clock() > until:
                raise DeploymentError(
                    f"CloudFormation still changes {self.name} after {_OPERATION_MINUTES} minutes. "
                    "It continues. Run the command again to follow it."
                )
            meanwhile()
            self._sleep(_POLL_SECONDS)

    def delete(self, stack: Stack) -> None:
        """Delete the stack and follow the events. Raise `DeploymentError` if resources remain undeleted."""
        progress = Progress(self._cloudformation, self._say, self._clock)
        progress.skip(stack.id)
        try:
            self._cloudformation.delete_stack(
                StackName=stack.id, ClientRequestToken=f"destroy-{uuid.uuid4().hex}"
            )
        except ClientError as error:
            if aws.code(error) != "TokenAlreadyExistsException":
                raise
        left = self.follow(stack.id, progress)
        if left is not None:
            raise DeploymentError(_failure(self.name, left, progress))

    def failed_resources(self, stack: Stack) -> list[str]:
        """Return the resources whose last operation failed, with the reason."""
        return [
            f"{resource['LogicalResourceId']}: {resource.get('ResourceStatusReason', '')}"
            for resource in self._resources(stack.id)
            if resource["ResourceStatus"].endswith("_FAILED")
        ]

    def resources(self, id: str) -> Iterator[tuple[str, str]]:
        """Yield type and physical ID of the resources of a stack."""
        for resource in self._resources(id):
            yield resource["ResourceType"], resource.get("PhysicalResourceId", "")

    def _resources(self, id: str) -> list[StackResourceSummaryTypeDef]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=id)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def skipped(self, id: str) -> Iterator[tuple[str, str]]:
        """Yield type and physical ID of the resources that the deletion of a stack kept."""
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=id):
            for event in page["StackEvents"]:
                if event["ResourceStatus"] == "DELETE_SKIPPED":
                    yield event["ResourceType"], event["PhysicalResourceId"]

    def deleted(self) -> Iterator[str]:
        """Yield the IDs of deleted stacks with this name. CloudFormation keeps them and their events 90 days.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
        """
        pages = self._cloudformation.get_paginator("list_stacks").paginate(
            StackStatusFilter=["DELETE_COMPLETE"]
        )
        for page in pages:
            for stack in page["StackSummaries"]:
                if stack["StackName"] == self.name:
                    yield stack["StackId"]

    def _id(self) -> str:
        stack = self.find()
        if stack is None:
            raise DeploymentError(f"The stack {self.name} was deleted meanwhile. Run the command again.")
        return stack.id


def _failure(name: str, stack: Stack | None, progress: Progress) -> str:
    status = "deleted" if stack is None else stack.status
    reason = progress.first_failure or (stack.reason if stack else "")
    return (
        f"The stack {name} is {status}. The first failure: {reason or 'CloudFormation gives no reason'}\n"
        "Correct the cause and run the command again."
    )
