"""Settlements of runs and queries: the account, the ledger, and warnings of the budget."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.charge import Charge
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.query import Query, QueryStatus
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment, run

START = datetime(2026, 1, 1, tzinfo=UTC)
ALLOWANCE = Allowance(budget_micro_usd=1_000, budget_days=2)


class World:
    """A store with one owner, whose environments have runs and queries."""

    def __init__(self, allowance: Allowance = ALLOWANCE) -> None:
        self.client: Any = FastDynamoDb(INDEXES)
        self.numbers = itertools.count(1)
        self.moment = START
        self.allow(allowance)

    def allow(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.store = Store(Table(self.client, "table"), Capacity(9, 9), allowance)

    def environment(self, n: int = 1, owner: str = "ana", **more: Any) -> Environment:
        at = timestamp(self.moment)
        one = environment(n, owner=owner, created_at=at, updated_at=at, admitted_at=at)
        self.store.add_environment(one, self.event("requested"), None)
        ready = one.replace(status=Status.READY, due_at="2026-02-01T00:00:00.000Z", **more)
        return self.store.save_environment(one, ready, self.event("status_changed"))

    def event(self, action: str = "ended") -> TimelineEvent:
        return TimelineEvent.by_service(timestamp(self.moment), action)

    def run(self, of: Environment, worst: int = 0) -> JobRun:
        started = run(of).replace(
            id=f"run{next(self.numbers):04}", requested_at=timestamp(self.moment), max_cost_micro_usd=worst
        )
        assert self.store.add_run(started, self.event("run_requested"), None)
        return started

    def query(self, of: Environment, worst: int = 0) -> Query:
        started = Query(
            id=f"query{next(self.numbers):04}",
            environment_id=of.id,
            owner=of.owner,
            status=QueryStatus.QUEUED,
            sql="SELECT 1",
            workgroup="w",
            requested_by=of.owner,
            requested_at=timestamp(self.moment),
            max_cost_micro_usd=worst,
            price_per_tb_usd="5",
        )
        assert self.store.queries.add(started, self.event("query_requested"), None)
        return started

    def settle(self, record: Any, cost: int) -> Any:
        """End a run or a query, or record that it has cost more, a second later."""
        self.moment += timedelta(seconds=1)
        if isinstance(record, Query):
            ended: Any = record.replace(status=QueryStatus.SUCCEEDED, scanned_bytes=cost * 200_000)
            return self.store.queries.save(record, ended.replace(cost_micro_usd=cost), self.event())
        ended = record.replace(status=RunStatus.SUCCEEDED, dpu_seconds=cost / 100, cost_micro_usd=cost)
        return self.store.save_run(record, ended, self.event())

    def spend(self, of: Environment, cost: int) -> None:
        self.settle(self.run(of), cost)

    def warnings(self, of: Environment) -> list[int]:
        events = self.store.events(of.id, limit=100).items
        return [event.detail["percent"] for event in reversed(events) if event.action == "budget_warned"]

    def charges(self, days: int = 60) -> Iterator[Charge]:
        for day in range(days):
            yield from self.store.ledger.charges(timestamp(START + timedelta(days=day))[:10])


def test_each_threshold_is_warned_of_once_in_a_period() -> None:
    world = World()
    of = world.environment()
    found = []
    for started in [world.run(of) for _ in range(12)]:
        world.settle(started, 100)
        found.append(world.warnings(of))
    assert found == [[]] * 4 + [[50]] * 3 + [[50, 80]] * 2 + [[50, 80, 100]] * 3
    world.moment += timedelta(days=2)
    world.spend(of, 100)
    assert world.warnings(of) == [50, 80, 100]
    world.spend(of, 400)
    assert world.warnings(of) == [50, 80, 100, 50]


def test_a_warning_has_the_amounts_and_follows_its_settlement() -> None:
    world = World(Allowance(budget_micro_usd=5_000_000))
    of = world.environment()
    world.spend(of, 4_100_000)
    newest, ended, *_ = world.store.events(of.id, limit=10).items
    assert (newest.action, ended.action) == ("budget_warned", "ended")
    assert newest.detail == {"percent": 80, "spent_usd": 4.1, "limit_usd": 5.0}
    assert newest.actor_type == "service"


def test_a_settlement_that_is_written_twice_warns_once() -> None:
    world = World()
    of = world.environment()
    started = world.run(of)
    world.settle(started, 600)
    with pytest.raises(StaleRecord):
        world.settle(started, 600)
    assert world.warnings(of) == [50]
    assert world.store.account("ana").spent_micro_usd == 600


def test_the_first_period_can_begin_above_a_threshold() -> None:
    world = World()
    of = world.environment()
    world.moment += timedelta(days=3)  # the settlement begins another period
    world.spend(of, 800)
    assert world.warnings(of) == [80]


@pytest.mark.parametrize(("limit", "then", "expected"), [(500, 10, [80]), (2_000, 600, [80, 50])])
def test_a_changed_limit_has_other_thresholds(limit: int, then: int, expected: list[int]) -> None:
    world = World()
    of = world.environment()
    world.spend(of, 450 if limit < 1_000 else 800)
    world.allow(dataclasses.replace(ALLOWANCE, budget_micro_usd=limit))
    world.spend(of, then)
    assert world.warnings(of) == expected
    world.spend(of, 1)
    assert world.warnings(of) == expected


@pytest.mark.parametrize("costs", [(300, 300), (260, 260), (499, 1), (500, 500)])
def test_settlements_at_the_same_time_warn_once(costs: tuple[int, int]) -> None:
    """The other settlement is written between the read of the account and the transaction."""
    world = World()
    of = world.environment()
    first, second = world.run(of), world.run(of)
    interrupt(world, lambda: world.settle(second, costs[1]))
    world.settle(first, costs[0])
    assert world.store.account("ana").spent_micro_usd == sum(costs)
    # The other settlement is the first, and the one that follows reaches 100 % of 1,000.
    assert sorted(world.warnings(of)) == ([50] if sum(costs) < 1_000 else [50, 100])


def interrupt(world: World, other: Callable[[], object]) -> None:
    """Do something else once, before the next transaction."""
    write = world.client.transact_write_items

    def write_later(**request: Any) -> Any:
        world.client.transact_write_items = write
        other()
        return write(**request)

    world.client.transact_write_items = write_later


# -- the freeze --------------------------------------------------------------------------------------------


def test_a_used_up_budget_makes_the_environment_due_once() -> None:
    world = World()
    of = world.environment()
    first, second, third = (world.run(of) for _ in range(3))
    world.settle(first, 999)
    assert due(world, of) == (of.due_at, of.version)
    world.settle(second, 1)
    at = timestamp(world.moment)
    assert due(world, of) == (at, of.version + 1)
    assert world.store.due(at, 10)[0].environment_id == of.id
    world.settle(third, 1)
    assert due(world, of) == (at, of.version + 1)


def test_a_late_charge_of_a_deleted_environment_makes_the_live_one_due() -> None:
    world = World()
    gone = world.environment(1)
    late = world.settle(world.run(gone), 10)
    deleted = gone.replace(status=Status.DELETED, due_at=None, admitted_at=None)
    world.store.save_deleted(gone, deleted, world.event("status_changed"))
    of = world.environment(2)
    world.settle(late, 1_000)
    assert due(world, of) == (timestamp(world.moment), of.version + 1)
    assert world.warnings(gone) == [100]
    assert due(world, gone)[0] is None


def test_nobody_postpones_an_environment_whose_budget_is_used_up() -> None:
    world = World()
    of = world.environment()
    world.spend(of, 1_000)
    with pytest.raises(StaleRecord):
        world.store.save_environment(of, of.replace(due_at="2026-03-01T00:00:00.000Z"))


def test_an_environment_that_changes_meanwhile_is_read_again() -> None:
    world = World()
    of = world.environment()
    started = world.run(of)
    interrupt(world, lambda: world.store.save_environment(of, of.replace(reason="changed")))
    world.settle(started, 1_000)
    assert due(world, of) == (timestamp(world.moment), of.version + 2)
    assert world.warnings(of) == [100]


def due(world: World, of: Environment) -> tuple[str | None, int]:
    now = world.store.environment(of.id)
    assert now is not None
    return now.due_at, now.version


# -- the ledger --------------------------------------------------------------------------------------------


def test_the_ledger_covers_what_an_earlier_version_settled() -> None:
    world = World()
    of = world.environment()
    ended = world.settle(world.run(of), 100)
    key = {"pk": f"ENV#{of.id}", "sk": f"RUN#{ended.id}"}
    Table(world.client, "table").write(
        Table(world.client, "table").update(key, "REMOVE charged_micro_usd", None, {})
    )
    old = world.store.run(of.id, ended.id)
    assert old is not None and old.charged_micro_usd == 0
    world.settle(old, 150)
    last = list(world.charges())[-1]
    assert (last.cost_micro_usd, last.dpu_seconds) == (150, 1.5)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["run", "query", "end", "end", "more", "wait", "delete"]),
        st.integers(0, 700),
        st.integers(0, 20),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_history_adds_up(steps: list[tuple[str, int, int]]) -> None:
    """Runs and queries, charges after the end, other environments, and periods of two days."""
    world = World(dataclasses.replace(ALLOWANCE, budget_micro_usd=10**6, creations_per_day=10**4))
    environments = [world.environment(1)]
    active: list[Any] = []
    ended: list[Any] = []
    for step, amount, which in steps:
        if step in ("run", "query"):
            active.append(getattr(world, step)(environments[-1], worst=amount))
        elif step == "end" and active:
            ended.append(world.settle(active.pop(which % len(active)), amount))
        elif step == "more" and ended:
            number = which % len(ended)
            ended[number] = world.settle(ended[number], (ended[number].cost_micro_usd or 0) + amount)
        elif step == "wait":
            world.moment += timedelta(hours=which * 3)
        elif step == "delete" and not active:
            last = world.store.environment(environments[-1].id)
            assert last is not None
            gone = last.replace(status=Status.DELETED, due_at=None, admitted_at=None)
            world.store.save_deleted(last, gone, world.event("status_changed"))
            environments.append(world.environment(len(environments) + 1))
    charges = list(world.charges())
    by_record, by_environment = defaultdict(int), defaultdict(int)
    for charge in charges:
        by_record[charge.id] += charge.cost_micro_usd
        by_environment[charge.environment_id] += charge.cost_micro_usd
    assert by_record == {record.id: record.cost_micro_usd for record in ended if record.cost_micro_usd}
    for one in environments:
        now = world.store.environment(one.id)
        assert now is not None and now.spent_micro_usd == by_environment[one.id]
    account = world.store.account("ana")
    begins = account.period_begins_at
    assert begins is not None
    assert account.spent_micro_usd == sum(c.cost_micro_usd for c in charges if c.at >= begins)
    assert account.reserved_micro_usd == sum(record.max_cost_micro_usd for record in active)
    for record in ended:
        own = [charge for charge in charges if charge.id == record.id]
        used = sum(charge.dpu_seconds + charge.scanned_bytes / 200_000 for charge in own)
        cost = (record.cost_micro_usd or 0) / (100 if isinstance(record, JobRun) else 1)
        assert used == pytest.approx(cost)
