"""Capacity: limits on environments in creation and in total, and the queue.

The record `QUEUE` has the IDs of the environments in creation, the numbers of existing and of queued ones,
and the durations of the last creations. The transaction that changes an environment also changes this record
by the difference, so that a crash cannot lose a slot or use it twice.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.clock import later, parse
from chalicelib.domain.environment import Environment, QueuePosition, Status
from chalicelib.domain.json_types import Json

LEARNED = 9
"""Number of past creations from which start times are estimated."""
_FIRST_GUESS_SECONDS = 120.0
_IN_CREATION = (Status.QUEUED, Status.CREATING)


@dataclass(frozen=True)
class Capacity:
    """The operator's limits: stacks in creation at the same time, and environments with a stack."""

    creating: int = 20
    environments: int = 1000


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

    def position(self, position: int, capacity: Capacity, moment: datetime) -> QueuePosition:
        """Return a queue position with its estimated start of creation.

        The start is None while the maximum number of environments exists: a user must delete one first.
        """
        if self.live >= capacity.environments:
            return QueuePosition(position)
        usual = statistics.median(self.seconds) if self.seconds else _FIRST_GUESS_SECONDS
        return QueuePosition(position, later(moment, position * usual / capacity.creating))


@dataclass
class Count:
    """A change of the record `QUEUE`, as the elements of an UpdateItem call."""

    sets: dict[str, str]
    adds: dict[str, str]
    deletes: dict[str, str]
    conditions: list[str]
    values: Json
    waiting: int

    @property
    def expression(self) -> str:
        """Return the UpdateExpression."""
        parts = [
            ("SET", [f"{name} = {value}" for name, value in self.sets.items()]),
            ("ADD", [f"{name} {value}" for name, value in self.adds.items()]),
            ("DELETE", [f"{name} {value}" for name, value in self.deletes.items()]),
        ]
        return " ".join(f"{verb} {', '.join(items)}" for verb, items in parts if items)

    @property
    def condition(self) -> str | None:
        """Return the ConditionExpression, or None if there is no condition."""
        return " AND ".join(self.conditions) or None


def counting(old: Environment | None, new: Environment, capacity: Capacity) -> Count | None:
    """Return how a change of an environment changes the record `QUEUE`, or None if it does not.

    `old` is None for a new environment. The condition rejects a change beyond the limits, and a new
    environment that would overtake queued ones.
    """
    begins = in_creation(new) - in_creation(old)
    live, waiting = is_counted(new) - is_counted(old), waits(new) - waits(old)
    if not (begins or live or waiting):
        return None
    count = Count({}, {"live": ":live", "waiting": ":waiting"}, {}, [], {}, waiting)
    count.values |= {":live": live, ":waiting": waiting}
    if begins:
        count.values[":id"] = {new.id}
        (count.adds if begins > 0 else count.deletes)["creating"] = ":id"
    if begins > 0:
        count.conditions.append("(attribute_not_exists(creating) OR size(creating) < :most_creating)")
        count.values[":most_creating"] = capacity.creating
    if live > 0:
        count.conditions.append("(attribute_not_exists(live) OR live < :most_live)")
        count.values[":most_live"] = capacity.environments
    if begins > 0 and not waits(old):
        count.conditions.append("(attribute_not_exists(waiting) OR waiting <= :nobody)")
        count.values[":nobody"] = 0
    if old is not None and old.admitted_at and new.status is Status.SEEDING:
        # Overwrites one of the last durations by the ID: finding the oldest would cost another read.
        count.sets[f"seconds_{ord(new.id[-1]) % LEARNED}"] = ":seconds"
        count.values[":seconds"] = (parse(new.updated_at) - parse(old.admitted_at)).total_seconds()
    return count


def in_creation(environment: Environment | None) -> bool:
    """Return whether an environment uses one of the slots for creations."""
    return is_counted(environment) and environment is not None and environment.status in _IN_CREATION


def is_counted(environment: Environment | None) -> bool:
    """Return whether an environment has, or may have, a stack."""
    return environment is not None and environment.admitted_at is not None


def waits(environment: Environment | None) -> bool:
    """Return whether an environment is queued."""
    return environment is not None and environment.status is Status.QUEUED and environment.admitted_at is None
