"""CloudFormation client: creates, describes and deletes stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.errors import AwsRefused, AwsUnavailable, calling
from chalicelib.domain.byte_limits import RESOURCE_REASON_BYTES
from chalicelib.domain.environment_parts import ResourceState
from chalicelib.domain.failures import is_name_conflict, redacted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import environment_of_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

REPEATED_TOKEN = "TokenAlreadyExistsException"  # noqa: S105 - an error code
"""CloudFormation accepted an earlier call with the same token, whose response was lost.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html#API_CreateStack_Errors
"""
TABLE = "AWS::Glue::Table"
_ALREADY_EXISTS = ("AlreadyExistsException", REPEATED_TOKEN)
_COMPLETE = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
)
_STARTS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
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
        """Return whether CloudFormation is working on the stack."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_complete(self) -> bool:
        """Return whether the last operation left a usable stack, including a rolled-back update."""
        return self.status in _COMPLETE

    @property
    def is_removed(self) -> bool:
        """Return whether the stack is deleted, is being deleted, or failed to be deleted."""
        return self.status.startswith("DELETE_")

    @property
    def is_gone(self) -> bool:
        """Return whether the stack is deleted. CloudFormation still describes it."""
        return self.status == "DELETE_COMPLETE"


@dataclass(frozen=True)
class StackResource:
    """A resource of a stack, in the last state that CloudFormation reported.

    `physical_id` is CloudFormation's, see `shown_id`.
    """

    type: str
    logical_id: str
    physical_id: str
    status: str
    reason: str | None = None


class Stacks:
    """Creates, describes and deletes stacks. Methods raise `AwsError`."""

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
        """Start creating a stack and return its ID.

        Returns an existing stack with the name, which an earlier call created whose response was lost. Raises
        `AwsUnavailable` if CloudFormation accepted such a call but does not show the stack.
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
            existing = self.find(name) if refused.code in _ALREADY_EXISTS else None
            if existing is not None:
                return existing.id
            if refused.code == REPEATED_TOKEN:
                raise AwsUnavailable(refused.code, refused.message) from refused
            raise

    def find(self, name_or_id: str) -> Stack | None:
        """Return a stack, or None if it does not exist. Finds deleted stacks only by ID."""
        try:
            with calling():
                stack = self._client.describe_stacks(StackName=name_or_id)["Stacks"][0]
        except AwsRefused as refused:  # CloudFormation has no error code for a missing stack
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
        """Return the state of every resource of a stack by logical ID."""
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

    def current(self, stack_id: str) -> list[StackResource]:
        """Return the present resources of a stack that is not deleted."""
        with calling():
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return [_part(cast(Any, summary)) for page in pages for summary in page["StackResourceSummaries"]]

    def parts(self, stack: Stack) -> list[StackResource]:
        """Return every resource that a stack has ever created, including replaced ones.

        The stack may be deleted. Excludes resources whose creation failed because of a name conflict: they
        belong to another stack. CloudFormation keeps events for 90 days, so the present resources of a stack
        that is not deleted are listed as well.
        """
        found: dict[tuple[str, str], StackResource] = {}
        made, conflicting = set(), set()
        with calling():
            if not stack.is_gone:
                for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack.id):
                    for summary in page["StackResourceSummaries"]:
                        part = _part(cast(Any, summary))
                        found[part.type, part.physical_id] = part
            for events in self._client.get_paginator("describe_stack_events").paginate(StackName=stack.id):
                for event in events["StackEvents"]:
                    part = _part(cast(Any, event))
                    key = part.type, part.physical_id
                    if part.physical_id != event["StackId"]:
                        found.setdefault(key, part)
                    if part.status == "CREATE_COMPLETE":
                        made.add(key)
                    elif part.status == "CREATE_FAILED" and is_name_conflict(part.reason or ""):
                        conflicting.add(key)
        return [part for key, part in found.items() if part.physical_id and key not in conflicting - made]

    def first_failure(self, stack_id: str) -> StackResource | None:
        """Return the resource that failed first in the last creation or update, or None.

        Excludes resources that CloudFormation cancelled because another one failed.
        """
        oldest: StackResource | None = None
        with calling():
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                for event in page["StackEvents"]:  # newest first
                    reason, status = event.get("ResourceStatusReason", ""), event["ResourceStatus"]
                    is_stack = event.get("PhysicalResourceId") == event["StackId"]
                    if is_stack and status in _STARTS:
                        return oldest  # earlier events belong to another operation
                    if status.endswith("_FAILED") and is_cause(reason) and not is_stack:
                        oldest = _part(cast(Any, event))
        return oldest

    def delete(self, stack_id: str, *, token: str) -> None:
        """Start deleting a stack. Does nothing if it is deleted or being deleted, or for a repeated token."""
        with calling(ignore={REPEATED_TOKEN}):
            self._client.delete_stack(
                StackName=stack_id,
                ClientRequestToken=token,
                **self._role,  # type: ignore[arg-type]
            )


def _part(described: Json) -> StackResource:
    return StackResource(
        type=described["ResourceType"],
        logical_id=described["LogicalResourceId"],
        physical_id=shown_id(described["ResourceType"], described.get("PhysicalResourceId", "")),
        status=described["ResourceStatus"],
        reason=described.get("ResourceStatusReason"),
    )


def shown_id(resource_type: str, physical_id: str) -> str:
    """Return a physical ID. That of a table is `table` or `database|table`, without the catalog.

    The registry identifies a table by its catalog, which is an account ID, its database and its name.
    CloudFormation joins the parts of such an identifier with "|". The documentation of AWS::Glue::Table
    promises only the name:
    https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html and
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-glue-table.html
    """
    return "|".join(physical_id.split("|")[-2:]) if resource_type == TABLE else physical_id


def is_cause(reason: str) -> bool:
    """Return whether a resource failed, rather than being cancelled because another one failed."""
    return "cancelled" not in reason.lower()


def order_time(resource: ResourceState) -> datetime:
    """Return when a resource reached its state, in whole seconds."""
    return datetime.fromisoformat(resource.order[:19]).replace(tzinfo=UTC)


def resource_state(
    stack_id: str, resource_type: str, status: str, reason: str | None, at: str
) -> ResourceState:
    """Return one entry of an environment's `resources`.

    The reason is redacted for the stack's environment and cut, because a stack can have 500 resources.

    EventBridge has times in whole seconds and no order within one. So `order` is the time followed by two
    digits for the status: CREATE, UPDATE, DELETE, then IN_PROGRESS, COMPLETE, FAILED.
    """
    phase = next((n for n, begin in enumerate(_PHASES) if status.startswith(begin)), 0)
    rank = next((n for n, end in enumerate(_PROGRESS_RANKS) if status.endswith(end)), 0)
    environment_id = environment_of_stack(stack_id) or ""
    shown = redacted(reason, environment_id, RESOURCE_REASON_BYTES) if reason else None
    return ResourceState(resource_type, status, f"{at[:19]}#{phase}{rank}", shown)
