"""Notices: what the service tells an owner's webhook and the operator's topic about an environment.

A notice is written in the transaction of the timeline event that causes it, so none is lost or made up.
`_NOTICES` is the only place that says which actions of the timeline cause one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from chalicelib.clock import parse, sortable_id
from chalicelib.domain.byte_limits import cut
from chalicelib.domain.json_types import Json
from chalicelib.domain.pricing import usd
from chalicelib.domain.timeline import TimelineEvent

_TEXT_BYTES = 500
"""Maximum size of a text in a notice. SNS accepts 256 KB, but receivers read the details from the API:
Standard Webhooks recommends small payloads."""

Kind = Literal[
    "environment.ready",
    "environment.failed",
    "environment.deleted",
    "environment.expiring",
    "environment.frozen",
    "environment.thawed",
    "run.ended",
    "budget.warned",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Kinds of notices, which a webhook can choose from."""

_STATUSES: Mapping[str, Kind] = {
    "READY": "environment.ready",
    "FAILED": "environment.failed",
    "DELETED": "environment.deleted",
}


@dataclass(frozen=True)
class Notice:
    """A notice in the outbox. It is due until it is delivered or given up.

    - `id`: stays the same over all attempts, so receivers can ignore repetitions.
    - `attempts`: attempts that were begun. The record is due again when one does not end.
    - `published`: the operator's topic has it. The webhook may still have to.
    """

    id: str
    kind: str
    at: str
    environment_id: str
    owner: str
    due_at: str
    data: Json = field(default_factory=dict)
    attempts: int = 0
    published: bool = False
    version: int = 1

    @property
    def body(self) -> str:
        """Return the JSON text to send. It is the same in all attempts."""
        data = {"environment_id": self.environment_id, "owner": self.owner, **self.data}
        document = {"id": self.id, "type": self.kind, "timestamp": self.at, "data": data}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def replace(self, **changes: Any) -> Notice:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)


def notice_of(environment_id: str, owner: str, event: TimelineEvent) -> Notice | None:
    """Return the notice of a timeline event, or None if the event causes none."""
    make = _NOTICES.get(event.action)
    made = make(event) if make else None
    if made is None:
        return None
    kind, data = made
    return Notice(
        id=sortable_id(parse(event.at)),
        kind=kind,
        at=event.at,
        environment_id=environment_id,
        owner=owner,
        due_at=event.at,
        data=data,
    )


def _status_changed(event: TimelineEvent) -> tuple[Kind, Json] | None:
    detail = event.detail or {}
    kind = _STATUSES.get(str(detail.get("to")))
    return None if kind is None else (kind, _plain({"status": detail.get("to"), "why": detail.get("why")}))


def _run_ended(event: TimelineEvent) -> tuple[Kind, Json]:
    detail = event.detail or {}
    cost = detail.get("cost_micro_usd")
    data = {"run_id": detail.get("run_id"), "status": detail.get("to")}
    return "run.ended", _plain({**data, "cost_usd": None if cost is None else usd(cost)})


def _frozen(event: TimelineEvent) -> tuple[Kind, Json]:
    """Return the reason from what the event changed, because requests leave it out of the detail."""
    [frozen] = [change.new for change in event.changes if change.pointer == "/frozen"] or [None]
    return "environment.frozen", _plain(
        {"reason": frozen.get("reason") if isinstance(frozen, dict) else None}
    )


def _as(kind: Kind) -> Callable[[TimelineEvent], tuple[Kind, Json]]:
    """Return a function that makes a notice of this kind with the plain values of the event."""
    return lambda event: (kind, _plain(event.detail or {}))


def _plain(values: Json) -> Json:
    """Return the numbers, booleans and strings among some values. Long strings are cut."""
    return {
        name: cut(value, _TEXT_BYTES) if isinstance(value, str) else value
        for name, value in values.items()
        if isinstance(value, str | int | float)
    }


_NOTICES: Mapping[str, Callable[[TimelineEvent], tuple[Kind, Json] | None]] = {
    "status_changed": _status_changed,
    "expiry_warned": _as("environment.expiring"),
    "frozen": _frozen,
    "thawed": _as("environment.thawed"),
    "run_ended": _run_ended,
    "budget_warned": _as("budget.warned"),
}
"""By action of the timeline, the kind and the data of the notice."""
