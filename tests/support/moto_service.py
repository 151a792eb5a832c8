"""Service on moto with a clock that the test sets, faults and kills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from moto.cloudformation.models import cloudformation_backends

from chalicelib.api.presenters.environments import environment_body
from chalicelib.clock import parse
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.wiring import build
from tests.support.event_bridge import event_with

ANA = Caller("ana", is_admin=False)


ADMIN = Caller("root", is_admin=True)
MOST_CALLS = 100
READS = ("Get", "BatchGet", "List", "Describe", "Head", "Query")


class Killed(BaseException):
    """End of the process. It is no Exception, so no handler of the service sees it."""


class World:
    """Service with a clock that the test sets. AWS calls fail or kill the process on the test's request."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)
        self.faults: dict[str, tuple[int, str, str]] = {}
        self.calls: list[str] = []
        self._changes_left: int | None = None
        session = boto3.Session()
        session.events.register_first("before-call.*.*", self._before)
        self.service = build(clock=lambda: self.moment, session=session, sleep=lambda _: None)

    def killed(self, change: int, work: Callable[[], Any]) -> bool:
        """Do some work and die before its n-th call that changes something. Return False if it ended before.

        The service keeps only its clients and releases in memory, so it also stands in for the next process.
        """
        self._changes_left = change
        try:
            work()
        except Killed:
            return True
        finally:
            self._changes_left = None
        return False

    def _before(self, model: Any, **_: Any) -> Any:
        self.calls.append(model.name)
        if self._changes_left is not None and not model.name.startswith(READS):
            self._changes_left -= 1
        if self._changes_left is not None and self._changes_left <= 0:
            raise Killed
        if model.name not in self.faults:
            return None
        status, code, message = self.faults[model.name]
        error = {"Code": code, "Message": message}
        answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        return SimpleNamespace(status_code=status), answer

    def ask(self) -> Environment:
        request = IdempotentRequest(ANA, "r1", None, "f")
        record = self.service.environments.create(request, Settings()).record
        return self.see(record.id)

    def ask_as(self, owner: str, key: str | None = None) -> dict[str, Any]:
        asked = IdempotentRequest(Caller(owner, is_admin=False), "r1", key, "f")
        record = self.service.environments.create(asked, Settings()).record
        shown = environment_body(record, "", parse(record.updated_at), allowance=Allowance())
        return shown.model_dump(mode="json")

    def all(self) -> list[Environment]:
        return self.service.environments.page(ADMIN, owner=None, status=None, limit=100, start=None).items

    def of(self, owner: str) -> Environment:
        [found] = [environment for environment in self.all() if environment.owner == owner]
        return found

    def see(self, environment_id: str) -> Environment:
        return self.service.environments.visible(ANA, environment_id)

    def stack_event(self, environment: Environment) -> None:
        stack_id = f"arn:aws:cloudformation:us-east-1:1:stack/{environment.name}/x"
        self.service.events.stack_changed(event_with({"stack-id": stack_id}))

    def resource_event(self, environment: Environment, resource: str, status: str, **event: str) -> None:
        stack_id = f"arn:aws:cloudformation:us-east-1:1:stack/{environment.name}/{event.get('stack', 'x')}"
        recorded = self.service.events._store.environment(environment.id)
        if "stack" not in event and recorded is not None and recorded.stack_id:
            stack_id = recorded.stack_id
        self.service.events.resource_changed(
            event_with(
                {
                    "stack-id": stack_id,
                    "logical-resource-id": resource,
                    "resource-type": "AWS::S3::Bucket",
                    "status-details": {"status": status, "status-reason": event.get("reason", "")},
                },
                event.get("at", "2026-11-23T12:00:00Z"),
            )
        )

    def tick(self, minutes: int = 3) -> None:
        for _ in range(minutes):
            self.tick_after(minutes=1)

    def tick_after(self, **time: float) -> None:
        self.moment += timedelta(**time)
        self.service.events.tick(seconds=60)


def roll_back(environment: Environment) -> None:
    """Put moto's stack into the state that CloudFormation leaves after a failed creation."""
    for stack in cloudformation_backends["123456789012"]["us-east-1"].stacks.values():
        if stack.name == environment.name:
            stack.status = "ROLLBACK_COMPLETE"


def stacks_of(environment: Environment) -> list[str]:
    found = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    return [stack["StackStatus"] for stack in found if stack["StackName"] == environment.name]


def actions(world: World, environment: Environment) -> list[str]:
    page = world.service.environments.timeline(ANA, environment.id, limit=100, start=None)
    return [event.action for event in reversed(page.items)]


def ready(world: World, owner: str) -> Environment:
    world.ask_as(owner)
    world.stack_event(world.of(owner))
    environment = world.of(owner)
    assert environment.status is Status.READY
    return environment


def fail_and_roll_back(world: World, owner: str) -> Environment:
    world.ask_as(owner)
    environment = world.of(owner)
    roll_back(environment)
    return environment
