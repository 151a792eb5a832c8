"""Logs Insights queries for the questions of an operator, saved with the stack (docs/operate.md).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

FUNCTION_LOGS = (
    "ApiHandlerLogs",
    "StackChangedLogs",
    "ResourceChangedLogs",
    "JobChangedLogs",
    "TickLogs",
    "DeliverLogs",
)
"""Logical IDs of the functions' log groups."""

ACCESS_LOGS = "ApiAccessLogs"
"""Logical ID of the log group with a line for each request."""


@dataclass(frozen=True)
class Query:
    """A query of log groups. Words in capital letters are to be replaced."""

    logical_id: str
    name: str
    groups: tuple[str, ...]
    text: str


QUERIES = (
    Query(
        "StuckEnvironments",
        "Which environments are stuck, and why",
        FUNCTION_LOGS,
        """\
filter message in ["step postponed", "step refused", "record postponed", "record failed"]
| stats count(*) as times, latest(code) as code, latest(detail) as detail by environment_id
| sort times desc""",
    ),
    Query(
        "OneEnvironment",
        "What happened to one environment",
        FUNCTION_LOGS,
        """\
fields @timestamp, function_name, message, status, why, code, detail
| filter environment_id = "ENVIRONMENT-ID"
| sort @timestamp asc""",
    ),
    Query(
        "OneRequest",
        "What happened to one request",
        (*FUNCTION_LOGS, ACCESS_LOGS),
        """\
fields @timestamp, method, route, status, latency_ms, level, message, code, detail, exception
| filter request_id = "REQUEST-ID"
| sort @timestamp asc""",
    ),
    Query(
        "Requests",
        "Which requests fail or are slow",
        (ACCESS_LOGS,),
        """\
stats count(*) as requests, pct(latency_ms, 95) as p95_ms by method, route, status
| sort requests desc""",
    ),
    Query(
        "MissingMetrics",
        "Which runs have no metrics, and why",
        FUNCTION_LOGS,
        """\
filter message in ["event log not readable", "run metrics not stored"]
| stats count(*) as times, latest(code) as code, latest(detail) as detail by run_id""",
    ),
    Query(
        "RefusedCalls",
        "What does AWS refuse or throttle",
        FUNCTION_LOGS,
        """\
filter ispresent(code)
| stats count(*) as times, latest(detail) as detail by message, code
| sort times desc""",
    ),
)

LAST_ERRORS = """\
fields @timestamp, level, message, environment_id, code, detail, exception
| filter level in ["WARNING", "ERROR", "CRITICAL"]
| sort @timestamp desc
| limit 50"""
"""Query of the dashboard."""


def query_definitions() -> Json:
    """Return the queries as resources, by logical ID."""
    return {
        f"{query.logical_id}Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {
                "Name": {"Fn::Sub": f"self-service-terraglue-${{Stage}}/{query.name}"},
                "LogGroupNames": [{"Ref": group} for group in query.groups],
                "QueryString": query.text,
            },
        }
        for query in QUERIES
    }
