"""Events that moto does not publish, for its default EventBridge bus.

The rules of the bus deliver them to queues.
"""

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

    `resources` are ARNs. `at` is the time of the event in seconds since the epoch, by default now.
    EventBridge and moto return times in whole seconds.
    """

    region: str
    source: str
    detail_type: str
    detail: dict[str, Any]
    resources: list[str] = field(default_factory=list)
    at: float | None = None


Publish = Callable[[AwsEvent], None]
"""Function that publishes an event, as `publish` does."""


def publish(event: AwsEvent) -> None:
    """Publish an event as an AWS service. PutEvents itself rejects `aws.` sources."""
    entry = {
        **({} if event.at is None else {"Time": event.at}),
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": event.resources,
    }
    events_backends[ACCOUNT][event.region].put_events([entry])
