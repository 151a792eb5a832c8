"""How CloudFormation is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.errors import AwsRefused, calling
from chalicelib.domain.byte_limits import RESOURCE_REASON_BYTES
from chalicelib.domain.environment import ResourceState
from chalicelib.domain.failures import is_name_conflict, redacted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import environment_of_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_COMPLETE = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
)
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_PHASES = ("CREATE", "UPDATE", "DELETE")
_PROGRESS_RANKS = ("IN_PROGRESS", "COMPLETE", "FAILED")


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it now."""

    id: str
    status: str
    reason: str | None
    outputs: dict[str, str]

    @property
    def in_progress(self) -> bool:
        """CloudFormation is still working on it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_complete(self) -> bool:
        """It is whole and can be used (after a failed update: as it was before)."""
        return self.status in _COMPLETE

    @property
    def is_removed(self) -> bool:
        """It has been deleted, is being deleted, or could not be deleted as a whole."""
        return self.status.startswith("DELETE_")

    @property
    def is_gone(self) -> bool:
        """It has been deleted: only its description is left."""
        return self.status == "DELETE_COMPLETE"


@dataclass(frozen=True)
class Part:
    """A thing that a stack has made, as CloudFormation last told of it."""

    type: str
    logical_id: str
    physical_id: str
    status: str
    reason: str | None = None


class Stacks:
    """The calls that the life cycle needs; errors come out as `AwsError`."""

    def __init__(self, client: CloudFormationClient, role_arn: str | None = None) -> None:
        self._client = client
        self._role = {"RoleARN": role_arn} if role_arn else {}

    def create(
        self,
        name: str,
        *,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        token: str,
    ) -> str:
        """Start creating a stack and return its id; the same token again returns the same stack.

        A stack of that name made by an earlier call whose answer was lost is found and returned too.
        """
        try:
            with calling():
                return self._client.create_stack(
                    StackName=name,
                    TemplateURL=template_url,
                    Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    Capabilities=["CAPABILITY_NAMED_IAM"],
                    ClientRequestToken=token,
                    **self._role,  # type: ignore[arg-type]  # the stubs cannot see an optional key
                )["StackId"]
        except AwsRefused as refused:
            existing = self.find(name) if refused.code == "AlreadyExistsException" else None
            if existing is None:
                raise
            return existing.id

    def find(self, name_or_id: str) -> Stack | None:
        """Describe a stack; deleted ones are found by id only. None when there is none."""
        try:
            with calling():
                stack = self._client.describe_stacks(StackName=name_or_id)["Stacks"][0]
        except AwsRefused as refused:  # which has no code of its own for it
            if "does not exist" in refused.message:
                return None
            raise
        return Stack(
            id=stack["StackId"],
            status=stack["StackStatus"],
            reason=stack.get("StackStatusReason"),
            outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
        )

    def resources(self, stack_id: str) -> dict[str, ResourceState]:
        """The state of every resource that CloudFormation has begun, by logical id."""
        found: dict[str, ResourceState] = {}
        with calling():
            for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id):
                for summary in page["StackResourceSummaries"]:
                    found[summary["LogicalResourceId"]] = resource_state(
                        stack_id,
                        summary["ResourceType"],
                        summary["ResourceStatus"],
                        summary.get("ResourceStatusReason"),
                        summary["LastUpdatedTimestamp"].isoformat(),
                    )
        return found

    def current(self, stack_id: str) -> list[Part]:
        """The things that a living stack is made of now."""
        with calling():
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return [_part(cast(Any, now)) for page in pages for now in page["StackResourceSummaries"]]

    def parts(self, stack: Stack) -> list[Part]:
        """All that a stack, which may be deleted, has ever made; what an update has replaced, too.

        A thing whose name was somebody else's already is not the stack's. CloudFormation keeps events for 90
        days, so it is asked for what a living stack has, too; the end of each thing of a deleted one is told.
        """
        found: dict[tuple[str, str], Part] = {}
        made, taken = set(), set()
        with calling():
            if not stack.is_gone:
                for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack.id):
                    for now in page["StackResourceSummaries"]:
                        part = _part(cast(Any, now))
                        found[part.type, part.physical_id] = part
            for told in self._client.get_paginator("describe_stack_events").paginate(StackName=stack.id):
                for event in told["StackEvents"]:
                    part = _part(cast(Any, event))
                    key = part.type, part.physical_id
                    if part.physical_id != event["StackId"]:
                        found.setdefault(key, part)
                    if part.status == "CREATE_COMPLETE":
                        made.add(key)
                    elif part.status == "CREATE_FAILED" and is_name_conflict(part.reason or ""):
                        taken.add(key)
        return [part for key, part in found.items() if part.physical_id and key not in taken - made]

    def first_failure(self, stack_id: str) -> Part | None:
        """The first resource to fail as the stack was made or last updated: a cause, no consequence."""
        oldest: Part | None = None
        with calling():
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                for event in page["StackEvents"]:  # the newest first
                    reason, status = event.get("ResourceStatusReason", ""), event["ResourceStatus"]
                    is_stack = event.get("PhysicalResourceId") == event["StackId"]
                    if is_stack and status in _BEGINNINGS:
                        return oldest  # what came before is another operation's
                    if status.endswith("_FAILED") and is_cause(reason) and not is_stack:
                        oldest = _part(cast(Any, event))
        return oldest

    def delete(self, stack_id: str, *, token: str) -> None:
        """Start deleting a stack; nothing happens when it is deleted or being deleted."""
        with calling():
            self._client.delete_stack(
                StackName=stack_id,
                ClientRequestToken=token,
                **self._role,  # type: ignore[arg-type]
            )


def _part(told: Json) -> Part:
    return Part(
        type=told["ResourceType"],
        logical_id=told["LogicalResourceId"],
        physical_id=told.get("PhysicalResourceId", ""),
        status=told["ResourceStatus"],
        reason=told.get("ResourceStatusReason"),
    )


def is_cause(reason: str) -> bool:
    """Whether a failed resource failed by itself, and not because CloudFormation cancelled it for another."""
    return "cancelled" not in reason.lower()


def order_time(resource: ResourceState) -> datetime:
    """Return when a resource reached its state, in whole seconds."""
    return datetime.fromisoformat(resource.order[:19]).replace(tzinfo=UTC)


def resource_state(
    stack_id: str, resource_type: str, status: str, reason: str | None, at: str
) -> ResourceState:
    """One entry of an environment's `resources`.

    Its reason tells nothing of other environments than the stack's, and is short: there may be 500 of them.

    EventBridge gives times in whole seconds and no order within one, so `order` puts the state after the
    time: a resource is made, updated and deleted, and each of these is in progress before it is complete or
    has failed.
    """
    phase = next((n for n, begin in enumerate(_PHASES) if status.startswith(begin)), 0)
    rank = next((n for n, end in enumerate(_PROGRESS_RANKS) if status.endswith(end)), 0)
    environment_id = environment_of_stack(stack_id) or ""
    shown = redacted(reason, environment_id, RESOURCE_REASON_BYTES) if reason else None
    return ResourceState(resource_type, status, f"{at[:19]}#{phase}{rank}", shown)
