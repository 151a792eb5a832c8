"""Presenter of timeline events."""

from __future__ import annotations

from typing import Any, cast

from chalicelib.api import responses
from chalicelib.domain.pricing import usd
from chalicelib.domain.timeline import ActorType, TimelineEvent

_MICRO_USD = "_micro_usd"


def event_body(event: TimelineEvent) -> responses.Event:
    """Return the body of an event. `as_admin` is true if the actor is not the environment's owner."""
    return responses.Event(
        at=event.at,
        actor=event.actor,
        actor_type=cast(Any, event.actor_type),
        as_admin=event.actor_type == ActorType.USER and event.actor != event.owner,
        action=event.action,
        request_id=event.request_id,
        detail=_in_usd(event.detail),
        changes=[
            responses.Change(pointer=change.pointer, old=_in_usd(change.old), new=_in_usd(change.new))
            for change in event.changes
        ],
    )


def _in_usd(value: Any) -> Any:
    """Return a value with its amounts of money in US dollars. Records have them in millionths."""
    if isinstance(value, list):
        return [_in_usd(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name.replace(_MICRO_USD, "_usd"): usd(inner)
        if name.endswith(_MICRO_USD) and inner is not None
        else _in_usd(inner)
        for name, inner in value.items()
    }
