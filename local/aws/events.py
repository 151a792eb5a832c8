"""Events that moto does not send, put on its default EventBridge bus, where rules deliver them to queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.events.models import events_backends

from local.aws.clients import ACCOUNT


@dataclass(frozen=True)
class AwsEvent:
    """An event of an AWS service.

    `resources` are ARNs; `at`, in seconds of the epoch, is when it happened, if not now. EventBridge gives
    times in whole seconds, and so does moto.
    """

    region: str
    source: str
    detail_type: str
    detail: dict[str, Any]
    resources: list[str] = field(default_factory=list)
    at: float | None = None


Publish = Callable[[AwsEvent], None]
"""What sends an event, as `publish` does."""


def publish(event: AwsEvent) -> None:
    """Send one event as an AWS service does (`aws.` sources are refused from anybody else)."""
    entry = {
        **({} if event.at is None else {"Time": event.at}),
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": event.resources,
    }
    events_backends[ACCOUNT][event.region].put_events([entry])
