"""What is read from the service's one DynamoDB table and written to it (`items.py` has its keys).

Every change of an environment or a run is conditional on the version that was read (`StaleRecord` if it
moved on), and is written together with its line of the timeline, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from chalicelib.aws.dynamodb import ConditionFailed, ItemRefused, Page, Table
from chalicelib.clock import later, parse
from chalicelib.domain.capacity import Capacity, Usage, counting
from chalicelib.domain.owner_accounts import Account, Allowance, Update, charging, counting_creation
from chalicelib.domain.records import Environment, Event, JobRun, Json, Status
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage import items
from chalicelib.storage.items import IdempotencyKey

_NEW = "attribute_not_exists(pk)"
_AT_REST = {
    f":{status.lower()}": str(status)
    for status in (Status.SEEDING, Status.READY, Status.RESETTING, Status.DELETED)
}
_MILLISECOND = 0.001  # what times are told in
_TRIES = 5


Record = TypeVar("Record")
Saved = TypeVar("Saved")


class Kept(Protocol):
    """What of a record is stored."""

    def __call__(self, record: Record) -> Record:
        """The record as it is stored."""


class Due(NamedTuple):
    """What is due: an environment, one of its runs, or (neither) the queue."""

    environment_id: str | None
    run_id: str | None


class KeyTaken(Exception):
    """The Idempotency-Key was used before; `key` has the record that its request wrote."""

    def __init__(self, key: IdempotencyKey) -> None:
        super().__init__(key.key)
        self.key = key


class OwnerTaken(Exception):
    """The owner has a live environment; `environment_id` is its id."""

    def __init__(self, environment_id: str) -> None:
        super().__init__(environment_id)
        self.environment_id = environment_id


class AtCapacity(Exception):
    """No place is free for another creation; `usage` is what takes them."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(usage)
        self.usage = usage


class AccountChanged(StaleRecord):
    """The owner's account, as it was read, does not allow it; `item` is what it is now."""

    def __init__(self, item: Json) -> None:
        super().__init__()
        self.item = item


class BudgetUsedUp(Exception):
    """The owner's budget does not cover a run; `account` is what there is."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.account = account


class CreationsUsedUp(Exception):
    """The owner has created as many environments as they may in a day; `next_at` is when they may again."""

    def __init__(self, next_at: str) -> None:
        super().__init__(next_at)
        self.next_at = next_at


class Store:
    """Reads and writes records; AWS errors come out as `AwsError`."""

    def __init__(self, table: Table, capacity: Capacity, allowance: Allowance | None = None) -> None:
        self._table = table
        self._capacity = capacity
        self._allowance = allowance or Allowance()

    # -- environments ------------------------------------------------------------------------------------

    def add_environment(self, environment: Environment, event: Event, key: IdempotencyKey | None) -> None:
        """Record a new environment, its owner's lock and its request's key, all or nothing.

        Raises `KeyTaken`, `OwnerTaken`, `CreationsUsedUp` or `AtCapacity`; where several hold, the first of
        them, for with a taken key this is a repetition.
        """
        lock = {**items.owner_key(environment.owner), "environment_id": environment.id}
        actions = [
            *self._used_key(key, items.environment_item(environment), environment.created_at),
            self._table.put(lock, _NEW),
            self._table.put(items.environment_item(environment), _NEW),
            self._event(environment.id, environment.owner, event),
            *self._counting(None, environment),
        ]
        self._write_creation(environment, actions)

    def environment(self, environment_id: str) -> Environment | None:
        """Read one environment, strongly consistent; None when there is none."""
        item = self._table.get(items.environment_key(environment_id))
        return items.environment(item) if item else None

    def live_environment_id(self, owner: str) -> str | None:
        """The id of the owner's live environment; None when there is none."""
        item = self._table.get(items.owner_key(owner))
        return cast(str, item["environment_id"]) if item else None

    def save_environment(
        self,
        old: Environment,
        new: Environment,
        event: Event | None = None,
        key: IdempotencyKey | None = None,
    ) -> Environment:
        """Write the fields that differ, if the record is still at `old.version`; returns it as it now is.

        Its `updated_at` is the event's time, which is put after that of the one before: the timeline is in
        order though the clocks of those who write it are not the same. Raises `AtCapacity` when it would
        begin to be created and no place is free, and `CreationsUsedUp` when it would be created once more and
        its owner may not. With a `key`, which is stored together with the record, it may raise `KeyTaken`.
        """

        def save(kept: Kept) -> Environment:
            told, after = self._told(old, kept(new), kept(event))
            used = self._used_key(key, items.environment_item(after), after.updated_at)
            actions = [*used, self._environment_update(old, after), *told, *self._counting(old, after)]
            if after.creations > old.creations:
                self._write_creation(after, actions)
            else:
                self._write(actions)
            return after.but(version=old.version + 1)

        return _storable(save)

    def end_environment(self, old: Environment, new: Environment, event: Event) -> Environment:
        """Write the DELETED state and release the owner's lock in one transaction."""
        release = self._table.delete(
            items.owner_key(old.owner), "attribute_not_exists(pk) OR environment_id = :id", {":id": old.id}
        )

        def save(kept: Kept) -> Environment:
            told, after = self._told(old, kept(new), kept(event))
            self._write([self._environment_update(old, after), release, *told, *self._counting(old, after)])
            return after.but(version=old.version + 1)

        return _storable(save)

    def doubt(self, environment_id: str, at: str) -> None:
        """Let a READY environment be due for a comparison with AWS: a part of it seems to be gone."""
        environment = self.environment(environment_id)
        if environment is None or environment.status is not Status.READY:
            return
        if environment.look_at is None or environment.look_at > at:
            with suppress(StaleRecord):  # whoever moved it has looked at it, too, or its end comes
                self.save_environment(environment, environment.but(look_at=at, due_at=at))

    def note_resource(self, environment_id: str, stack_id: str, logical_id: str, resource: Json) -> bool:
        """Record the state of one resource unless a later one (by its `order`) is known; True if written.

        What is told of another stack than the environment's own (that of an earlier attempt) is passed over,
        and so are events that come late: when the stack is complete, all its resources are recorded at once.
        """
        action = self._table.update(
            items.environment_key(environment_id),
            "SET resources.#id = :resource",
            "attribute_exists(pk) AND (attribute_not_exists(stack_id) OR stack_id = :stack) "
            "AND NOT gsi_status IN (:seeding, :ready, :resetting, :deleted) "
            "AND (attribute_not_exists(resources.#id) OR resources.#id.#order < :order)",
            {":resource": resource, ":order": resource["order"], ":stack": stack_id, **_AT_REST},
            {"#id": logical_id, "#order": "order"},
        )
        try:
            self._table.write(action)
        except ConditionFailed:
            return False
        except ItemRefused as refused:  # only the progress shows less; the stack itself tells how it ends
            logger.error("resource not noted", environment_id=environment_id, detail=str(refused))
            return False
        return True

    def environments(
        self, *, owner: str | None, status: Status | None, limit: int, start: Json | None
    ) -> Page[Environment]:
        """One page of environments, newest first: of an owner, in a status, both, or all."""
        options: dict[str, Any] = {}
        values: Json
        if owner is not None:
            options["IndexName"], key, values = "by_owner", "gsi_owner", {":key": owner}
            if status is not None:
                options["FilterExpression"], values[":status"] = "gsi_status = :status", str(status)
        elif status is not None:
            options["IndexName"], key, values = "by_status", "gsi_status", {":key": str(status)}
        else:
            options["IndexName"], key, values = "by_created", "gsi_kind", {":key": "ENV"}
        page = self._table.query(f"{key} = :key", values, limit=limit, start=start, **options)
        return page.map(items.environment)

    def events(self, environment_id: str, *, limit: int, start: Json | None = None) -> Page[Event]:
        """One page of an environment's timeline, newest first."""
        page = self._table.query(
            "pk = :pk AND begins_with(sk, :event)",
            {":pk": f"ENV#{environment_id}", ":event": "EVENT#"},
            limit=limit,
            start=start,
        )
        return page.map(items.event)

    # -- job runs ----------------------------------------------------------------------------------------

    def add_run(self, run: JobRun, event: Event, key: IdempotencyKey | None) -> bool:
        """Reserve the run's worst cost and record it, all or nothing.

        False when the environment is not READY. Raises `BudgetUsedUp` when its owner's budget does not cover
        the run, and `KeyTaken`.
        """
        reserve = self._table.update(
            items.environment_key(run.environment_id),
            "SET reserved_micro_usd = reserved_micro_usd + :cost",
            "gsi_status = :ready AND delete_requested = :no",
            {":cost": run.max_cost_micro_usd, ":ready": str(Status.READY), ":no": False},
        )
        try:
            _storable(
                lambda kept: self._write_admission(
                    kept(run),
                    [*self._used_key(key, items.run_item(kept(run)), run.requested_at), reserve],
                    kept(event),
                )
            )
        except StaleRecord:
            return False
        return True

    def add_scheduled_run(self, run: JobRun, event: Event, old: Environment, new: Environment) -> None:
        """Reserve the run's worst cost, record it, and move its environment's schedule on; all or nothing.

        Raises `BudgetUsedUp`, and `StaleRecord` when the environment has moved on or the run is recorded.
        """
        reserve = self._update(
            items.environment_key(old.id),
            old.version,
            items.changes(old, new),
            adds={"reserved_micro_usd": run.max_cost_micro_usd},
        )
        _storable(lambda kept: self._write_admission(kept(run), [reserve], kept(event)))

    def account(self, owner: str) -> Account:
        """What is recorded of an owner, strongly consistent."""
        return items.account(owner, self._table.get(items.account_key(owner)) or {})

    def run(self, environment_id: str, run_id: str) -> JobRun | None:
        """Read one run, strongly consistent; None when there is none."""
        item = self._table.get(items.run_key(environment_id, run_id))
        return items.run(item) if item else None

    def runs(self, environment_id: str, *, limit: int, start: Json | None = None) -> Page[JobRun]:
        """One page of an environment's runs, newest first."""
        page = self._table.query(
            "pk = :pk AND begins_with(sk, :run)",
            {":pk": f"ENV#{environment_id}", ":run": "RUN#"},
            limit=limit,
            start=start,
        )
        return page.map(items.run)

    def all_runs(self, environment_id: str) -> Iterator[JobRun]:
        """Every run of an environment, newest first."""
        start: Json | None = None
        while True:
            page = self.runs(environment_id, limit=100, start=start)
            yield from page.items
            start = page.next
            if start is None:
                return

    def save_run(self, old: JobRun, new: JobRun, event: Event | None = None) -> JobRun:
        """Write the fields that differ, if the record is still at `old.version`.

        A run that reaches a final state gives its reservation back to its owner's budget and its cost is
        spent, in the same transaction, so that money is settled exactly once. What Glue bills later is spent
        when it is known.
        """

        def save(kept: Kept) -> JobRun:
            after, told = kept(new), kept(event)
            self._write_run(old, after, told)
            return after.but(version=old.version + 1)

        return _storable(save)

    def _write_run(self, old: JobRun, new: JobRun, event: Event | None) -> None:
        actions = [
            self._update(items.run_key(old.environment_id, old.id), old.version, items.changes(old, new))
        ]
        if event:
            actions.append(self._event(old.environment_id, old.owner, items.told(event, old, new)))
        reserved = -old.max_cost_micro_usd if new.status.is_final and not old.status.is_final else 0
        spent = (new.cost_micro_usd or 0) - (old.cost_micro_usd or 0)
        if not reserved and not spent:
            self._write(actions)
            return
        moment = parse(event.at if event else new.completed_at or new.requested_at)
        settlement = self._table.update(
            items.environment_key(old.environment_id),
            "SET reserved_micro_usd = reserved_micro_usd + :reserved, "
            "spent_micro_usd = spent_micro_usd + :spent",
            "attribute_exists(pk)",
            {":reserved": reserved, ":spent": spent},
        )
        self._write_with_account(
            old.owner,
            [*actions, settlement],
            lambda account: charging(
                account, self._allowance, moment, reserved=reserved, spent=spent, is_admission=False
            ),
        )

    # -- the queue ---------------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """Who is in creation, how many exist and how many wait."""
        return items.usage(self._table.get(items.QUEUE_KEY) or {})

    def waiting(self, limit: int) -> list[Environment]:
        """The environments that wait for a place, oldest first; `limit` also covers those just admitted."""
        page = self._table.query(
            "gsi_status = :status",
            {":status": str(Status.QUEUED), ":no": False},
            limit=limit,
            newest_first=False,
            IndexName="by_status",
            FilterExpression="attribute_not_exists(admitted_at) AND delete_requested = :no",
        )
        return [items.environment(item) for item in page.items]

    def give_back(self, environment_ids: Iterable[str]) -> None:
        """Free the places of environments that are not in creation."""
        self._table.write(
            self._table.update(
                items.QUEUE_KEY,
                "DELETE creating :ids",
                "attribute_exists(pk)",
                {":ids": set(environment_ids)},
            )
        )

    def look_at_queue(self, at: str) -> None:
        """Let the queue be due at a time, or never while nobody waits."""
        with suppress(ConditionFailed):
            self._table.write(
                self._table.update(
                    items.QUEUE_KEY, "REMOVE due_at, due_shard", "waiting <= :none", {":none": 0}
                )
            )
            return
        self._table.write(
            self._table.update(
                items.QUEUE_KEY,
                "SET due_at = :at, due_shard = :shard",
                "attribute_exists(pk)",
                {":at": at, ":shard": items.DUE},
            )
        )

    # -- idempotency keys --------------------------------------------------------------------------------

    def used_key(self, owner: str, key: str, now: str) -> IdempotencyKey | None:
        """Return an owner's used Idempotency-Key, or None if it is unused or expired."""
        item = self._table.get(items.used_key_key(owner, key))
        return items.used_key(item) if item and item["expires_at"] > now else None

    # -- what is due -------------------------------------------------------------------------------------

    def due(self, now: str, limit: int) -> list[Due]:
        """The records due by `now`, longest overdue first."""
        page = self._table.query(
            "due_shard = :shard AND due_at <= :now",
            {":shard": items.DUE, ":now": now},
            limit=limit,
            newest_first=False,
            IndexName="due",
        )
        return [
            Due(item["pk"].partition("#")[2] or None, item["sk"].partition("#")[2] or None)
            for item in page.items
        ]

    # -- the parts of writes -----------------------------------------------------------------------------

    def _write(self, actions: list[Json]) -> None:
        """Do all or nothing.

        A failed condition is `KeyTaken`, `OwnerTaken`, `AccountChanged` or `AtCapacity` where the item in the
        way says so, or `StaleRecord`.
        """
        try:
            self._table.transact(actions)
        except ConditionFailed as failure:
            taken = {item["sk"]: item for item in failure.items}
            if "KEY" in taken:
                raise KeyTaken(items.used_key(taken["KEY"])) from failure
            if "OWNER" in taken:
                raise OwnerTaken(taken["OWNER"]["environment_id"]) from failure
            if "BUDGET" in taken:
                raise AccountChanged(taken["BUDGET"]) from failure
            if "QUEUE" in taken:
                raise AtCapacity(items.usage(taken["QUEUE"])) from failure
            raise StaleRecord from failure

    def _write_creation(self, environment: Environment, actions: list[Json]) -> None:
        """Do all or nothing, and count a creation."""
        moment = parse(environment.updated_at)

        def count(account: Account) -> Update:
            return counting_creation(account, self._allowance, moment)

        try:
            self._write_with_account(environment.owner, actions, count)
        except AccountChanged as failure:
            account = items.account(environment.owner, failure.item).at(moment, self._allowance)
            next_at = account.next_creation_at(self._allowance)
            if next_at is None:
                raise  # others have changed it all the time
            raise CreationsUsedUp(next_at) from failure

    def _write_admission(self, run: JobRun, actions: list[Json], event: Event) -> None:
        """Do all or nothing, record a run, and reserve its worst cost from its owner's budget."""
        moment, worst = parse(run.requested_at), run.max_cost_micro_usd

        def reserve(account: Account) -> Update:
            return charging(account, self._allowance, moment, reserved=worst, spent=0, is_admission=True)

        actions = [
            *actions,
            self._table.put(items.run_item(run), _NEW),
            self._event(run.environment_id, run.owner, event),
        ]
        try:
            self._write_with_account(run.owner, actions, reserve)
        except AccountChanged as failure:
            account = items.account(run.owner, failure.item).at(moment, self._allowance)
            if account.available_micro_usd(self._allowance) >= worst:
                raise  # others have changed it all the time
            raise BudgetUsedUp(account) from failure

    def _write_with_account(
        self, owner: str, actions: list[Json], change: Callable[[Account], Update]
    ) -> None:
        """Do all or nothing, with a change of the owner's account as it is read now."""
        for attempt in range(1, _TRIES + 1):
            account = self.account(owner)
            update = change(account)
            action = self._table.update(
                items.account_key(owner),
                update.expression,
                update.condition,
                update.values,
                returns_item=True,
            )
            try:
                return self._write([*actions, action])
            except AccountChanged as failure:
                now = items.account(owner, failure.item)
                if attempt == _TRIES or (now.period_begins_at, now.creations) == (
                    account.period_begins_at,
                    account.creations,
                ):
                    raise

    def _used_key(self, key: IdempotencyKey | None, record: Json, now: str) -> list[Json]:
        if key is None:
            return []
        item = items.used_key_item(replace(key, record=record))
        # DynamoDB removes expired items late, so the condition looks at the time itself.
        return [self._table.put(item, f"{_NEW} OR expires_at <= :now", {":now": now})]

    def _event(self, environment_id: str, owner: str, event: Event) -> Json:
        return self._table.put(items.event_item(environment_id, owner, event), _NEW)

    def _told(
        self, old: Environment, new: Environment, event: Event | None
    ) -> tuple[list[Json], Environment]:
        if event is None:
            return [], new
        at = max(event.at, later(parse(old.updated_at), _MILLISECOND))
        told = items.told(replace(event, at=at), old, new)
        return [self._event(old.id, old.owner, told)], new.but(updated_at=at)

    def _counting(self, old: Environment | None, new: Environment) -> list[Json]:
        """The action that keeps the record `QUEUE` right, if a change of an environment touches it."""
        count = counting(old, new, self._capacity)
        if count is None:
            return []
        if count.waiting > 0:
            count.sets["due_at"] = "if_not_exists(due_at, :due)"
            count.sets["due_shard"] = ":shard"
            count.values |= {":due": new.updated_at, ":shard": items.DUE}
        return [
            self._table.update(
                items.QUEUE_KEY, count.expression, count.condition, count.values, returns_item=True
            )
        ]

    def _environment_update(self, old: Environment, new: Environment) -> Json:
        changes = items.changes(old, new)
        if "status" in changes:
            changes["gsi_status"] = changes["status"]
        return self._update(items.environment_key(old.id), old.version, changes)

    def _update(self, key: Json, version: int, changes: Json, adds: Mapping[str, int] | None = None) -> Json:
        if "due_at" in changes:
            changes["due_shard"] = None if changes["due_at"] is None else items.DUE
        changes["version"] = version + 1
        values = {f":{name}": value for name, value in changes.items() if value is not None}
        sets = [f"#{name[1:]} = {name}" for name in values]
        for name, amount in (adds or {}).items():
            sets.append(f"{name} = {name} + :{name}")
            values[f":{name}"] = amount
        expression = "SET " + ", ".join(sets)
        removed = [f"#{name}" for name, value in changes.items() if value is None]
        if removed:
            expression += " REMOVE " + ", ".join(removed)
        return self._table.update(
            key,
            expression,
            "#version = :read_version",
            {**values, ":read_version": version},
            {f"#{name}": name for name in changes},
        )


def _storable(save: Callable[[Kept], Saved]) -> Saved:
    """Save records as they are; if DynamoDB does not store them so, without the texts from outside.

    What a record cannot hold is the service's own mistake: it must not keep a run or an environment from
    going on, so it is logged and given up.
    """
    try:
        return save(lambda record: record)
    except ItemRefused as refused:
        logger.error("stored without texts from outside", code=refused.code, detail=refused.message)
        return save(items.lean)
