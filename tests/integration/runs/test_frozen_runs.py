"""Settings and cost of runs: Glue uses what was reserved, and every billed attempt is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.runs.new_run import new_run
from tests.support.environment_changes import ID, actions, ask, finish
from tests.support.event_bridge import event_with
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

MARK = "--terraglue-run-id"


def ready(world: World, **job: Any) -> Environment:
    settings = {"number_of_workers": 2, "timeout_minutes": 10, **job}
    return world.ready(ID, {"kms_key": False, "athena_workgroup": False, "job": settings})


def event(world: World, run: JobRun, glue_run_id: str) -> None:
    world.operator.events.job_changed(event_with({"jobName": run.job_id, "jobRunId": glue_run_id}))


def recorded(world: World, run: JobRun) -> JobRun:
    found = world.store.run(ID, run.id)
    assert found is not None
    return found


def retries_in_glue(environment: Environment) -> int:
    return client("glue").get_job(JobName=environment.job_id)["Job"]["MaxRetries"]


def cost(seconds: int) -> int:
    return round(seconds * 2 * 0.44 / 3600 * 1e6)


def test_more_retries_wait_until_the_runs_have_ended(world: World) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "RUNNING")
    begun, accepted = ask(world, environment, settings={"job": {"max_retries": 3}})
    assert (begun.status, accepted) == (Status.UPDATING, True)
    for _ in range(3):
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
        found = world.look(environment)
        assert (found.status, retries_in_glue(environment)) == (Status.UPDATING, 0)
        assert found.reason is not None and found.reason.startswith("Waiting for active runs to end")
        assert found.transition_since == timestamp(world.moment)  # the service is not late
    assert actions(world, environment).count("delayed") == 1
    assert run.glue_run_id is not None
    world.glue.runs[run.glue_run_id] |= {"JobRunState": "FAILED", "ExecutionTime": 60}
    event(world, run, run.glue_run_id)  # the end of the run continues the change
    after = finish(world, environment)
    assert (after.status, after.settings.job.max_retries, after.reason) == (Status.READY, 3, None)
    assert retries_in_glue(environment) == 3
    assert recorded(world, run).cost_micro_usd == cost(60) == world.store.account(ID).spent_micro_usd


def test_a_change_also_waits_for_runs_that_have_not_started(world: World) -> None:
    environment = ready(world)
    waiting = new_run(
        environment,
        environment.settings.job,
        RunRequest(),
        prices=world.config.prices,
        lease_seconds=600,
        moment=world.moment,
        requested_by=environment.owner,
    ).replace(start_attempts=0, reason="Waiting for an earlier run to end.")
    assert world.store.add_run(waiting, TimelineEvent(waiting.requested_at, "test", "run_requested"), None)
    ask(world, environment, settings={"job": {"max_retries": 2}})
    for _ in range(2):
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
        assert world.look(environment).status is Status.UPDATING
    caller = Caller(environment.owner, is_admin=False)
    world.operator.jobs.stop(caller, environment.job_id, waiting.id, "r")
    assert finish(world, environment).settings.job.max_retries == 2
    assert recorded(world, waiting).status is RunStatus.STOPPED


def test_another_change_does_not_wait_for_runs(world: World) -> None:
    environment = ready(world)
    world.ask_run(environment, "RUNNING")
    ask(world, environment, settings={"job": {"number_of_workers": 3, "timeout_minutes": 60}})
    assert finish(world, environment).settings.job.number_of_workers == 3


@pytest.mark.parametrize("asked", ["delete", "expire"])
def test_a_waiting_change_does_not_prevent_the_deletion(world: World, asked: str) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "RUNNING")
    ask(world, environment, settings={"job": {"max_retries": 3}})
    if asked == "delete":
        world.operator.environments.delete(Caller(environment.owner, is_admin=False), ID, "r")
    else:
        world.change(environment, expires_at=environment.created_at)
    assert run.glue_run_id is not None
    if asked == "expire":  # the change must end first, and therefore the run
        world.glue.runs[run.glue_run_id] |= {"JobRunState": "SUCCEEDED", "ExecutionTime": 60}
        event(world, run, run.glue_run_id)
    for _ in range(20):
        world.operated.settled(environment, environment.stack_id)
        world.moment += timedelta(seconds=61)
        world.operator.events.tick(seconds=60)
    assert world.look(environment).status is Status.DELETED
    assert world.store.account(ID).reserved_micro_usd == 0


def test_every_attempt_with_the_runs_mark_is_charged(world: World) -> None:
    """The job was changed by hand, so Glue makes attempts without a reservation."""
    environment = ready(world)
    run = world.ask_run(environment, "FAILED")
    assert run.glue_run_id is not None
    event(world, run, run.glue_run_id)
    assert recorded(world, run).cost_micro_usd == cost(60)
    for attempt in (1, 2):
        more = {"Arguments": {MARK: run.id}, "Attempt": attempt, "ExecutionTime": 100}
        glue_run_id = world.glue.begin(run.job_id, "FAILED", **more)
        for _ in range(2):  # events repeat
            event(world, run, glue_run_id)
    assert recorded(world, run).cost_micro_usd == cost(260)
    account, shown = world.store.account(ID), world.look(environment)
    assert (account.spent_micro_usd, account.reserved_micro_usd) == (cost(260), 0)
    assert (shown.spent_micro_usd, shown.reserved_micro_usd) == (cost(260), 0)
    assert actions(world, environment).count("run_cost_more") == 2


def test_an_attempt_without_a_reservation_is_stopped_and_charged(world: World) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "FAILED")
    more = {"Arguments": {MARK: run.id}, "Attempt": 1, "ExecutionTime": 100}
    second = world.glue.begin(run.job_id, "RUNNING", **more)
    assert run.glue_run_id is not None
    event(world, run, run.glue_run_id)
    assert world.glue.runs[second]["JobRunState"] == "STOPPED"
    assert not recorded(world, run).status.is_final
    event(world, run, second)
    ended = recorded(world, run)
    assert (ended.status, ended.cost_micro_usd) == (RunStatus.FAILED, cost(160))
    assert world.store.account(environment.owner).spent_micro_usd == cost(160)


def test_a_stopped_run_that_is_billed_later_is_charged_later(world: World) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "STOPPED")
    assert run.glue_run_id is not None
    world.glue.runs[run.glue_run_id] |= {"ExecutionTime": 0}
    event(world, run, run.glue_run_id)
    assert recorded(world, run).cost_micro_usd == 0
    world.glue.runs[run.glue_run_id] |= {"ExecutionTime": 90}
    event(world, run, run.glue_run_id)
    assert recorded(world, run).cost_micro_usd == cost(90) == world.store.account(ID).spent_micro_usd
    assert environment.owner == ID


def test_a_delete_stops_an_attempt_of_a_run_that_has_ended(world: World) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "FAILED")
    assert run.glue_run_id is not None
    event(world, run, run.glue_run_id)
    late = world.glue.begin(run.job_id, "RUNNING", Arguments={MARK: run.id}, Attempt=1)
    world.operator.environments.delete(Caller(environment.owner, is_admin=False), ID, "r")
    assert world.glue.runs[late]["JobRunState"] == "STOPPED"
