"""Recorded deletes whose process is killed before its first step: other requests are rejected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.api.call import Service
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.errors import EnvironmentNotFailed, EnvironmentNotLive, EnvironmentNotReady
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.moto_service import World, fail_and_roll_back, ready

ANA = Caller("ana", is_admin=False)
Request = Callable[[Service, Environment], Any]


def change(**wanted: Any) -> Request:
    return lambda service, environment: service.environments.change(
        ANA, environment.id, EnvironmentChange.model_validate(wanted), "r2"
    )


def run(service: Service, environment: Environment) -> Any:
    asked = IdempotentRequest(ANA, "r2", None, "fingerprint")
    return service.jobs.start_run(asked, environment.job_id, RunRequest(timeout_minutes=1))


def reset(service: Service, environment: Environment) -> Any:
    return service.environments.reset(IdempotentRequest(ANA, "r2"), environment.id)


def retry(service: Service, environment: Environment) -> Any:
    return service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)


def record_a_delete(world: World, owner: str, status: Status) -> Environment:
    """Request a deletion in a process that is killed before its second write, which would start it."""
    environment = world.of(owner)
    caller = Caller(owner, is_admin=False)
    assert world.killed(2, lambda: world.service.environments.delete(caller, environment.id, "r1"))
    recorded = world.of(owner)
    assert (recorded.status, recorded.delete_requested) == (status, True)
    return recorded


@pytest.mark.parametrize(
    ("request_it", "refusal"),
    [
        (run, EnvironmentNotReady),
        (reset, EnvironmentNotReady),
        (change(settings={"job": {"number_of_workers": 3}}), EnvironmentNotReady),
        (change(settings={"job": {"number_of_workers": 3}}, expires_in_hours=9), EnvironmentNotReady),
        (change(expires_in_hours=9), EnvironmentNotLive),
    ],
    ids=["run", "reset", "settings", "settings and end", "end"],
)
def test_nothing_is_accepted_for_a_ready_environment(
    world: World, request_it: Request, refusal: type[Exception]
) -> None:
    environment = ready(world, "ana")
    boto3.client("glue").create_job(Name=environment.job_id, Role="r", Command={"Name": "glueetl"})
    recorded = record_a_delete(world, "ana", Status.READY)
    with pytest.raises(refusal):
        request_it(world.service, recorded)
    assert world.of("ana") == recorded, "it was refused and has changed something all the same"
    assert boto3.client("glue").get_job_runs(JobName=environment.job_id)["JobRuns"] == []
    world.tick()
    assert world.of("ana").status is Status.DELETED


@pytest.mark.parametrize(
    ("request_it", "refusal"),
    [(retry, EnvironmentNotFailed), (change(expires_in_hours=9), EnvironmentNotLive)],
    ids=["retry", "end"],
)
def test_nothing_is_accepted_for_a_failed_environment(
    world: World, request_it: Request, refusal: type[Exception]
) -> None:
    fail_and_roll_back(world, "ana")
    world.tick()
    recorded = record_a_delete(world, "ana", Status.FAILED)
    with pytest.raises(refusal):
        request_it(world.service, recorded)
    assert world.of("ana") == recorded
    world.tick()
    assert (world.of("ana").status, world.of("ana").creations) == (Status.DELETED, 1)


def test_a_deleted_queued_environment_leaves_its_slot_to_the_next(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CREATING", "1")
    world = World()
    for owner in ("ana", "ben", "cleo"):
        world.ask_as(owner)
        world.moment += timedelta(seconds=1)
    record_a_delete(world, "ben", Status.QUEUED)
    world.stack_event(world.of("ana"))  # the slot becomes free
    assert world.of("ana").status is Status.READY
    assert world.of("ben").admitted_at is None
    assert world.of("cleo").status is Status.CREATING
    world.tick()
    assert (world.of("ben").status, world.of("cleo").status) == (Status.DELETED, Status.READY)
