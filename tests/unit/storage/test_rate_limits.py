"""Token buckets of callers, on an in-memory DynamoDB."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.dynamodb import Table
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.errors import RateLimited
from chalicelib.storage.rate_limits import RateLimits
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb

START = datetime(2026, 1, 1, tzinfo=UTC)
SLOW = RateLimit(per_minute=6, burst=3)  # one call in ten seconds


class Instance:
    """A process with its own memory and clock, on the table of all."""

    def __init__(self, client: Any, limit: RateLimit = SLOW, ahead: float = 0) -> None:
        self.at = 0.0
        self._limits = RateLimits(
            Table(client, "table"), limit, clock=lambda: START + timedelta(seconds=self.at + ahead)
        )

    def call(self, at: float, cost: int = 1, caller: str = "ana") -> str:
        """Return the RateLimit header of a call, or its Retry-After if it is refused."""
        self.at = at
        try:
            quota = self._limits.take(caller, cost)
        except RateLimited as refused:
            return f"wait {refused.headers['Retry-After']}"
        return quota.headers["RateLimit"].partition(";")[2] if quota else "no limit"


def test_a_caller_saves_up_the_burst_and_then_gets_the_rate() -> None:
    one = Instance(FastDynamoDb(INDEXES))
    assert [one.call(0) for _ in range(4)] == ["r=2;t=10", "r=1;t=10", "r=0;t=10", "wait 10"]
    assert [one.call(4), one.call(9.9)] == ["wait 6", "wait 1"]
    assert [one.call(10), one.call(10)] == ["r=0;t=10", "wait 10"]
    assert [one.call(1000), one.call(1000, cost=2), one.call(1000)] == ["r=2;t=10", "r=0;t=10", "wait 10"]


def test_a_refused_call_costs_nothing() -> None:
    one = Instance(FastDynamoDb(INDEXES))
    one.call(0, cost=3)
    assert [one.call(at) for at in range(1, 10)] == [f"wait {10 - at}" for at in range(1, 10)]
    assert one.call(10) == "r=0;t=10"


def test_a_call_that_costs_more_than_the_burst_needs_a_full_bucket() -> None:
    one = Instance(FastDynamoDb(INDEXES))
    assert one.call(0, cost=5) == "r=0;t=10"
    assert [one.call(29, cost=5), one.call(30, cost=5)] == ["wait 1", "r=0;t=10"]


def test_callers_have_buckets_of_their_own() -> None:
    one = Instance(FastDynamoDb(INDEXES))
    one.call(0, cost=3)
    assert one.call(0, caller="ben") == "r=2;t=10"


def test_processes_share_the_bucket() -> None:
    client = FastDynamoDb(INDEXES)
    first, second = Instance(client), Instance(client)
    assert [first.call(0), second.call(0), first.call(0), second.call(0)] == [
        "r=2;t=10",
        "r=1;t=10",
        "r=0;t=10",
        "wait 10",
    ]


def test_a_process_writes_once_per_call_and_not_at_all_for_one_that_it_knows_it_must_refuse() -> None:
    client = FastDynamoDb(INDEXES)
    one = Instance(client)
    for _ in range(3):
        one.call(0)
    assert client.calls == ["UpdateItem"] * 3
    one.call(0)
    assert len(client.calls) == 3


def test_without_a_limit_nothing_is_written() -> None:
    client = FastDynamoDb(INDEXES)
    assert Instance(client, RateLimit(per_minute=0)).call(0) == "no limit"
    assert not client.calls


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "UpdateItem"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_a_failing_dynamodb_admits_calls(failure: Exception) -> None:
    class Failing:
        def update_item(self, **_: Any) -> None:
            raise failure

    assert [Instance(Failing()).call(0) for _ in range(9)] == ["no limit"] * 9


def test_the_item_goes_when_the_bucket_has_been_full_for_an_hour() -> None:
    client = FastDynamoDb(INDEXES)
    Instance(client).call(0)
    [item] = client.items.values()
    assert int(item["ttl"]["N"]) == START.timestamp() + 30 + 3600


class Steps:
    """Lets threads write to DynamoDB one at a time, in an order that the test chooses."""

    def __init__(self, client: FastDynamoDb) -> None:
        self._client = client
        self._waiting: dict[str, threading.Event] = {}
        self._changed = threading.Condition()

    def update_item(self, **update: Any) -> Any:
        turn = threading.Event()
        with self._changed:
            self._waiting[threading.current_thread().name] = turn
            self._changed.notify()
        assert turn.wait(10)
        return self._client.update_item(**update)

    def run(self, calls: dict[str, Callable[[], None]], choose: Callable[[list[str]], str]) -> None:
        """Run all calls at the same time. `choose` picks whose write is next."""

        def finish(name: str) -> None:
            try:
                calls[name]()
            finally:
                with self._changed:
                    del threads[name]
                    self._changed.notify()

        threads = {name: threading.Thread(target=finish, args=(name,), name=name) for name in calls}
        started = list(threads.values())
        for thread in started:
            thread.start()
        with self._changed:
            while threads:
                assert self._changed.wait_for(lambda: self._waiting.keys() == threads.keys(), 10)
                if threads:
                    self._waiting.pop(choose(sorted(self._waiting))).set()
                    self._changed.wait_for(lambda: len(self._waiting) == len(threads), 10)
        for thread in started:
            thread.join()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), limit=st.builds(RateLimit, st.integers(1, 120), st.integers(1, 6)))
def test_in_any_interleaving_no_more_than_burst_and_rate_is_admitted(
    data: st.DataObject, limit: RateLimit
) -> None:
    """Also if clocks differ: then by no more than what flows in during the difference."""
    steps = Steps(FastDynamoDb(INDEXES))
    skew = data.draw(st.sampled_from([0, 0, 3.0]))
    ahead = [data.draw(st.floats(0, skew)) for _ in range(3)]
    instances = [Instance(steps, limit, each) for each in ahead]
    # Threads would hang if Hypothesis stopped an example between two writes.
    order = random.Random(data.draw(st.integers(0, 2**32)))
    at, admitted = 0.0, []
    for _ in range(data.draw(st.integers(1, 3))):
        at += data.draw(st.floats(0, 30))
        batch = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=5))

        def call(number: int, cost: int, moment: float = at) -> Callable[[], None]:
            def run() -> None:
                if not instances[number].call(moment, cost).startswith("wait"):
                    admitted.append((moment, min(cost, limit.burst)))

            return run

        steps.run(
            {f"{index}": call(number, cost) for index, (number, cost) in enumerate(batch)},
            order.choice,
        )
    for begin, _ in admitted:
        for end, _ in admitted:
            spent = sum(cost for moment, cost in admitted if begin <= moment <= end)
            if begin <= end:
                assert spent <= limit.burst + (end - begin + skew) * limit.per_minute / 60 + 1e-6
    assert admitted  # the first call always
