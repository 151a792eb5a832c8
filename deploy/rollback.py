"""Rollback triggers: alarms with which CloudFormation undoes an update of the stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import RollbackConfigurationTypeDef

ALARMS = ("ApiErrors", "RecordErrors", "TickErrors", "TicksMissing")
"""Alarms that a defective package raises (chalice_app/alarms.json). CloudFormation allows five."""

TOPIC_OUTPUT = "AlarmsTopicArn"


def configuration(stage: str, minutes: int, outputs: Mapping[str, str]) -> RollbackConfigurationTypeDef:
    """Return the triggers of an update: none if `minutes` is 0, which removes those of earlier updates.

    `outputs` are those of the stack before the update. A missing alarm would fail the update, so there are
    no triggers if the deployed package has no alarms yet.
    """
    if minutes == 0 or TOPIC_OUTPUT not in outputs:
        return {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}
    _, partition, _, region, account, _ = outputs[TOPIC_OUTPUT].split(":")
    prefix = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:self-service-terraglue-{stage}"
    return {
        "RollbackTriggers": [
            {"Arn": f"{prefix}-{name}", "Type": "AWS::CloudWatch::Alarm"} for name in ALARMS
        ],
        "MonitoringTimeInMinutes": minutes,
    }
