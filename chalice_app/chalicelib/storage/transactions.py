"""DynamoDB transactions: builds them, and converts failed conditions to errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from chalicelib.aws.dynamodb import ConditionFailed, ItemRefused, Table
from chalicelib.clock import later, parse
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.notices import notice_of
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage import items
from chalicelib.storage.account_updates import AccountUpdate, counting_creation
from chalicelib.storage.conflicts import (
    AccountChanged,
    AtCapacity,
    CreationsUsedUp,
    EnvironmentChanged,
    KeyTaken,
    OwnerTaken,
)
from chalicelib.storage.counter_updates import counting
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.notice_items import notice_item

NEW = "attribute_not_exists(pk)"
_MILLISECOND = 0.001  # the resolution of timestamps
_TRIES = 5


Record = TypeVar("Record")
Saved = TypeVar("Saved")


class Reduce(Protocol):
    """Returns a record as it is stored."""

    def __call__(self, record: Record) -> Record:
        """Return the record, reduced if it does not fit."""


class Transactions:
    """Builds and writes transactions; methods that return actions write nothing."""

    def __init__(self, table: Table, capacity: Capacity, allowance: Allowance) -> None:
        self._table = table
        self._capacity = capacity
        self._allowance = allowance

    def account(self, owner: str) -> Account:
        """Read an owner's account, strongly consistent."""
        return items.account(owner, self._table.get(items.account_key(owner)) or {})

    def write(self, actions: list[Json]) -> None:
        """Write all actions or none.

        Raises `KeyTaken`, `OwnerTaken`, `AccountChanged`, `AtCapacity` or `EnvironmentChanged` if the
        condition on an item that the action returns failed, and `StaleRecord` if another one did.
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
                raise AtCapacity(items.counters(taken["QUEUE"])) from failure
            if "ENV" in taken:
                raise EnvironmentChanged from failure
            raise StaleRecord from failure

    def write_creation(self, environment: Environment, actions: list[Json]) -> None:
        """Write all actions or none, and count a creation of the owner. Raises `CreationsUsedUp`."""
        moment = parse(environment.updated_at)

        def count(account: Account) -> AccountUpdate:
            return counting_creation(account, self._allowance, moment)

        try:
            self.write_with_account(environment.owner, actions, count)
        except AccountChanged as failure:
            account = items.account(environment.owner, failure.item).at(moment, self._allowance)
            next_at = account.next_creation_at(self._allowance)
            if next_at is None:
                raise  # other requests kept changing the account
            raise CreationsUsedUp(next_at) from failure

    def write_with_account(
        self,
        owner: str,
        actions: list[Json],
        change: Callable[[Account], AccountUpdate],
        following: Callable[[AccountUpdate], list[Json]] = lambda update: [],
    ) -> None:
        """Write all actions or none, with a change computed from the owner's current account.

        `following` returns further actions, which follow from that change.
        """
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
                return self.write([*actions, *following(update), action])
            except AccountChanged as failure:
                if attempt == _TRIES or items.account(owner, failure.item) == account:
                    raise
            except EnvironmentChanged:
                if attempt == _TRIES:
                    raise

    def put_key(self, key: IdempotencyKey | None, record: Json, now: str) -> list[Json]:
        """Return the action that stores a request's key with the record it writes; none without a key."""
        if key is None:
            return []
        item = items.used_key_item(replace(key, record=record))
        # DynamoDB removes expired items late, so the condition compares the time.
        return [self._table.put(item, f"{NEW} OR expires_at <= :now", {":now": now})]

    def add_event(self, environment_id: str, owner: str, event: TimelineEvent) -> list[Json]:
        """Return the actions that add an event to a timeline, and its notice, if it causes one."""
        notice = notice_of(environment_id, owner, event)
        added = [items.event_item(environment_id, owner, event), *([notice_item(notice)] if notice else [])]
        return [self._table.put(item, NEW) for item in added]

    def record_event(
        self, old: Environment, new: Environment, event: TimelineEvent | None
    ) -> tuple[list[Json], Environment]:
        """Return the actions for the event of a change, and the environment with the event's time.

        That time is after the one before it, so that the timeline is in order although clocks differ.
        """
        if event is None:
            return [], new
        at = max(event.at, later(parse(old.updated_at), _MILLISECOND))
        recorded = items.with_changes(replace(event, at=at), old, new)
        return self.add_event(old.id, old.owner, recorded), new.replace(updated_at=at)

    def count(self, old: Environment | None, new: Environment) -> list[Json]:
        """Return the action that updates the record `QUEUE`, if a change of an environment affects it."""
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

    def update_environment(self, old: Environment, new: Environment) -> Json:
        """Return the action that writes the fields that differ, if the record is still at `old.version`."""
        changes = items.changes(old, new)
        if "status" in changes:
            changes["gsi_status"] = changes["status"]
        return self.update(items.environment_key(old.id), old.version, changes)

    def update(
        self,
        key: Json,
        version: int,
        changes: Json,
        adds: Mapping[str, int] | None = None,
        *,
        shard: str = items.DUE,
    ) -> Json:
        """Return the action that writes `changes` and adds `adds`, if the record is still at `version`."""
        if "due_at" in changes:
            changes["due_shard"] = None if changes["due_at"] is None else shard
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


def storable(save: Callable[[Reduce], Saved]) -> Saved:
    """Save records. If DynamoDB refuses their size or content, save them without texts from outside.

    A record that cannot be stored is a defect of the service, and must not block its run or environment.
    """
    try:
        return save(lambda record: record)
    except ItemRefused as refused:
        logger.error("stored without texts from outside", code=refused.code, detail=refused.message)
        return save(items.lean)
