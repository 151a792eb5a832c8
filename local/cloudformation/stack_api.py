"""CloudFormation API calls about stacks, templates and their resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.responses import ActionResult, EmptyResult

from local.cloudformation.parameters import TemplateError
from local.cloudformation.requests import (
    Refused,
    StackRequest,
    page,
    stack_request,
    tag_list,
    template_body,
)
from local.cloudformation.resources import Json
from local.cloudformation.stack import Resource, Stack
from local.cloudformation.stacks import Stacks
from local.cloudformation.template import parse

if TYPE_CHECKING:
    from moto.cloudformation.responses import CloudFormationResponse

_UNSUPPORTED = (
    *("list_exports", "get_stack_policy", "set_stack_policy", "create_stack_set"),
    *(
        "describe_change_set_hooks",
        "detect_stack_resource_drift",
        "rollback_stack",
        "update_termination_protection",
    ),
)


class StackApi(Protocol):
    """CloudFormation operations that the calls use."""

    stacks: Stacks

    def create_stack(self, request: StackRequest) -> str:
        """Start to create a stack. Return its ID."""

    def delete_stack(
        self, name_or_id: str, token: str | None, retain: list[str], role_arn: str | None
    ) -> None:
        """Start to delete a stack."""


def calls(api: StackApi) -> dict[str, Callable[[CloudFormationResponse], Any]]:
    """Return the handlers of the calls, by the name of moto's method."""
    handlers: dict[str, Callable[[StackApi, CloudFormationResponse], Any]] = {
        "create_stack": _create_stack,
        "delete_stack": _delete_stack,
        "describe_stacks": _describe_stacks,
        "describe_stack_events": _describe_stack_events,
        "describe_stack_resource": _describe_stack_resource,
        "describe_stack_resources": _describe_stack_resources,
        "list_stack_resources": _list_stack_resources,
        "list_stacks": _list_stacks,
        "validate_template": _validate_template,
        "get_template_summary": _get_template_summary,
    }
    handlers |= {name: _unsupported(name) for name in _UNSUPPORTED}
    return {name: _method(api, handler) for name, handler in handlers.items()}


def _method(api: StackApi, call: Callable[[StackApi, CloudFormationResponse], Any]) -> Any:
    def method(self: CloudFormationResponse) -> Any:
        return call(api, self)

    return method


def _unsupported(name: str) -> Callable[[StackApi, CloudFormationResponse], Any]:
    def call(_api: StackApi, _request: CloudFormationResponse) -> Any:
        raise Refused("ValidationError", f"The AWS emulator does not support {name} of CloudFormation.")

    return call


def _create_stack(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    on_failure = request._get_param("OnFailure", "ROLLBACK")
    if request._get_bool_param("DisableRollback", False):
        on_failure = "DO_NOTHING"
    for name in ("TimeoutInMinutes", "EnableTerminationProtection", "StackPolicyBody", "NotificationARNs"):
        if request._get_param(name):
            raise Refused("ValidationError", f"The AWS emulator does not support {name} of CreateStack.")
    wanted = stack_request(request, template_body(request), on_failure)
    return ActionResult({"StackId": api.create_stack(wanted)})


def _delete_stack(api: StackApi, request: CloudFormationResponse) -> EmptyResult:
    api.delete_stack(
        request._get_param("StackName"),
        request._get_param("ClientRequestToken"),
        request._get_param("RetainResources", []),
        request._get_param("RoleARN"),
    )
    return EmptyResult()


def _describe_stacks(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    name = request._get_param("StackName")
    stacks = [api.stacks.find(name)] if name else api.stacks.newest_first(deleted=False)
    return page(request, "Stacks", [_stack(stack) for stack in stacks])


def _list_stacks(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    wanted = request._get_param("StackStatusFilter", [])
    stacks = [
        stack for stack in api.stacks.newest_first(deleted=True) if not wanted or stack.status in wanted
    ]
    return page(request, "StackSummaries", [_summary(stack) for stack in stacks])


def _describe_stack_events(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    stack = _find(api, request)
    with stack.lock:
        events = stack.events[::-1]
    return page(request, "StackEvents", events)


def _describe_stack_resources(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    stack, wanted = _find(api, request), request._get_param("LogicalResourceId")
    with stack.lock:
        found = [r for r in stack.resources.values() if wanted in (None, r.logical_id)]
    shown = [
        {**_resource(r), "StackName": stack.name, "StackId": stack.id, "Timestamp": r.updated} for r in found
    ]
    return ActionResult({"StackResources": shown})


def _describe_stack_resource(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    stack, wanted = _find(api, request), request._get_param("LogicalResourceId")
    resource = stack.resources.get(wanted)
    if resource is None:
        raise Refused("ValidationError", f"Resource {wanted} does not exist for stack {stack.name}")
    detail = {
        **_resource(resource),
        "StackName": stack.name,
        "StackId": stack.id,
        "LastUpdatedTimestamp": resource.updated,
    }
    return ActionResult({"StackResourceDetail": detail})


def _list_stack_resources(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    stack = _find(api, request)
    with stack.lock:
        shown = [{**_resource(r), "LastUpdatedTimestamp": r.updated} for r in stack.resources.values()]
    return page(request, "StackResourceSummaries", shown)


def _get_template_summary(api: StackApi, request: CloudFormationResponse) -> ActionResult:
    if request._get_param("StackName"):
        return _described(_find(api, request).version.body)
    return _described(template_body(request))


def _validate_template(_api: StackApi, request: CloudFormationResponse) -> ActionResult:
    return _described(template_body(request))


def _described(body: str) -> ActionResult:
    try:
        template = parse(body)
    except TemplateError as error:
        raise Refused("ValidationError", str(error)) from error
    parameters = [
        {
            "ParameterKey": name,
            "DefaultValue": str(rule["Default"]) if "Default" in rule else None,
            "Description": rule.get("Description"),
        }
        for name, rule in (template.get("Parameters") or {}).items()
    ]
    types = sorted({resource["Type"] for resource in template["Resources"].values()})
    return ActionResult(
        {
            "Description": template.get("Description"),
            "Parameters": parameters,
            "ResourceTypes": types,
        }
    )


def _find(api: StackApi, request: CloudFormationResponse) -> Stack:
    return api.stacks.find(request._get_param("StackName") or "")


def _stack(stack: Stack) -> Json:
    with stack.lock:
        return {
            **_summary(stack),
            "Description": stack.template.description,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": str(value)}
                for key, value in stack.template.parameters.items()
            ],
            "Capabilities": [stack.template.capability] if stack.template.capability else [],
            "Outputs": stack.outputs,
            "RoleARN": stack.role_arn,
            "Tags": tag_list(stack.tags),
            "DisableRollback": stack.on_failure == "DO_NOTHING",
        }


def _summary(stack: Stack) -> Json:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
    }


def _resource(resource: Resource) -> Json:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
    }
