"""Updates of the record `QUEUE`: UpdateItem expressions for its counters."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.clock import parse
from chalicelib.domain.capacity import LEARNED, Capacity, in_creation, is_counted, waits
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json


@dataclass
class CounterUpdate:
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


def counting(old: Environment | None, new: Environment, capacity: Capacity) -> CounterUpdate | None:
    """Return how a change of an environment changes the record `QUEUE`, or None if it does not.

    `old` is None for a new environment. The condition rejects a change beyond the limits, and a new
    environment that would overtake queued ones.
    """
    begins = in_creation(new) - in_creation(old)
    live, waiting = is_counted(new) - is_counted(old), waits(new) - waits(old)
    if not (begins or live or waiting):
        return None
    count = CounterUpdate({}, {"live": ":live", "waiting": ":waiting"}, {}, [], {}, waiting)
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
