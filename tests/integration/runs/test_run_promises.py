"""Runs that Glue does not report, that others started, or that use the whole budget."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.errors import AwsError
from tests.support.api import Api
from tests.support.event_bridge import event_with
from tests.support.moto_runs import ANA, Stopper, ask, end_in_glue, glue_runs


class Refusing:
    """A Glue client that rejects descriptions of a run."""

    def __init__(self, client: Any, code: str) -> None:
        self._client, self._code = client, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_job_run(self, **_: Any) -> Any:
        error: Any = {"Error": {"Code": self._code, "Message": "no"}}
        raise ClientError(error, "GetJobRun")


def look(api: Api, run: Any, code: str) -> None:
    """Check a run while Glue rejects its description."""
    glue = api.app.service().jobs._runs._glue
    client, glue._client = glue._client, Refusing(glue._client, code)
    with suppress(AwsError):
        api.app.service().jobs.run(ANA, run["job_id"], run["id"])
    glue._client = client


def notice(api: Api, job: str, run_id: str) -> None:
    """Deliver Glue's event about a changed run, the only notice of it."""
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": run_id, "state": "STOPPED"}))


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "InvalidInputException", "InternalServiceException"]
)
def test_a_run_that_glue_does_not_show_continues_and_is_settled_later(api: Api, code: str) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    run = ask(api, job).body
    look(api, run, code)
    end_in_glue(job, "SUCCEEDED", seconds=60)
    ended = api.call("GET", f"/jobs/{job}/runs/{run['id']}").body
    assert (ended["status"], ended["dpu_seconds"], ended["error"]) == ("SUCCEEDED", 300, None)
    budget = api.call("GET", f"/environments/{environment['id']}").body["budget"]
    assert (budget["spent_usd"], budget["reserved_usd"]) == (ended["cost_usd"], 0)


def test_a_run_that_glue_does_not_know_has_ended_and_costs_nothing(api: Api) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    run = ask(api, job).body
    look(api, run, "EntityNotFoundException")
    ended = api.call("GET", f"/jobs/{job}/runs/{run['id']}").body
    assert (ended["status"], ended["cost_usd"]) == ("ERROR", 0)
    budget = api.call("GET", f"/environments/{environment['id']}").body["budget"]
    assert (budget["spent_usd"], budget["reserved_usd"]) == (0, 0)


def test_a_delete_waits_for_a_run_that_was_started_in_the_console(api: Api, stopper: Stopper) -> None:
    environment = api.ready_environment()
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    started = boto3.client("glue").start_job_run(JobName=job)["JobRunId"]
    assert api.call("DELETE", path).status == 202
    api.stack_event(environment["id"])
    assert api.call("GET", path).body["status"] == "DELETING"
    assert set(stopper.stopped) == {started}
    end_in_glue(job, "STOPPED")
    notice(api, job, started)
    assert api.call("GET", path).body["status"] == "DELETED"


def test_a_deletion_continues_at_glues_event_of_the_last_run(api: Api, stopper: Stopper) -> None:
    environment = api.ready_environment()
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    ask(api, job)
    assert api.call("DELETE", path).status == 202
    assert api.call("GET", path).body["status"] == "DELETING"
    end_in_glue(job, "STOPPED")
    notice(api, job, glue_runs(job)[0]["Id"])
    assert api.call("GET", path).body["status"] == "DELETED"


def test_a_reset_waits_for_a_run_that_was_started_in_the_console(api: Api, stopper: Stopper) -> None:
    environment = api.ready_environment()
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    boto3.client("glue").create_database(DatabaseInput={"Name": environment["outputs"]["databases"]["sot"]})
    bucket = environment["outputs"]["buckets"]["sot"]
    boto3.client("s3").put_object(Bucket=bucket, Key="result", Body=b"1")
    started = boto3.client("glue").start_job_run(JobName=job)["JobRunId"]
    assert api.call("POST", f"{path}/reset").status == 202
    assert api.call("GET", path).body["status"] == "RESETTING"
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1, "the run could write again"
    assert set(stopper.stopped) == {started}
    end_in_glue(job, "STOPPED")
    notice(api, job, started)
    assert api.call("GET", path).body["status"] == "READY"
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_oldest_waiting_run_starts_first(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    first, second, third = (ask(api, job, body={"timeout_minutes": 1}).body for _ in range(3))
    end_in_glue(job)
    notice(api, job, glue_runs(job)[0]["Id"])
    runs = {run["id"]: run["status"] for run in api.call("GET", f"/jobs/{job}/runs").body["items"]}
    assert runs == {first["id"]: "SUCCEEDED", second["id"]: "STARTING", third["id"]: "PENDING"}


@pytest.mark.parametrize(("budget", "status"), [("0.88", 202), ("0.879999", 409)])
def test_a_run_may_use_the_whole_remaining_budget(
    api: Api, monkeypatch: pytest.MonkeyPatch, budget: str, status: int
) -> None:
    monkeypatch.setenv("BUDGET_USD", budget)
    api.app.service.cache_clear()
    job = api.ready_environment()["outputs"]["job_id"]
    an_hour = {"worker_type": "G.1X", "number_of_workers": 2, "timeout_minutes": 60}
    assert ask(api, job, body=an_hour).status == status
    cheapest = {"worker_type": "G.1X", "number_of_workers": 2, "timeout_minutes": 1}
    assert ask(api, job, body=cheapest).status == (409 if status == 202 else 202)


def test_the_timeline_shows_the_end_of_a_run(api: Api) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    run = ask(api, job).body
    end_in_glue(job, "SUCCEEDED", seconds=60)
    for _ in range(2):
        api.call("GET", f"/jobs/{job}/runs/{run['id']}")
    lines = api.call("GET", f"/environments/{environment['id']}/events").body["items"]
    [told] = [line for line in lines if line["action"] == "run_ended"]
    assert told["actor"] == "service"
    assert (told["detail"]["run_id"], told["detail"]["to"]) == (run["id"], "SUCCEEDED")
