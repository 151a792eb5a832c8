"""Stopping a run: recorded before it is carried out, for repeated requests and killed processes."""

from __future__ import annotations

import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.errors import NotFound
from tests.support.api import Api
from tests.support.moto_runs import ANA, DiesAfterTheCall, DyingStarter, Stopper, ask, end_in_glue, glue_runs


def stop(api: Api, job: str, run_id: str) -> tuple[JobRun, bool]:
    return api.app.service().jobs.stop(ANA, job, run_id, "r9")


def test_a_run_is_stopped_once_and_the_actor_is_recorded(api: Api, stopper: Stopper) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    run_id = ask(api, job).body["id"]
    run, accepted = stop(api, job, run_id)
    assert (run.status, run.stopped_by, accepted) == (RunStatus.STOPPING, "ana", True)
    again, accepted = stop(api, job, run_id)
    assert (again.status, accepted) == (RunStatus.STOPPING, True)
    assert stopper.stopped == [glue_runs(job)[0]["Id"]]
    end_in_glue(job, "STOPPED")
    ended, accepted = stop(api, job, run_id)
    assert (ended.status, ended.stopped_by, accepted) == (RunStatus.STOPPED, "ana", False)
    events = api.call("GET", f"/environments/{environment['id']}/events").body["items"]
    [told] = [event for event in events if event["action"] == "run_stop_requested"]
    assert (told["actor"], told["request_id"], told["detail"]) == ("ana", "r9", {"run_id": run_id})


def test_an_ended_run_is_returned_unchanged(api: Api, stopper: Stopper) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    run_id = ask(api, job).body["id"]
    end_in_glue(job, "SUCCEEDED")
    run, accepted = stop(api, job, run_id)
    assert (run.status, run.stopped_by, accepted) == (RunStatus.SUCCEEDED, None, False)
    assert stopper.stopped == []


def test_a_stopped_waiting_run_is_never_started(api: Api, stopper: Stopper) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    ask(api, job, body={"timeout_minutes": 1})
    waiting = ask(api, job, body={"timeout_minutes": 1}).body["id"]
    run, accepted = stop(api, job, waiting)
    assert (run.status, run.glue_run_id, run.cost_micro_usd, accepted) == (RunStatus.STOPPED, None, 0, True)
    assert len(glue_runs(job)) == 1
    assert stopper.stopped == []
    budget = api.call("GET", f"/environments/{environment['id']}").body["budget"]
    assert budget["reserved_usd"] == pytest.approx(5 / 60 * 0.44, abs=1e-6), "only the first one's"


@pytest.mark.parametrize("after", [True, False])
def test_a_run_in_doubt_is_searched_in_glue_before_it_is_stopped(
    api: Api, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "0")
    api.app.service.cache_clear()
    job = api.ready_environment()["outputs"]["job_id"]
    glue = api.app.service().jobs._runs._glue
    glue._client = stopper = Stopper(glue._client)
    glue._starter = DyingStarter(glue._starter, after=after)
    with pytest.raises(DiesAfterTheCall):
        ask(api, job, body={"timeout_minutes": 1})
    [run] = api.app.service().jobs.page(ANA, job, limit=9, start=None).items
    stopped, _ = stop(api, job, run.id)
    assert stopped.status is (RunStatus.STOPPING if after else RunStatus.STOPPED)
    assert stopper.stopped == [run["Id"] for run in glue_runs(job)]


def test_a_stop_waits_for_a_start_in_progress_and_stops_its_run(api: Api, stopper: Stopper) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    service = api.app.service()
    real = service.jobs._runs._glue._starter
    service.jobs._runs._glue._starter = DyingStarter(real, after=True)
    with pytest.raises(DiesAfterTheCall):
        ask(api, job, body={"timeout_minutes": 1})
    [run] = service.jobs.page(ANA, job, limit=9, start=None).items
    waiting, accepted = stop(api, job, run.id)
    assert (waiting.status, waiting.stopped_by, accepted) == (RunStatus.PENDING, "ana", True)
    assert waiting.due_at == run.due_at, "it is looked for before the call to start it can have ended"


def test_the_schedule_finishes_a_stop_whose_process_was_killed(api: Api, stopper: Stopper) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    run_id = ask(api, job).body["id"]
    stopper.dies = True
    with pytest.raises(DiesAfterTheCall):
        stop(api, job, run_id)
    stopper.dies = False
    api.app.service().events.tick(seconds=10)
    [run] = api.app.service().jobs.page(ANA, job, limit=9, start=None).items
    assert (run.status, run.stopped_by) == (RunStatus.STOPPING, "ana")
    assert set(stopper.stopped) == {glue_runs(job)[0]["Id"]}


def test_a_stop_rejected_by_aws_neither_fails_the_request_nor_ends_the_run(
    api: Api, stopper: Stopper
) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    run_id = ask(api, job).body["id"]
    stopper.refuses = True
    run, accepted = stop(api, job, run_id)
    assert (run.status, run.stopped_by, accepted) == (RunStatus.STARTING, "ana", True)
    api.app.service().events.tick(seconds=10)
    [run] = api.app.service().jobs.page(ANA, job, limit=9, start=None).items
    assert run.status is RunStatus.STARTING, "it goes on in Glue, so it has not ended here"
    assert run.due_at is not None


def test_a_run_of_another_user_is_not_found(api: Api, stopper: Stopper) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    run_id = ask(api, job).body["id"]
    with pytest.raises(NotFound):
        api.app.service().jobs.stop(Caller("ben", is_admin=False), job, run_id, "r9")
    assert stopper.stopped == []
