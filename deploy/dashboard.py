"""CloudWatch dashboard of a deployment: one row per question of an operator (docs/operate.md).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deploy.queries import FUNCTION_LOGS, LAST_ERRORS

Json = dict[str, Any]

_NAME = "self-service-terraglue-${Stage}"
_SERVICE = ("terraglue", ("service", _NAME))
_API = ("AWS/ApiGateway", ("ApiName", _NAME, "Stage", "api"))
_HANDLER = ("AWS/Lambda", ("FunctionName", "${APIHandler}"))
_TICK = ("AWS/Lambda", ("FunctionName", "${Tick}"))
_DELIVER = ("AWS/Lambda", ("FunctionName", "${Deliver}"))
_QUEUE = ("AWS/SQS", ("QueueName", "${FailedEvents.QueueName}"))
_TABLE = ("AWS/DynamoDB", ("TableName", "${Table}"))
_COLUMNS = 24
_HEIGHT = 6

Source = tuple[str, tuple[str, ...]]
"""Namespace and dimensions of metrics."""


def dashboard(alarms: list[str]) -> Json:
    """Return the dashboard as a resource, with the state of the alarms with these logical IDs."""
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": _NAME},
            "DashboardBody": {"Fn::Sub": json.dumps(body(alarms))},
        },
    }


def body(alarms: list[str]) -> Json:
    """Return the body of the dashboard, in which Fn::Sub replaces the names of resources."""
    y, widgets = 0, []
    for row in _rows(alarms):
        for number, widget in enumerate(row):
            width = _COLUMNS // len(row)
            widgets.append({**widget, "x": number * width, "y": y, "width": width, "height": _HEIGHT})
        y += _HEIGHT
    return {"start": "-P1D", "widgets": widgets}


def _rows(alarms: list[str]) -> Iterator[list[Json]]:
    yield [
        {
            "type": "alarm",
            "properties": {"title": "Alarms", "alarms": [f"${{{alarm}.Arn}}" for alarm in alarms]},
        },
        _chart("Failed events", "Maximum", (_QUEUE, "ApproximateNumberOfMessagesVisible")),
    ]
    yield [
        _chart(
            "Environments",
            "Sum",
            *((_SERVICE, f"Environments{status}") for status in ("Ready", "Failed", "Deleted")),
        ),
        _chart("Queue", "Maximum", (_SERVICE, "QueueLength"), (_SERVICE, "EnvironmentsLive")),
        _chart("Time to READY, 9 of 10 environments (s)", "p90", (_SERVICE, "SecondsToReady")),
    ]
    yield [
        _chart(
            "Job runs",
            "Sum",
            *(
                (_SERVICE, f"Runs{status}")
                for status in ("Succeeded", "Failed", "Timeout", "Stopped", "Error")
            ),
        ),
        _chart("Spend (USD a day)", "Sum", (_SERVICE, "SpendUsd"), period=86400),
    ]
    yield [
        _chart("API requests", "Sum", *((_API, name) for name in ("Count", "4XXError", "5XXError"))),
        _chart("API latency, 19 of 20 requests (ms)", "p95", (_API, "Latency")),
        _chart("API function", "Sum", (_HANDLER, "Errors"), (_HANDLER, "Throttles")),
        _chart("Limits of callers", "Sum", (_SERVICE, "CallsRefused"), (_SERVICE, "CallsUnchecked")),
    ]
    yield [
        _chart(
            "Delays (s)",
            "Maximum",
            *((_SERVICE, name) for name in ("ReconcileLag", "SecondsInTransition", "NoticeLag")),
        ),
        _chart("Ticks", "Sum", (_TICK, "Invocations"), (_TICK, "Errors"), (_SERVICE, "RecordErrors")),
        _chart(
            "Notifications",
            "Sum",
            *((_SERVICE, f"Notices{outcome}") for outcome in ("Delivered", "GivenUp")),
            (_DELIVER, "Errors"),
        ),
        _chart("Throttled calls to AWS", "Sum", (_SERVICE, "AwsThrottles")),
        _chart("Throttled table", "Sum", (_TABLE, "ReadThrottleEvents"), (_TABLE, "WriteThrottleEvents")),
    ]
    yield [_log("Last warnings and errors", LAST_ERRORS)]


def _chart(title: str, stat: str, *metrics: tuple[Source, str], period: int = 300) -> Json:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "stat": stat,
            "period": period,
            "metrics": [[namespace, name, *dimensions] for (namespace, dimensions), name in metrics],
        },
    }


def _log(title: str, query: str) -> Json:
    sources = " | ".join(f"SOURCE '${{{group}}}'" for group in FUNCTION_LOGS)
    return {
        "type": "log",
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "view": "table",
            "query": f"{sources} | {query}",
        },
    }
