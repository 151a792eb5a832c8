"""Transitions: one lease holder at a time, and waits that grow up to a maximum."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.transitions import Next, Transitions
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment

BROKEN = Failure("internal", "It broke.", "Mend it.")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE_SECONDS = 100


class Desk:
    """A record and its transitions, with a clock that a test sets."""

    def __init__(self, *, jitter: float = 1.0) -> None:
        client: Any = FastDynamoDb(INDEXES)
        self.moment = NOW
        self.store = Store(Table(client, "table"), Capacity())
        self.transitions = Transitions(
            self.store, lease_seconds=LEASE_SECONDS, clock=lambda: self.moment, jitter=lambda: jitter
        )
        moment = timestamp(NOW)
        self.record = environment(1, created_at=moment, updated_at=moment, due_at=None)
        self.store.add_environment(self.record, TimelineEvent(moment, "ana", "requested"), None)

    def after(self, seconds: float) -> str:
        return timestamp(NOW + timedelta(seconds=seconds))

    def read(self) -> Environment:
        found = self.store.environment(self.record.id)
        assert found is not None
        return found


def test_waits_double_from_ten_seconds_up_to_fifteen_minutes() -> None:
    waits = [Desk().transitions.backoff(attempts) for attempts in (1, 2, 3, 7, 8, 10, 11, 1000)]
    assert waits == [10, 20, 40, 640, 900, 900, 900, 900]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 10), (0.5, 15), (1.0, 20)])
def test_jitter_shortens_a_wait_by_half_at_most(jitter: float, wait: float) -> None:
    assert Desk(jitter=jitter).transitions.backoff(2) == wait


def test_a_lease_is_acquired_once_until_it_expires() -> None:
    desk = Desk()
    leased = desk.transitions.acquire_lease(desk.record, stack_id="stack")
    assert leased == desk.read()
    assert (leased.lease_until, leased.due_at, leased.stack_id) == (*[desk.after(100)] * 2, "stack")
    desk.moment = NOW + timedelta(seconds=100, milliseconds=-1)
    assert desk.transitions.acquire_lease(desk.read()) is None
    desk.moment = NOW + timedelta(seconds=100)
    again = desk.transitions.acquire_lease(desk.read())
    assert again is not None
    assert again.lease_until == again.due_at == desk.after(200)


def test_a_holder_renews_a_lease_after_half_of_its_time() -> None:
    desk = Desk()
    leased = desk.transitions.acquire_lease(desk.record)
    assert leased is not None
    for seconds, over in ((0, False), (50, False), (50.001, True), (100, True), (101, True)):
        desk.moment = NOW + timedelta(seconds=seconds)
        assert desk.transitions.is_half_over(leased) is over, seconds
    renewed = desk.transitions.renew_lease(leased)
    assert renewed.lease_until == renewed.due_at == desk.after(201)
    assert not desk.transitions.is_half_over(renewed)


def test_a_failure_releases_the_lease_and_its_clean_up_is_due_at_once() -> None:
    desk = Desk()
    leased = desk.transitions.acquire_lease(desk.record, attempts=3)
    assert leased is not None
    failed = desk.transitions.fail(leased, BROKEN)
    assert failed == desk.read()
    assert (failed.status, failed.clean_up, failed.attempts) == (Status.FAILED, True, 0)
    assert (failed.lease_until, failed.due_at) == (None, desk.after(0))
    assert (failed.reason, failed.failure) == ("Mend it.", BROKEN)
    assert desk.transitions.acquire_lease(failed) is not None, (
        "the clean-up would have to wait for the lease to run out"
    )
    [line] = [e for e in desk.store.events(desk.record.id, limit=9).items if e.action == "status_changed"]
    assert line.detail == {"from": "QUEUED", "to": "FAILED", "why": "It broke."}


def test_postponed_work_is_due_later_and_released() -> None:
    desk = Desk()
    leased = desk.transitions.acquire_lease(desk.record)
    assert leased is not None
    later = desk.transitions.postpone(leased, 7, reason="later")
    assert later == desk.read()
    assert (later.lease_until, later.due_at, later.reason) == (None, desk.after(7), "later")


def test_a_wait_for_aws_is_checked_in_a_minute_despite_events() -> None:
    desk = Desk()
    assert desk.transitions.wait(desk.record) is Next.LATER
    waiting = desk.read()
    assert waiting.due_at == desk.after(60)
    desk.moment = NOW + timedelta(seconds=59.999)
    desk.transitions.wait(waiting)
    assert desk.read() == waiting
    desk.moment = NOW + timedelta(seconds=60)
    desk.transitions.wait(waiting)
    assert desk.read().due_at == desk.after(120)


def test_a_repeated_delay_is_recorded_once() -> None:
    desk = Desk()
    told = desk.transitions.delayed(desk.record, "AWS is busy.")
    assert told == TimelineEvent.by_service(desk.after(0), "delayed", {"why": "AWS is busy."})
    assert desk.transitions.delayed(desk.record.replace(reason="AWS is busy."), "AWS is busy.") is None
