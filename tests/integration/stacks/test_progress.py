"""Progress of a sandbox in each status, with lost and late events."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.api.presenters.environments import environment_body
from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.requests import EnvironmentChange
from tests.support.event_bridge import event_with
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

ID = "aaaaaaaaaa"


def counts(environment: Environment) -> tuple[int, int]:
    shown = environment_body(environment, "", allowance=Allowance()).progress
    return shown.done, shown.total


def tell(world: World, environment: Environment, seed: int) -> None:
    """Deliver half of EventBridge's events of the stack's resources, late and in any order."""
    dice = random.Random(seed)
    events = client("cloudformation").describe_stack_events(StackName=environment.stack_id)["StackEvents"]
    dice.shuffle(events)
    for each in events[: len(events) // 2]:
        if each["ResourceType"] == "AWS::CloudFormation::Stack":
            continue
        detail: dict[str, Any] = {
            "stack-id": each["StackId"],
            "logical-resource-id": each["LogicalResourceId"],
            "resource-type": each["ResourceType"],
            "status-details": {"status": each["ResourceStatus"], "status-reason": ""},
        }
        at = each["Timestamp"] + timedelta(seconds=dice.choice([0, 1, 2]))
        world.operator.events.resource_changed(event_with(detail, at.strftime("%Y-%m-%dT%H:%M:%SZ")))


def whole(world: World, environment: Environment, status: Status, seed: int) -> Environment:
    """Check that the resources are complete before and after late events."""
    for _ in range(2):
        found = world.look(environment)
        assert found.status is status
        done, total = counts(found)
        assert done == total == len(found.resources) > 10
        tell(world, found, seed)
    return found


@pytest.mark.parametrize("seed", range(2))
def test_ready_shows_all_resources_done_despite_lost_and_late_events(world: World, seed: int) -> None:
    environment = world.record(ID, {})
    world.reconcile(world.operator, environment)
    if seed:
        tell(world, world.look(environment), seed)
    world.operated.settled(environment)
    world.reconcile(world.operator, environment)
    ready = whole(world, environment, Status.READY, seed)

    for settings in ({"athena_workgroup": False}, {"athena_workgroup": None}):
        change = EnvironmentChange.model_validate({"settings": settings})
        caller = Caller(ready.owner, is_admin=False)
        world.operator.environments.change(caller, ready.id, change, "r")
        for _ in range(4):
            world.operated.settled(ready)
            world.moment += timedelta(seconds=61)
            world.operator.events.tick(seconds=60)
        changed = whole(world, ready, Status.READY, seed)
        assert len(changed.resources) - len(ready.resources) == (
            0 if settings["athena_workgroup"] is None else -1
        )

    world.change(ready, delete_requested=True, due_at=timestamp(world.moment))
    for _ in range(4):
        world.operator.events.tick(seconds=60)
        world.operated.settled(ready, ready.stack_id)
        world.moment += timedelta(seconds=61)
    whole(world, ready, Status.DELETED, seed)
