"""Alarms and dashboard: they watch metrics that exist, and alarms are raised by trouble only."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import observability
from chalicelib.aws.errors import AwsThrottled, calling
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Status
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.notices import notice_of
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.aws_events import AwsEvents
from chalicelib.storage import metrics
from chalicelib.storage.store import Due
from deploy.dashboard import body
from deploy.package import merged
from tests.support.paths import ROOT
from tests.support.records import environment, run

TEMPLATE = merged(ROOT / "chalice_app")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def alarms(*, of_rollouts: bool) -> dict[str, dict[str, Any]]:
    """Properties of alarms by logical ID: the operator's, or those that only CodeDeploy reads."""
    return {
        name: of["Properties"]
        for name, of in RESOURCES.items()
        if of.get("Type") == "AWS::CloudWatch::Alarm" and ("Condition" in of) == of_rollouts
    }


def by_name(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {of["AlarmName"]["Fn::Sub"].rpartition("-")[2]: of for of in found.values()}


ALARMS = by_name(alarms(of_rollouts=False))
OF_ROLLOUTS = by_name(alarms(of_rollouts=True))
BODY = body([*alarms(of_rollouts=False)])
SERVICE = "self-service-terraglue-${Stage}"

DOCUMENTED = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": ({"Invocations", "Errors", "Throttles", "Duration"}, {"FunctionName"}),
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "AWS/ApiGateway": ({"Count", "4XXError", "5XXError", "Latency"}, {"ApiName", "Stage"}),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": ({"ReadThrottleEvents", "WriteThrottleEvents"}, {"TableName"}),
}
"""Metrics of AWS services, and all their dimensions."""


def watched() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield where a metric is used, its namespace, name and dimensions."""
    for name, alarm in ALARMS.items():
        dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        yield f"alarm {name}", alarm["Namespace"], alarm["MetricName"], dimensions
    for widget in BODY["widgets"]:
        for namespace, metric_name, *dimensions in widget["properties"].get("metrics", []):
            pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
            yield f"chart {widget['properties']['title']}", namespace, metric_name, pairs


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The line in the embedded metric format of an invocation that records every metric of the service."""
    monkeypatch.setattr(observability, "IN_LAMBDA", True)
    one = environment(1, status=Status.SEEDING)
    for status in (Status.READY, Status.FAILED, Status.DELETED):
        metrics.environment_written(one, one.replace(status=status))
    for outcome in (state for state in RunStatus if state.is_final):
        metrics.cost_written(run(one), run(one).replace(status=outcome, cost_micro_usd=1))
    metrics.queue_read(QueueCounters())
    metrics.call_refused()
    metrics.call_unchecked()
    notice = notice_of("e1", "ana", TimelineEvent.by_service(one.created_at, "expiry_warned", {}))
    assert notice is not None
    metrics.outbox_read(datetime(2026, 1, 2, tzinfo=UTC), notice)
    metrics.notice_delivered()
    metrics.notice_given_up()
    metrics.due_read("2026-01-01T00:01:00.000Z", "2026-01-01T00:00:00.000Z")
    metrics.transition_read(datetime(2026, 1, 2, tzinfo=UTC), one.replace(transition_since=one.created_at))
    with pytest.raises(AwsThrottled), calling():
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "GetJob")
    broken: Any = None
    AwsEvents(*[broken] * 7)._guarded(broken, Due("ENV", "e1"))
    capsys.readouterr()
    observability.flush_metrics()
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_the_services_metrics_are_recorded_as_they_are_watched(emitted: dict[str, Any]) -> None:
    [recorded] = emitted["_aws"]["CloudWatchMetrics"]
    assert (recorded["Namespace"], recorded["Dimensions"]) == ("terraglue", [["service"]])
    names = {metric["Name"] for metric in recorded["Metrics"]}
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Fn::Sub": SERVICE}  # the value of `service`
    used = set()
    for where, namespace, name, dimensions in watched():
        if namespace == "terraglue":
            assert name in names, where
            assert dimensions in ({"service": SERVICE}, {"service": {"Fn::Sub": SERVICE}}), where
            used.add(name)
    assert used == names  # the dashboard shows every metric


def test_the_watched_metrics_of_aws_are_documented() -> None:
    used = set()
    for where, namespace, name, dimensions in watched():
        if namespace != "terraglue":
            names, keys = DOCUMENTED[namespace]
            assert name in names and set(dimensions) == keys, where
            used.add(namespace)
            for value in dimensions.values():
                for resource in references(value):
                    assert resource in RESOURCES or resource == "Stage", (where, resource)
    assert used == DOCUMENTED.keys()
    api = RESOURCES["RestAPI"]["Properties"]
    assert api["Name"] == api["DefinitionBody"]["info"]["title"] == {"Fn::Sub": SERVICE}  # `ApiName`


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        target = value.get("Ref") or value.get("Fn::GetAtt") or value.get("Fn::Sub")
        return (
            references(target) if "Fn::Sub" in value else [target if isinstance(target, str) else target[0]]
        )
    return re.findall(r"\$\{(\w+)", value)


# -- the documentation ------------------------------------------------------------------------------------

OPERATE = (ROOT / "docs/operate.md").read_text(encoding="utf-8")


def test_every_alarm_names_its_runbook() -> None:
    runbook = OPERATE.partition("\n## Runbook\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.+)$", runbook, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    named = {alarm["AlarmDescription"].partition(" docs/operate.md#")[2] for alarm in ALARMS.values()}
    assert named == anchors
    table = OPERATE.partition("## Receive alarms")[2].partition("## ")[0]
    assert all(name in table for name in ALARMS)


def test_the_documentation_lists_every_metric(emitted: dict[str, Any]) -> None:
    [recorded] = emitted["_aws"]["CloudWatchMetrics"]
    rows = re.findall(r"^\| (`.+?) \|", OPERATE.partition("## Metrics")[2], re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(metric["Name"] for metric in recorded["Metrics"])


def test_the_documented_queries_are_those_that_the_stack_saves() -> None:
    documented = [text.strip() for text in re.findall(r"^```\n(.+?)^```$", OPERATE, re.MULTILINE | re.DOTALL)]
    saved = [of["Properties"] for of in RESOURCES.values() if of.get("Type") == "AWS::Logs::QueryDefinition"]
    assert documented == [query["QueryString"] for query in saved]
    for query in saved:
        groups = [RESOURCES[group["Ref"]] for group in query["LogGroupNames"]]
        assert {group["Type"] for group in groups} == {"AWS::Logs::LogGroup"}
        assert f"**{query['Name']['Fn::Sub'].rpartition('/')[2]}?**" in OPERATE


# -- the dashboard ----------------------------------------------------------------------------------------


def test_the_widgets_fill_the_grid_without_overlap() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    taken: set[tuple[int, int]] = set()
    for widget in BODY["widgets"]:
        assert widget["type"] in ("alarm", "metric", "log", "text")
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells, widget["properties"]["title"]
        taken |= cells
    assert len(BODY["widgets"]) <= 500


def test_every_chart_has_a_region_a_statistic_and_a_title() -> None:
    for widget in BODY["widgets"]:
        properties = widget["properties"]
        assert properties["title"]
        if widget["type"] == "metric":
            assert properties["region"] == "${AWS::Region}"
            assert re.fullmatch(r"Sum|Maximum|Average|p\d\d", properties["stat"])
            assert properties["period"] % 60 == 0


def test_the_dashboard_shows_every_alarm_and_reads_every_log_group_of_a_function() -> None:
    text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    groups = {
        of["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        for of in RESOURCES.values()
        if "LoggingConfig" in of.get("Properties", {})
    }
    shown = set(re.findall(r"\$\{[\w.]+\}", text))
    assert {f"${{{name}.Arn}}" for name in alarms(of_rollouts=False)} <= shown
    assert {f"${{{name}.Arn}}" for name in alarms(of_rollouts=True)} & shown == set()  # they may not exist
    assert {f"${{{name}}}" for name in groups} <= set(re.findall(r"\$\{[\w.]+\}", text))


# -- notifications ----------------------------------------------------------------------------------------


def test_every_alarm_reaches_the_operator() -> None:
    for alarm in ALARMS.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}]
    publish = RESOURCES["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    allowed = publish["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].rpartition(":")[2]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    for alarm in ALARMS.values():
        assert fnmatch.fnmatchcase(alarm["AlarmName"]["Fn::Sub"], allowed)


def test_alarms_may_use_the_key_of_their_topic() -> None:
    # CloudWatch cannot publish to a topic with the key alias/aws/sns:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    assert RESOURCES["Alarms"]["Properties"]["KmsMasterKeyId"] == {"Ref": "AlarmKey"}
    statements = RESOURCES["AlarmKey"]["Properties"]["KeyPolicy"]["Statement"]
    [use] = [s for s in statements if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


# -- thresholds -------------------------------------------------------------------------------------------

Samples = dict[str, list[tuple[int, float]]]
"""Values by metric, each with its minute before now."""
NOW = 0
DAY = range(1, 24 * 60 + 1)
STATISTICS = {"Sum": sum, "Maximum": max, "Average": lambda values: sum(values) / len(values)}


def state(alarm: dict[str, Any], samples: Samples) -> str:
    """The state of an alarm, evaluated as CloudWatch does.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    periods, threshold = alarm["EvaluationPeriods"], alarm["Threshold"]
    if isinstance(threshold, dict):
        threshold = TEMPLATE["Parameters"][threshold["Ref"]]["Default"]
    found = [point(alarm, samples, number) for number in range(periods)]
    breaches = {
        "GreaterThanThreshold": lambda value: value > threshold,
        "GreaterThanOrEqualToThreshold": lambda value: value >= threshold,
        "LessThanThreshold": lambda value: value < threshold,
    }[alarm["ComparisonOperator"]]
    missing = alarm["TreatMissingData"]
    if missing == "ignore" and found == [None] * periods:
        return "as before"
    breaching = [missing == "breaching" if value is None else breaches(value) for value in found]
    return "ALARM" if sum(breaching) >= alarm.get("DatapointsToAlarm", periods) else "OK"


def point(alarm: dict[str, Any], samples: Samples, number: int) -> float | None:
    """The value of one period, counted backwards."""
    first, last = number * alarm["Period"] // 60, (number + 1) * alarm["Period"] // 60
    name = alarm["MetricName"]
    if name in ("Invocations", "Errors", "Throttles"):  # of two functions
        name = f"{name} {alarm['Dimensions'][0]['Value']['Ref']}"
    values = [amount for minute, amount in samples.get(name, []) if first < minute <= last]
    return STATISTICS[alarm["Statistic"]](values) if values else None


def raised(samples: Samples, alarms: dict[str, dict[str, Any]] = ALARMS) -> set[str]:
    return {name for name, alarm in alarms.items() if state(alarm, samples) == "ALARM"}


def every(minutes: int, amount: float, during: range = DAY) -> list[tuple[int, float]]:
    return [(minute, amount) for minute in during if minute % minutes == 0]


IDLE: Samples = {"Invocations Tick": every(1, 1), "Errors Tick": every(1, 0)}
BUSY: Samples = {
    **IDLE,
    "Invocations Tick": every(10, 1),  # a tick works for up to 10 minutes
    "Throttles Tick": every(1, 1),
    "5XXError": [*every(1, 0), *[(minute, 0.0) for minute in DAY] * 20, (2, 1), (130, 1), (500, 1)],
    "Throttles APIHandler": every(60, 3),
    "ReconcileLag": every(1, 600),
    "SecondsInTransition": every(1, 900),
    "WriteThrottleEvents": every(60, 2),
    "SpendUsd": every(60, 2),
    "ApproximateNumberOfMessagesVisible": every(1, 0),
    "RecordErrors": [(70, 1), (400, 1)],
}


@pytest.mark.parametrize(
    "samples",
    [
        IDLE,
        BUSY,
        {**IDLE, "RunsFailed": every(1, 5), "EnvironmentsFailed": every(60, 1)},  # a learner's bad script
        {**IDLE, "5XXError": [(1, 1), (12, 1)]},  # the only requests of the day fail
        {**IDLE, "Errors Tick": [(3, 1)]},  # a tick that timed out
    ],
    ids=["idle", "busy", "failed runs", "two failed requests", "one failed tick"],
)
def test_normal_days_raise_no_alarm(samples: Samples) -> None:
    assert raised(samples) == set()


HOUR = range(1, 61)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("FailedEvents", {"ApproximateNumberOfMessagesVisible": every(1, 1, range(1, 6))}),
        ("TicksMissing", {"Invocations Tick": every(1, 1, range(16, 60)), "Errors Tick": []}),
        ("TickErrors", {"Errors Tick": every(1, 1, HOUR)}),
        ("DeliverErrors", {"Errors Deliver": every(1, 1, HOUR)}),
        ("RecordErrors", {"RecordErrors": every(1, 1, HOUR)}),
        ("ReconcileLag", {"ReconcileLag": every(1, 1000, HOUR)}),
        ("EnvironmentStuck", {"SecondsInTransition": every(15, 2000, HOUR)}),
        ("ApiErrors", {"5XXError": [*every(1, 1, HOUR), *every(1, 0, HOUR)]}),
        ("ApiThrottles", {"Throttles APIHandler": every(1, 5, HOUR)}),
        ("TableReadThrottles", {"ReadThrottleEvents": every(1, 5, HOUR)}),
        ("TableWriteThrottles", {"WriteThrottleEvents": every(1, 5, HOUR)}),
        ("Spend", {"SpendUsd": every(60, 2.5)}),
    ],
)
def test_each_trouble_raises_its_alarm(name: str, trouble: Samples) -> None:
    assert raised({**IDLE, **trouble}) == {name}
    assert name in raised({**BUSY, **trouble})


def test_there_is_a_trouble_for_every_alarm() -> None:
    [cases] = [mark for mark in test_each_trouble_raises_its_alarm.pytestmark if mark.name == "parametrize"]
    assert {name for name, _ in cases.args[1]} == ALARMS.keys()


# -- rollouts ---------------------------------------------------------------------------------------------


def requests(a_minute: int, failed: int, during: range = HOUR) -> list[tuple[int, float]]:
    """5XXError is 1 for each failed request, and 0 for the others."""
    return [(minute, float(number < failed)) for minute in during for number in range(a_minute)]


FIVE = range(1, 6)
"""Minutes of Canary10Percent5Minutes."""


@pytest.mark.parametrize(
    "samples",
    [
        {},
        {"5XXError": requests(10, 0)},
        {"5XXError": [*requests(10, 0), (3, 1.0)]},
        {"5XXError": requests(1000, 20)},
        {"Errors APIHandler": [(2, 1)]},
    ],
    ids=["idle", "no failure", "one failed request", "2 % fail as before", "one timeout"],
)
def test_a_rollout_of_a_good_version_is_not_undone(samples: Samples) -> None:
    assert raised(samples, OF_ROLLOUTS) == set()


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        # deploy requests the health every two seconds, and a tenth of these requests reaches the new version.
        ({"5XXError": requests(30, 3, FIVE)}, {"NewVersion5xx"}),
        ({"5XXError": [*requests(4, 0, FIVE), (2, 1.0), (4, 1.0)]}, {"NewVersion5xx"}),
        ({"5XXError": requests(1000, 100, FIVE)}, {"NewVersion5xx"}),
        ({"5XXError": requests(1000, 100, range(1, 3))}, {"NewVersion5xx"}),
        ({"Errors APIHandler": [(1, 3), (2, 4)]}, {"NewVersionErrors"}),
    ],
    ids=["only the health", "small service", "large service", "for two minutes", "does not start"],
)
def test_a_rollout_of_a_version_that_fails_is_undone(samples: Samples, expected: set[str]) -> None:
    assert raised(samples, OF_ROLLOUTS) == expected


def test_the_alarms_of_rollouts_watch_the_api_and_the_new_version_of_its_function() -> None:
    for alarm in OF_ROLLOUTS.values():
        # CodeDeploy and deploy report it. Outside of a rollout, two minutes of errors are no news.
        assert "AlarmActions" not in alarm
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300
        anchor = alarm["AlarmDescription"].rpartition("docs/operate.md#")[2]
        assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in OPERATE
    dimensions = {
        name: {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        for name, alarm in OF_ROLLOUTS.items()
    }
    watched_by_the_operator = {each["Name"]: each["Value"] for each in ALARMS["ApiErrors"]["Dimensions"]}
    assert dimensions["NewVersion5xx"] == watched_by_the_operator
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html: errors of one version that is
    # invoked by an alias with weights
    assert dimensions["NewVersionErrors"] == {
        "FunctionName": {"Ref": "APIHandler"},
        "Resource": {"Fn::Sub": "${APIHandler}:live"},
        "ExecutedVersion": {"Fn::GetAtt": ["APIHandler", "Version.Version"]},
    }
