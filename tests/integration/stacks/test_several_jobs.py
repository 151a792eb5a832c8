"""Several jobs in one environment, on the local CloudFormation with the real template."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import JobFile
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.requests import RunRequest
from chalicelib.errors import Conflict, NotFound
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.environment_changes import ID, ask, changed, finish, keys
from tests.support.event_bridge import event_with
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

MAIN = {"name": "load", "script": "load.py", "schedule": "rate(1 hour)"}
CLEAN = {"name": "clean-up", "script": "clean.py", "schedule": "rate(30 minutes)", "number_of_workers": 2}
THIRD = {"name": "report", "script": "report.py", "arguments": {"--A": "b"}, "max_concurrent_runs": 2}
FILE = JobFile(1, "5f" * 32, "ana", "2027-03-01T10:00:00.000Z", content=None)


def two_jobs(world: World, *jobs: dict[str, Any]) -> Environment:
    """A READY environment with jobs whose files exist, on the full hour."""
    world.moment = datetime.fromisoformat("2027-03-01T10:00:00+00:00")
    given = {"mode": "production", "kms_key": False, "jobs": [*(jobs or (MAIN, CLEAN))]}
    ready = world.ready(ID, given)
    assert ready.status is Status.READY, ready
    files = {f"{name}.py": FILE for name in ("load", "clean", "report")}
    return world.change(ready, job_files={**ready.job_files, **files})


def caller(environment: Environment) -> Caller:
    return Caller(environment.owner, is_admin=False)


def start(world: World, environment: Environment, name: str) -> JobRun:
    request = IdempotentRequest(caller(environment), "request", None, name)
    job_id = f"{environment.name}-{name}"
    return world.operator.jobs.start_run(request, job_id, RunRequest()).record


def end(world: World, run: JobRun) -> None:
    found = world.store.run(ID, run.id)
    assert found is not None and found.glue_run_id is not None
    shown = {"JobRunState": "SUCCEEDED", "ExecutionTime": 60, "CompletedOn": world.moment.timestamp()}
    world.glue.runs[found.glue_run_id] |= shown
    world.operator.events.job_changed(event_with({"jobName": run.job_id, "jobRunId": found.glue_run_id}))


def runs(world: World) -> list[JobRun]:
    return list(world.store.all_runs(ID))[::-1]


def glue_job(environment: Environment, name: str) -> Any:
    return client("glue").get_job(JobName=f"{environment.name}-{name}")["Job"]


def names(environment: Environment) -> list[str]:
    return [job.name for job in environment.settings.jobs]


def test_jobs_are_created_run_changed_and_deleted(world: World) -> None:
    ready = two_jobs(world)
    assert ready.total_resources == len(ready.resources)
    assert {"GlueJob", "GlueJobXcleanXup"} <= ready.resources.keys()
    assert [glue_job(ready, name)["NumberOfWorkers"] for name in names(ready)] == [5, 2]
    first, second = start(world, ready, "load"), start(world, ready, "clean-up")
    jobs = [run["JobName"] for run in world.glue.runs.values()]
    assert jobs == [first.job_id, second.job_id]
    assert (first.number_of_workers, second.number_of_workers) == (5, 2)
    assert world.look(ready).reserved_micro_usd == first.max_cost_micro_usd + second.max_cost_micro_usd
    listed = world.operator.jobs.page(caller(ready), second.job_id, limit=10, start=None)
    assert [run.id for run in listed.items] == [second.id]

    # The removal of a job waits for its active runs.
    begun, _ = ask(world, ready, settings={"jobs": [MAIN, THIRD]})
    assert begun.status is Status.UPDATING and "removes a job" in (begun.reason or "")
    for run in (first, second):
        end(world, run)
    after = finish(world, ready)
    assert (after.status, after.failure, names(after)) == (Status.READY, None, ["load", "report"])
    assert "GlueJobXreport" in after.resources and "GlueJobXcleanXup" not in after.resources
    assert glue_job(after, "report")["DefaultArguments"]["--A"] == "b"
    with pytest.raises(client("glue").exceptions.EntityNotFoundException):
        glue_job(after, "clean-up")

    # Runs of the removed job stay, and new ones are refused.
    seen = world.operator.jobs.run(caller(ready), second.job_id, second.id)
    assert (seen.status, bool(seen.cost_micro_usd)) == (RunStatus.SUCCEEDED, True)
    listed = world.operator.jobs.page(caller(ready), second.job_id, limit=10, start=None)
    assert [run.id for run in listed.items] == [second.id]
    with pytest.raises(NotFound):
        start(world, after, "clean-up")
    with pytest.raises(NotFound):
        world.operator.jobs.page(caller(ready), f"{ready.name}-never", limit=10, start=None)

    single = changed(world, after, settings={"jobs": None})
    assert names(single) == ["load"]
    assert f"environments/{ID}/template.yaml" not in keys("assets")
    world.operator.environments.delete(caller(ready), ID, "r2")
    gone = finish(world, single)
    assert gone.status is Status.DELETED and gone.receipt is not None


def test_a_change_of_the_main_job_leaves_the_others(world: World) -> None:
    ready = two_jobs(world)
    before = glue_job(ready, "clean-up")
    after = changed(world, ready, settings={"job": {"number_of_workers": 3}})
    assert after.settings.jobs == [after.settings.job, ready.settings.jobs[1]]
    assert glue_job(after, "load")["NumberOfWorkers"] == 3
    assert glue_job(after, "clean-up")["LastModifiedOn"] == before["LastModifiedOn"]


def test_each_schedule_starts_its_own_runs_once(world: World) -> None:
    ready = two_jobs(world)
    main, clean = ready.settings.jobs
    times = [ready.next_run_of(job) for job in (main, clean)]
    assert times == ["2027-03-01T11:00:00.000Z", "2027-03-01T10:30:00.000Z"]
    assert ready.due_at == times[1]
    for _ in range(3):
        world.moment = max(world.moment, datetime.fromisoformat("2027-03-01T10:30:00+00:00"))
        world.operator.events.tick(seconds=60)
    assert [run.job_id for run in runs(world)] == [ready.id_of(clean)]
    end(world, runs(world)[0])
    world.moment = datetime.fromisoformat("2027-03-01T11:00:00+00:00")
    for _ in range(3):  # both are due, and start in one tick
        world.operator.events.tick(seconds=60)
    started = [run.job_id for run in runs(world)[1:]]
    assert sorted(started) == sorted([ready.id_of(main), ready.id_of(clean)])
    assert len({run.id for run in runs(world)}) == 3
    after = world.look(ready)
    assert [after.next_run_of(job)[11:16] for job in (main, clean)] == ["12:00", "11:30"]  # type: ignore[index]


def test_a_skipped_run_of_one_job_does_not_hold_another(world: World) -> None:
    ready = two_jobs(world, {**MAIN, "schedule": "rate(30 minutes)"}, CLEAN)
    world.change(ready, job_files={path: f for path, f in ready.job_files.items() if path != "clean.py"})
    for _ in range(2):
        world.moment += timedelta(minutes=30)
        world.operator.events.tick(seconds=60)
        end(world, runs(world)[-1])
    assert [run.job_id for run in runs(world)] == [ready.job_id] * 2
    skipped = [e for e in world.store.events(ID, limit=100).items if e.action == "run_skipped"]
    assert [event.detail["job_id"] for event in skipped] == [ready.id_of(ready.settings.jobs[1])]
    assert [*world.look(ready).skipped_runs] == ["clean-up"]


def test_the_deletion_stops_runs_of_every_job(world: World) -> None:
    ready = two_jobs(world)
    outside = world.glue.begin(ready.id_of(ready.settings.jobs[1]))
    start(world, ready, "load")
    world.operator.environments.delete(caller(ready), ID, "r2")
    assert {run["JobRunState"] for run in world.glue.runs.values()} <= {"STOPPING", "STOPPED"}
    assert world.glue.runs[outside]["JobRunState"] in ("STOPPING", "STOPPED")


def test_pages_of_jobs_hold_at_most_the_limit(world: World) -> None:
    ready = two_jobs(world, MAIN, CLEAN, THIRD)
    for environment_id in (None, ID):
        found: list[str] = []
        start_at: Any = None
        for _ in range(9):
            page = world.operator.jobs.jobs(
                caller(ready), owner=None, environment_id=environment_id, limit=2, start=start_at
            )
            assert len(page.items) <= 2
            found += [job.settings.name for job in page.items]
            start_at = page.next
            if start_at is None:
                break
        assert found == ["load", "clean-up", "report"]


def test_a_job_deleted_by_hand_is_created_again(world: World) -> None:
    ready = two_jobs(world)
    client("glue").delete_job(JobName=ready.id_of(ready.settings.jobs[1]))
    with pytest.raises(Conflict):
        world.moment += timedelta(hours=1)
        world.change(ready, look_at=None)
        world.store.request_drift_check(ID, "2027-03-01T11:00:00.000Z")
        world.operator.events.tick(seconds=60)
        start(world, dataclasses.replace(ready), "load")
    failed = world.look(ready)
    assert failed.status is Status.FAILED and failed.failure is not None
    assert "clean-up" in failed.failure.message
    after = changed(world, failed, settings={})
    assert after.status is Status.READY
    assert glue_job(after, "clean-up")["NumberOfWorkers"] == 2
