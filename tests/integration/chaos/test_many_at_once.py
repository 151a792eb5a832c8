"""Ten thousand queued environments, on in-memory fakes of AWS."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.storage.store import Store
from chalicelib.wiring import Service, build
from local.chaos import initial_state
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.size import sized

OUTPUTS = initial_state.small_template()["Outputs"]
ENVIRONMENTS = sized(2_000, 10_000)
CREATING = 200
STACK_SECONDS = 50
CALLS_A_SECOND = 10.0
BURST = 20.0
CALL_SECONDS = 0.04


@dataclass
class Clock:
    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class CloudFormation:
    """Fake with stacks that complete after a while. Throttles when all calls together exceed one rate.

    The client repeats a throttled call like boto3, after 0.5, 1 and 2 s. `given_up` has those
    whose error the service received, by stack.
    """

    clock: Clock
    stacks: dict[str, datetime] = field(default_factory=dict)
    given_up: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    throttled: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    calls_a_second: float = CALLS_A_SECOND
    most_at_once: int = 0
    _tokens: float = BURST
    _refilled: datetime | None = None

    def create_stack(self, *, StackName: str, **_: Any) -> dict[str, Any]:
        self._call("CreateStack", StackName)
        assert StackName not in self.stacks, "made twice"
        self.stacks[StackName] = self.clock()
        building = sum(not self._is_complete(name) for name in list(self.stacks)[-2 * CREATING :])
        self.most_at_once = max(self.most_at_once, building)
        return {"StackId": _stack_id(StackName)}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        name = StackName.split("/")[1] if "/" in StackName else StackName
        self._call("DescribeStacks", name)
        status = "CREATE_COMPLETE" if self._is_complete(name) else "CREATE_IN_PROGRESS"
        outputs = [{"OutputKey": key, "OutputValue": "x"} for key in OUTPUTS]
        return {"Stacks": [{"StackId": _stack_id(name), "StackStatus": status, "Outputs": outputs}]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_stack_resources", operation
        return self

    def paginate(self, *, StackName: str) -> Iterator[dict[str, Any]]:
        self._call("ListStackResources", StackName.split("/")[1])
        yield {"StackResourceSummaries": []}

    def _is_complete(self, name: str) -> bool:
        return (self.clock() - self.stacks[name]).total_seconds() >= STACK_SECONDS

    def _call(self, operation: str, name: str) -> None:
        for seconds in (0.5, 1, 2, 0):
            if self._has_room(operation):
                return
            self.clock.wait(seconds)
        self.given_up[name].append(self.clock())
        error = {"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}
        raise ClientError(error, operation)  # type: ignore[arg-type]

    def _has_room(self, operation: str) -> bool:
        self.clock.wait(CALL_SECONDS)
        now = self.clock()
        passed = (now - (self._refilled or now)).total_seconds()
        self._tokens, self._refilled = min(BURST, self._tokens + passed * self.calls_a_second), now
        if self._tokens < 1:
            self.throttled += 1
            return False
        self._tokens -= 1
        self.answered[operation] += 1
        return True


class S3:
    """The assets bucket, with a release that has nothing to copy."""

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        manifest = {**initial_state.manifest(), "files": []}
        body = manifest if Key.endswith("manifest.json") else {"release": initial_state.RELEASE}
        return {"Body": BytesIO(json.dumps(body).encode()), "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}


@dataclass
class Account:
    """Fake AWS account, which also serves as the service's session."""

    clock: Clock
    dynamodb: FastDynamoDb
    cloudformation: CloudFormation
    region_name: str = "us-east-1"

    def client(self, service: str, **_: Any) -> Any:
        return {"dynamodb": self.dynamodb, "cloudformation": self.cloudformation, "s3": S3()}.get(service)


def _stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/1"


@pytest.fixture
def account() -> Account:
    clock = Clock()
    return Account(clock, FastDynamoDb(INDEXES), CloudFormation(clock))


def config(capacity: Capacity) -> Config:
    return Config("table", "assets", "issuer", "audience", "jwks", "key", capacity=capacity)


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
