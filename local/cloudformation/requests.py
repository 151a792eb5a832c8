"""CloudFormation's calls as moto's HTTP layer receives them, answered by our stacks.

moto parses the query protocol and writes the XML; only what its methods do is replaced. Calls that are not
here raise, so that nothing is answered from moto's own, always empty, list of stacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult

from local.cloudformation.resources import Json
from local.moto_patches.patching import loaded_when_called, replace_methods

# How moto itself would make resources, for which it loads all the services it has: half of the time that the
# embedded AWS takes to start. Ours makes them by calls.
with loaded_when_called("moto.cloudformation.parsing", "Export", "OutputMap", "ResourceMap"):
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.cloudformation.utils import get_stack_from_s3_url

_PAGE = 100


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


def tag_list(tags: Mapping[str, str]) -> list[Json]:
    """Tags as the API shows them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def replace_calls(handlers: Mapping[str, Callable[[CloudFormationResponse], Any]]) -> Callable[[], None]:
    """Replace moto's methods by the handlers of the same names. Return a function that restores them."""
    # moto's transformers of responses would change the handlers' results.
    no_transformers: dict[str, Any] = {"RESPONSE_KEY_PATH_TO_TRANSFORMER": {}}
    return replace_methods(CloudFormationResponse, {**handlers, **no_transformers})
