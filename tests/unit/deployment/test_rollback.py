"""Alarms with which CloudFormation undoes an update."""

from __future__ import annotations

import json

from deploy import rollback
from tests.support.paths import ROOT

OUTPUTS = {"AlarmsTopicArn": "arn:aws-cn:sns:cn-north-1:123456789012:self-service-terraglue-dev-Alarms-1AB"}
NONE = {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}


def test_an_update_is_watched_by_alarms_of_its_stage() -> None:
    found = rollback.configuration("dev", 20, OUTPUTS)
    prefix = "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:self-service-terraglue-dev-"
    assert found["MonitoringTimeInMinutes"] == 20
    assert {trigger["Type"] for trigger in found["RollbackTriggers"]} == {"AWS::CloudWatch::Alarm"}
    assert [trigger["Arn"].removeprefix(prefix) for trigger in found["RollbackTriggers"]] == [
        *rollback.ALARMS
    ]


def test_the_stack_has_these_alarms_and_this_output() -> None:
    # CloudFormation rejects an update with a missing alarm, and more than five triggers.
    template = json.loads((ROOT / "chalice_app/alarms.json").read_text(encoding="utf-8"))
    names = {
        of["Properties"]["AlarmName"]["Fn::Sub"]
        for of in template["Resources"].values()
        if of["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert {f"self-service-terraglue-${{Stage}}-{name}" for name in rollback.ALARMS} <= names
    assert len(rollback.ALARMS) <= 5
    assert rollback.TOPIC_OUTPUT in template["Outputs"]


def test_nothing_is_watched_without_minutes_or_before_there_are_alarms() -> None:
    assert rollback.configuration("dev", 0, OUTPUTS) == NONE
    assert rollback.configuration("dev", 20, {"TableName": "t"}) == NONE
