"""Events that moto does not send, put on its default EventBridge bus, where rules deliver them to queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.events.models import events_backends

from local.clients import ACCOUNT

Publish = Callable[[str, str, dict[str, Any], list[str], str], None]


def publish(source: str, detail_type: str, detail: dict[str, Any], resources: list[str], region: str) -> None:
    """Send one event as an AWS service does (`aws.` sources are refused from anybody else).

    `resources` are ARNs; moto puts the time, in whole seconds as EventBridge gives it.
    """
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }
    events_backends[ACCOUNT][region].put_events([entry])
