"""Records that cost money: runs and queries.

Their worst cost is reserved in the transaction that records them. The one that records their end releases the
reservation, charges the cost to the owner's account and the environment, and adds a charge to the ledger. So
money is reserved and settled exactly once, and the charges add up to what the accounts were charged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import later, parse, timestamp
from chalicelib.domain.budget_warnings import BudgetWarning
from chalicelib.domain.charge import charge_of
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.pricing import usd
from chalicelib.domain.query import MOST_ACTIVE_QUERIES, Query
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.storage import items, metrics
from chalicelib.storage.account_updates import AccountUpdate, charging
from chalicelib.storage.conflicts import AccountChanged, BudgetUsedUp
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.ledger import charge_item
from chalicelib.storage.transactions import NEW, Reduce, Transactions, storable

Charged = JobRun | Query
Record = TypeVar("Record", JobRun, Query)
_MILLISECOND = 0.001  # the resolution of timestamps


class Charges:
    """Writes runs and queries together with the money that they reserve and cost."""

    def __init__(self, table: Table, transactions: Transactions, allowance: Allowance) -> None:
        self._table = table
        self._transactions = transactions
        self._allowance = allowance

    def add(self, record: Charged, event: TimelineEvent | None, key: IdempotencyKey | None) -> bool:
        """Reserve the maximum cost of a record and write it in one transaction.

        Returns False if the environment is not READY, is frozen, or has the maximum number of active queries.
        Raises `BudgetUsedUp` if its owner's budget does not cover the cost, and `KeyTaken`.
        """
        expression = "SET reserved_micro_usd = reserved_micro_usd + :cost"
        condition = "gsi_status = :ready AND delete_requested = :no AND attribute_not_exists(frozen)"
        values: Json = {":cost": record.max_cost_micro_usd, ":ready": str(Status.READY), ":no": False}
        if isinstance(record, Query):  # environments of earlier versions have no such attribute
            expression += ", active_queries = if_not_exists(active_queries, :none) + :one"
            condition += " AND (attribute_not_exists(active_queries) OR active_queries < :most)"
            values |= {":none": 0, ":one": 1, ":most": MOST_ACTIVE_QUERIES}
        key_of_environment = items.environment_key(record.environment_id)
        reserve = self._table.update(key_of_environment, expression, condition, values)

        def save(reduced: Reduce) -> None:
            item = items.charged_item(reduced(record))
            keys = self._transactions.put_key(key, item, record.requested_at)
            self.write_new(reduced(record), [*keys, reserve], reduced(event))

        try:
            storable(save)
        except StaleRecord:
            return False
        return True

    def write_new(self, record: Charged, actions: list[Json], event: TimelineEvent | None) -> None:
        """Write all actions or none, add a record and reserve its worst cost. Raises `BudgetUsedUp`."""
        moment, worst = parse(record.requested_at), record.max_cost_micro_usd

        def reserve(account: Account) -> AccountUpdate:
            return charging(account, self._allowance, moment, reserved=worst, spent=0, is_new_run=True)

        actions = [*actions, self._table.put(items.charged_item(record), NEW)]
        if event:
            actions += self._transactions.add_event(record.environment_id, record.owner, event)
        try:
            self._transactions.write_with_account(record.owner, actions, reserve)
        except AccountChanged as failure:
            account = items.account(record.owner, failure.item).at(moment, self._allowance)
            if account.available_micro_usd(self._allowance) >= worst:
                raise  # other requests kept changing the account
            raise BudgetUsedUp(account) from failure

    def add_found(self, query: Query) -> bool:
        """Record an active query that its user started in AWS. Returns False if it is recorded already.

        Nothing is reserved, because nobody can refuse the query any more.
        """
        count = self._table.update(
            items.environment_key(query.environment_id),
            "SET active_queries = if_not_exists(active_queries, :none) + :one",
            "attribute_exists(pk)",
            {":none": 0, ":one": 1},
        )

        def save(reduced: Reduce) -> None:
            self._transactions.write([count, self._table.put(items.charged_item(reduced(query)), NEW)])

        try:
            storable(save)
        except StaleRecord:
            return False
        return True

    def _execution(self, query: Query) -> Json:
        """Return the action that names the query of an execution in Athena."""
        key = items.execution_key(query.environment_id, query.execution_id or "")
        return self._table.put(
            {**key, "query_id": query.id},
            f"{NEW} OR query_id = :query",
            {":query": query.id},
        )

    def save(self, old: Record, new: Record, event: TimelineEvent | None) -> Record:
        """Write the fields that differ, if the record is still at `old.version`, and return the record.

        When the record reaches a final status, the same transaction releases its reservation and charges its
        cost. What AWS bills later is charged when it is known.
        """

        def save(reduced: Reduce) -> Record:
            after = reduced(new)
            if (after.cost_micro_usd or 0) != (old.cost_micro_usd or 0):
                after = after.replace(charged_micro_usd=after.cost_micro_usd)
            self._write(old, after, reduced(event))
            metrics.cost_written(old, after)
            return after.replace(version=old.version + 1)

        return storable(save)

    def _write(self, old: Charged, new: Charged, event: TimelineEvent | None) -> None:
        key = items.charged_key(old)
        actions = [self._transactions.update(key, old.version, items.changes(old, new))]
        if event:
            changed = items.with_changes(event, old, new)
            actions += self._transactions.add_event(old.environment_id, old.owner, changed)
        if isinstance(new, Query) and isinstance(old, Query) and new.execution_id != old.execution_id:
            actions.append(self._execution(new))
        ends = new.status.is_final and not old.status.is_final
        reserved = -old.max_cost_micro_usd if ends else 0
        spent = (new.cost_micro_usd or 0) - (old.cost_micro_usd or 0)
        if not ends and not spent:
            self._transactions.write(actions)
            return
        moment = parse(event.at if event else new.completed_at or new.requested_at)
        if spent:
            actions.append(self._table.put(charge_item(charge_of(old, new, timestamp(moment))), NEW))
        self._transactions.write_with_account(
            old.owner,
            actions,
            lambda account: charging(
                account, self._allowance, moment, reserved=reserved, spent=spent, is_new_run=False
            ),
            lambda update: self._settlement(
                old,
                update.warning,
                moment,
                {"reserved_micro_usd": reserved, "spent_micro_usd": spent}
                | ({"active_queries": -1} if ends and isinstance(old, Query) else {}),
            ),
        )

    def _settlement(
        self, record: Charged, warning: BudgetWarning | None, moment: datetime, adds: Mapping[str, int]
    ) -> list[Json]:
        """Return the actions that add numbers to the record's environment, and warn its owner.

        A budget that is used up also makes the owner's environment due, so that reconcile freezes it.
        """
        settled = ", ".join(f"{name} = {name} + :{name}" for name in adds)
        values: Json = {f":{name}": number for name, number in adds.items()}
        if adds["spent_micro_usd"]:
            settled, values[":at"] = f"{settled}, charged_at = :at", timestamp(moment)
        key = items.environment_key(record.environment_id)
        actions = []
        if warning:
            # After the event of the settlement, which has the same time.
            event = _budget_warned(warning, later(moment, _MILLISECOND))
            actions += self._transactions.add_event(record.environment_id, record.owner, event)
        live = self._idle_environment(record.owner) if warning and warning.percent == 100 else None
        if live is not None and live.id == record.environment_id:
            update = self._due(live, moment, f", {settled}", values)
        else:
            update = self._table.update(key, f"SET {settled}", "attribute_exists(pk)", values)
            actions += [self._due(live, moment)] if live else []
        return [*actions, update]

    def _due(self, live: Environment, moment: datetime, also: str = "", values: Json | None = None) -> Json:
        """Return the action that makes an environment due. Its new version prevents a postponement."""
        return self._table.update(
            items.environment_key(live.id),
            f"SET due_at = :due, due_shard = :shard, #version = :next{also}",
            "#version = :read_version",
            {
                **(values or {}),
                **{":due": timestamp(moment), ":shard": items.DUE},
                **{":next": live.version + 1, ":read_version": live.version},
            },
            {"#version": "version"},
            returns_item=True,
        )

    def _idle_environment(self, owner: str) -> Environment | None:
        """Return the owner's environment if it is READY or FAILED. In other states it is due anyway."""
        lock = self._table.get(items.owner_key(owner))
        item = self._table.get(items.environment_key(lock["environment_id"])) if lock else None
        environment = items.environment(item) if item else None
        is_idle = environment is not None and environment.status in (Status.READY, Status.FAILED)
        return environment if is_idle else None


def _budget_warned(warning: BudgetWarning, at: str) -> TimelineEvent:
    detail = {
        "percent": warning.percent,
        "spent_usd": usd(warning.spent_micro_usd),
        "limit_usd": usd(warning.limit_micro_usd),
    }
    return TimelineEvent.by_service(at, "budget_warned", detail)
