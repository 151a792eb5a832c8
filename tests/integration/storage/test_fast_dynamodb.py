"""The fast fake of DynamoDB behaves like moto for all calls of the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Status
from chalicelib.domain.environment_parts import ResourceState
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.storage.conflicts import AtCapacity, BudgetUsedUp, KeyTaken, OwnerTaken
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import AT, environment, run
from tests.support.small_account import TABLE

REFUSALS = (StaleRecord, AtCapacity, BudgetUsedUp, KeyTaken, OwnerTaken)


def told(work: Callable[[], Any]) -> str:
    """The result of a call, or its error."""
    try:
        return repr(work())
    except REFUSALS as refusal:
        return repr(refusal)


def everything(store: Store) -> list[str]:
    """A sequence that uses every expression of the store, with and without success."""
    event = TimelineEvent(AT.format(1), "ana", "did", "request", {"a": [1, None]})
    key = IdempotencyKey("owner-1", "key", "print", AT.format(9))
    one, two, three = (environment(n) for n in (1, 2, 3))
    admitted = one.replace(admitted_at=AT.format(1))
    log = [
        told(lambda: store.add_environment(admitted, event, key)),
        told(lambda: store.add_environment(admitted, event, key)),
        told(lambda: store.add_environment(environment(4, owner="owner-1"), event, None)),
        told(lambda: store.add_environment(two.replace(admitted_at=AT.format(2)), event, None)),
        told(lambda: store.add_environment(two, event, None)),
        told(lambda: store.add_environment(three, event, None)),
        told(store.queue.counters),
        told(lambda: store.queue.waiting(10)),
        told(lambda: store.due(AT.format(2), 10)),
        told(lambda: store.due(AT.format(9), 2)),
        told(lambda: store.queue.set_due(AT.format(8))),
    ]
    resource = ResourceState("t", "CREATE_COMPLETE", "2")
    older = ResourceState("t", "CREATE_COMPLETE", "1")
    log += [
        told(lambda: store.record_resource_state("env1", "stack", "Job", resource)),
        told(lambda: store.record_resource_state("env1", "stack", "Job", older)),
        told(lambda: store.record_resource_state("none", "stack", "Job", resource)),
        told(lambda: store.save_environment(two, two.replace(admitted_at=AT.format(3)), event)),
        told(
            lambda: store.save_environment(
                admitted, admitted.replace(status=Status.SEEDING, reason="x"), event
            )
        ),
        told(lambda: store.save_environment(admitted, admitted.replace(status=Status.READY))),
        told(lambda: store.save_environment(two, two.replace(admitted_at=AT.format(3)), event)),
    ]
    seeding = admitted.replace(status=Status.SEEDING, reason="x", version=2)
    ready = seeding.replace(status=Status.READY, reason=None, due_at=None)
    log += [
        told(lambda: store.add_run(run(one), event, None)),
        told(lambda: store.save_environment(seeding, ready)),
    ]
    ready = ready.replace(version=3)
    ended = run(one).replace(status=RunStatus.SUCCEEDED, cost_micro_usd=150, due_at=None)
    log += [
        told(lambda: store.add_run(run(one), event, None)),
        told(lambda: store.add_run(run(one).replace(id="run2", max_cost_micro_usd=5_000_000), event, None)),
        told(lambda: store.runs("env1", limit=1).items),
        told(lambda: store.save_run(run(one), ended, event)),
        told(lambda: store.save_run(run(one), ended, event)),
        told(lambda: store.environment("env1")),
        told(lambda: store.environments(owner=None, status=None, limit=2, start=None).items),
        told(lambda: store.environments(owner="owner-1", status=Status.READY, limit=2, start=None).items),
        told(lambda: store.queue.free_slots(["env1", "none"])),
        told(
            lambda: store.save_deleted(ready, ready.replace(status=Status.DELETED, admitted_at=None), event)
        ),
        told(lambda: store.live_environment_id("owner-1")),
        told(store.queue.counters),
        told(lambda: [one.action for one in store.events("env1", limit=10).items]),
    ]
    return log


EXPECTED = [
    *(
        "None",
        "KeyTaken",
        "OwnerTaken",
        "AtCapacity",
        "None",
        "None",
        "QueueCounters",
    ),  # one place, three owners
    *("[Environment", "[Due", "[Due", "None"),
    *("True", "False", "False"),  # a resource: new, older than the recorded one, of no environment
    *("AtCapacity", "Environment", "StaleRecord", "Environment"),  # env2 is admitted when env1 is SEEDING
    *("False", "Environment", "True", "BudgetUsedUp"),  # a run: not READY, READY, and more than what is left
    *("[JobRun", "JobRun", "StaleRecord", "Environment", "[Environment", "[Environment"),
    *("None", "Environment", "None", "QueueCounters", "['did', 'did', 'did', 'did', 'did']"),
]
"""Result or error of each call, written by hand."""


@pytest.mark.usefixtures("aws")
def test_the_store_gets_the_same_results_as_from_moto() -> None:
    fast, capacity = FastDynamoDb(INDEXES), Capacity(creating=1, environments=2)
    of_fast = everything(Store(Table(fast, TABLE), capacity))  # type: ignore[arg-type]
    of_moto = everything(Store(Table(boto3.client("dynamodb"), TABLE), capacity))
    assert of_fast == of_moto
    assert [line.partition("(")[0] for line in of_fast] == EXPECTED
    assert [line for line in of_fast if line.startswith("QueueCounters")] == [
        "QueueCounters(creating=frozenset({'env1'}), live=1, waiting=2, seconds=[])",
        "QueueCounters(creating=frozenset({'env2'}), live=1, waiting=1, seconds=[0.001])",
    ]
    settled = of_fast[EXPECTED.index("JobRun") + 2]
    assert "reserved_micro_usd=0, spent_micro_usd=150" in settled, "the run took 150"
