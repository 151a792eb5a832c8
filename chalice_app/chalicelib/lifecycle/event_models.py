"""EventBridge events of CloudFormation and Glue, with the fields that the service reads.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-eventbridge.html
https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class EventPart(BaseModel):
    """Base of events and their details. Other fields are ignored. A tick needs none of these models."""

    model_config = ConfigDict(defer_build=True)


class Event(EventPart):
    """An event of EventBridge."""

    time: datetime


class StackStatusChangeDetail(EventPart):
    """Detail of a CloudFormation Stack Status Change."""

    stack_id: str = Field(alias="stack-id")


class StackStatusChange(Event):
    """CloudFormation Stack Status Change."""

    detail: StackStatusChangeDetail


class StatusDetails(EventPart):
    """Status of a resource. Most statuses have no reason."""

    status: str
    status_reason: str | None = Field(default=None, alias="status-reason")


class ResourceStatusChangeDetail(EventPart):
    """Detail of a CloudFormation Resource Status Change."""

    stack_id: str = Field(alias="stack-id")
    logical_resource_id: str = Field(alias="logical-resource-id")
    resource_type: str = Field(alias="resource-type")
    status_details: StatusDetails = Field(alias="status-details")


class ResourceStatusChange(Event):
    """CloudFormation Resource Status Change."""

    detail: ResourceStatusChangeDetail


class JobStateChangeDetail(EventPart):
    """Detail of a Glue Job State Change."""

    job_name: str = Field(alias="jobName")
    job_run_id: str = Field(alias="jobRunId")


class JobStateChange(Event):
    """Glue Job State Change."""

    detail: JobStateChangeDetail
