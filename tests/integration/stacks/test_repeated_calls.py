"""Calls to CloudFormation that are repeated because their response was lost: they were accepted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chalicelib.aws.change_sets import ChangeSets
from chalicelib.aws.cloudformation import Stacks
from chalicelib.aws.errors import AwsUnavailable
from chalicelib.domain.environment import Environment, Status
from tests.support.sandbox_stacks import Account
from tests.support.service_roles import World


def kept(world: World, environment: Environment, step: str) -> None:
    """Process the environment's next step, and lose what the service recorded about it."""
    before = world.look(environment)
    world.reconcile(world.operator, environment)
    after = world.look(environment)
    assert after.status is not before.status, step
    fields = {name: getattr(before, name) for name in ("status", "stack_id", "due_at", "total_resources")}
    world.change(environment, **fields)


def test_a_creation_whose_response_was_lost_continues(world: World) -> None:
    environment = world.record("aaaaaaaaaa", {"kms_key": True})
    kept(world, environment, "CreateStack")
    world.reconcile(world.operator, environment)
    world.operated.settled(environment)
    world.reconcile(world.operator, environment)
    ready = world.look(environment)
    assert (ready.status, ready.failure) == (Status.READY, None)


def test_an_accepted_stack_that_was_deleted_by_hand_is_created_by_the_next_attempt(world: World) -> None:
    environment = world.record("aaaaaaaaaa", {"kms_key": False})
    kept(world, environment, "CreateStack")
    stack_id = world.operated.settled(environment)["StackId"]
    world.operated.aws("cloudformation").delete_stack(StackName=stack_id)
    world.operated.settled(environment, stack_id)
    world.reconcile(world.operator, environment)
    waiting = world.look(environment)
    assert waiting.status is Status.QUEUED
    assert waiting.reason is not None
    assert waiting.reason.startswith("Waiting to retry after TokenAlreadyExistsException")
    world.change(environment, due_at=None)
    world.reconcile(world.operator, environment)
    assert world.look(environment).status is Status.CREATING


def test_every_repeated_call_counts_as_accepted(operated: Account) -> None:
    cloudformation: Any = operated.aws("cloudformation")
    stacks, change_sets = Stacks(cloudformation), ChangeSets(cloudformation)
    made = operated.environment("abcdefgh23", {"kms_key": False})
    request: dict[str, Any] = {
        "template_url": operated.releases.template_url(made),
        "parameters": parameters(operated, made),
        "tags": {},
    }
    first = stacks.create(made.name, **request, token="t1")
    assert stacks.create(made.name, **request, token="t1") == first
    operated.settled(made)
    change_sets.create(made.name, "change", **{**request, "tags": {"a": "b"}})
    while (found := change_sets.find(made.name, "change")) is None or found.in_making:
        time.sleep(0.01)
    assert change_sets.execute(made.name, "change")
    assert change_sets.execute(made.name, "change")
    operated.settled(made)
    stacks.delete(first, token="t2")
    stacks.delete(first, token="t2")
    operated.settled(made, first)
    with pytest.raises(AwsUnavailable):
        stacks.create(made.name, **request, token="t1")


def parameters(operated: Account, made: Environment) -> dict[str, str]:
    request = operated._request(made)["Parameters"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in request}
