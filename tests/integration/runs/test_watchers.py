"""Watchers of a run: one call of Glue in five seconds for all of them, and logs that wait for lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.clock import now
from chalicelib.domain.caller import Caller
from chalicelib.services.run_logs import RunLogReader
from chalicelib.wiring import build
from local.moto_patches import log_events
from tests.integration.runs.test_run_logs import ended, write
from tests.support.api import Api
from tests.support.event_bridge import event_with
from tests.support.moto_runs import ask, end_in_glue, glue_runs
from tests.support.paths import ROOT

ANA = Caller("ana", is_admin=False)


class CountingGlue:
    """A Glue client that counts GetJobRun."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_job_run(self, **given: Any) -> Any:
        with self._lock:
            self.calls += 1
        return self._client.get_job_run(**given)


class Clock:
    """The time, some seconds later."""

    seconds = 0.0

    def __call__(self) -> datetime:
        return now() + timedelta(seconds=self.seconds)


@pytest.fixture(autouse=True)
def five_seconds(watchers_ask_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("chalicelib.runs.job_runs.WATCH_SECONDS", 5)
    restore = log_events.install()
    yield
    restore()


def started(api: Api) -> tuple[str, str, dict[str, Any]]:
    outputs = api.ready_environment()["outputs"]
    job = outputs["job_id"]
    return job, ask(api, job).body["id"], outputs


def test_fifty_watchers_in_several_processes_cost_one_call_of_glue(api: Api) -> None:
    job, run_id, _ = started(api)
    clock = Clock()
    services = [build(clock=clock) for _ in range(5)]
    glue = CountingGlue(boto3.client("glue"))
    for service in services:
        service.jobs._runs._glue._client = glue  # type: ignore[assignment]

    def watch(number: int) -> str:
        return str(services[number % 5].jobs.run(ANA, job, run_id).status)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(watch, range(50))) <= {"STARTING", "RUNNING"}
        assert glue.calls == 1
        clock.seconds = 4
        list(pool.map(watch, range(50)))
        assert glue.calls == 1
        end_in_glue(job)
        clock.seconds = 12  # counted from the claim, which took some time
        list(pool.map(watch, range(50)))
        assert glue.calls == 2
    assert services[0].jobs.run(ANA, job, run_id).status == "SUCCEEDED"


def test_events_and_stop_requests_do_not_wait_for_watchers(api: Api, stopper: Any) -> None:
    job, run_id, _ = started(api)
    path = f"/jobs/{job}/runs/{run_id}"
    assert not api.call("GET", path).body["completed_at"]
    assert api.call("DELETE", path).status == 202
    assert stopper.stopped == [glue_runs(job)[0]["Id"]]
    end_in_glue(job, "STOPPED")
    assert api.call("GET", path).body["status"] == "STOPPING"  # as the stop request left it
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": glue_runs(job)[0]["Id"]}))
    assert api.call("GET", path).body["status"] == "STOPPED"


def test_following_returns_lines_as_soon_as_there_are_some(api: Api) -> None:
    job, run_id, outputs = started(api)
    path, group = f"/jobs/{job}/runs/{run_id}/logs", outputs["log_groups"]["output"]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            write(group, glue_runs(job)[0]["Id"], "hello")

    jobs = api.app.service().jobs
    jobs._logs = RunLogReader(jobs._logs._logs, now, sleep=sleep)
    page = api.call("GET", f"{path}?follow=true&wait=20").body
    assert [line["message"] for line in page["items"]] == ["hello"]
    assert slept == [1, 2, 3] and page["next"] and not page["complete"]


def test_following_ends_after_the_wait_and_makes_few_calls(api: Api) -> None:
    job, run_id, _ = started(api)
    path = f"/jobs/{job}/runs/{run_id}/logs"
    slept: list[float] = []
    jobs = api.app.service().jobs
    jobs._logs = RunLogReader(jobs._logs._logs, now, sleep=slept.append, monotonic=lambda: sum(slept))
    page = api.call("GET", f"{path}?follow=true&wait=20").body
    assert (page["items"], page["complete"]) == ([], False)
    assert sum(slept) == 20 and len(slept) == 8
    slept.clear()
    assert api.call("GET", f"{path}?follow=true&wait=0&cursor={page['next']}").body["next"]
    assert api.call("GET", path).body["next"] and slept == []
    assert api.call("GET", f"{path}?follow=true&wait=21").status == 422


def test_following_a_run_that_has_ended_returns_at_once(api: Api) -> None:
    job, run_id, outputs = started(api)
    write(outputs["log_groups"]["output"], glue_runs(job)[0]["Id"], "one")
    ended(job)
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": glue_runs(job)[0]["Id"]}))
    path = f"/jobs/{job}/runs/{run_id}/logs?follow=true&wait=20"
    slept: list[float] = []
    jobs = api.app.service().jobs
    jobs._logs = RunLogReader(jobs._logs._logs, now, sleep=slept.append)
    page = api.call("GET", path).body
    while page["next"]:
        page = api.call("GET", f"{path}&cursor={page['next']}").body
    assert page["complete"] and slept == []


def test_the_script_of_the_guide_prints_the_whole_log(
    api: Api, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job, run_id, outputs = started(api)
    write(outputs["log_groups"]["output"], glue_runs(job)[0]["Id"], *(f"line {n}" for n in range(150)))
    ended(job)
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": glue_runs(job)[0]["Id"]}))
    guide = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    script = next(part for part in guide.split("```python\n")[1:] if "def follow" in part).partition("```")[0]
    monkeypatch.setenv("API", url)
    monkeypatch.setenv("TOKEN", api.issuer.token("ana"))
    monkeypatch.setenv("LOGS", f"/jobs/{job}/runs/{run_id}/logs")
    exec(compile(script, "api.md", "exec"), {})
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines() if " line " in line] == [
        f"line {n}" for n in range(150)
    ]
