"""Write units that DynamoDB consumes, by its documented rules, for each second and partition key.

- A write costs a unit for each started KB of the larger one of the item before and the item after it. A write
  whose condition fails costs as much, and a write in a transaction twice as much:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
- An index costs nothing if neither its keys nor the attributes projected into it change. Otherwise it costs
  the projected size; if a key changes, that of the old entry, which is deleted, and that of the new one:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes

Whether a transaction doubles the units of an index, too, is documented nowhere. Here it does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.moto_patches.dynamodb_sizes import item_bytes
from local.setup.table import table_properties

PARTITION_UNITS = 1000
"""Units per second and partition: developerguide/bp-partition-key-design.html."""
_KEYS = ("pk", "sk")

Item = dict[str, Any]


class WriteUnits:
    """Counts the units of an in-memory DynamoDB in simulated time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._units: Counter[tuple[str, str, int]] = Counter()
        self._indexes = table_properties()["GlobalSecondaryIndexes"]

    def written(self, before: Item, after: Item, is_transaction: bool) -> None:
        """Count a write of the table, and those of its indexes that follow from it."""
        times = 2 if is_transaction else 1
        self._count("table", (before or after)["pk"], times * _units(max(before, after, key=item_bytes)))
        for index in self._indexes:
            keys = tuple(key["AttributeName"] for key in index["KeySchema"])
            old, new = (_projected(item, index, keys) for item in (before, after))
            if old == new:
                continue
            if old and new and all(old[key] == new[key] for key in keys):
                old = {}  # updated in place
            for entry in filter(None, (old, new)):
                self._count(index["IndexName"], entry[keys[0]], times * _units(entry))

    def most(self) -> dict[str, int]:
        """Return the most units in a second of one partition key, by table or index.

        `everything` is the most units of the table and all of its partition keys.
        """
        most: dict[str, int] = defaultdict(int)
        whole: Counter[int] = Counter()
        for (name, _, second), units in self._units.items():
            most[name] = max(most[name], units)
            whole[second] += units if name == "table" else 0
        return {**most, "everything": max(whole.values())}

    def _count(self, name: str, partition: Item, units: int) -> None:
        self._units[name, partition["S"], int(self._clock().timestamp())] += units


def _projected(item: Item, index: Item, keys: tuple[str, ...]) -> Item:
    if not all(key in item for key in keys):
        return {}
    if index["Projection"]["ProjectionType"] == "ALL":
        return item
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    return {name: item[name] for name in (*_KEYS, *keys)}


def _units(item: Item) -> int:
    return max(1, -(-item_bytes(item) // 1024))
