"""Records in DynamoDB: environments, job runs, timelines, the queue. `items.py` has the keys.

Every change of an environment or a run is conditional on the version that was read, and is written in one
transaction with its timeline event. A failed condition raises `StaleRecord`, or an error of `conflicts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, cast

from chalicelib.aws.dynamodb import ConditionFailed, ItemRefused, Page, Table
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import ResourceState
from chalicelib.domain.estimates import Life
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage import environment_lists, items, metrics
from chalicelib.storage.charges import Charges
from chalicelib.storage.checks import Checks
from chalicelib.storage.children import children
from chalicelib.storage.codec import stored_state
from chalicelib.storage.cohorts import Cohorts
from chalicelib.storage.drift_detections import DriftDetections
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.ledger import Ledger
from chalicelib.storage.outbox import Outbox
from chalicelib.storage.queries import Queries
from chalicelib.storage.queue import Queue
from chalicelib.storage.run_metrics import StoredMetrics
from chalicelib.storage.transactions import NEW, Reduce, Transactions, storable

_AT_REST = {
    f":{status.lower()}": str(status)
    for status in (Status.SEEDING, Status.READY, Status.RESETTING, Status.DELETED)
}


class Due(NamedTuple):
    """A record that is due. `kind` is ENV, QUEUE, or that of a run, a query or another record with an ID."""

    kind: str
    environment_id: str | None = None
    record_id: str | None = None


class Store:
    """Reads and writes records. AWS errors are raised as `AwsError`."""

    def __init__(self, table: Table, capacity: Capacity, allowance: Allowance | None = None) -> None:
        self._table = table
        allowance = allowance or Allowance()
        self._transactions = Transactions(table, capacity, allowance)
        self._charges = Charges(table, self._transactions, allowance)
        self.queries = Queries(table, self._charges)
        self.ledger = Ledger(table)
        self.drift_detections = DriftDetections(table)
        self.outbox = Outbox(table, self._transactions)
        self.queue = Queue(table)
        self.checks = Checks(table)
        self.run_metrics = StoredMetrics(table)
        self.cohorts = Cohorts(table, self._transactions)

    # -- environments ------------------------------------------------------------------------------------

    def add_environment(
        self,
        environment: Environment,
        event: TimelineEvent,
        key: IdempotencyKey | None,
        also: Sequence[Json] = (),
    ) -> None:
        """Record a new environment, its owner's lock and its request's key in one transaction with `also`.

        Raises `KeyTaken`, `OwnerTaken`, `CreationsUsedUp` or `AtCapacity`. If several apply, the first is
        raised: a request with a used key is a repetition.
        """
        lock = {**items.owner_key(environment.owner), "environment_id": environment.id}
        actions = [
            *self._transactions.put_key(key, items.environment_item(environment), environment.created_at),
            self._table.put(lock, NEW),
            self._table.put(items.environment_item(environment), NEW),
            *self._transactions.add_event(environment.id, environment.owner, event),
            *also,
            *self._transactions.count(None, environment),
        ]
        self._transactions.write_creation(environment, actions)

    def environment(self, environment_id: str) -> Environment | None:
        """Return an environment (strongly consistent), or None if it does not exist."""
        item = self._table.get(items.environment_key(environment_id))
        return items.environment(item) if item else None

    def live_environment_id(self, owner: str) -> str | None:
        """Return the ID of the owner's live environment, or None."""
        item = self._table.get(items.owner_key(owner))
        return cast(str, item["environment_id"]) if item else None

    def owner_records(self, owner: str) -> tuple[str | None, Account]:
        """Return the ID of the owner's live environment, or None, and the owner's account, in one read."""
        lock, account = self._table.get_all([items.owner_key(owner), items.account_key(owner)])
        return cast(str, lock["environment_id"]) if lock else None, items.account(owner, account or {})

    def save_environment(
        self,
        old: Environment,
        new: Environment,
        event: TimelineEvent | None = None,
        key: IdempotencyKey | None = None,
        also: Sequence[Json] = (),
    ) -> Environment:
        """Write the fields that differ, if the record is still at `old.version`, and return the record.

        `updated_at` becomes the event's time. Raises `StaleRecord`, `AtCapacity` if a creation would start
        and no slot is free, `CreationsUsedUp` if it would be one too many for the owner, and `KeyTaken` if
        the request's `key` is used.
        """

        return self._save(old, new, event, key, also)

    def save_deleted(self, old: Environment, new: Environment, event: TimelineEvent) -> Environment:
        """Write the DELETED status and release the owner's lock in one transaction."""
        release = self._table.delete(
            items.owner_key(old.owner), "attribute_not_exists(pk) OR environment_id = :id", {":id": old.id}
        )
        return self._save(old, new, event, also=[release])

    def _save(
        self,
        old: Environment,
        new: Environment,
        event: TimelineEvent | None,
        key: IdempotencyKey | None = None,
        also: Sequence[Json] = (),
    ) -> Environment:
        def save(reduced: Reduce) -> Environment:
            events, after = self._transactions.record_event(old, reduced(new), reduced(event))
            if after.status is not old.status:
                after = after.replace(transition_since=after.updated_at)
            actions = [
                *self._transactions.put_key(key, items.environment_item(after), after.updated_at),
                self._transactions.update_environment(old, after),
                *also,
                *events,
                *self._transactions.count(old, after),
            ]
            if after.creations > old.creations:
                self._transactions.write_creation(after, actions)
            else:
                self._transactions.write(actions)
            metrics.environment_written(old, after)
            return after.replace(version=old.version + 1)

        return storable(save)

    def request_drift_check(self, environment_id: str, at: str) -> None:
        """Make a READY environment due for a comparison with AWS: a resource seems to be missing."""
        environment = self.environment(environment_id)
        if environment is None or environment.status is not Status.READY:
            return
        if environment.look_at is None or environment.look_at > at:
            with suppress(StaleRecord):  # the other writer compared or deletes it
                self.save_environment(environment, environment.replace(look_at=at, due_at=at))

    def record_resource_state(
        self, environment_id: str, stack_id: str, logical_id: str, resource: ResourceState
    ) -> bool:
        """Record the state of a resource unless a later one is known. Return whether it was written.

        States of another stack (that of an earlier attempt) are ignored, and so are late ones: all resources
        are recorded at once when a stack is complete.
        """
        action = self._table.update(
            items.environment_key(environment_id),
            "SET resources.#id = :resource",
            "attribute_exists(pk) AND (attribute_not_exists(stack_id) OR stack_id = :stack) "
            "AND NOT gsi_status IN (:seeding, :ready, :resetting, :deleted) "
            "AND (attribute_not_exists(resources.#id) OR resources.#id.#order < :order)",
            {
                ":resource": stored_state(resource),
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
        except ItemRefused as refused:  # only the progress is affected; the outcome comes from the stack
            logger.error("resource not recorded", environment_id=environment_id, detail=str(refused))
            return False
        return True

    def environments(
        self, *, owner: str | None, status: Status | None, limit: int, start: Json | None
    ) -> Page[Environment]:
        """Return a page of environments, newest first, filtered by owner and status."""
        return environment_lists.page(self._table, owner=owner, status=status, limit=limit, start=start)

    def lives(self, most: int) -> tuple[list[Life], bool]:
        """Return the lives of the newest environments, at most `most`, and whether these are all."""
        return environment_lists.lives(self._table, most)

    def events(self, environment_id: str, *, limit: int, start: Json | None = None) -> Page[TimelineEvent]:
        """Return a page of an environment's timeline, newest first."""
        return children(self._table, environment_id, "EVENT#", limit, start).map(items.event)

    # -- job runs ----------------------------------------------------------------------------------------

    def add_run(self, run: JobRun, event: TimelineEvent, key: IdempotencyKey | None) -> bool:
        """Reserve the run's maximum cost and record the run; see `Charges.add`."""
        return self._charges.add(run, event, key)

    def add_scheduled_run(
        self, run: JobRun, event: TimelineEvent, old: Environment, new: Environment
    ) -> None:
        """Reserve the run's maximum cost, record the run and advance the schedule in one transaction.

        Raises `BudgetUsedUp`, and `StaleRecord` if the environment changed or the run is recorded already.
        """
        reserve = self._transactions.update(
            items.environment_key(old.id),
            old.version,
            items.changes(old, new),
            adds={"reserved_micro_usd": run.max_cost_micro_usd},
        )
        storable(lambda reduced: self._charges.write_new(reduced(run), [reserve], reduced(event)))

    def account(self, owner: str) -> Account:
        """Return an owner's account (strongly consistent)."""
        return self._transactions.account(owner)

    def run(self, environment_id: str, run_id: str) -> JobRun | None:
        """Return a run (strongly consistent), or None if it does not exist."""
        item = self._table.get(items.run_key(environment_id, run_id))
        return items.run(item) if item else None

    def runs(self, environment_id: str, *, limit: int, start: Json | None = None) -> Page[JobRun]:
        """Return a page of an environment's runs, newest first."""
        return children(self._table, environment_id, "RUN#", limit, start).map(items.run)

    def all_runs(self, environment_id: str) -> Iterator[JobRun]:
        """Yield every run of an environment, newest first."""
        start: Json | None = None
        while True:
            page = self.runs(environment_id, limit=100, start=start)
            yield from page.items
            start = page.next
            if start is None:
                return

    def save_run(self, old: JobRun, new: JobRun, event: TimelineEvent | None = None) -> JobRun:
        """Write the fields that differ, and settle the run's cost when it ends; see `Charges`."""
        return self._charges.save(old, new, event)

    # -- idempotency keys --------------------------------------------------------------------------------

    def used_key(self, owner: str, key: str, now: str) -> IdempotencyKey | None:
        """Return an owner's used Idempotency-Key, or None if it is unused or expired."""
        item = self._table.get(items.idempotency_key(owner, key))
        return items.used_key(item) if item and item["expires_at"] > now else None

    # -- due records -------------------------------------------------------------------------------------

    def due(self, now: str, limit: int) -> list[Due]:
        """Return the records due by `now`, longest overdue first."""
        page = self._table.query(
            "due_shard = :shard AND due_at <= :now",
            {":shard": items.DUE, ":now": now},
            limit=limit,
            newest_first=False,
            IndexName="due",
        )
        if page.items:
            metrics.due_read(now, page.items[0]["due_at"])
        return [_due(item["pk"], item["sk"]) for item in page.items]


def _due(pk: str, sk: str) -> Due:
    """Return what is due from the key of its item."""
    kind, _, record_id = sk.partition("#")
    parent, _, parent_id = pk.partition("#")
    if parent == "ENV":
        return Due(kind, parent_id, record_id or None)
    return Due(kind, None, record_id or parent_id or None)
