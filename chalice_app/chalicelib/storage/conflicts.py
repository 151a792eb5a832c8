"""Why DynamoDB refused a write of the store."""

from __future__ import annotations

from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account
from chalicelib.errors import StaleRecord
from chalicelib.storage.items import IdempotencyKey


class KeyTaken(Exception):
    """The Idempotency-Key was used before; `key` has the record that its request wrote."""

    def __init__(self, key: IdempotencyKey) -> None:
        super().__init__(key.key)
        self.key = key


class OwnerTaken(Exception):
    """The owner has a live environment with the ID `environment_id`."""

    def __init__(self, environment_id: str) -> None:
        super().__init__(environment_id)
        self.environment_id = environment_id


class AtCapacity(Exception):
    """No slot is free for another creation. `counters` has the numbers."""

    def __init__(self, counters: QueueCounters) -> None:
        super().__init__(counters)
        self.counters = counters


class AccountChanged(StaleRecord):
    """The owner's account does not allow the write, or changed since it was read; `item` is current."""

    def __init__(self, item: Json) -> None:
        super().__init__()
        self.item = item


class EnvironmentChanged(StaleRecord):
    """The environment that a settlement makes due has changed since it was read."""


class BudgetUsedUp(Exception):
    """The owner's budget does not cover a run; `account` has the amounts."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.account = account


class CreationsUsedUp(Exception):
    """The owner reached the number of creations per day; the next one is allowed at `next_at`."""

    def __init__(self, next_at: str) -> None:
        super().__init__(next_at)
        self.next_at = next_at
