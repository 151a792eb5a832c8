"""Items of notices and of the secrets of webhooks."""

from __future__ import annotations

from chalicelib.domain.json_types import Json
from chalicelib.domain.notices import Notice
from chalicelib.storage.codec import fields_of, readable, stored_fields

SHARD = "1"
"""The partition of notices in the index `due`."""


def notice_key(environment_id: str, notice_id: str) -> Json:
    """Return the key of a notice."""
    return {"pk": f"ENV#{environment_id}", "sk": f"NOTICE#{notice_id}"}


def webhook_key(environment_id: str) -> Json:
    """Return the key of the secrets of an environment's webhook."""
    return {"pk": f"ENV#{environment_id}", "sk": "WEBHOOK"}


def notice_item(notice: Notice) -> Json:
    """Return the item of a notice."""
    key = notice_key(notice.environment_id, notice.id)
    return {**key, "due_shard": SHARD, **stored_fields(notice)}


def notice(item: Json) -> Notice:
    """Return the notice of an item."""
    return Notice(**fields_of(Notice, readable(item)))
