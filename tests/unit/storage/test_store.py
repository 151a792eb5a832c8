"""Store writes on an in-memory DynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import RunStatus
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.storage.conflicts import AtCapacity, KeyTaken
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment, run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)


def store(creating: int = 9, environments: int = 9) -> Store:
    client: Any = FastDynamoDb(INDEXES)
    return Store(Table(client, "table"), Capacity(creating, environments))


def event(action: str = "did", at: datetime = NOW) -> TimelineEvent:
    return TimelineEvent(timestamp(at), "ana", action, "request")


def admitted(n: int, at: datetime = NOW) -> Environment:
    moment = timestamp(at)
    return environment(n, admitted_at=moment, created_at=moment, updated_at=moment)


def actions(store: Store, environment_id: str) -> list[str]:
    return [line.action for line in store.events(environment_id, limit=100).items]


# -- lost updates ------------------------------------------------------------------------------------------


def test_the_second_of_two_concurrent_environment_updates_is_rejected() -> None:
    one, records = admitted(1), store()
    records.add_environment(one, event(), None)
    first = records.save_environment(one, one.replace(reason="the first"), event("first"))
    with pytest.raises(StaleRecord):
        records.save_environment(one, one.replace(reason="the second"), event("second"))
    with pytest.raises(StaleRecord):
        records.save_environment(one, one.replace(attempts=7))
    assert records.environment(one.id) == first
    assert (first.reason, first.attempts, first.version) == ("the first", 0, 2)
    assert actions(records, one.id) == ["first", "did"]
    again = records.save_environment(first, first.replace(reason="the second"), event("second"))
    assert records.environment(one.id) == again


def test_a_change_of_the_status_starts_its_transition() -> None:
    one, records = admitted(1), store()
    records.add_environment(one, event(), None)
    began = NOW + timedelta(minutes=1)
    creating = records.save_environment(one, one.replace(status=Status.CREATING), event(at=began))
    waiting = records.save_environment(
        creating, creating.replace(attempts=3), event(at=NOW + timedelta(hours=1))
    )
    assert creating.transition_since == waiting.transition_since == timestamp(began)
    assert records.environment(one.id) == waiting


def test_a_deletion_of_a_changed_record_is_rejected_and_keeps_the_lock() -> None:
    one, records = admitted(1), store()
    records.add_environment(one, event(), None)
    changed = records.save_environment(one, one.replace(reason="changed"))
    gone = {"status": Status.DELETED, "admitted_at": None}
    with pytest.raises(StaleRecord):
        records.save_deleted(one, one.replace(**gone), event("deleted"))
    assert records.environment(one.id) == changed
    assert records.live_environment_id(one.owner) == one.id
    records.save_deleted(changed, changed.replace(**gone), event("deleted"))
    assert records.live_environment_id(one.owner) is None


def test_a_deletion_keeps_the_lock_of_the_owners_next_environment() -> None:
    one, records = admitted(1), store()
    records.add_environment(one, event(), None)
    ended = records.save_deleted(one, one.replace(status=Status.DELETED, admitted_at=None), event())
    two = admitted(2).replace(owner=one.owner)
    records.add_environment(two, event(), None)
    with pytest.raises(StaleRecord):
        records.save_deleted(ended, ended.replace(reason="again"), event("again"))
    assert records.live_environment_id(one.owner) == two.id


def test_the_second_of_two_concurrent_run_updates_is_rejected() -> None:
    records, ready = store(), admitted(1).replace(status=Status.READY)
    records.add_environment(ready, event(), None)
    asked = run(ready)
    assert records.add_run(asked, event(), None)
    ended = asked.replace(status=RunStatus.SUCCEEDED, cost_micro_usd=150)
    saved = records.save_run(asked, ended, event("run_ended"))
    for late in (ended, asked.replace(status=RunStatus.STARTING, glue_run_id="jr_1")):
        with pytest.raises(StaleRecord):
            records.save_run(asked, late, event("late"))
    assert records.run(ready.id, asked.id) == saved
    assert saved.version == 2
    assert "late" not in actions(records, ready.id)


# -- keys --------------------------------------------------------------------------------------------------


def use_key(records: Store, environment: Environment, moment: datetime) -> None:
    asked = IdempotentRequest(Caller("ana", is_admin=False), "request", "key", "print")
    environment = environment.replace(created_at=timestamp(moment))
    records.add_environment(environment, event(at=moment), asked.used_key(moment))


@pytest.mark.parametrize("earlier", [MILLISECOND, timedelta(hours=1), DAY])
def test_a_key_is_reserved_for_24_hours(earlier: timedelta) -> None:
    records = store()
    use_key(records, admitted(1), NOW)
    with pytest.raises(KeyTaken):
        use_key(records, admitted(2), NOW + DAY - earlier)
    assert records.environment(environment(2).id) is None


@pytest.mark.parametrize("later", [timedelta(0), MILLISECOND, timedelta(days=9)])
def test_a_key_can_be_reused_after_24_hours(later: timedelta) -> None:
    records, moment = store(), NOW + DAY + later
    use_key(records, admitted(1), NOW)
    use_key(records, admitted(2), moment)
    assert records.environment(environment(2).id) is not None
    with pytest.raises(KeyTaken):
        use_key(records, admitted(3), moment + DAY - MILLISECOND)


# -- slots -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [{"environments": 2}, {"creating": 2}])
def test_the_last_slot_is_given_once_with_an_empty_queue(capacity: dict[str, int]) -> None:
    records = store(**capacity)
    for n in (1, 2):
        records.add_environment(admitted(n), event(), None)
    with pytest.raises(AtCapacity) as full:
        records.add_environment(admitted(3), event(), None)
    assert (full.value.counters.live, full.value.counters.waiting) == (2, 0)
    assert records.environment(environment(3).id) is None
    one = admitted(1)
    records.save_deleted(one, one.replace(status=Status.DELETED, admitted_at=None), event())
    records.add_environment(admitted(3), event(), None)
    with pytest.raises(AtCapacity):
        records.add_environment(admitted(4), event(), None)


def test_a_new_environment_does_not_get_the_slot_of_a_queued_one() -> None:
    records = store(creating=1)
    records.add_environment(admitted(1), event(), None)
    waiting = environment(2)
    records.add_environment(waiting, event(), None)
    one = admitted(1)
    records.save_environment(one, one.replace(status=Status.READY))
    with pytest.raises(AtCapacity) as full:
        records.add_environment(admitted(3), event(), None)
    assert (full.value.counters.creating, full.value.counters.waiting) == (frozenset(), 1)
    records.save_environment(waiting, waiting.replace(admitted_at=waiting.created_at))
    assert records.queue.counters().waiting == 0


def test_the_duration_estimate_uses_creations_only() -> None:
    records, one = store(), admitted(1)
    records.add_environment(one, event(), None)
    creating = records.save_environment(one, one.replace(status=Status.CREATING))
    seeding = records.save_environment(
        creating, creating.replace(status=Status.SEEDING), event(at=NOW + timedelta(seconds=40))
    )
    ready = records.save_environment(
        seeding, seeding.replace(status=Status.READY), event(at=NOW + timedelta(seconds=70))
    )
    assert records.queue.counters().seconds == [40]
    deleting = records.save_environment(ready, ready.replace(status=Status.DELETING), event(at=NOW + DAY))
    assert records.queue.counters().seconds == [40]
    gone = deleting.replace(status=Status.DELETED, admitted_at=None)
    records.save_deleted(deleting, gone, event(at=NOW + 2 * DAY))
    assert records.queue.counters().seconds == [40]
