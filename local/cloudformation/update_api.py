"""CloudFormation API calls about updates and change sets.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.responses import ActionResult, EmptyResult

from local.cloudformation.change_sets import ChangeSet, ChangeSets
from local.cloudformation.changes import Change, Detail
from local.cloudformation.requests import Refused, StackRequest, page, stack_request, tag_list, template_body
from local.cloudformation.resources import Json
from local.cloudformation.stacks import Stacks

if TYPE_CHECKING:
    from moto.cloudformation.responses import CloudFormationResponse

_UNSUPPORTED = (
    *("NotificationARNs", "ResourceTypes", "RollbackConfiguration", "StackPolicyBody", "StackPolicyURL"),
    *("StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL", "ResourcesToImport"),
)
_UNSUPPORTED_IF_TRUE = (
    "DisableRollback",
    "RetainExceptOnCreate",
    "IncludeNestedStacks",
    "ImportExistingResources",
)


class UpdateApi(Protocol):
    """CloudFormation operations that the calls use."""

    stacks: Stacks
    change_sets: ChangeSets

    def update_stack(self, request: StackRequest) -> str:
        """Start an update. Return the stack's ID."""

    def cancel_update(self, name_or_id: str, token: str | None) -> None:
        """Cancel a running update and roll it back."""

    def continue_rollback(
        self, name_or_id: str, token: str | None, skip: list[str], role_arn: str | None
    ) -> None:
        """Retry the rollback of an update."""


def calls(api: UpdateApi) -> dict[str, Callable[[CloudFormationResponse], Any]]:
    """Return the handlers of the calls, by the name of moto's method."""
    answers: tuple[Callable[[UpdateApi, CloudFormationResponse], Any], ...] = (
        *(update_stack, cancel_update_stack, continue_update_rollback),
        *(create_change_set, describe_change_set, list_change_sets, execute_change_set, delete_change_set),
        get_template,
    )
    return {answer.__name__: _method(api, answer) for answer in answers}


def _method(api: UpdateApi, answer: Callable[[UpdateApi, CloudFormationResponse], Any]) -> Any:
    @functools.wraps(answer)
    def method(self: CloudFormationResponse) -> Any:
        return answer(api, self)

    return method


def update_stack(api: UpdateApi, request: CloudFormationResponse) -> ActionResult:
    """UpdateStack."""
    return ActionResult({"StackId": api.update_stack(_update_request(request))})


def cancel_update_stack(api: UpdateApi, request: CloudFormationResponse) -> EmptyResult:
    """CancelUpdateStack."""
    api.cancel_update(request._get_param("StackName"), request._get_param("ClientRequestToken"))
    return EmptyResult()


def continue_update_rollback(api: UpdateApi, request: CloudFormationResponse) -> EmptyResult:
    """ContinueUpdateRollback."""
    api.continue_rollback(
        request._get_param("StackName"),
        request._get_param("ClientRequestToken"),
        request._get_param("ResourcesToSkip", []),
        request._get_param("RoleARN"),
    )
    return EmptyResult()


def create_change_set(api: UpdateApi, request: CloudFormationResponse) -> ActionResult:
    """CreateChangeSet, which has another parameter for its token."""
    mode = request._get_param("DeploymentMode")
    if mode not in (None, "REVERT_DRIFT"):
        raise Refused("ValidationError", f"Value '{mode}' at 'deploymentMode' failed to satisfy constraint")
    wanted = _update_request(request, token="ClientToken")  # noqa: S106 - a parameter's name
    made = api.change_sets.create(
        replace(wanted, reverts_drift=mode is not None),
        request._get_param("ChangeSetName"),
        request._get_param("ChangeSetType", "UPDATE"),
        request._get_param("Description"),
    )
    return ActionResult({"Id": made.id, "StackId": made.stack.id})


def describe_change_set(api: UpdateApi, request: CloudFormationResponse) -> ActionResult:
    """DescribeChangeSet."""
    found = _find(api, request)
    with_values = request._get_bool_param("IncludePropertyValues", False)
    changes = found.differences.resources if found.differences else []
    parameters = found.version.template.parameters
    return page(
        request,
        "Changes",
        [{"Type": "Resource", "ResourceChange": _change(change, with_values)} for change in changes],
        **_summary(found),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": ",".join(value) if isinstance(value, list) else value}
            for key, value in parameters.items()
        ],
        Capabilities=found.request.capabilities,
        Tags=tag_list(found.version.tags),
        NotificationARNs=[],
        RollbackConfiguration={},
        OnStackFailure=found.request.on_failure if found.is_new else None,
    )


def list_change_sets(api: UpdateApi, request: CloudFormationResponse) -> ActionResult:
    """ListChangeSets."""
    found = api.change_sets.of(api.stacks.find_live(request._get_param("StackName")))
    return page(request, "Summaries", [_summary(one) for one in found])


def execute_change_set(api: UpdateApi, request: CloudFormationResponse) -> EmptyResult:
    """ExecuteChangeSet."""
    _refuse_unsupported(request)
    api.change_sets.execute(_find(api, request), request._get_param("ClientRequestToken"))
    return EmptyResult()


def delete_change_set(api: UpdateApi, request: CloudFormationResponse) -> EmptyResult:
    """DeleteChangeSet."""
    api.change_sets.delete(request._get_param("ChangeSetName"), request._get_param("StackName"))
    return EmptyResult()


def get_template(api: UpdateApi, request: CloudFormationResponse) -> ActionResult:
    """GetTemplate, of a stack or of a change set."""
    if request._get_param("ChangeSetName"):
        return ActionResult({"TemplateBody": _find(api, request).version.body})
    return ActionResult({"TemplateBody": api.stacks.find(request._get_param("StackName") or "").version.body})


def _find(api: UpdateApi, request: CloudFormationResponse) -> ChangeSet:
    return api.change_sets.find(request._get_param("ChangeSetName"), request._get_param("StackName"))


def _update_request(request: CloudFormationResponse, token: str = "ClientRequestToken") -> StackRequest:  # noqa: S107
    _refuse_unsupported(request)
    is_previous = request._get_bool_param("UsePreviousTemplate", False)
    has_own = request._get_param("TemplateBody") or request._get_param("TemplateURL")
    if is_previous and has_own:
        raise Refused("ValidationError", "You cannot specify both usePreviousTemplate and a template.")
    body = None if is_previous else template_body(request)
    on_failure = request._get_param("OnStackFailure", "ROLLBACK")
    return stack_request(request, body, on_failure, token)


def _refuse_unsupported(request: CloudFormationResponse) -> None:
    named = [name for name in _UNSUPPORTED if request._get_param(name)]
    named += [name for name in _UNSUPPORTED_IF_TRUE if request._get_bool_param(name, False)]
    if named:
        raise Refused("ValidationError", f"The AWS emulator does not support {named[0]} of an update.")


def _summary(found: ChangeSet) -> Json:
    return {
        "ChangeSetId": found.id,
        "ChangeSetName": found.name,
        "StackId": found.stack.id,
        "StackName": found.stack.name,
        "Description": found.description,
        "CreationTime": found.created,
        "Status": found.status,
        "StatusReason": found.reason,
        "ExecutionStatus": found.execution_status,
        "IncludeNestedStacks": False,
        "DeploymentMode": "REVERT_DRIFT" if found.request.reverts_drift else None,
    }


def _change(change: Change, with_values: bool) -> Json:
    scopes = dict.fromkeys(detail.attribute for detail in change.details)
    shown: Json = {
        "PolicyAction": change.policy_action,
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "ResourceDriftStatus": change.drift,
        "Scope": list(scopes),
        "Details": [_detail(change, detail, with_values) for detail in change.details],
    }
    if with_values:
        for key, properties in (("BeforeContext", change.before), ("AfterContext", change.after)):
            shown[key] = None if properties is None else json.dumps({"Properties": properties})
    return shown


def _detail(change: Change, detail: Detail, with_values: bool) -> Json:
    target: Json = {
        "Attribute": detail.attribute,
        "Name": detail.name,
        "RequiresRecreation": detail.recreation,
    }
    if with_values and detail.name is not None:
        before, after = (change.before or {}).get(detail.name), (change.after or {}).get(detail.name)
        kind = "Add" if before is None else "Remove" if after is None else "Modify"
        target |= {"Path": f"/Properties/{detail.name}", "AttributeChangeType": kind}
        target |= {"BeforeValue": _text(before), "AfterValue": _text(after)}
    return {
        "Target": target,
        "Evaluation": "Static" if detail.is_static else "Dynamic",
        "ChangeSource": detail.source,
        "CausingEntity": detail.entity,
    }


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
