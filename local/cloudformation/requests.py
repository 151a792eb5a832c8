"""CloudFormation requests: parameters of moto's HTTP layer, and the replacement of moto's methods.

moto parses the query protocol and writes the XML. Only its methods are replaced. Unsupported calls raise an
error, because moto's own list of stacks is always empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult

from local.cloudformation.resources import Json
from local.moto_patches.patching import loaded_when_called, replace_methods

# moto would load all of its services to create resources, half of the emulator's start time. This
# implementation creates resources by calls.
with loaded_when_called("moto.cloudformation.parsing", "Export", "OutputMap", "ResourceMap"):
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.cloudformation.utils import get_stack_from_s3_url

_PAGE = 100


class Refused(ServiceException):
    """CloudFormation rejects the call: `Refused(code, message)`."""


@dataclass(frozen=True)
class StackRequest:
    """Parameters of CreateStack or an update.

    `by_url` tells whether the template came from a URL, which has a higher size limit. In an update, the
    stack's current values replace a `body` that is None, parameters that are None, and `tags` that are None.
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


def stack_request(
    request: CloudFormationResponse,
    body: str | None,
    on_failure: str,
    token: str = "ClientRequestToken",  # noqa: S107 - a parameter's name
) -> StackRequest:
    """Read the parameters of a call about a stack."""
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


def template_body(request: CloudFormationResponse) -> str:
    """Return the template of a call, from its body or its URL."""
    url, body = request._get_param("TemplateURL"), request._get_param("TemplateBody")
    if url:
        try:
            return str(get_stack_from_s3_url(url, request.current_account, request.partition))
        except Exception as error:  # moto raises errors of its S3, or an AttributeError
            raise Refused("ValidationError", f"S3 error: cannot read {url}: {error}") from error
    if not body:
        raise Refused("ValidationError", "Either Template URL or Template Body must be specified.")
    return str(body)


def page(request: CloudFormationResponse, key: str, items: list[Json], **more: Any) -> ActionResult:
    """Return a page of the items with the token of the next page."""
    start = int(request._get_param("NextToken") or 0)
    following = str(start + _PAGE) if start + _PAGE < len(items) else None
    return ActionResult({**more, key: items[start : start + _PAGE], "NextToken": following})


def tag_list(tags: Mapping[str, str]) -> list[Json]:
    """Return tags in the API's format."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def replace_calls(handlers: Mapping[str, Callable[[CloudFormationResponse], Any]]) -> Callable[[], None]:
    """Replace moto's methods by the handlers of the same names. Return a function that restores them."""
    # moto's transformers of responses would change the handlers' results.
    no_transformers: dict[str, Any] = {"RESPONSE_KEY_PATH_TO_TRANSFORMER": {}}
    return replace_methods(CloudFormationResponse, {**handlers, **no_transformers})
