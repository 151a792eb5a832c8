"""CloudFormation client for drift detection. Its methods raise `AwsError`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.aws.errors import AwsRefused, calling
from chalicelib.domain.byte_limits import cut
from chalicelib.domain.drift import DriftedResource, PropertyDifference
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceDriftTypeDef

_MOST_RESOURCES = 200
_MOST_DIFFERENCES = 50
_VALUE_BYTES = 1000


class StackDrift:
    """Detects the drift of stacks, with the permissions of the client on every resource."""

    def __init__(self, client: CloudFormationClient) -> None:
        self._client = client

    def detect(self, stack_id: str) -> str | None:
        """Start a detection. Return its ID, or None if another one is in progress."""
        try:
            with calling():
                return self._client.detect_stack_drift(StackName=stack_id)["StackDriftDetectionId"]
        except AwsRefused as refused:  # ValidationError; AWS documents neither a code nor this text
            if "already in progress" in refused.message:
                return None
            raise

    def status(self, detection_id: str) -> tuple[str, str]:
        """Return the status of a detection, and the reason if it failed."""
        with calling():
            found = self._client.describe_stack_drift_detection_status(StackDriftDetectionId=detection_id)
        return found["DetectionStatus"], found.get("DetectionStatusReason", "")

    def drifted(self, stack_id: str) -> list[DriftedResource]:
        """Return the resources that the last detection found modified or deleted, the first 200."""
        found: list[DriftedResource] = []
        more: Json = {}
        while True:
            with calling():
                page = self._client.describe_stack_resource_drifts(
                    StackName=stack_id, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **more
                )
            found += [_resource(one) for one in page["StackResourceDrifts"]]
            if "NextToken" not in page or len(found) >= _MOST_RESOURCES:
                return found[:_MOST_RESOURCES]
            more = {"NextToken": page["NextToken"]}


def _resource(one: StackResourceDriftTypeDef) -> DriftedResource:
    differences = [
        PropertyDifference(
            difference["PropertyPath"],
            cut(difference["ExpectedValue"], _VALUE_BYTES),
            cut(difference["ActualValue"], _VALUE_BYTES),
            difference["DifferenceType"],
        )
        for difference in one.get("PropertyDifferences", [])[:_MOST_DIFFERENCES]
    ]
    return DriftedResource(
        one["LogicalResourceId"],
        one.get("PhysicalResourceId", ""),
        one["ResourceType"],
        one["StackResourceDriftStatus"],
        differences,
    )
