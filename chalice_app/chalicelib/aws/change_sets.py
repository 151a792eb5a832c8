"""How CloudFormation is asked to change a stack: a change set is made, looked at, carried out or thrown away.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.aws.errors import calling
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# What CloudFormation says of a change set that would do nothing: it has no code for that.
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_NO_CHANGE_SET = "ChangeSetNotFound"
_NOT_NOW = (_NO_CHANGE_SET, "InvalidChangeSetStatus")


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource; `replaced` is whether it may become another one.

    `is_gone`: it was deleted outside of CloudFormation, and is created again.
    """

    action: str
    logical_id: str
    physical_id: str
    type: str
    replaced: bool
    is_gone: bool = False

    @property
    def ends_it(self) -> bool:
        """The resource as it is now goes, or may go."""
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
        """CloudFormation is still finding out what it would do."""
        return self.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS")

    @property
    def does_nothing(self) -> bool:
        """The stack is already as it should be."""
        return self.status == "FAILED" and any(words in self.reason for words in _NOTHING)


class ChangeSets:
    """The calls of an update; errors come out as `AwsError`. Change sets are told by their stack and name."""

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
        """Begin to make a change set; one of that name stays as it is, so it may be asked for again.

        One that is aware of drift creates again what was deleted outside of CloudFormation; any other only
        compares templates, and does not notice:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
        """
        mode: Json = {"DeploymentMode": "REVERT_DRIFT"} if is_drift_aware else {}
        with calling("AlreadyExistsException"):
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
        """Describe a change set; None when there is none."""
        with calling(_NO_CHANGE_SET):
            pages: list[Any] = list(
                self._client.get_paginator("describe_change_set").paginate(
                    StackName=stack, ChangeSetName=name
                )
            )
            return ChangeSet(
                status=pages[-1]["Status"],
                execution=pages[-1].get("ExecutionStatus", ""),
                reason=pages[-1].get("StatusReason") or "",
                changes=tuple(
                    _change(told["ResourceChange"]) for page in pages for told in page.get("Changes", [])
                ),
            )
        return None

    def execute(self, stack: str, name: str) -> bool:
        """Begin to carry a change set out; False when it cannot be (any more): look at it again."""
        with calling(*_NOT_NOW):
            self._client.execute_change_set(
                StackName=stack, ChangeSetName=name, ClientRequestToken=f"{name}-execute"
            )
            return True
        return False

    def delete(self, stack: str, name: str) -> None:
        """Throw a change set away; one that is not there is gone."""
        with calling(_NO_CHANGE_SET):
            self._client.delete_change_set(StackName=stack, ChangeSetName=name)

    def continue_rollback(self, stack_id: str, *, token: str) -> None:
        """Try once more to take a failed update back."""
        with calling():
            self._client.continue_update_rollback(
                StackName=stack_id,
                ClientRequestToken=token,
                **self._role,  # type: ignore[arg-type]
            )


def _change(told: Json) -> Change:
    return Change(
        action=told["Action"],
        logical_id=told["LogicalResourceId"],
        physical_id=told.get("PhysicalResourceId") or "",
        type=told["ResourceType"],
        replaced=told.get("Replacement") in ("True", "Conditional"),
        is_gone=told.get("ResourceDriftStatus") == "DELETED",
    )
