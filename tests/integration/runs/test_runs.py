"""Job runs on moto: admission against the budget, a single start, settlement, display."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from tests.support.api import Api
from tests.support.event_bridge import event_with
from tests.support.moto_runs import MARKER, DiesAfterTheCall, DyingStarter, ask, end_in_glue, glue_runs


def test_a_run_is_recorded_priced_and_started(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    asked = ask(api, job, body={"arguments": {"--NUM_PARTITIONS": "3"}, "timeout_minutes": 2})
    assert asked.status == 202
    assert asked.headers["Location"] == f"/jobs/{job}/runs/{asked.body['id']}"
    assert (asked.body["status"], asked.body["requested_by"]) == ("PENDING", "ana")
    assert asked.body["max_cost_usd"] == pytest.approx(5 * 2 / 60 * 0.44, abs=1e-6)
    run = api.call("GET", asked.headers["Location"]).body
    assert run["status"] == "STARTING"
    [started] = glue_runs(job)
    assert (started["Id"], started["Timeout"], started["NumberOfWorkers"]) == (run["glue_run_id"], 2, 5)
    assert started["Arguments"]["--NUM_PARTITIONS"] == "3"
    assert started["Arguments"][MARKER] == run["id"]
    assert started["Arguments"]["--conf"] == "spark.hadoop.fs.s3a.endpoint.region=us-east-1"
    assert not {"--conf", MARKER} & run["arguments"].keys()  # arguments of the service


def test_a_finished_run_is_settled_once(api: Api) -> None:
    environment = api.ready_environment()
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    asked = ask(api, job, body={"timeout_minutes": 4})
    budget = api.call("GET", path).body["budget"]
    assert budget == {"limit_usd": 1.0, "spent_usd": 0.0, "reserved_usd": asked.body["max_cost_usd"]}
    end_in_glue(job, seconds=120)
    event = {"jobName": job, "jobRunId": glue_runs(job)[0]["Id"], "state": "SUCCEEDED"}
    for _ in range(3):  # events repeat
        api.app.service().events.job_changed(event_with(event))
    run = api.call("GET", asked.headers["Location"]).body
    assert (run["status"], run["execution_seconds"], run["dpu_seconds"]) == ("SUCCEEDED", 120, 600)
    assert run["cost_usd"] == pytest.approx(600 / 3600 * 0.44, abs=1e-6)
    assert run["error"] is None
    budget = api.call("GET", path).body["budget"]
    assert budget == {"limit_usd": 1.0, "spent_usd": run["cost_usd"], "reserved_usd": 0.0}


def test_a_late_event_of_a_run_is_ignored_if_its_job_was_deleted(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    ask(api, job)
    [run] = glue_runs(job)
    boto3.client("glue").delete_job(JobName=job)
    api.app.service().events.job_changed(event_with({"jobName": job, "jobRunId": run["Id"]}))


def test_a_failed_run_shows_its_reason_and_last_log_lines(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job = outputs["job_id"]
    asked = ask(api, job)
    glue_run_id, group = glue_runs(job)[0]["Id"], outputs["log_groups"]["error"]
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=glue_run_id)
    now = int(time.time() * 1000)
    java = "\tat org.apache.spark.sql.Dataset.show(Dataset.scala:1)"
    lines = [{"timestamp": now + n, "message": f"line {n}"} for n in range(30)]
    lines += [{"timestamp": now + 30 + n, "message": java} for n in range(50)]
    logs.put_log_events(logGroupName=group, logStreamName=glue_run_id, logEvents=lines)
    end_in_glue(job, "FAILED")
    run = api.call("GET", asked.headers["Location"]).body
    assert (run["status"], run["error"]["message"]) == (
        "FAILED",
        "ValueError: bad [account] (sot_ecommerce.py, line 3)",
    )
    assert run["error"]["log_tail"] == [f"line {n}" for n in range(10, 30)]


def test_a_run_that_the_budget_does_not_cover_is_rejected(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    answer = ask(api, job, body={"number_of_workers": 10, "timeout_minutes": 60})
    assert (answer.status, answer.body["code"]) == (409, "budget_exceeded")
    assert "4.40 USD" in answer.body["detail"]
    assert "1.00 USD" in answer.body["detail"]
    assert glue_runs(job) == []


def test_many_concurrent_runs_cannot_overspend(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    statuses: list[int] = []
    # 5 workers x 15 minutes cost 0.55 USD: one fits into a budget of one dollar, two do not.
    threads = [threading.Thread(target=lambda: statuses.append(ask(api, job).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] + [409] * 7
    assert len(glue_runs(job)) == 1


def test_a_run_in_an_environment_that_is_not_ready_is_rejected(api: Api) -> None:
    asked = api.call("POST", "/environments").body
    answer = ask(api, f"terraglue-{asked['id']}-sot-ecommerce-br")
    assert (answer.status, answer.body["code"]) == (409, "environment_not_ready")


def test_a_run_above_the_operators_ceilings_is_rejected(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("MAX_WORKERS", "3")
    monkeypatch.setenv("MAX_TIMEOUT_MINUTES", "10")
    api: Api = request.getfixturevalue("api")
    job = api.ready_environment(job={"number_of_workers": 2, "timeout_minutes": 5})["outputs"]["job_id"]
    answer = api.call("POST", f"/jobs/{job}/runs", body={"number_of_workers": 4, "timeout_minutes": 11})
    assert (answer.status, answer.body["code"]) == (422, "invalid_combination")
    assert [error["pointer"] for error in answer.body["errors"]] == ["/number_of_workers", "/timeout_minutes"]


def test_an_unknown_job_is_not_found(api: Api) -> None:
    environment = api.ready_environment()
    for job in ("nonsense", f"terraglue-{environment['id']}-other", "terraglue-aaaaaaaaaa-sot-ecommerce-br"):
        assert ask(api, job).status == 404, job


def test_the_same_key_starts_one_run(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    key = {"Idempotency-Key": "run-1"}
    first = ask(api, job, headers=key, body={"timeout_minutes": 1})
    end_in_glue(job)
    again = ask(api, job, headers=key, body={"timeout_minutes": 1})
    assert (again.status, again.body, again.headers["Location"]) == (
        202,
        first.body,
        first.headers["Location"],
    )
    assert len(glue_runs(job)) == 1


@pytest.mark.parametrize("after", [True, False])
def test_a_run_whose_starter_was_killed_is_started_exactly_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "0")
    api.app.service.cache_clear()
    job = api.ready_environment()["outputs"]["job_id"]
    runs = api.app.service().jobs._runs
    real = runs._glue._starter
    runs._glue._starter = DyingStarter(real, after=after)
    with pytest.raises(DiesAfterTheCall):
        ask(api, job, body={"timeout_minutes": 1})
    runs._glue._starter = real
    for _ in range(3):  # the schedule finds it, again and again
        api.app.service().events.tick(seconds=10)
    [run] = api.call("GET", f"/jobs/{job}/runs").body["items"]
    [started] = glue_runs(job)
    assert (run["status"], run["glue_run_id"]) == ("STARTING", started["Id"])


def test_a_run_waits_while_the_job_is_at_its_limit_of_concurrent_runs(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    first = ask(api, job, body={"timeout_minutes": 1})
    second = ask(api, job, body={"timeout_minutes": 1})
    waiting = api.call("GET", second.headers["Location"]).body
    assert (waiting["status"], waiting["reason"]) == ("PENDING", "Waiting for an earlier run to end.")
    end_in_glue(job)
    started = glue_runs(job)[0]["Id"]
    api.app.service().events.job_changed(
        event_with({"jobName": job, "jobRunId": started, "state": "SUCCEEDED"})
    )
    assert api.call("GET", first.headers["Location"]).body["status"] == "SUCCEEDED"
    assert api.call("GET", second.headers["Location"]).body["status"] == "STARTING"


def test_runs_are_listed_newest_first_in_pages(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    ids = []
    for _ in range(3):
        ids.append(ask(api, job, body={"timeout_minutes": 1}).body["id"])
        end_in_glue(job)
    first = api.call("GET", f"/jobs/{job}/runs?limit=2").body
    rest = api.call("GET", f"/jobs/{job}/runs?limit=2&cursor={first['next']}").body
    assert [run["id"] for run in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


def test_logs_continue_after_the_callers_cursor(api: Api) -> None:
    outputs = api.ready_environment()["outputs"]
    job = outputs["job_id"]
    path = ask(api, job).headers["Location"] + "/logs"
    assert api.call("GET", path).body["items"] == []
    logs, stream = boto3.client("logs"), glue_runs(job)[0]["Id"]
    group = {"logGroupName": outputs["log_groups"]["output"], "logStreamName": stream}
    logs.create_log_group(logGroupName=group["logGroupName"])
    logs.create_log_stream(**group)
    at = int(time.time()) * 1000
    logs.put_log_events(**group, logEvents=[{"timestamp": at, "message": "one\n"}])
    first = api.call("GET", path).body
    shown = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert first["items"] == [{"time": shown, "message": "one"}]
    logs.put_log_events(**group, logEvents=[{"timestamp": at + 1, "message": "two"}])
    second = api.call("GET", f"{path}?cursor={first['next']}").body
    assert [line["message"] for line in second["items"]] == ["two"]
    end_in_glue(job, CompletedOn=datetime.now(UTC) - timedelta(minutes=1))
    last = api.call("GET", f"{path}?cursor={second['next']}").body
    assert last == {"items": [], "next": None, "complete": True}
    assert api.call("GET", path + "?stream=secret").status == 422


def test_deleting_an_environment_stops_its_runs_first(api: Api) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    asked = ask(api, job)
    waiting = ask(api, job, body={"timeout_minutes": 1})
    end_in_glue(job, "STOPPED")
    api.call("DELETE", f"/environments/{environment['id']}")
    api.stack_event(environment["id"])
    assert api.call("GET", f"/environments/{environment['id']}").body["status"] == "DELETED"
    assert api.call("GET", asked.headers["Location"]).body["status"] == "STOPPED"
    assert api.call("GET", waiting.headers["Location"]).body["status"] == "STOPPED"
    assert api.call("GET", f"/environments/{environment['id']}").body["budget"]["reserved_usd"] == 0


@pytest.mark.parametrize("seen_while_it_runs", [False, True])
def test_a_run_that_glue_retries_is_one_run_with_the_cost_of_all_attempts(
    api: Api, seen_while_it_runs: bool
) -> None:
    environment = api.ready_environment(job={"max_retries": 1, "timeout_minutes": 2})
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    asked = ask(api, job)
    one = 5 * 2 / 60 * 0.44
    assert asked.body["max_cost_usd"] == pytest.approx(2 * one, abs=1e-5)
    just_now = datetime.now(UTC)
    end_in_glue(job, "FAILED", seconds=60, CompletedOn=just_now)
    waiting = api.call("GET", asked.headers["Location"]).body
    assert (waiting["status"], waiting["reason"]) == ("STARTING", "Attempt 1 failed. Glue retries.")
    boto3.client("glue").start_job_run(JobName=job, Arguments={MARKER: asked.body["id"]})  # Glue's own retry
    if seen_while_it_runs:
        end_in_glue(job, "RUNNING", Attempt=1)
        assert api.call("GET", asked.headers["Location"]).body["status"] == "RUNNING"
    end_in_glue(job, "SUCCEEDED", seconds=90, Attempt=1, CompletedOn=just_now)
    run = api.call("GET", asked.headers["Location"]).body
    assert (run["status"], run["dpu_seconds"]) == ("SUCCEEDED", 5 * (60 + 90))
    budget = api.call("GET", path).body["budget"]
    assert (budget["spent_usd"], budget["reserved_usd"]) == (run["cost_usd"], 0)
    assert len(api.call("GET", f"/jobs/{job}/runs").body["items"]) == 1


def retries_by_hand(job: str, retries: int) -> None:
    """Change the job as a user with credentials can with UpdateJob, which moto lacks."""
    from moto.glue.models import glue_backends

    glue_backends["123456789012"]["us-east-1"].jobs[job].max_retries = retries


def test_a_retry_that_is_not_reserved_is_stopped(api: Api, runs_end_when_told: None) -> None:
    environment = api.ready_environment(job={"timeout_minutes": 2})
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    asked = ask(api, job)
    retries_by_hand(job, 3)
    just_now = datetime.now(UTC)
    end_in_glue(job, "FAILED", seconds=60, CompletedOn=just_now)
    waiting = api.call("GET", asked.headers["Location"]).body
    assert (waiting["status"], waiting["reason"]) == ("STARTING", "Attempt 1 failed. Glue retries.")
    # Glue's own retry, of a job whose runs have no marker
    boto3.client("glue").start_job_run(JobName=job)
    before = glue_runs(job)[0]["Id"]
    end_in_glue(job, "RUNNING", Attempt=1, PreviousRunId=before)
    stopped: list[str] = []
    glue = api.app.service().jobs._runs._follower._glue
    stop, glue.stop = glue.stop, lambda job, run: stopped.append(run)
    try:
        assert "Stopping" in api.call("GET", asked.headers["Location"]).body["reason"]
    finally:
        glue.stop = stop
    assert stopped == [glue_runs(job)[1]["Id"]]
    end_in_glue(job, "STOPPED", seconds=60, Attempt=1, PreviousRunId=before, CompletedOn=just_now)
    run = api.call("GET", asked.headers["Location"]).body
    assert (run["status"], run["dpu_seconds"]) == ("FAILED", 5 * (60 + 60))
    assert "ValueError: bad" in run["error"]["message"]
    budget = api.call("GET", path).body["budget"]
    assert (budget["spent_usd"], budget["reserved_usd"]) == (run["cost_usd"], 0)


def test_a_failed_run_that_glue_does_not_retry_ends_failed(api: Api) -> None:
    job = api.ready_environment(job={"max_retries": 1, "timeout_minutes": 2})["outputs"]["job_id"]
    asked = ask(api, job)
    end_in_glue(job, "FAILED", CompletedOn=datetime(2026, 1, 1, tzinfo=UTC))
    assert api.call("GET", asked.headers["Location"]).body["status"] == "FAILED"
