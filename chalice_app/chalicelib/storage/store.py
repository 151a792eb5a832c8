"""Records in DynamoDB: environments, job runs, timelines, the queue. `items.py` has the keys.

Every change of an environment or a run is conditional on the version that was read, and is written in one
transaction with its timeline event. A failed condition raises `StaleRecord`, or an error of `conflicts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, cast

from chalicelib.aws.dynamodb import ConditionFailed, ItemRefused, Page, Table
from chalicelib.domain.capacity import Capacity, Usage
from chalicelib.domain.environment import Environment, ResourceState, Status
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.timeline import Event
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage import items
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.transactions import NEW, Reduce, Transactions, storable

_AT_REST = {
    f":{status.lower()}": str(status)
    for status in (Status.SEEDING, Status.READY, Status.RESETTING, Status.DELETED)
}


class Due(NamedTuple):
    """A record that is due: an environment, one of its runs, or the queue if both are None."""

    environment_id: str | None
    run_id: str | None


class Store:
    """Reads and writes records; AWS errors come out as `AwsError`."""

    def __init__(self, table: Table, capacity: Capacity, allowance: Allowance | None = None) -> None:
        self._table = table
        self._transactions = Transactions(table, capacity, allowance or Allowance())

    # -- environments ------------------------------------------------------------------------------------

    def add_environment(self, environment: Environment, event: Event, key: IdempotencyKey | None) -> None:
        """Record a new environment, its owner's lock and its request's key, all or nothing.

        Raises `KeyTaken`, `OwnerTaken`, `CreationsUsedUp` or `AtCapacity`; where several hold, the first of
        them, for with a taken key this is a repetition.
        """
        lock = {**items.owner_key(environment.owner), "environment_id": environment.id}
        actions = [
            *self._transactions.put_key(key, items.environment_item(environment), environment.created_at),
            self._table.put(lock, NEW),
            self._table.put(items.environment_item(environment), NEW),
            self._transactions.put_event(environment.id, environment.owner, event),
            *self._transactions.count(None, environment),
        ]
        self._transactions.write_creation(environment, actions)

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

        def save(reduced: Reduce) -> Environment:
            events, after = self._transactions.record_event(old, reduced(new), reduced(event))
            used = self._transactions.put_key(key, items.environment_item(after), after.updated_at)
            actions = [
                *used,
                self._transactions.update_environment(old, after),
                *events,
                *self._transactions.count(old, after),
            ]
            if after.creations > old.creations:
                self._transactions.write_creation(after, actions)
            else:
                self._transactions.write(actions)
            return after.but(version=old.version + 1)

        return storable(save)

    def end_environment(self, old: Environment, new: Environment, event: Event) -> Environment:
        """Write the DELETED state and release the owner's lock in one transaction."""
        release = self._table.delete(
            items.owner_key(old.owner), "attribute_not_exists(pk) OR environment_id = :id", {":id": old.id}
        )

        def save(reduced: Reduce) -> Environment:
            events, after = self._transactions.record_event(old, reduced(new), reduced(event))
            self._transactions.write(
                [
                    self._transactions.update_environment(old, after),
                    release,
                    *events,
                    *self._transactions.count(old, after),
                ]
            )
            return after.but(version=old.version + 1)

        return storable(save)

    def doubt(self, environment_id: str, at: str) -> None:
        """Let a READY environment be due for a comparison with AWS: a part of it seems to be gone."""
        environment = self.environment(environment_id)
        if environment is None or environment.status is not Status.READY:
            return
        if environment.look_at is None or environment.look_at > at:
            with suppress(StaleRecord):  # whoever moved it has looked at it, too, or its end comes
                self.save_environment(environment, environment.but(look_at=at, due_at=at))

    def note_resource(
        self, environment_id: str, stack_id: str, logical_id: str, resource: ResourceState
    ) -> bool:
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
            {
                ":resource": items.stored_state(resource),
                ":order": resource.order,
                ":stack": stack_id,
                **_AT_REST,
            },
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
            storable(
                lambda reduced: self._transactions.write_admission(
                    reduced(run),
                    [
                        *self._transactions.put_key(key, items.run_item(reduced(run)), run.requested_at),
                        reserve,
                    ],
                    reduced(event),
                )
            )
        except StaleRecord:
            return False
        return True

    def add_scheduled_run(self, run: JobRun, event: Event, old: Environment, new: Environment) -> None:
        """Reserve the run's worst cost, record it, and move its environment's schedule on; all or nothing.

        Raises `BudgetUsedUp`, and `StaleRecord` when the environment has moved on or the run is recorded.
        """
        reserve = self._transactions.update(
            items.environment_key(old.id),
            old.version,
            items.changes(old, new),
            adds={"reserved_micro_usd": run.max_cost_micro_usd},
        )
        storable(lambda reduced: self._transactions.write_admission(reduced(run), [reserve], reduced(event)))

    def account(self, owner: str) -> Account:
        """Read an owner's account, strongly consistent."""
        return self._transactions.account(owner)

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

        def save(reduced: Reduce) -> JobRun:
            after, recorded = reduced(new), reduced(event)
            self._transactions.write_run(old, after, recorded)
            return after.but(version=old.version + 1)

        return storable(save)

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
