"""An environment's bad days, on moto: AWS throttles, refuses, fails, and tells things twice or late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.auth import Caller
from chalicelib.idempotency import Asked
from chalicelib.records import Environment, Status
from chalicelib.settings import Settings
from chalicelib.wiring import build

ANA = Caller("ana", is_admin=False)


class World:
    """A service whose AWS can be told to fail, and whose clock a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)
        self.faults: dict[str, tuple[int, str, str]] = {}
        self.calls: list[str] = []
        session = boto3.Session()
        session.events.register("before-call.*.*", self._before)
        self.service = build(clock=lambda: self.moment, session=session)

    def _before(self, model: Any, **_: Any) -> Any:
        self.calls.append(model.name)
        if model.name not in self.faults:
            return None
        status, code, message = self.faults[model.name]
        error = {"Code": code, "Message": message}
        answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        return SimpleNamespace(status_code=status), answer

    def ask(self) -> Environment:
        body = self.service.environments.request(Asked(ANA, "r1", "", None, "f"), Settings()).body
        return self.see(body["id"])

    def see(self, environment_id: str) -> Environment:
        return self.service.environments.visible(ANA, environment_id)

    def stack_event(self, environment: Environment) -> None:
        stack_id = f"arn:aws:cloudformation:us-east-1:1:stack/{environment.name}/x"
        self.service.events.stack_changed({"stack-id": stack_id})

    def resource_event(self, environment: Environment, resource: str, status: str, **event: str) -> None:
        self.service.events.resource_changed(
            {
                "stack-id": f"arn:aws:cloudformation:us-east-1:1:stack/{environment.name}/x",
                "logical-resource-id": resource,
                "resource-type": "AWS::S3::Bucket",
                "status-details": {"status": status, "status-reason": event.get("reason", "")},
            },
            event.get("at", "2026-11-23T12:00:00Z"),
        )

    def tick_after(self, **time: float) -> None:
        self.moment += timedelta(**time)
        self.service.events.tick(seconds=60)


@pytest.fixture
def world(aws: None) -> World:
    return World()


def test_a_throttled_creation_waits_and_is_tried_again(world: World) -> None:
    world.faults["CreateStack"] = (400, "Throttling", "Rate exceeded")
    environment = world.ask()
    assert environment.status is Status.QUEUED
    assert environment.reason == "Waiting to try again after Throttling."
    first_tries = world.calls.count("CreateStack")
    world.service.events.tick(seconds=60)
    assert world.calls.count("CreateStack") == first_tries, "tried again before it was due"
    world.faults.clear()
    world.tick_after(minutes=1)
    world.tick_after(minutes=2)
    ready = world.see(environment.id)
    assert (ready.status, ready.reason, ready.attempts) == (Status.READY, None, 0)


def test_waits_grow_while_aws_does_not_answer(world: World) -> None:
    world.faults["CreateStack"] = (503, "ServiceUnavailable", "down")
    environment = world.ask()
    waits = []
    for _ in range(6):
        due = datetime.fromisoformat(world.see(environment.id).due_at or "")
        waits.append((due - world.moment).total_seconds())
        world.moment = due
        world.service.events.tick(seconds=60)
    assert waits[-1] > 8 * waits[0]
    assert max(waits) <= 900


def test_a_refused_creation_fails_with_its_cause(world: World) -> None:
    world.faults["CreateStack"] = (403, "AccessDenied", "User is not authorized to perform: CreateStack")
    environment = world.ask()
    assert environment.status is Status.FAILED
    assert environment.failure is not None
    assert environment.failure["cause"] == "permission"
    world.faults.clear()
    gone, accepted = world.service.environments.delete(ANA, environment.id, "r2")
    assert (gone.status, accepted) == (Status.DELETED, True)


def test_the_first_failed_resource_is_shown_while_the_rollback_goes_on(world: World) -> None:
    environment = world.ask()
    world.resource_event(environment, "SorBucket", "CREATE_FAILED", reason="Resource creation cancelled")
    world.resource_event(environment, "SotBucket", "CREATE_FAILED", reason="terraglue-x already exists")
    world.resource_event(environment, "SpecBucket", "CREATE_FAILED", reason="Access Denied, AccessDenied")
    shown = world.see(environment.id)
    assert shown.status is Status.CREATING
    assert shown.failure is not None
    assert (shown.failure["resource"], shown.failure["cause"]) == ("SotBucket", "name_conflict")


def test_old_and_repeated_resource_events_change_nothing(world: World) -> None:
    environment = world.ask()
    later, now = "2026-11-23T12:00:05Z", "2026-11-23T12:00:00Z"
    world.resource_event(environment, "SorBucket", "CREATE_COMPLETE", at=later)
    world.resource_event(environment, "SorBucket", "CREATE_COMPLETE", at=later)
    world.resource_event(environment, "SorBucket", "CREATE_IN_PROGRESS", at=now)
    world.resource_event(environment, "SorBucket", "CREATE_IN_PROGRESS", at=later)
    assert world.see(environment.id).resources["SorBucket"]["status"] == "CREATE_COMPLETE"


def test_events_of_unknown_and_foreign_stacks_are_left_alone(world: World) -> None:
    ghost = world.ask().but(id="aaaaaaaaaa")
    world.stack_event(ghost)
    world.resource_event(ghost, "SorBucket", "CREATE_COMPLETE")
    foreign = "arn:aws:cloudformation:us-east-1:1:stack/payroll/x"
    world.service.events.stack_changed({"stack-id": foreign})
    assert world.service.environments.page(ANA, owner=None, status=None, limit=9, start=None).next is None


def test_without_any_event_the_schedule_finds_a_complete_stack(world: World) -> None:
    environment = world.ask()
    assert environment.status is Status.CREATING
    world.tick_after(seconds=30)
    assert world.see(environment.id).status is Status.CREATING
    world.tick_after(seconds=31)
    assert world.see(environment.id).status is Status.READY


def test_a_stack_that_somebody_deleted_is_a_failure(world: World) -> None:
    environment = world.ask()
    boto3.client("cloudformation").delete_stack(StackName=environment.name)
    world.stack_event(environment)
    failed = world.see(environment.id)
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert failed.failure["message"] == "The stack was deleted by somebody else."


def test_an_object_that_cannot_be_removed_is_reported_and_tried_again(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    world.faults["DeleteObjects"] = (403, "AccessDenied", "Access Denied")
    stuck, _ = world.service.environments.delete(ANA, environment.id, "r2")
    assert stuck.status is Status.DELETING
    assert stuck.reason == "Waiting to try again after AccessDenied."
    world.faults.clear()
    world.tick_after(minutes=15)
    assert world.see(environment.id).status is Status.DELETED


def test_calls_of_a_request_and_a_look_are_few(world: World) -> None:
    world.service.releases.latest()  # kept in memory for half a minute
    world.calls.clear()
    environment = world.ask()
    assert world.calls == ["TransactWriteItems", "CreateStack", "TransactWriteItems", "GetItem"]
    world.calls.clear()
    world.see(environment.id)
    assert world.calls == ["GetItem"]
    world.calls.clear()
    world.service.environments.page(ANA, owner=None, status=None, limit=20, start=None)
    assert world.calls == ["Query"]
