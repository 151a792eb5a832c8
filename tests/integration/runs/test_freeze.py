"""Freezes: nothing of a frozen environment runs or changes, until an admin or the budget thaws it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.clock import parse, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.domain.timeline import ActorType, TimelineEvent
from chalicelib.errors import BudgetExceeded, EnvironmentFrozen, EnvironmentNotLive, Forbidden, NotFound
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.environment_changes import ID, actions
from tests.support.service_roles import World

ADMIN = Caller("root", is_admin=True)
OWNER = Caller(ID, is_admin=False)
PLAIN: dict[str, Any] = {"kms_key": False, "athena_workgroup": False}


def ready(world: World, mode: str = "learning", **job: Any) -> Environment:
    world.moment = datetime.fromisoformat("2027-03-01T10:00:00+00:00")
    return world.ready(ID, {**PLAIN, "mode": mode, "job": {"timeout_minutes": 10, **job}})


def asked(caller: Caller = ADMIN, key: str | None = None) -> IdempotentRequest:
    return IdempotentRequest(caller, "r1", key, "f")


def freeze(world: World, caller: Caller = ADMIN, key: str | None = None) -> Environment:
    world.operator.environments.freeze(asked(caller, key), ID, "The course has ended.")
    return seen(world)


def thaw(world: World) -> Environment:
    world.operator.environments.thaw(asked(), ID)
    return seen(world)


def seen(world: World) -> Environment:
    environment = world.store.environment(ID)
    assert environment is not None
    return environment


def tick(world: World, **time: float) -> None:
    world.moment += timedelta(**time)
    world.operator.events.tick(seconds=60)


def spend(world: World, micro_usd: int) -> None:
    """Charge the owner, as a run does."""
    environment = seen(world)
    run = world.ask_run(environment, "RUNNING")
    cost = run.replace(
        status=RunStatus.SUCCEEDED,
        cost_micro_usd=micro_usd,
        completed_at=timestamp(world.moment),
        due_at=None,
    )
    recorded = world.store.run(ID, run.id)
    assert recorded is not None
    world.store.save_run(recorded, cost, TimelineEvent(timestamp(world.moment), "t", "run_ended"))
    world.glue.runs.clear()


def test_a_freeze_stops_all_runs_also_those_started_outside(world: World) -> None:
    environment = ready(world, max_concurrent_runs=2)
    run = world.ask_run(environment, "RUNNING")
    outside = world.glue.begin(environment.job_id)
    frozen = freeze(world)
    assert frozen.status is Status.READY and frozen.frozen is not None
    assert (frozen.frozen.by, frozen.frozen.by_type, frozen.frozen.stopped_at) == ("root", "user", None)
    tick(world, seconds=6)
    stopped = seen(world)
    assert stopped.frozen is not None and stopped.frozen.stopped_at == timestamp(world.moment)
    recorded = world.store.run(ID, run.id)
    assert recorded is not None
    assert (recorded.status, recorded.stopped_by) == (RunStatus.STOPPED, ActorType.SERVICE)
    assert world.glue.runs[outside]["JobRunState"] == "STOPPED"
    assert stopped.due_at is not None and parse(stopped.due_at) > world.moment + timedelta(hours=1)
    event = world.store.events(ID, limit=50).items
    [told] = [each for each in event if each.action == "frozen"]
    assert (told.actor, told.request_id) == ("root", "r1")
    assert [change.pointer for change in told.changes] == ["/frozen"]


def test_a_run_that_starts_after_the_freeze_has_settled_is_stopped(world: World) -> None:
    environment = ready(world)
    freeze(world)
    outside = world.glue.begin(environment.job_id)
    world.change(environment, due_at=timestamp(world.moment), freeze_check_at=timestamp(world.moment))
    tick(world, seconds=1)
    assert world.glue.runs[outside]["JobRunState"] == "STOPPED"


def test_runs_are_stopped_until_the_last_credentials_have_expired(world: World) -> None:
    environment = ready(world)
    world.change(environment, credentials_until=timestamp(world.moment + timedelta(minutes=3)))
    freeze(world)
    for _ in range(4):
        outside = world.glue.begin(environment.job_id)
        tick(world, seconds=61)
        assert world.glue.runs[outside]["JobRunState"] == "STOPPED"
        tick(world, seconds=6)
    assert seen(world).freeze_check_at is None


REQUESTS: dict[str, Callable[[World, Environment], object]] = {
    "run": lambda world, environment: world.operator.jobs.start_run(
        asked(OWNER), environment.job_id, RunRequest()
    ),
    "bookmark": lambda world, environment: world.operator.jobs.reset_bookmark(OWNER, environment.job_id),
    "settings": lambda world, environment: world.operator.environments.change(
        OWNER, ID, EnvironmentChange.model_validate({"settings": {"job": {"timeout_minutes": 3}}}), "r"
    ),
    "extend": lambda world, environment: world.operator.environments.extend(OWNER, ID, 9, "r"),
    "reset": lambda world, environment: world.operator.environments.reset(asked(OWNER), ID),
    "retry": lambda world, environment: world.operator.environments.retry(asked(OWNER), ID),
    "file": lambda world, environment: world.operator.job_files.write(OWNER, ID, "main.py", b"x = 1\n", "r"),
}


def test_a_frozen_environment_refuses_work_and_changes_but_can_be_read(world: World) -> None:
    environment = ready(world, "production", script="sot_ecommerce.py")
    freeze(world)
    for request in REQUESTS.values():
        with pytest.raises(EnvironmentFrozen, match=r"frozen: The course has ended\."):
            request(world, environment)
    assert world.operator.environments.visible(OWNER, ID).frozen is not None
    assert world.operator.jobs.page(OWNER, environment.job_id, limit=5, start=None).items == []
    extended = world.operator.environments.extend(ADMIN, ID, 9, "r")
    assert extended.expires_at == timestamp(world.moment + timedelta(hours=9))
    deleted, running = world.operator.environments.delete(OWNER, ID, "r")
    assert running and deleted.delete_requested
    world.operated.settled(environment, environment.stack_id)


def test_a_repair_of_a_frozen_environment_waits_for_the_thaw(world: World) -> None:
    environment = ready(world)
    world.operated.aws("cloudformation").delete_stack(StackName=environment.name)
    world.operated.settled(environment, environment.stack_id)
    world.reconcile(world.operator, environment)
    assert seen(world).status is Status.FAILED
    freeze(world)
    with pytest.raises(EnvironmentFrozen):
        world.operator.environments.retry(asked(OWNER), ID)
    assert thaw(world).frozen is None
    assert world.operator.environments.retry(asked(OWNER), ID).record.status is Status.QUEUED
    with suppress(ClientError):  # a slow machine has not created the stack yet
        world.operated.settled(environment)  # the local CloudFormation continues in a thread


def test_only_admins_freeze_and_thaw(world: World) -> None:
    ready(world)
    for caller, error in ((OWNER, Forbidden), (Caller("other", is_admin=False), NotFound)):
        with pytest.raises(error):
            freeze(world, caller)
        with pytest.raises(error):
            world.operator.environments.thaw(asked(caller), ID)
    assert seen(world).frozen is None


def test_a_repeated_freeze_is_the_same_and_a_key_returns_the_first_answer(world: World) -> None:
    ready(world)
    first = freeze(world, key="k")
    world.moment += timedelta(minutes=1)
    again = world.operator.environments.freeze(asked(key="k"), ID, "The course has ended.")
    assert not again.replayed or again.record.frozen == first.frozen
    assert freeze(world).frozen == first.frozen
    assert [action for action in actions(world, first) if action == "frozen"] == ["frozen"]


def test_a_deleted_environment_is_not_frozen(world: World) -> None:
    environment = ready(world)
    world.operator.environments.delete(OWNER, ID, "r")
    with pytest.raises(EnvironmentNotLive):
        freeze(world)
    world.operated.settled(environment, environment.stack_id)


def test_a_reset_in_progress_ends_before_the_freeze_stops_runs(world: World) -> None:
    environment = ready(world)
    read = world.change(
        environment, status=Status.RESETTING, is_emptied=False, due_at=timestamp(world.moment)
    )
    frozen = freeze(world)
    assert read.status is Status.RESETTING and frozen.frozen is not None
    tick(world, seconds=1)
    settled = seen(world)
    assert settled.status is Status.READY
    assert settled.frozen is not None and settled.frozen.stopped_at is not None


def test_a_schedule_does_not_pile_up_during_a_freeze(world: World) -> None:
    ready(world, schedule="rate(1 hour)")
    freeze(world)
    assert seen(world).next_run_at is None
    for _ in range(3):
        tick(world, hours=2)
    assert [*world.store.all_runs(ID)] == []
    thawed = thaw(world)
    assert thawed.next_run_at is not None and parse(thawed.next_run_at) > world.moment
    tick(world, minutes=1)
    assert [*world.store.all_runs(ID)] == []
    tick(world, hours=1)
    assert len([*world.store.all_runs(ID)]) == 1


def test_the_budget_freezes_and_thaws_with_the_next_period(world: World) -> None:
    ready(world)
    spend(world, 5_000_000)
    tick(world, seconds=1)
    frozen = seen(world)
    assert frozen.frozen is not None and frozen.frozen.by_type is ActorType.SERVICE
    assert frozen.frozen.reason == "The owner's budget is used up."
    with pytest.raises(BudgetExceeded, match=r"thaws when the period ends, at 20"):
        thaw(world)
    ends_at = world.store.account(ID).period_ends_at(world.config.allowance)
    assert ends_at is not None
    tick(world, seconds=(parse(ends_at) - world.moment).total_seconds() - 1)
    assert seen(world).frozen is not None
    tick(world, seconds=2)
    assert seen(world).frozen is None
    assert [each for each in actions(world, frozen) if each in ("frozen", "thawed")] == ["frozen", "thawed"]


def test_a_budget_that_is_used_up_during_a_reset_freezes_afterwards(world: World) -> None:
    environment = ready(world)
    run = world.ask_run(environment, "RUNNING")
    world.change(environment, status=Status.RESETTING, is_emptied=False, due_at="2099-01-01T00:00:00.000Z")
    recorded = world.store.run(ID, run.id)
    assert recorded is not None
    cost = recorded.replace(status=RunStatus.SUCCEEDED, cost_micro_usd=5_000_000, due_at=None)
    world.store.save_run(recorded, cost, TimelineEvent(timestamp(world.moment), "t", "run_ended"))
    world.glue.runs.clear()
    world.change(environment, due_at=timestamp(world.moment))
    tick(world, seconds=1)
    tick(world, seconds=1)
    assert seen(world).status is Status.READY
    assert seen(world).frozen is not None


def test_a_raised_budget_thaws_within_the_hour(world: World) -> None:
    ready(world)
    spend(world, 5_000_000)
    tick(world, seconds=1)
    assert seen(world).frozen is not None
    world.config = dataclasses.replace(world.config, budget_usd=Decimal(9))
    world.operator = world._service(None)
    tick(world, minutes=61)
    assert seen(world).frozen is None


def test_an_admins_freeze_stays_when_the_budget_is_renewed(world: World) -> None:
    ready(world)
    spend(world, 5_000_000)
    tick(world, seconds=1)
    replaced = freeze(world)
    assert replaced.frozen is not None and replaced.frozen.by == "root"
    tick(world, days=31)
    assert seen(world).frozen is not None
    assert thaw(world).frozen is None


def test_an_admins_thaw_does_not_last_while_the_budget_is_used_up(world: World) -> None:
    ready(world)
    freeze(world)
    thaw(world)
    spend(world, 5_000_000)
    freeze(world)
    refrozen = thaw(world)
    assert refrozen.frozen is not None and refrozen.frozen.by_type is ActorType.SERVICE
