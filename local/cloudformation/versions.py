"""Versions of stacks: validates a request as CloudFormation does before it starts an operation."""

from __future__ import annotations

import dataclasses
from typing import Any

from local.cloudformation.parameters import TemplateError
from local.cloudformation.requests import Refused, StackRequest
from local.cloudformation.resources import HANDLERS
from local.cloudformation.stack import Stack, Version
from local.cloudformation.template import Template

_BODY_LIMIT = 51_200
_URL_LIMIT = 1024 * 1024
_TAGS_LIMIT = 50
NOTHING = '{"Resources": {}}'
"""Template of a stack in review."""


def version_of(request: StackRequest, stack_id: str) -> Version:
    """Return the version of a complete request. Raises `Refused` if it is invalid."""
    body, by_url = request.body or "", request.by_url
    limit = _URL_LIMIT if by_url else _BODY_LIMIT
    if len(body.encode()) > limit:
        raise Refused("ValidationError", f"Template may not exceed {limit} bytes in size.")
    tags = request.tags or {}
    if len(tags) > _TAGS_LIMIT:
        raise Refused("ValidationError", f"Stack may not have more than {_TAGS_LIMIT} tags.")
    parameters = {name: value for name, value in request.parameters.items() if value is not None}
    try:
        template = Template(body, parameters, _pseudo(stack_id))
        order = template.order()
    except TemplateError as error:
        raise Refused("ValidationError", str(error)) from error
    needed = template.capability
    if needed and not {needed, "CAPABILITY_NAMED_IAM"} & set(request.capabilities):
        raise Refused("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
    unknown = sorted({resource["Type"] for resource in template.resources.values()} - HANDLERS.keys())
    if unknown:
        raise Refused(
            "ValidationError",
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]",
        )
    return Version(body, template, tags, order)


def with_previous(request: StackRequest, stack: Stack) -> StackRequest:
    """Complete a request with the current values of the stack."""
    earlier = stack.template.parameters
    for name, value in request.parameters.items():
        if value is None and name not in earlier:
            raise Refused(
                "ValidationError",
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
                "parameter key not in the previous template",
            )
    return dataclasses.replace(
        request,
        body=stack.version.body if request.body is None else request.body,
        by_url=request.by_url or request.body is None,
        parameters={
            name: _text(earlier[name]) if value is None else value
            for name, value in request.parameters.items()
        },
        tags=stack.tags if request.tags is None else request.tags,
    )


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _pseudo(stack_id: str) -> dict[str, str]:
    _, _, _, region, account, place = stack_id.split(":")
    return {
        "AWS::AccountId": account,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": place.split("/")[1],
        "AWS::URLSuffix": "amazonaws.com",
    }
