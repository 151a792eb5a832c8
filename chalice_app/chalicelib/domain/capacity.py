"""Capacity: limits on environments in creation and in total, and the queue.

The record `QUEUE` has the IDs of the environments in creation, the numbers of existing and of queued ones,
and the durations of the last creations. The transaction that changes an environment also changes this record
by the difference, so that a crash cannot lose a slot or use it twice.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.clock import later
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import QueuePosition

LEARNED = 9
"""Number of past creations from which start times are estimated."""
_FIRST_GUESS_SECONDS = 120.0
_IN_CREATION = (Status.QUEUED, Status.CREATING)


@dataclass(frozen=True)
class Capacity:
    """The operator's limits: stacks in creation at the same time, and environments with a stack."""

    creating: int = 20
    environments: int = 200


@dataclass(frozen=True)
class QueueCounters:
    """Content of the record `QUEUE`. `seconds` are the durations of the last creations."""

    creating: frozenset[str] = frozenset()
    live: int = 0
    waiting: int = 0
    seconds: list[float] = field(default_factory=list)

    def free(self, capacity: Capacity) -> int:
        """Return how many creations can start now."""
        return max(0, min(capacity.creating - len(self.creating), capacity.environments - self.live))

    def next_position(self, capacity: Capacity, moment: datetime) -> QueuePosition:
        """Return the position of an environment that joins the queue."""
        return self.estimate(self.waiting + 1, capacity, moment)

    def estimate(self, position: int, capacity: Capacity, moment: datetime) -> QueuePosition:
        """Return a queue position with its estimated start of creation.

        The start is None while the maximum number of environments exists: a user must delete one first.
        """
        if self.live >= capacity.environments:
            return QueuePosition(position)
        usual = statistics.median(self.seconds) if self.seconds else _FIRST_GUESS_SECONDS
        return QueuePosition(position, later(moment, position * usual / capacity.creating))


def in_creation(environment: Environment | None) -> bool:
    """Return whether an environment uses one of the slots for creations."""
    return is_counted(environment) and environment is not None and environment.status in _IN_CREATION


def is_counted(environment: Environment | None) -> bool:
    """Return whether an environment has, or may have, a stack."""
    return environment is not None and environment.admitted_at is not None


def waits(environment: Environment | None) -> bool:
    """Return whether an environment is queued."""
    return environment is not None and environment.status is Status.QUEUED and environment.admitted_at is None
