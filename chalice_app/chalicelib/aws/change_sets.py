"""CloudFormation client for change sets: creates, describes, executes and deletes them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.aws.cloudformation import REPEATED_TOKEN, shown_id
from chalicelib.aws.errors import AwsError, call_or_none, calling
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# Status reasons of a change set without changes, for which CloudFormation has no code.
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_NO_CHANGE_SET = "ChangeSetNotFound"
_NOT_EXECUTABLE = (_NO_CHANGE_SET, "InvalidChangeSetStatus")


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource. `replaced` is whether it may replace the resource.

    `is_gone` is whether the resource was deleted outside of CloudFormation, so that it is created again, and
    `is_drifted` whether it was deleted or modified.
    """

    action: str
    logical_id: str
    physical_id: str
    type: str
    replaced: bool
    is_gone: bool = False
    is_drifted: bool = False

    @property
    def ends_it(self) -> bool:
        """Return whether the change deletes, or may delete, the present resource."""
        return not self.is_gone and (self.action == "Remove" or self.replaced)


@dataclass(frozen=True)
class ChangeSet:
    """A change set as CloudFormation describes it now."""

    status: str
    execution: str
    reason: str
    changes: tuple[Change, ...]

    @property
    def in_making(self) -> bool:
        """Return whether CloudFormation is still creating the change set."""
        return self.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS")

    @property
    def does_nothing(self) -> bool:
        """Return whether the change set has no changes."""
        return self.status == "FAILED" and any(words in self.reason for words in _NOTHING)


class ChangeSets:
    """Creates, executes and deletes change sets, identified by stack and name. Methods raise `AwsError`."""

    def __init__(self, client: CloudFormationClient, role_arn: str | None = None) -> None:
        self._client = client
        self._role = {"RoleARN": role_arn} if role_arn else {}

    def create(
        self,
        stack: str,
        name: str,
        *,
        template_url: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        is_drift_aware: bool = False,
    ) -> None:
        """Start creating a change set. Keeps an existing one with the name, so a retry is safe.

        A drift-aware change set recreates resources that were deleted outside of CloudFormation. Any other
        only compares templates and does not detect them:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
        """
        mode: Json = {"DeploymentMode": "REVERT_DRIFT"} if is_drift_aware else {}
        with calling(ignore={"AlreadyExistsException"}):
            self._client.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType="UPDATE",
                ClientToken=name,
                TemplateURL=template_url,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
                **mode,
                **self._role,  # type: ignore[arg-type]  # the stubs cannot see an optional key
            )

    def find(self, stack: str, name: str) -> ChangeSet | None:
        """Return a change set, or None if it does not exist."""
        paginator = self._client.get_paginator("describe_change_set")
        pages: Any = call_or_none(
            lambda: list(paginator.paginate(StackName=stack, ChangeSetName=name)), _NO_CHANGE_SET
        )
        if pages is None:
            return None
        return ChangeSet(
            status=pages[-1]["Status"],
            execution=pages[-1].get("ExecutionStatus", ""),
            reason=pages[-1].get("StatusReason") or "",
            changes=tuple(
                _change(entry["ResourceChange"]) for page in pages for entry in page.get("Changes", [])
            ),
        )

    def execute(self, stack: str, name: str) -> bool:
        """Start executing a change set. Returns False if its state does not allow it or it does not exist.

        Returns True for a repeated call, which CloudFormation accepted before.
        """
        try:
            with calling(ignore={REPEATED_TOKEN}):
                self._client.execute_change_set(
                    StackName=stack, ChangeSetName=name, ClientRequestToken=f"{name}-execute"
                )
        except AwsError as error:
            if error.code in _NOT_EXECUTABLE:
                return False
            raise
        return True

    def delete(self, stack: str, name: str) -> None:
        """Delete a change set. Does nothing if it does not exist."""
        with calling(ignore={_NO_CHANGE_SET}):
            self._client.delete_change_set(StackName=stack, ChangeSetName=name)

    def continue_rollback(self, stack_id: str, *, token: str) -> None:
        """Continue the rollback of a failed update. Does nothing for a repeated token."""
        with calling(ignore={REPEATED_TOKEN}):
            self._client.continue_update_rollback(
                StackName=stack_id,
                ClientRequestToken=token,
                **self._role,  # type: ignore[arg-type]
            )


def _change(described: Json) -> Change:
    return Change(
        action=described["Action"],
        logical_id=described["LogicalResourceId"],
        physical_id=shown_id(described["ResourceType"], described.get("PhysicalResourceId") or ""),
        type=described["ResourceType"],
        replaced=described.get("Replacement") in ("True", "Conditional"),
        is_gone=described.get("ResourceDriftStatus") == "DELETED",
        is_drifted=described.get("ResourceDriftStatus") in ("DELETED", "MODIFIED"),
    )
