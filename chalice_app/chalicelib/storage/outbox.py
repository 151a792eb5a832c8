"""Outbox: the notices that are not delivered yet, and the secrets of webhooks.

Notices are in the index `due` under a shard of their own, so they never delay environments and runs.
"""

from __future__ import annotations

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.notices import Notice
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.domain.webhooks import Delivery, WebhookSecret
from chalicelib.errors import StaleRecord
from chalicelib.storage import items
from chalicelib.storage.children import children
from chalicelib.storage.codec import fields_of, stored, stored_fields
from chalicelib.storage.notice_items import SHARD, notice, notice_key, webhook_key
from chalicelib.storage.transactions import Transactions


class Outbox:
    """Reads and writes notices. Every write is conditional on the version that was read."""

    def __init__(self, table: Table, transactions: Transactions) -> None:
        self._table = table
        self._transactions = transactions

    def due(self, now: str, limit: int) -> list[Notice]:
        """Return the notices due by `now`, longest overdue first."""
        page = self._table.query(
            "due_shard = :shard AND due_at <= :now",
            {":shard": SHARD, ":now": now},
            limit=limit,
            newest_first=False,
            IndexName="due",
        )
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in page.items]
        return [notice(item) for item in self._table.get_all(keys) if item]

    def save(self, old: Notice, new: Notice) -> Notice:
        """Write the fields that differ. Raises `StaleRecord` if another process has written the notice."""
        changes = items.changes(old, new)
        self._transactions.write([self._transactions.update(_key(old), old.version, changes, shard=SHARD)])
        return new.replace(version=old.version + 1)

    def remove(self, notice: Notice) -> None:
        """Remove a notice that is delivered. One that is removed already stays so."""
        self._write_if_current([self._removal(notice)])

    def give_up(self, notice: Notice, event: TimelineEvent) -> None:
        """Remove a notice that cannot be delivered, and write that into the timeline."""
        added = self._transactions.add_event(notice.environment_id, notice.owner, event)
        self._write_if_current([self._removal(notice), *added])

    def record_delivery(self, environment_id: str, delivery: Delivery) -> None:
        """Record the last attempt, unless the environment has another webhook by now.

        The version of the environment stays the same, so this never disturbs its life cycle.
        """
        action = self._table.update(
            items.environment_key(environment_id),
            "SET delivery = :delivery",
            "webhook.#url = :url",
            {":delivery": stored(delivery), ":url": delivery.url},
            {"#url": "url"},
        )
        try:
            self._table.write(action)
        except ConditionFailed:
            return

    def secret(self, environment_id: str) -> WebhookSecret | None:
        """Return the secrets of an environment's webhook, or None if it has none."""
        item = self._table.get(webhook_key(environment_id))
        return WebhookSecret(**fields_of(WebhookSecret, item)) if item else None

    def put_secret(self, environment_id: str, secret: WebhookSecret | None) -> Json:
        """Return the action that writes the secrets of a webhook, or removes those of one that is gone."""
        key = webhook_key(environment_id)
        if secret is None:
            return self._table.delete(key, None)
        return self._table.put({**key, **stored_fields(secret)}, None)

    def forget_webhook(self, environment: Environment, last: Notice) -> None:
        """Remove URL and secrets of a DELETED environment's webhook with its last notice.

        They are of no further use. Does nothing if there are other notices.
        """
        if environment.status is not Status.DELETED or environment.webhook is None:
            return
        page = children(self._table, environment.id, "NOTICE#", 2, None)
        if any(item["id"] != last.id for item in page.items):
            return
        gone = self._table.update(
            items.environment_key(environment.id),
            "REMOVE webhook, delivery",
            "attribute_exists(pk)",
            {},
        )
        self._transactions.write([gone, self.put_secret(environment.id, None)])

    def _removal(self, notice: Notice) -> Json:
        return self._table.delete(
            _key(notice),
            "attribute_not_exists(pk) OR #version = :read",
            {":read": notice.version},
            {"#version": "version"},
        )

    def _write_if_current(self, actions: list[Json]) -> None:
        """Write all actions, unless another process has claimed the notice meanwhile. It will finish it."""
        try:
            self._transactions.write(actions)
        except StaleRecord:
            return


def _key(notice: Notice) -> Json:
    return notice_key(notice.environment_id, notice.id)
