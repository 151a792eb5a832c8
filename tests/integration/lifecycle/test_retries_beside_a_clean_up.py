"""Retries while another process cleans up after the failed attempt."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.clock import parse
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Status
from chalicelib.lifecycle.transitions import Transitions
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.moto_service import MOST_CALLS, World, fail_and_roll_back

ANA = Caller("ana", is_admin=False)


def test_a_retry_waits_for_a_clean_up_until_its_lease_expires(world: World) -> None:
    environment = fail_and_roll_back(world, "ana")
    for call in range(1, MOST_CALLS):  # die as soon as the failure is recorded
        world.killed(call, lambda: world.stack_event(world.of("ana")))
        if world.of("ana").status is Status.FAILED:
            break
    another = Transitions(world.service.events._store, lease_seconds=60, clock=lambda: world.moment)
    held = another.acquire_lease(world.of("ana"))
    assert held is not None
    assert held.lease_until is not None
    assert (held.status, held.clean_up) == (Status.FAILED, True)
    world.service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)
    begun = world.of("ana")
    assert (begun.status, begun.clean_up, begun.due_at) == (Status.QUEUED, True, held.lease_until)
    world.moment = parse(held.lease_until) - timedelta(seconds=1)
    world.calls.clear()
    world.service.events.tick(seconds=60)
    assert world.calls == ["Query"], "it was not due yet"
    world.moment += timedelta(seconds=1)
    world.tick()
    ready = world.of("ana")
    assert (ready.status, ready.creations) == (Status.READY, 2)
