"""Queries for operators on log lines that the service has really written."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.lazy import Once
from chalicelib.observability import logger
from chalicelib.wiring import build
from deploy.package import merged
from deploy.queries import ACCESS_LOGS, LAST_ERRORS, QUERIES, Query
from tests.support.api import Api
from tests.support.paths import ROOT

Line = dict[str, Any]
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
WORDS = {"as", "asc", "by", "count", "desc", "fields", "filter", "in", "ispresent", "latest", "limit", "pct"}
WORDS |= {"sort", "stats"}
LAMBDA = {"function_name", "xray_trace_id"}
"""Fields that the logger adds in Lambda only. `test_observability.py` has a line with all of them."""


class Refusals:
    """AWS refuses the calls with these names."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __call__(self, model: Any, **_: Any) -> Any:
        if model.name not in self.names:
            return None
        error = {"Code": "AccessDeniedException", "Message": "not authorized"}
        return SimpleNamespace(status_code=400), {
            "Error": error,
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }


@pytest.fixture
def lines(api: Api) -> Iterator[list[Line]]:
    """Lines of a creation, of requests and a deletion that AWS refuses, and of defects."""
    refusals, session, stream = Refusals(), boto3.Session(), io.StringIO()
    session.events.register_first("before-call", refusals)
    api.app.service = Once(lambda: build(session=session, sleep=lambda _: None))
    before = logger.registered_handler.setStream(stream)
    try:
        environment = api.ready_environment()
        path = f"/environments/{environment['id']}"
        run = api.call("POST", environment["links"]["runs"], body={"timeout_minutes": 1})
        refusals.names = {"ListObjectsV2"}
        assert api.call("GET", run.body["links"]["metrics"]).status == 200
        refusals.names = {"GetJobRuns", "GetJobRun", "DescribeStacks", "GetTables"}
        assert api.call("GET", f"{path}/tables").status == 500
        assert api.call("DELETE", path).status == 202
        refusals.names = set()
        later = datetime.now(UTC) + timedelta(hours=1)  # the deletion is due again
        broken = build(session=session, clock=lambda: later)
        broken.events._reconciler = broken.releases._buckets = None  # type: ignore[assignment]
        broken.events.tick(seconds=5)
        api.app.service = Once(lambda: broken)
        assert api.call("GET", "/releases").status == 500
        stream.flush()
        yield [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        logger.registered_handler.setStream(before)


def fields(text: str) -> set[str]:
    """The fields that a query reads: not its values, functions and the names that it gives."""
    without_values = re.sub(r'"[^"]*"|as \w+', "", text)
    names = set(re.findall(r"@?[A-Za-z_]\w*", without_values)) - WORDS
    given = set(re.findall(r"as (\w+)", text))
    return {name for name in names if not name.startswith("@") and (name not in given or f"({name}" in text)}


def matching(text: str, lines: list[Line]) -> list[Line]:
    """The lines that the `filter` commands of a query leave."""
    for test in re.findall(r"filter (.+?)(?:\n|$)", text):
        if listed := re.fullmatch(r"(\w+) in (\[.+\])", test):
            lines = [line for line in lines if line.get(listed[1]) in json.loads(listed[2])]
        elif present := re.fullmatch(r"ispresent\((\w+)\)", test):
            lines = [line for line in lines if present[1] in line]
        else:
            name, placeholder = re.fullmatch(r'(\w+) = "([A-Z-]+)"', test).groups()  # type: ignore[union-attr]
            assert placeholder == name.upper().replace("_", "-")
            values = {line[name] for line in lines if name in line}
            assert values
            lines = [line for line in lines if line.get(name) in values]
    return lines


def access_log() -> list[Line]:
    """The line of the access log: API Gateway writes it, so its format is all that exists here."""
    api = merged(ROOT / "chalice_app")["Resources"]["RestAPI"]["Properties"]
    line: Line = json.loads(api["AccessLogSetting"]["Format"])
    return [line]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.logical_id)
def test_each_field_of_a_query_is_in_a_line_that_it_finds(query: Query, lines: list[Line]) -> None:
    searched = [*(lines if query.groups != (ACCESS_LOGS,) else [])]
    searched += access_log() if ACCESS_LOGS in query.groups else []
    found = matching(query.text, searched)
    assert found
    assert fields(query.text)
    seen = {name for line in found for name in line} | LAMBDA
    assert fields(query.text) - seen == set()


def test_the_dashboard_shows_warnings_and_errors(lines: list[Line]) -> None:
    found = matching(LAST_ERRORS, lines)
    assert {line["level"] for line in found} == {"WARNING", "ERROR"}
    assert fields(LAST_ERRORS) <= {name for line in found for name in line}


def test_a_defect_and_a_refused_step_are_found_as_reasons_of_stuck_environments(lines: list[Line]) -> None:
    [query] = [each for each in QUERIES if each.logical_id == "StuckEnvironments"]
    listed = json.loads(re.search(r"\[.+?\]", query.text)[0])  # type: ignore[index]
    found = {line["message"] for line in matching(query.text, lines)}
    assert {"step postponed", "record failed"} <= found <= set(listed)
