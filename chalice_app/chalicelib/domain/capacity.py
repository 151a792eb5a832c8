"""How many environments may be built at once and exist in all, and how long the others wait.

The table's one record `QUEUE` has the ids of those in creation, how many exist, how many wait, and what the
last creations took. It changes in the transaction that changes an environment, by the difference between what
the environment was and is, so a crash can neither lose nor double a place.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.clock import later, parse
from chalicelib.domain.environment import Environment, QueuePosition, Status
from chalicelib.domain.json_types import Json

LEARNED = 9
"""How many of the last creations an ETA is learned from."""
_FIRST_GUESS_SECONDS = 120.0
_IN_CREATION = (Status.QUEUED, Status.CREATING)


@dataclass(frozen=True)
class Capacity:
    """The operator's limits: stacks in creation at once, and environments with a stack in all."""

    creating: int = 20
    environments: int = 1000


@dataclass(frozen=True)
class Usage:
    """What the record `QUEUE` says; `seconds` are those that the last creations took."""

    creating: frozenset[str] = frozenset()
    live: int = 0
    waiting: int = 0
    seconds: list[float] = field(default_factory=list)

    def free(self, capacity: Capacity) -> int:
        """How many may begin now."""
        return max(0, min(capacity.creating - len(self.creating), capacity.environments - self.live))

    def place(self, position: int, capacity: Capacity, moment: datetime) -> QueuePosition:
        """What is kept of a place in the queue: the position, and when its creation is likely to begin.

        That is unknown (None) while all environments that may exist do: it is for people to delete one.
        """
        if self.live >= capacity.environments:
            return QueuePosition(position)
        usual = statistics.median(self.seconds) if self.seconds else _FIRST_GUESS_SECONDS
        return QueuePosition(position, later(moment, position * usual / capacity.creating))


@dataclass
class Count:
    """A change of the record `QUEUE`, in the parts of an UpdateItem call."""

    sets: dict[str, str]
    adds: dict[str, str]
    deletes: dict[str, str]
    conditions: list[str]
    values: Json
    waiting: int

    @property
    def expression(self) -> str:
        """The UpdateExpression."""
        parts = [
            ("SET", [f"{name} = {value}" for name, value in self.sets.items()]),
            ("ADD", [f"{name} {value}" for name, value in self.adds.items()]),
            ("DELETE", [f"{name} {value}" for name, value in self.deletes.items()]),
        ]
        return " ".join(f"{verb} {', '.join(items)}" for verb, items in parts if items)

    @property
    def condition(self) -> str | None:
        """The ConditionExpression."""
        return " AND ".join(self.conditions) or None


def counting(old: Environment | None, new: Environment, capacity: Capacity) -> Count | None:
    """How a change of an environment changes the counts, and on which condition; None: not at all.

    `old` is None for a new environment. One that comes later does not go before those who wait.
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
        # It takes the place of any of the last ones: to read the record first would be one call more.
        count.sets[f"seconds_{ord(new.id[-1]) % LEARNED}"] = ":seconds"
        count.values[":seconds"] = (parse(new.updated_at) - parse(old.admitted_at)).total_seconds()
    return count


def in_creation(environment: Environment | None) -> bool:
    """Whether it takes one of the places for creations."""
    return is_counted(environment) and environment is not None and environment.status in _IN_CREATION


def is_counted(environment: Environment | None) -> bool:
    """Whether it has a stack, or may have."""
    return environment is not None and environment.admitted_at is not None


def waits(environment: Environment | None) -> bool:
    """Whether it is in the queue for a place."""
    return environment is not None and environment.status is Status.QUEUED and environment.admitted_at is None
