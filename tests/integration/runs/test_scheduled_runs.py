"""Scheduled runs: started by the tick, once per due time, and only within the budget."""

from __future__ import annotations

import dataclasses
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain import expiry
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos import invariants
from local.chaos.owners import Owners
from local.chaos.world import simulated
from local.faults.rules import parse_all
from local.moto_patches import dynamodb
from tests.support.environment_changes import ID, changed
from tests.support.event_bridge import event_with
from tests.support.service_roles import World

DEAR = {"worker_type": "G.16X", "number_of_workers": 10, "timeout_minutes": 1, "max_retries": 3}
"""4.69 USD at most: of a budget of 5, one fits."""


def scheduled(world: World, schedule: str = "rate(1 hour)", **job: Any) -> Environment:
    """A READY sandbox with a schedule, on the full hour."""
    world.moment = datetime.fromisoformat("2027-03-01T10:00:00+00:00")
    return world.ready(
        ID, {"kms_key": False, "athena_workgroup": False, "job": {"schedule": schedule, **job}}
    )


def tick(world: World, **later: float) -> None:
    world.moment += timedelta(**later)
    world.operator.events.tick(seconds=60)


def runs(world: World) -> list[JobRun]:
    return list(world.store.all_runs(ID))[::-1]


def end(world: World, run: JobRun, state: str = "SUCCEEDED", seconds: int = 60) -> None:
    """End a run in Glue and deliver its event."""
    found = world.store.run(ID, run.id)
    assert found is not None and found.glue_run_id is not None
    world.glue.runs[found.glue_run_id] |= {
        "JobRunState": state,
        "ExecutionTime": seconds,
        "CompletedOn": world.moment.timestamp(),
    }
    world.operator.events.job_changed(event_with({"jobName": run.job_id, "jobRunId": found.glue_run_id}))


def lines(world: World, action: str) -> list[Any]:
    return [event for event in world.store.events(ID, limit=100).items if event.action == action][::-1]


def test_a_run_starts_once_at_its_due_time(world: World) -> None:
    ready = scheduled(world)
    assert ready.due_at == ready.next_run_at == "2027-03-01T11:00:00.000Z"
    tick(world, minutes=59)
    assert runs(world) == []
    for _ in range(3):
        tick(world, minutes=1)
    [run] = runs(world)
    assert (run.requested_by, run.status, run.owner) == ("schedule", RunStatus.RUNNING, ready.owner)
    [started] = world.glue.runs.values()
    assert started["Arguments"]["--terraglue-run-id"] == run.id
    after = world.look(ready)
    assert after.next_run_at == "2027-03-01T12:00:00.000Z"
    assert after.reserved_micro_usd == world.store.account(ready.owner).reserved_micro_usd > 0
    [line] = lines(world, "run_requested")
    assert (line.actor, line.detail["run_id"]) == ("schedule", run.id)
    end(world, run)
    tick(world, hours=1)
    assert len(runs(world)) == 2


def test_concurrent_ticks_start_one_run(world: World) -> None:
    dynamodb.install()  # moto's is not made for several threads
    scheduled(world)
    world.moment += timedelta(hours=1)
    ticks = [threading.Thread(target=lambda: tick(world)) for _ in range(8)]
    for thread in ticks:
        thread.start()
    for thread in ticks:
        thread.join()
    assert len(runs(world)) == len(world.glue.runs) == 1


def test_several_missed_times_start_one_run(world: World) -> None:
    ready = scheduled(world, "rate(5 minutes)")
    tick(world, hours=7, minutes=3)
    assert len(runs(world)) == 1
    assert world.look(ready).next_run_at == "2027-03-01T17:05:00.000Z"


def test_a_due_time_that_is_set_again_starts_one_run(world: World) -> None:
    ready = scheduled(world)
    tick(world, hours=1)
    world.change(ready, next_run_at="2027-03-01T11:00:00.000Z", due_at="2027-03-01T11:00:00.000Z")
    end(world, runs(world)[0])
    tick(world, minutes=1)
    assert len(runs(world)) == 1
    assert world.look(ready).next_run_at == "2027-03-01T12:00:00.000Z"


def test_a_schedule_never_spends_more_than_the_budget(world: World) -> None:
    ready = scheduled(world, "rate(5 minutes)", **DEAR)
    spent = []
    for _ in range(30):  # two and a half hours; each attempt of each run costs its maximum
        tick(world, minutes=5)
        for glue_run_id, shown in list(world.glue.runs.items()):
            if shown["JobRunState"] == "RUNNING":
                shown |= {"JobRunState": "FAILED", "ExecutionTime": 60}
                for attempt in (1, 2, 3):
                    world.glue.begin(
                        ready.job_id,
                        "FAILED",
                        Attempt=attempt,
                        Arguments=shown["Arguments"],
                        ExecutionTime=60,
                    )
                world.operator.events.job_changed(
                    event_with({"jobName": ready.job_id, "jobRunId": glue_run_id})
                )
        spent.append(world.store.account(ready.owner).spent_micro_usd)
    assert max(spent) == pytest.approx(4 * 10 * 16 * 60 * 0.44 / 3600 * 1e6, abs=2)
    assert max(spent) <= 5_000_000
    assert len(runs(world)) == 1
    [line] = lines(world, "run_skipped")
    assert "which could cost up to 4.69 USD: 0.31 USD is left" in line.detail["why"]
    # The next period has a new budget, and the schedule continues without a restart.
    tick(world, days=30)
    assert len(runs(world)) == 2
    assert world.look(ready).skipped_runs == {}


def test_a_run_that_the_budget_never_covers_is_never_started(world: World) -> None:
    scheduled(world, "rate(5 minutes)", **{**DEAR, "timeout_minutes": 2})
    for _ in range(12):
        tick(world, minutes=5)
    assert (runs(world), world.glue.runs) == ([], {})
    assert len(lines(world, "run_skipped")) == 1


def test_scheduled_runs_respect_the_limit_of_concurrent_runs(world: World) -> None:
    ready = scheduled(world, max_concurrent_runs=2)
    for _ in range(4):
        tick(world, hours=1)
    assert len(runs(world)) == 2
    [line] = lines(world, "run_skipped")
    assert "The maximum number of concurrent runs (2) is active" in line.detail["why"]
    assert line.detail["scheduled_for"] == "2027-03-01T13:00:00.000Z"
    end(world, runs(world)[0])
    tick(world, hours=1)
    assert len(runs(world)) == 3
    tick(world, hours=1)
    assert len(lines(world, "run_skipped")) == 2, "the cause was gone in between"
    assert world.look(ready).reserved_micro_usd == 2 * runs(world)[0].max_cost_micro_usd


def test_a_run_without_its_script_is_not_started(world: World) -> None:
    ready = scheduled(world)
    world.change(ready, job_files={})
    tick(world, hours=1)
    tick(world, hours=1)
    assert runs(world) == []
    [line] = lines(world, "run_skipped")
    assert line.detail["why"] == "These job files do not exist: sot_ecommerce.py."


@pytest.mark.parametrize(
    "changes",
    [
        {"delete_requested": True},
        {"status": Status.DELETING},
        {"status": Status.FAILED},
        {"status": Status.RESETTING, "is_emptied": True},
        {"expires_at": "2027-03-01T10:59:00.000Z"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_only_a_ready_sandbox_runs_its_job(world: World, changes: dict[str, Any]) -> None:
    ready = scheduled(world)
    world.change(ready, **changes)
    tick(world, hours=1)
    assert (runs(world), world.glue.runs) == ([], {})


def test_a_schedule_can_be_removed_and_set_again(world: World) -> None:
    ready = scheduled(world)
    without = changed(world, ready, settings={"job": {"schedule": None}})
    assert (without.status, without.next_run_at) == (Status.READY, None)
    tick(world, hours=3)
    assert runs(world) == []
    again = changed(world, ready, settings={"job": {"schedule": "cron(30 * * * ? *)"}})
    assert again.next_run_at == "2027-03-01T13:30:00.000Z"
    assert again.due_at == again.next_run_at
    tick(world, minutes=30)
    assert len(runs(world)) == 1


def test_a_schedule_continues_after_a_reset(world: World) -> None:
    ready = scheduled(world)
    world.moment += timedelta(minutes=70)  # a time that is missed, for the reset is first
    world.operator.environments.reset(IdempotentRequest(Caller(ready.owner, is_admin=False), "r"), ID)
    tick(world, minutes=1)
    after = world.look(ready)
    assert (after.status, after.next_run_at) == (Status.READY, "2027-03-01T12:00:00.000Z")
    assert runs(world) == []


def test_warnings_and_an_extension_do_not_change_the_schedule(world: World) -> None:
    ready = scheduled(world)
    owner = Caller(ready.owner, is_admin=False)
    extended = world.operator.environments.extend(owner, ID, 24, "r")
    assert extended.due_at == extended.next_run_at == "2027-03-01T11:00:00.000Z"
    tick(world, hours=23, minutes=5)
    assert len(runs(world)) == len(lines(world, "expiry_warned")) == 1
    assert world.look(ready).due_at == "2027-03-02T10:00:00.000Z"


def test_a_schedule_without_further_times_ends_silently(world: World) -> None:
    ready = scheduled(world, "cron(0 11 1 3 ? 2027)")
    tick(world, hours=1)
    after = world.look(ready)
    assert (len(runs(world)), after.next_run_at) == (1, None)
    assert after.due_at == expiry.next_check(after) == after.look_at


def test_a_kill_at_any_call_starts_each_run_once() -> None:
    with simulated(3) as world:
        world.tick()
        world.simulation.run(60 * 61)
        job = JobSettings(schedule="rate(1 hour)", number_of_workers=2, timeout_minutes=1)
        asked = IdempotentRequest(Caller("ana", is_admin=False), "r", None, "f")
        settings = Settings(kms_key=False, athena_workgroup=False, job=job)
        world.invoke("request", "ana", lambda: world.service.environments.create(asked, settings))
        world.simulation.run(60 * 10)
        for call in range(8):
            world.simulation.run(3600 - world.simulation.seconds % 3600 - 5)
            rules = f"*:* kill_after after {call} times 1; events:* lost"
            world.faults.replace(parse_all(rules), 0)
            world.simulation.run(180)
            assert world.faults.show()[0]["acted"]
        world.faults.replace([], 0)
        world.simulation.run(600)
        assert world.defects == []
        assert invariants.check(world, Owners(world, 0, 0)) == []
        assert len(world.runs.runs) == 8


def test_a_skipped_run_shows_the_remaining_budget_and_its_period(world: World) -> None:
    world.config = dataclasses.replace(world.config, budget_usd=Decimal("0.2"), budget_days=2)
    world.operator = world._service(None)
    scheduled(world)
    tick(world, hours=1)
    [line] = lines(world, "run_skipped")
    assert line.detail["why"].endswith("0.55 USD: 0.20 USD is left until 2027-03-03T10:00:00.000Z.")
