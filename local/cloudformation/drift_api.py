"""CloudFormation API calls about drift.

Drift is detected with the permissions of the caller, not with those of the stack's role:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from local.aws.clients import Credentials
from local.cloudformation.drift import Difference, ResourceDrift
from local.cloudformation.provisioner import Tools, reason_of
from local.cloudformation.requests import Refused, page
from local.cloudformation.resources import Json
from local.cloudformation.stack import Stack
from local.cloudformation.stacks import Stacks
from local.cloudformation.threads import Runner

if TYPE_CHECKING:
    from moto.cloudformation.responses import CloudFormationResponse

_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
"""States of a stack in which drift can be detected."""

ToolsOf = Callable[[Credentials], Tools]
Detect = Callable[[Stack, Tools], list[ResourceDrift]]


@dataclass
class Detection:
    """One drift detection."""

    id: str
    stack: Stack
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "DETECTION_IN_PROGRESS"
    reason: str | None = None
    found: list[ResourceDrift] = field(default_factory=list)

    @property
    def drifted(self) -> list[ResourceDrift]:
        """Resources that differ from the template."""
        return [one for one in self.found if one.status != "IN_SYNC"]

    @property
    def stack_status(self) -> str:
        """StackDriftStatus."""
        if self.status == "DETECTION_COMPLETE":
            return "DRIFTED" if self.drifted else "IN_SYNC"
        return "UNKNOWN" if self.status == "DETECTION_FAILED" else "NOT_CHECKED"


class DriftDetections:
    """All drift detections. One takes `seconds`, and reads resources with the caller's credentials."""

    def __init__(
        self, stacks: Stacks, detect: Detect, tools_of: ToolsOf, runner: Runner, seconds: float
    ) -> None:
        self._stacks = stacks
        self._detect = detect
        self._tools_of = tools_of
        self._runner = runner
        self._seconds = seconds
        self._all: dict[str, Detection] = {}

    def calls(self) -> dict[str, Callable[[CloudFormationResponse], Any]]:
        """Return the handlers of the calls, by the name of moto's method."""

        def method(handler: Callable[[CloudFormationResponse], ActionResult]) -> Any:
            return lambda request: handler(request)

        return {
            "detect_stack_drift": method(self._start),
            "describe_stack_drift_detection_status": method(self._status),
            "describe_stack_resource_drifts": method(self._resources),
        }

    def _start(self, request: CloudFormationResponse) -> ActionResult:
        """DetectStackDrift."""
        if request._get_param("LogicalResourceIds"):
            raise Refused(
                "ValidationError", "The AWS emulator does not support LogicalResourceIds of DetectStackDrift."
            )
        stack = self._stacks.find_live(request._get_param("StackName"))
        with stack.lock:
            if stack.status not in _SETTLED:
                message = f"Drift detection cannot be performed on stack in [{stack.status}] state."
                raise Refused("ValidationError", message)
            if any(one.status == "DETECTION_IN_PROGRESS" for one in self._of(stack)):
                message = f"Drift detection is already in progress for stack [{stack.id}]"
                raise Refused("ValidationError", message)
            made = self._all.setdefault(new := str(uuid.uuid4()), Detection(new, stack))
        tools = self._tools_of(Credentials.of_caller(request.headers))
        self._runner.start(f"drift {stack.name}", lambda: self._run(made, tools))
        return ActionResult({"StackDriftDetectionId": made.id})

    def _run(self, detection: Detection, tools: Tools) -> None:
        self._runner.wait(self._seconds)
        try:
            detection.found = self._detect(detection.stack, tools)
        except Exception as error:  # any error makes the detection fail
            detection.reason = f"Failed to detect drift: {reason_of(error)}"
            detection.status = "DETECTION_FAILED"
        else:
            detection.status = "DETECTION_COMPLETE"

    def _status(self, request: CloudFormationResponse) -> ActionResult:
        """DescribeStackDriftDetectionStatus."""
        wanted = request._get_param("StackDriftDetectionId")
        found = self._all.get(wanted)
        if found is None:
            raise Refused("ValidationError", f"Drift detection operation [{wanted}] does not exist")
        return ActionResult(
            {
                "StackId": found.stack.id,
                "StackDriftDetectionId": found.id,
                "StackDriftStatus": found.stack_status,
                "DetectionStatus": found.status,
                "DetectionStatusReason": found.reason,
                "DriftedStackResourceCount": len(found.drifted),
                "Timestamp": found.began,
            }
        )

    def _resources(self, request: CloudFormationResponse) -> ActionResult:
        """DescribeStackResourceDrifts, of the latest detection."""
        stack = self._stacks.find(request._get_param("StackName"))
        wanted = request._get_param("StackResourceDriftStatusFilters", [])
        ended = [one for one in self._of(stack) if one.status == "DETECTION_COMPLETE"]
        found = ended[-1].found if ended else []
        shown = [_resource(stack, one) for one in found if not wanted or one.status in wanted]
        return page(request, "StackResourceDrifts", shown)

    def _of(self, stack: Stack) -> list[Detection]:
        return [one for one in list(self._all.values()) if one.stack is stack]


def _resource(stack: Stack, drift: ResourceDrift) -> Json:
    resource = drift.resource
    return {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ExpectedProperties": json.dumps(drift.expected, default=str),
        "ActualProperties": None if drift.actual is None else json.dumps(drift.actual, default=str),
        "PropertyDifferences": [_difference(one) for one in drift.differences],
        "StackResourceDriftStatus": drift.status,
        "Timestamp": drift.at,
    }


def _difference(one: Difference) -> Json:
    return {
        "PropertyPath": one.path,
        "ExpectedValue": _text(one.expected),
        "ActualValue": _text(one.actual),
        "DifferenceType": one.type,
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
