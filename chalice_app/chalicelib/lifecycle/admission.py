"""Admission of queued environments: the longest waiting first, as slots become free."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.capacity import Capacity, QueueCounters, in_creation
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import QueuePosition
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage.conflicts import AtCapacity
from chalicelib.storage.store import Store

_CHECK_SECONDS = 60
_EXACT_POSITIONS = 50
"""How many queued environments get their exact position. The position of the others is an upper bound."""


class Admission:
    """Admits environments from the queue. May run concurrently, late, or after a crash at any line."""

    def __init__(self, store: Store, capacity: Capacity, *, clock: Clock = now) -> None:
        self._store = store
        self._capacity = capacity
        self._clock = clock

    def admit(self) -> list[Environment]:
        """Admit the longest-waiting environments to free slots, and return them. They can start now."""
        counters = self._store.queue.counters()
        if not counters.waiting:
            return []
        free = counters.free(self._capacity) or self._recover_slots(counters)
        admitted: list[Environment] = []
        # Environments in creation that CloudFormation has not accepted yet are QUEUED too.
        waiting = self._store.queue.waiting(self._capacity.creating + _EXACT_POSITIONS)
        for environment in waiting[:free]:
            moment = timestamp(self._clock())
            after = environment.replace(admitted_at=moment, queue=None, due_at=moment)
            try:
                admitted.append(self._store.save_environment(environment, after))
            except StaleRecord:
                logger.info("record changed while queued", environment_id=environment.id)
            except AtCapacity:
                break  # another worker admits too
        self._update_positions(waiting[free:], replace(counters, live=counters.live + len(admitted)))
        self._store.queue.set_due(later(self._clock(), _CHECK_SECONDS))
        return admitted

    def _update_positions(self, waiting: list[Environment], counters: QueueCounters) -> None:
        for position, environment in enumerate(waiting, 1):
            queue = counters.estimate(position, self._capacity, self._clock())
            if _differs(environment.queue, queue):
                with suppress(StaleRecord):
                    self._store.save_environment(environment, environment.replace(queue=queue))

    def _recover_slots(self, counters: QueueCounters) -> int:
        """Free the slots of environments that are no longer in creation. Return how many can be used."""
        leaked = [
            environment_id
            for environment_id in sorted(counters.creating)
            if not in_creation(self._store.environment(environment_id))
        ]
        if leaked:
            logger.error("slots were not released", environment_ids=leaked)
            self._store.queue.free_slots(leaked)
        return min(len(leaked), max(0, self._capacity.environments - counters.live))


def _differs(recorded: QueuePosition | None, current: QueuePosition) -> bool:
    """Return whether the position differs. A different estimate of the time alone is not worth a write."""
    if recorded is None or recorded.position != current.position:
        return True
    return (recorded.begins_at is None) != (current.begins_at is None)
