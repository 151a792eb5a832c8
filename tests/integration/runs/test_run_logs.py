"""Logs of runs: reading to the end over CloudWatch Logs pages, and the tail in the record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.aws.logs import Logs
from chalicelib.domain.caller import Caller
from local.moto_patches import log_events
from tests.support.api import Api
from tests.support.event_bridge import event_with
from tests.support.moto_runs import ask, end_in_glue, glue_runs


@pytest.fixture(autouse=True)
def pages_as_cloudwatch_makes_them() -> Iterator[None]:
    restore = log_events.install()
    yield
    restore()


def write(group: str, stream: str, *lines: str) -> None:
    logs = boto3.client("logs")
    names = [found["logGroupName"] for found in logs.describe_log_groups()["logGroups"]]
    if group not in names:
        logs.create_log_group(logGroupName=group)
    if not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    at = int(time.time()) * 1000
    for n, line in enumerate(lines):
        event = {"timestamp": at + n, "message": line}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def follow(api: Api, path: str, cursor: str | None, pages: int = 20) -> tuple[list[str], str | None]:
    """Return the lines after a cursor, and the last `next`: null, or a cursor without further lines."""
    found: list[str] = []
    for _ in range(pages):
        page = api.call(
            "GET", f"{path}{'&' if '?' in path else '?'}{f'cursor={cursor}' if cursor else 'limit=2'}"
        ).body
        found += [line["message"] for line in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    return found, cursor


def ended(job: str, seconds_ago: float = 60, state: str = "SUCCEEDED") -> None:
    end_in_glue(job, state, CompletedOn=datetime.now(UTC) - timedelta(seconds=seconds_ago))


def test_the_cursor_of_a_waiting_run_returns_its_later_lines(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job, group = outputs["job_id"], outputs["log_groups"]["output"]
    ask(api, job, body={"timeout_minutes": 1})
    path = ask(api, job, body={"timeout_minutes": 1}).headers["Location"]
    assert api.call("GET", path).body["status"] == "PENDING"
    page = api.call("GET", f"{path}/logs").body
    assert page["items"] == [] and page["next"]
    assert api.call("GET", f"{path}/logs?cursor={page['next']}").body == page
    ended(job)
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": glue_runs(job)[0]["Id"]}))
    assert api.call("GET", path).body["status"] != "PENDING"
    write(
        group,
        next(r["Id"] for r in glue_runs(job) if r["Arguments"]["--terraglue-run-id"] == path[-16:]),
        "one",
        "two",
    )
    assert follow(api, f"{path}/logs", page["next"], 2)[0] == ["one", "two"]


def test_a_run_stopped_before_its_start_has_no_cursor(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    ask(api, job, body={"timeout_minutes": 1})
    path = ask(api, job, body={"timeout_minutes": 1}).headers["Location"]
    api.call("DELETE", path)
    assert api.call("GET", path).body["status"] == "STOPPED"
    assert api.call("GET", f"{path}/logs").body == {"items": [], "next": None, "complete": True}


def test_empty_pages_are_not_the_end_of_an_ended_run(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job = outputs["job_id"]
    path = ask(api, job).headers["Location"] + "/logs"
    stream = glue_runs(job)[0]["Id"]
    write(outputs["log_groups"]["output"], stream, *(f"{n}" for n in range(7)))
    first = api.call("GET", f"{path}?limit=3").body
    ended(job)
    lines, left = follow(api, path, first["next"])
    assert lines == ["3", "4", "5", "6"] and left is None
    assert follow(api, path, None) == ([f"{n}" for n in range(7)], None)


def test_lines_that_arrive_shortly_after_the_end_are_read(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job, group = outputs["job_id"], outputs["log_groups"]["output"]
    path = ask(api, job).headers["Location"] + "/logs"
    write(group, glue_runs(job)[0]["Id"], "one")
    ended(job, seconds_ago=0)
    lines, cursor = follow(api, path, None, 3)
    assert lines == ["one"] and cursor is not None
    write(group, glue_runs(job)[0]["Id"], "two")
    assert follow(api, path, cursor, 1)[0] == ["two"]


def test_logs_of_attempts_are_read_in_order(api: Api) -> None:
    environment = api.ready_environment(job={"max_retries": 1, "timeout_minutes": 2})
    outputs = environment["outputs"]
    job, group = outputs["job_id"], outputs["log_groups"]["output"]
    asked = ask(api, job)
    path = asked.headers["Location"] + "/logs"
    write(group, glue_runs(job)[0]["Id"], "a", "b", "c")
    page = api.call("GET", f"{path}?limit=2").body
    marker = {"--terraglue-run-id": asked.body["id"]}
    end_in_glue(job, "FAILED", CompletedOn=datetime.now(UTC) - timedelta(minutes=1))
    again = boto3.client("glue").start_job_run(JobName=job, Arguments=marker)["JobRunId"]
    write(group, again, "d", "e")
    end_in_glue(job, "SUCCEEDED", CompletedOn=datetime.now(UTC) - timedelta(minutes=1), Attempt=1)
    assert follow(api, path, page["next"]) == (["c", "d", "e"], None)


def test_an_expired_cloudwatch_cursor_is_invalid(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job = outputs["job_id"]
    path = ask(api, job).headers["Location"]
    write(outputs["log_groups"]["output"], glue_runs(job)[0]["Id"], "one")
    scope = f"logs {Caller('ana', is_admin=False)} {path[-16:]} output"
    place = {"attempt": glue_runs(job)[0]["Id"], "token": "x/forgotten"}
    old = api.app.service().cursors.encode(place, scope)
    answer = api.call("GET", f"{path}/logs?cursor={old}")
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("number", [1, 19, 20, 45])
def test_the_tail_has_the_last_lines_despite_short_and_empty_pages(aws: None, number: int) -> None:
    lines = [f"{n} " + "x" * 100_000 for n in range(number)]
    write("/g/error", "s", *lines)
    tail = Logs(boto3.client("logs")).tail("/g/error", "s", 20)
    assert [line.split()[0] for line in tail] == [f"{n}" for n in range(number)][-20:]
    assert all(len(line.encode()) <= 2000 for line in tail)


def test_a_run_that_fails_with_wide_lines_ends_and_can_be_deleted(api: Api) -> None:
    """Twenty lines of 30 kB exceed the maximum size of a record."""
    environment = api.ready_environment()
    outputs, path = environment["outputs"], f"/environments/{environment['id']}"
    job = outputs["job_id"]
    location = ask(api, job).headers["Location"]
    write(
        outputs["log_groups"]["error"], glue_runs(job)[0]["Id"], *(f"{n}" + "ü" * 30_000 for n in range(20))
    )
    ended(job, state="FAILED")
    run = api.call("GET", location)
    assert (run.status, run.body["status"]) == (200, "FAILED")
    assert len(run.body["error"]["log_tail"]) == 20
    assert api.call("GET", path).body["budget"]["reserved_usd"] == 0
    api.call("DELETE", path)
    api.stack_event(environment["id"])
    assert api.call("GET", path).body["status"] == "DELETED"
