"""EventBridge events of stacks and their resources.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-events-eventbridge.html
"""

from __future__ import annotations

from local.aws.events import AwsEvent
from local.cloudformation.resources import Json
from local.cloudformation.stack import Resource, Stack


def status_event(region: str, stack: Stack, resource: Resource | None) -> AwsEvent:
    """Return the status change event of a resource, or of the stack itself if `resource` is None."""
    status, reason = (resource.status, resource.reason) if resource else (stack.status, stack.reason)
    detail: Json = {
        "stack-id": stack.id,
        "status-details": {"status": status, "status-reason": reason or ""},
        "client-request-token": stack.token or "",
    }
    kind = "CloudFormation Stack Status Change"
    if resource is not None:
        kind = "CloudFormation Resource Status Change"
        detail["logical-resource-id"] = resource.logical_id
        detail["physical-resource-id"] = resource.physical_id
        detail["resource-type"] = resource.type
    return AwsEvent(region, "aws.cloudformation", kind, detail, [stack.id])
