"""CloudFormation's calls as moto's HTTP layer receives them, answered by our stacks.

moto parses the query protocol and writes the XML; only what its methods do is replaced. Calls that are not
here raise, so that nothing is answered from moto's own, always empty, list of stacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from local.cloudformation.parameters import TemplateError
from local.cloudformation.resources import Json
from local.cloudformation.stack import Resource, Stack
from local.cloudformation.template import parse
from local.patching import loaded_when_called, replace_methods

# How moto itself would make resources, for which it loads all the services it has: half of the time that the
# embedded AWS takes to start. Ours makes them by calls.
with loaded_when_called("moto.cloudformation.parsing", "Export", "OutputMap", "ResourceMap"):
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.cloudformation.utils import get_stack_from_s3_url

_PAGE = 100
_UNSUPPORTED = (
    *("list_exports", "get_stack_policy", "set_stack_policy", "create_stack_set"),
    *("describe_change_set_hooks", "detect_stack_drift", "rollback_stack", "update_termination_protection"),
)


class Refused(ServiceException):
    """CloudFormation refuses a call: `Refused(code, message)`."""


@dataclass(frozen=True)
class StackRequest:
    """What CreateStack or an update is asked; `by_url` tells where the body came from, for its limit of size.

    An update takes from the stack as it is: the template where `body` is None, the values of the parameters
    that are None, and all the tags where they are None.
    """

    name: str
    body: str | None
    by_url: bool
    parameters: dict[str, str | None]
    tags: dict[str, str] | None
    capabilities: list[str]
    role_arn: str | None
    token: str | None
    on_failure: str
    reverts_drift: bool = False


class Api(Protocol):
    """What the calls need."""

    def create_stack(self, request: StackRequest) -> str:
        """Begin a stack; its id."""

    def delete_stack(
        self, name_or_id: str, token: str | None, retain: list[str], role_arn: str | None
    ) -> None:
        """Begin to delete a stack."""

    def find(self, name_or_id: str) -> Stack:
        """A stack; `Refused` when there is none."""

    def stacks(self, *, deleted: bool) -> list[Stack]:
        """All stacks, newest first."""


def replace_moto(api: Api, more: Mapping[str, Callable[[CloudFormationResponse], Any]]) -> Callable[[], None]:
    """Replace what moto's methods do, by calls of the API and by some more; gives what puts them back."""
    calls: dict[str, Callable[[Api, CloudFormationResponse], Any]] = {
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
    calls |= {name: _unsupported(name) for name in _UNSUPPORTED}
    methods = {name: _method(api, calls[name]) for name in calls}
    as_it_is: dict[str, Any] = {"RESPONSE_KEY_PATH_TO_TRANSFORMER": {}}  # moto would rewrite our answers
    return replace_methods(CloudFormationResponse, {**methods, **more, **as_it_is})


def _method(api: Api, call: Callable[[Api, CloudFormationResponse], Any]) -> Any:
    def method(self: CloudFormationResponse) -> Any:
        return call(api, self)

    return method


def _unsupported(name: str) -> Callable[[Api, CloudFormationResponse], Any]:
    def call(_api: Api, _request: CloudFormationResponse) -> Any:
        raise Refused("ValidationError", f"The embedded AWS does not support {name} of CloudFormation.")

    return call


def _create_stack(api: Api, request: CloudFormationResponse) -> ActionResult:
    on_failure = request._get_param("OnFailure", "ROLLBACK")
    if request._get_bool_param("DisableRollback", False):
        on_failure = "DO_NOTHING"
    for name in ("TimeoutInMinutes", "EnableTerminationProtection", "StackPolicyBody", "NotificationARNs"):
        if request._get_param(name):
            raise Refused("ValidationError", f"The embedded AWS does not support {name} of CreateStack.")
    wanted = stack_request(request, template_body(request), on_failure)
    return ActionResult({"StackId": api.create_stack(wanted)})


def stack_request(
    request: CloudFormationResponse,
    body: str | None,
    on_failure: str,
    token: str = "ClientRequestToken",  # noqa: S107 - a parameter's name
) -> StackRequest:
    """What the parameters of a call say of a stack."""
    tags = request._get_param("Tags")
    return StackRequest(
        name=request._get_param("StackName"),
        body=body,
        by_url=bool(request._get_param("TemplateURL")),
        parameters={
            parameter["ParameterKey"]: None
            if parameter.get("UsePreviousValue")
            else parameter["ParameterValue"]
            for parameter in request._get_param("Parameters", [])
        },
        tags=None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
        capabilities=request._get_param("Capabilities", []),
        role_arn=request._get_param("RoleARN"),
        token=request._get_param(token),
        on_failure=on_failure,
    )


def _delete_stack(api: Api, request: CloudFormationResponse) -> EmptyResult:
    api.delete_stack(
        request._get_param("StackName"),
        request._get_param("ClientRequestToken"),
        request._get_param("RetainResources", []),
        request._get_param("RoleARN"),
    )
    return EmptyResult()


def _describe_stacks(api: Api, request: CloudFormationResponse) -> ActionResult:
    name = request._get_param("StackName")
    stacks = [api.find(name)] if name else api.stacks(deleted=False)
    return page(request, "Stacks", [_stack(stack) for stack in stacks])


def _list_stacks(api: Api, request: CloudFormationResponse) -> ActionResult:
    wanted = request._get_param("StackStatusFilter", [])
    stacks = [stack for stack in api.stacks(deleted=True) if not wanted or stack.status in wanted]
    return page(request, "StackSummaries", [_summary(stack) for stack in stacks])


def _describe_stack_events(api: Api, request: CloudFormationResponse) -> ActionResult:
    stack = _find(api, request)
    with stack.lock:
        events = stack.events[::-1]
    return page(request, "StackEvents", events)


def _describe_stack_resources(api: Api, request: CloudFormationResponse) -> ActionResult:
    stack, wanted = _find(api, request), request._get_param("LogicalResourceId")
    with stack.lock:
        found = [r for r in stack.resources.values() if wanted in (None, r.logical_id)]
    shown = [
        {**_resource(r), "StackName": stack.name, "StackId": stack.id, "Timestamp": r.updated} for r in found
    ]
    return ActionResult({"StackResources": shown})


def _describe_stack_resource(api: Api, request: CloudFormationResponse) -> ActionResult:
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


def _list_stack_resources(api: Api, request: CloudFormationResponse) -> ActionResult:
    stack = _find(api, request)
    with stack.lock:
        shown = [{**_resource(r), "LastUpdatedTimestamp": r.updated} for r in stack.resources.values()]
    return page(request, "StackResourceSummaries", shown)


def _get_template_summary(api: Api, request: CloudFormationResponse) -> ActionResult:
    if request._get_param("StackName"):
        return _described(_find(api, request).version.body)
    return _described(template_body(request))


def _validate_template(_api: Api, request: CloudFormationResponse) -> ActionResult:
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


def _find(api: Api, request: CloudFormationResponse) -> Stack:
    return api.find(request._get_param("StackName") or "")


def template_body(request: CloudFormationResponse) -> str:
    """The template that a call brings or points at."""
    url, body = request._get_param("TemplateURL"), request._get_param("TemplateBody")
    if url:
        try:
            return str(get_stack_from_s3_url(url, request.current_account, request.partition))
        except Exception as error:  # moto raises what its S3 raises, or an AttributeError
            raise Refused("ValidationError", f"S3 error: cannot read {url}: {error}") from error
    if not body:
        raise Refused("ValidationError", "Either Template URL or Template Body must be specified.")
    return str(body)


def page(request: CloudFormationResponse, key: str, items: list[Json], **more: Any) -> ActionResult:
    """A hundred of the items, and where the next ones are."""
    start = int(request._get_param("NextToken") or 0)
    following = str(start + _PAGE) if start + _PAGE < len(items) else None
    return ActionResult({**more, key: items[start : start + _PAGE], "NextToken": following})


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


def tag_list(tags: Mapping[str, str]) -> list[Json]:
    """Tags as the API shows them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


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
