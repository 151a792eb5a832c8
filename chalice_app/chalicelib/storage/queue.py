"""The queue: waiting environments, and the record `QUEUE`, which counts them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Environment
from chalicelib.storage import environment_lists, items, metrics


class Queue:
    """Reads the queue and its counters, and makes the queue due."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def counters(self) -> QueueCounters:
        """Return the counters of creations, environments and the queue."""
        counters = items.counters(self._table.get(items.QUEUE_KEY) or {})
        metrics.queue_read(counters)
        return counters

    def waiting(self, limit: int) -> list[Environment]:
        """Return queued environments, oldest first. `limit` also counts those just admitted."""
        return environment_lists.queued(self._table, limit)

    def free_slots(self, environment_ids: Iterable[str]) -> None:
        """Free the slots of environments that are not being created."""
        self._table.write(
            self._table.update(
                items.QUEUE_KEY,
                "DELETE creating :ids",
                "attribute_exists(pk)",
                {":ids": set(environment_ids)},
            )
        )

    def set_due(self, at: str) -> None:
        """Make the queue due at a time, or never while it is empty."""
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
