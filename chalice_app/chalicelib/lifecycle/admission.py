"""Who waits in the queue is admitted, oldest first, as places become free."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.capacity import Capacity, Usage, in_creation
from chalicelib.domain.environment import Environment, QueuePosition
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.storage.conflicts import AtCapacity
from chalicelib.storage.store import Store

_LOOK_AGAIN_SECONDS = 60
_TOLD = 50
"""How many of the first are told their exact position at each look; that of the others is an upper bound."""


class Admission:
    """Looks after the queue; may run twice at once, late, or after a crash at any line."""

    def __init__(self, store: Store, capacity: Capacity, *, clock: Clock = now) -> None:
        self._store = store
        self._capacity = capacity
        self._clock = clock

    def admit(self) -> list[Environment]:
        """Give the free places to those who wait longest; gives whom, for they can begin now."""
        usage = self._store.usage()
        if not usage.waiting:
            return []
        free = usage.free(self._capacity) or self._recovered(usage)
        admitted: list[Environment] = []
        # Those in creation that CloudFormation keeps waiting are QUEUED too.
        waiting = self._store.waiting(self._capacity.creating + _TOLD)
        for environment in waiting[:free]:
            moment = timestamp(self._clock())
            after = environment.but(admitted_at=moment, queue=None, due_at=moment)
            try:
                admitted.append(self._store.save_environment(environment, after))
            except StaleRecord:
                logger.info("changed while it waited", environment_id=environment.id)
            except AtCapacity:
                break  # somebody else admits too
        self._tell(waiting[free:], replace(usage, live=usage.live + len(admitted)))
        self._store.look_at_queue(later(self._clock(), _LOOK_AGAIN_SECONDS))
        return admitted

    def _tell(self, waiting: list[Environment], usage: Usage) -> None:
        for position, environment in enumerate(waiting, 1):
            place = usage.place(position, self._capacity, self._clock())
            if _differs(environment.queue, place):
                with suppress(StaleRecord):
                    self._store.save_environment(environment, environment.but(queue=place))

    def _recovered(self, usage: Usage) -> int:
        """Free the places of those who are not in creation any more, if there should be any."""
        lost = [
            environment_id
            for environment_id in sorted(usage.creating)
            if not in_creation(self._store.environment(environment_id))
        ]
        if lost:
            logger.error("places were not given back", environment_ids=lost)
            self._store.give_back(lost)
        return min(len(lost), max(0, self._capacity.environments - usage.live))


def _differs(told: QueuePosition | None, place: QueuePosition) -> bool:
    """Whether a place is other than was told: the time alone is not worth a write, it is a guess."""
    if told is None or told.position != place.position:
        return True
    return (told.begins_at is None) != (place.begins_at is None)
