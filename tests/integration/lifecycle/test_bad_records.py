"""A defective record or call does not stop other records."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError, ParamValidationError

from chalicelib.api.call import Service
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Status
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.wiring import build
from tests.support.moto_service import World
from tests.support.small_account import TABLE

LONG_AGO = "2020-01-01T00:00:00.000Z"


def spoil(number: int) -> None:
    """Store an unreadable environment that is due before all others."""
    item = {
        "pk": f"ENV#aaaaaaaa{number // 10}{number % 10}",
        "sk": "ENV",
        "due_shard": "0",
        "due_at": LONG_AGO,
    }
    item |= {"status": "NONSENSE", "gsi_status": "NONSENSE"}
    boto3.resource("dynamodb").Table(TABLE).put_item(Item=item)


@pytest.mark.parametrize("bad", [1, 60])
def test_a_tick_continues_after_unreadable_records(world: World, bad: int) -> None:
    world.faults["CreateStack"] = (400, "Throttling", "Rate exceeded")
    environment = world.ask()
    for number in range(bad):
        spoil(number)
    world.faults.clear()
    for _ in range(3):
        world.tick_after(minutes=2)
    assert world.see(environment.id).status is Status.READY


@pytest.mark.parametrize(
    "error", [ParamValidationError(report="Unknown parameter"), NoCredentialsError()], ids=["bug", "set-up"]
)
def test_a_call_that_is_never_sent_is_not_retried_as_an_outage(aws: None, error: Exception) -> None:
    def before(model: Any, **_: Any) -> None:
        if model.name == "CreateStack":
            raise error

    session = boto3.Session()
    session.events.register_first("before-call", before)
    service: Service = build(session=session)
    asked = IdempotentRequest(Caller("ana", is_admin=False), "r1", None, "f")
    environment_id = service.environments.create(asked, Settings()).record.id
    environment = service.environments.visible(asked.caller, environment_id)
    assert environment.status is Status.FAILED
    assert environment.failure is not None
    assert type(error).__name__ in environment.failure.message
