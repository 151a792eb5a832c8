"""Response body of a drift detection."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_JOB,
    EnvironmentId,
    Link,
    PollAfter,
    ResponseBody,
    Time,
)
from chalicelib.domain.drift import DriftStatus


class PropertyDifference(ResponseBody):
    """A property that differs from the template."""

    pointer: Annotated[
        str,
        Field(description="JSON pointer into the properties of the resource.", examples=["/NumberOfWorkers"]),
    ]
    expected: Annotated[
        str,
        Field(
            description="Value of the template, as JSON if it is no text. Cut to 1,000 bytes.", examples=["2"]
        ),
    ]
    actual: Annotated[str, Field(description="Actual value, cut like `expected`.", examples=["10"])]
    type: Annotated[
        str,
        Field(
            description="`ADD`, `REMOVE` or `NOT_EQUAL`: what was done to the property.",
            examples=["NOT_EQUAL"],
        ),
    ]


class DriftedResource(ResponseBody):
    """A resource that was changed or deleted by hand."""

    logical_id: Annotated[str, Field(description="ID in the template.", examples=["GlueJob"])]
    physical_id: Annotated[str, Field(description="Name or ID in AWS.", examples=[EXAMPLE_JOB])]
    type: Annotated[str, Field(description="Type in CloudFormation.", examples=["AWS::Glue::Job"])]
    status: Annotated[str, Field(description="`MODIFIED` or `DELETED`.", examples=["MODIFIED"])]
    differences: Annotated[
        list[PropertyDifference], Field(description="What differs, at most 50. Empty if it was deleted.")
    ]


class DriftLinks(ResponseBody):
    """Links of a drift report."""

    self: Annotated[Link, Field(description="This report.", examples=[f"{EXAMPLE_ENVIRONMENT}/drift"])]
    environment: Annotated[Link, Field(description="The environment.")]


class Drift(ResponseBody):
    """What was changed by hand in the resources of an environment's stack."""

    environment_id: EnvironmentId
    status: Annotated[
        DriftStatus,
        Field(
            description="`DETECTING` while the detection runs; `IN_SYNC`; `DRIFTED`; or `FAILED` if "
            "CloudFormation could not read all resources.",
            examples=["DRIFTED"],
        ),
    ]
    started_at: Annotated[Time, Field(description="When the detection began.")]
    reason: Annotated[str | None, Field(description="Why the detection failed.", examples=[None])]
    resources: Annotated[list[DriftedResource], Field(description="What drifted, at most 200 resources.")]
    poll_after_seconds: PollAfter
    links: Annotated[DriftLinks, Field(description="Related resources.")]
