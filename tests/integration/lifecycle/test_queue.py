"""Queue: limits, order, and slots that are never lost."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from chalicelib.domain.capacity import QueueCounters, in_creation, is_counted, waits
from chalicelib.domain.environment import Status
from chalicelib.domain.environment_parts import QueuePosition
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.moto_service import ADMIN, World, roll_back
from tests.support.size import sized

IN_LINE = sized(24, 60)


class Crowd(World):
    """Many owners, with limits of two environments in creation and three in total."""

    def status(self, *owners: str) -> str:
        return " ".join(self.of(owner).status for owner in owners)

    @property
    def counters(self) -> QueueCounters:
        return self.service.events._store.queue.counters()

    def check(self) -> None:
        """Check that the recorded counters equal the actual numbers."""
        everyone = self.all()
        assert self.counters.creating == {one.id for one in everyone if in_creation(one)}
        assert self.counters.live == sum(is_counted(one) for one in everyone)
        assert self.counters.waiting == sum(waits(one) for one in everyone)


@pytest.fixture
def crowd(aws: None, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    monkeypatch.setenv("MAX_CREATING", "2")
    monkeypatch.setenv("MAX_ENVIRONMENTS", "3")
    return Crowd()


def test_a_request_without_a_free_slot_is_queued_with_a_position(crowd: Crowd) -> None:
    for owner in ("ana", "ben"):
        crowd.ask_as(owner)
        crowd.moment += timedelta(seconds=1)
    shown = crowd.ask_as("cleo")
    assert (shown["status"], shown["queue"]) == (Status.QUEUED, {"position": 1, "eta_seconds": 60})
    crowd.moment += timedelta(seconds=1)
    shown = crowd.ask_as("dora")
    assert shown["queue"] == {"position": 2, "eta_seconds": 120}
    assert crowd.status("ana", "ben", "cleo", "dora") == "CREATING CREATING QUEUED QUEUED"
    assert crowd.calls.count("CreateStack") == 2
    crowd.check()


def test_a_free_slot_goes_to_the_longest_waiting_environment(crowd: Crowd) -> None:
    for owner in ("ana", "ben", "cleo", "dora"):
        crowd.ask_as(owner)
        crowd.moment += timedelta(seconds=10)
    crowd.stack_event(crowd.of("ben"))
    assert crowd.status("ben", "cleo", "dora") == "READY CREATING QUEUED"
    crowd.ask_as("emma")  # all three environments exist: she is queued although a creation could start
    crowd.stack_event(crowd.of("ana"))
    crowd.tick_after(minutes=2)
    assert crowd.status("ana", "cleo", "dora", "emma") == "READY READY QUEUED QUEUED"
    assert crowd.of("dora").queue == QueuePosition(1), "nobody knows when one is deleted"
    crowd.service.environments.delete(ADMIN, crowd.of("ana").id, "r2")
    crowd.tick_after(minutes=2)
    assert crowd.status("ana", "dora", "emma") == "DELETED CREATING QUEUED"
    crowd.check()


def test_a_later_request_does_not_overtake_queued_environments(crowd: Crowd) -> None:
    for owner in ("ana", "ben", "cleo"):
        crowd.ask_as(owner)
        crowd.moment += timedelta(seconds=1)
    # A slot becomes free, and another user sends a request before the queue is processed.
    crowd.service.environments.delete(ADMIN, crowd.of("ana").id, "r2")
    shown = crowd.ask_as("dora")
    assert shown["queue"]["position"] == 2
    crowd.tick_after(minutes=1)
    assert crowd.status("cleo", "dora") == "CREATING QUEUED"
    crowd.check()


def test_the_eta_is_estimated_from_the_last_creations(crowd: Crowd) -> None:
    crowd.ask_as("ana")
    crowd.moment += timedelta(seconds=40)
    crowd.stack_event(crowd.of("ana"))
    crowd.ask_as("ben")
    crowd.ask_as("cleo")
    crowd.service.environments.delete(ADMIN, crowd.of("ana").id, "r2")
    assert crowd.ask_as("dora")["queue"] == {"position": 1, "eta_seconds": 20}, "two at a time, 40 s each"


def test_a_queued_request_makes_four_calls_and_a_check_one(crowd: Crowd) -> None:
    crowd.service.releases.latest()
    for owner in ("ana", "ben"):
        crowd.ask_as(owner)
    crowd.calls.clear()
    environment_id = crowd.ask_as("cleo")["id"]
    assert crowd.calls == ["GetItem", "TransactWriteItems"] * 2  # the owner's account, and the write
    crowd.calls.clear()
    crowd.service.environments.visible(ADMIN, environment_id)
    assert crowd.calls == ["GetItem"]


def test_concurrent_requests_get_no_more_than_the_free_slots(crowd: Crowd) -> None:
    owners = [f"owner-{n}" for n in range(8)]
    threads = [threading.Thread(target=crowd.ask_as, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = [environment.status for environment in crowd.all()]
    assert (statuses.count(Status.CREATING), statuses.count(Status.QUEUED)) == (2, 6)
    crowd.check()


def test_a_lost_slot_is_recovered(crowd: Crowd) -> None:
    for owner in ("ana", "ben", "cleo"):
        crowd.ask_as(owner)
    store = crowd.service.events._store
    gone = crowd.of("ana")
    for key in ("ENV", "OWNER"):  # a record lost by hand
        pk = f"ENV#{gone.id}" if key == "ENV" else "OWNER#ana"
        store._table._client.delete_item(
            TableName=crowd.service.config.table_name, Key={"pk": {"S": pk}, "sk": {"S": key}}
        )
    crowd.tick_after(seconds=59)
    assert gone.id not in crowd.counters.creating
    assert crowd.status("cleo") == "CREATING"


def test_the_queue_is_drained_at_the_cap_without_needless_checks(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_CREATING", str(IN_LINE // 6))
    crowd = Crowd()
    for n in range(IN_LINE):
        crowd.ask_as(f"owner-{n}")
        crowd.moment += timedelta(milliseconds=1)
    crowd.calls.clear()
    crowd.service.events.tick(seconds=60)
    assert crowd.calls.count("CreateStack") == 0
    assert len(crowd.calls) < IN_LINE, "everyone in line was looked at"
    for minute in range(1, 6):
        crowd.tick_after(minutes=1, seconds=1)
        done = sum(environment.status is Status.READY for environment in crowd.all())
        assert done == IN_LINE // 6 * minute
    crowd.check()


def test_a_failed_creation_releases_its_slot_and_a_retry_takes_one(crowd: Crowd) -> None:
    crowd.ask_as("ana")
    environment = crowd.of("ana")
    roll_back(environment)
    crowd.stack_event(environment)
    crowd.tick_after(minutes=2)
    assert (crowd.counters.creating, crowd.counters.live) == (frozenset(), 0)
    for owner in ("ben", "cleo"):
        crowd.ask_as(owner)
    waiting = crowd.service.environments.retry(IdempotentRequest(ADMIN, "r2"), environment.id).record
    assert (waiting.status, waiting.queue is not None) == (Status.QUEUED, True)
    crowd.check()
    crowd.stack_event(crowd.of("ben"))
    assert crowd.status("ana", "ben") == "CREATING READY"
    crowd.check()


def test_a_throttled_tick_leaves_remaining_work_for_the_next_minute(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd()
    crowd.faults["CreateStack"] = (400, "Throttling", "Rate exceeded")
    for n in range(12):
        crowd.ask_as(f"owner-{n}")
    crowd.moment += timedelta(minutes=1)
    crowd.calls.clear()
    crowd.service.events.tick(seconds=60)
    tried = crowd.calls.count("CreateStack")
    assert 0 < tried < 12, "everyone was tried though CloudFormation throttles"
    crowd.faults.clear()
    for _ in range(3):
        crowd.tick_after(minutes=1, seconds=30)
    assert {environment.status for environment in crowd.all()} == {Status.READY}


def test_a_queued_environment_can_be_deleted(crowd: Crowd) -> None:
    for owner in ("ana", "ben", "cleo", "dora"):
        crowd.ask_as(owner)
        crowd.moment += timedelta(seconds=1)
    gone, _ = crowd.service.environments.delete(ADMIN, crowd.of("cleo").id, "r2")
    assert gone.status is Status.DELETED
    crowd.tick_after(seconds=59)
    place = crowd.of("dora").queue
    assert place is not None and place.position == 1
    crowd.check()
