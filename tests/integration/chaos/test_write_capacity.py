"""Write capacity of the table's and the indexes' partitions while a class creates its environments."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.api.call import Service
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.wiring import build
from tests.support import fake_account
from tests.support.event_bridge import event_with
from tests.support.fake_account import Account, config, stack_id
from tests.support.paths import ROOT
from tests.support.releases import built_release
from tests.support.write_units import PARTITION_UNITS, WriteUnits

CREATING = 20
PARAMETERS = json.loads((ROOT / "chalice_app/functions.json").read_text())["Parameters"]
REQUESTS_PER_SECOND = PARAMETERS["RequestsPerSecond"]["Default"]
BURST = int(PARAMETERS["RequestBurst"]["Default"])


def ask(account: Account, service: Service, students: int) -> None:
    """The requests of a class, which come as fast as API Gateway lets them through."""
    for n in range(students):
        if n >= BURST:
            account.clock.wait(1 / REQUESTS_PER_SECOND)
        caller = Caller(f"student-{n}@school.example", is_admin=False)
        request = IdempotentRequest(caller, f"request-{n}", f"key-{n}", "print")
        service.environments.create(request, Settings())


def resource_event(stack: str, logical_id: str, kind: str, status: str, reason: str, at: str) -> Any:
    status_details = {"status": status, "status-reason": reason}
    detail = {"stack-id": stack, "logical-resource-id": logical_id, "resource-type": kind}
    return event_with({**detail, "status-details": status_details}, at)


def send_events(account: Account, service: Service) -> None:
    """All events of the stacks in creation: three for each resource, each kind within one second."""
    resources = built_release(ROOT / "data", "0.0.1").resources
    for status, reason in (
        ("CREATE_IN_PROGRESS", ""),
        ("CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("CREATE_COMPLETE", ""),
    ):
        account.clock.wait(1)
        at = account.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        for name in account.cloudformation.stacks:
            for resource in resources:
                given = resource.logical_id, resource.type, status, reason, at
                service.events.resource_changed(resource_event(stack_id(name), *given))


def finish(account: Account, service: Service, environments: int) -> None:
    """The ticks until all environments are READY. No event of a stack arrives."""
    for _ in range(100):
        begun = account.clock()
        service.events.tick(seconds=600)
        if account.dynamodb.count("READY") == environments:
            return
        account.clock.moment = max(account.clock(), begun + timedelta(seconds=60))
    pytest.fail("not all became READY")


@pytest.mark.parametrize("students", [CREATING, 200])
def test_a_class_stays_below_half_the_write_capacity_of_a_partition(students: int) -> None:
    account = fake_account.account()
    service = build(config(Capacity(CREATING, 200)), clock=account.clock, session=account)  # type: ignore[arg-type]
    units = WriteUnits(account.clock)
    account.dynamodb.on_write = units.written

    ask(account, service, students)
    send_events(account, service)
    finish(account, service, students)

    most = units.most()
    everything = most.pop("everything")  # if all partition keys were in one partition
    assert most.keys() == {"table", "due", "by_owner", "by_status", "by_created"}
    assert {name: amount for name, amount in most.items() if amount > PARTITION_UNITS / 2} == {}, most
    assert everything <= 4 * PARTITION_UNITS  # a new table's
