"""Ten thousand queued environments, on in-memory fakes of AWS."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from chalicelib.api.call import Service
from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.storage.store import Store
from chalicelib.wiring import build
from tests.support import fake_account
from tests.support.fake_account import CALLS_A_SECOND, Account, config
from tests.support.size import sized

ENVIRONMENTS = sized(2_000, 10_000)
CREATING = 200


@pytest.fixture
def account() -> Account:
    return fake_account.account()


def first(account: Account, service: Service) -> Environment:
    """The environment of the first request."""
    asked = IdempotentRequest(Caller("first", is_admin=False), "request", None, "")
    service.environments.create(asked, Settings())
    live = service.environments.live(asked.caller)
    assert live is not None
    return live


def waiting(account: Account, service: Service, number: int) -> None:
    """Queued environments, as their requests recorded them."""
    pattern = first(account, service)
    store = Store(Table(account.dynamodb, "table"), service.config.capacity)  # type: ignore[arg-type]
    for n in range(1, number):
        account.clock.wait(0.01)
        moment = timestamp(account.clock())
        environment = Environment(
            id=_name(n),
            owner=f"owner-{n}",
            status=Status.QUEUED,
            release=pattern.release,
            settings=pattern.settings,
            created_at=moment,
            updated_at=moment,
            expires_at=pattern.expires_at,
            due_at=pattern.expires_at,
        )
        store.add_environment(environment, TimelineEvent(moment, environment.owner, "requested"), None)


def _name(number: int) -> str:
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in range(45, -1, -5))


def test_all_queued_environments_are_created_at_the_cap_without_a_hot_loop(account: Account) -> None:
    clock, dynamodb, cloudformation = account.clock, account.dynamodb, account.cloudformation
    service = build(config(Capacity(CREATING, ENVIRONMENTS)), clock=clock, session=account)  # type: ignore[arg-type]
    waiting(account, service, ENVIRONMENTS)
    throttled_until = clock() + timedelta(minutes=20)  # before CloudFormation accepts calls again
    ticks = 0
    while dynamodb.count("READY") < ENVIRONMENTS:  # no event arrives: only the schedule continues the work
        begun = clock()
        cloudformation.calls_a_second = 0.0 if begun < throttled_until else CALLS_A_SECOND
        service.events.tick(seconds=600)
        clock.moment = max(clock(), begun + timedelta(seconds=60))
        ticks += 1
        assert ticks < 1000, dynamodb.count("READY")
        if begun < throttled_until:
            # The burst, then three records per minute with the four attempts of each client.
            assert cloudformation.throttled <= 12 * ticks
    assert CREATING / 2 < cloudformation.most_at_once <= CREATING
    assert cloudformation.answered["CreateStack"] == ENVIRONMENTS
    assert cloudformation.throttled < cloudformation.answered.total() / 5
    assert len(cloudformation.given_up) > 3
    for times in cloudformation.given_up.values():
        gaps = [(two - one).total_seconds() for one, two in itertools.pairwise(times)]
        assert min(gaps, default=60) > 30, gaps


@pytest.mark.parametrize("environments", [10, sized(1_000, 10_000)])
def test_a_tick_with_nothing_due_makes_one_query(account: Account, environments: int) -> None:
    clock, dynamodb = account.clock, account.dynamodb
    service = build(config(Capacity()), clock=clock, session=account)  # type: ignore[arg-type]
    first(account, service)
    for _ in range(3):
        clock.wait(60)
        service.events.tick(seconds=600)
    assert dynamodb.count("READY") == 1
    [pattern] = [item for item in dynamodb.items.values() if item["sk"]["S"] == "ENV"]
    for n in range(1, environments):
        dynamodb.put({**pattern, "pk": {"S": f"ENV#{_name(n)}"}, "id": {"S": _name(n)}})
    assert dynamodb.count("READY") == environments
    clock.wait(60)
    asked, dynamodb.calls = account.cloudformation.answered.total(), []
    service.events.tick(seconds=600)
    assert dynamodb.calls == ["Query"]
    assert account.cloudformation.answered.total() == asked
