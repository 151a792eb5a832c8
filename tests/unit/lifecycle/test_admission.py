"""Queue positions and admission."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity, QueueCounters
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import QueuePosition
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.admission import Admission
from chalicelib.storage.conflicts import AtCapacity
from chalicelib.storage.queue import Queue
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Line:
    """A queue. `ask` appends an environment, or starts its creation while slots are free."""

    def __init__(self, **capacity: int) -> None:
        self.client: Any = FastDynamoDb(INDEXES)
        self.store = Store(Table(self.client, "table"), Capacity(**capacity))
        self.admission = Admission(self.store, Capacity(**capacity), clock=lambda: NOW)

    def ask(self, n: int) -> None:
        moment = timestamp(NOW + timedelta(seconds=n))
        asked = environment(n, created_at=moment, updated_at=moment)
        event = TimelineEvent(moment, asked.owner, "requested", "request")
        try:
            self.store.add_environment(asked.replace(admitted_at=moment), event, None)
        except AtCapacity:
            self.store.add_environment(asked, event, None)

    def of(self, n: int) -> Environment:
        found = self.store.environment(environment(n).id)
        assert found is not None
        return found

    def position(self, n: int) -> int | None:
        place = self.of(n).queue
        return place.position if place else None

    def finish(self, n: int) -> None:
        found = self.of(n)
        self.store.save_environment(found, found.replace(status=Status.READY, due_at=None))

    def delete(self, n: int) -> None:
        found = self.of(n)
        gone = found.replace(status=Status.DELETED, admitted_at=None)
        self.store.save_deleted(found, gone, TimelineEvent(timestamp(NOW), "ana", "deleted"))


def test_the_oldest_is_admitted_and_the_others_move_up() -> None:
    line = Line(creating=1, environments=9)
    for n in (1, 2, 3, 4):
        line.ask(n)
    assert line.admission.admit() == []
    assert [line.position(n) for n in (2, 3, 4)] == [1, 2, 3]
    line.finish(1)
    [first] = line.admission.admit()
    assert (first.id, first.admitted_at, first.due_at) == (environment(2).id, timestamp(NOW), timestamp(NOW))
    assert first == line.of(2)
    assert [line.position(n) for n in (2, 3, 4)] == [None, 1, 2]


def test_the_admission_of_the_last_slot_leaves_the_others_without_an_estimate() -> None:
    line = Line(creating=9, environments=2)
    for n in (1, 2, 3, 4):
        line.ask(n)
    line.delete(1)
    [third] = line.admission.admit()
    assert third.id == environment(3).id
    assert line.of(4).queue == QueuePosition(1)


def test_the_estimate_is_based_on_earlier_creations_below_the_limit() -> None:
    line = Line(creating=2, environments=9)
    for n in (1, 2, 3, 4, 5):
        line.ask(n)
    line.admission.admit()
    begins = [line.of(n).queue.begins_at for n in (3, 4, 5)]
    guess = 120 / 2  # two at a time, and no duration is known yet
    assert begins == [timestamp(NOW + timedelta(seconds=guess * place)) for place in (1, 2, 3)]


@pytest.mark.parametrize("creating", [1, 3])
def test_fifty_positions_are_exact_with_any_number_of_creations(
    creating: int,
) -> None:
    line = Line(creating=creating, environments=99)
    for n in range(creating + 51):
        line.ask(n)
    line.admission.admit()  # those in creation are QUEUED, too: CloudFormation has not taken them
    told = [line.position(n) for n in range(creating + 51)]
    assert told == [*[None] * creating, *range(1, 51), None]


def test_an_empty_queue_costs_one_read() -> None:
    line = Line(creating=1, environments=9)
    line.ask(1)
    line.client.calls.clear()
    assert line.admission.admit() == []
    assert line.client.calls == ["GetItem"]


def test_recovered_slots_do_not_exceed_the_limit_of_environments() -> None:
    line = Line(creating=3, environments=4)
    for n in range(1, 8):
        line.ask(n)
    for n in (1, 2, 3):  # changed by hand: their slots for creation are still taken
        item = line.client.items[f"ENV#{environment(n).id}", "ENV"]
        line.client.put({**item, "status": {"S": "READY"}, "gsi_status": {"S": "READY"}})
    admitted = line.admission.admit()
    assert [one.id for one in admitted] == [environment(4).id], "four may exist, and three are counted"


def test_a_position_is_recorded_when_it_changes_or_becomes_unknown() -> None:
    line = Line(creating=1, environments=9)
    for n in (1, 2):
        line.ask(n)
    line.admission.admit()
    told = line.of(2)
    later = Admission(line.store, Capacity(1, 9), clock=lambda: NOW + timedelta(seconds=7))
    later.admit()
    assert line.of(2) == told, "the time alone is not worth a write"
    fewer = Admission(line.store, Capacity(1, 1), clock=lambda: NOW)  # the operator allows fewer
    fewer.admit()
    assert line.of(2).queue == QueuePosition(1)
    version = line.of(2).version
    fewer.admit()
    assert line.of(2).version == version
    line.admission.admit()
    assert line.of(2).queue == told.queue


def test_a_concurrent_admission_admits_nothing() -> None:
    line = Line(creating=1, environments=9)
    for n in (1, 2, 3):
        line.ask(n)

    class Late(Queue):
        """Read the counters before the other process wrote them."""

        def counters(self) -> QueueCounters:
            return QueueCounters(waiting=2)

    table = Table(line.client, "table")
    store = Store(table, Capacity(1, 9))
    store.queue = Late(table)
    assert Admission(store, Capacity(1, 9), clock=lambda: NOW).admit() == []
    assert [line.of(n).admitted_at for n in (2, 3)] == [None, None]
