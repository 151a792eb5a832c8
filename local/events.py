"""Events that moto does not send, put on its default EventBridge bus, where rules deliver them to queues."""

from __future__ import annotations

import json
from typing import Any, Protocol

from moto.events.models import events_backends

from local.clients import ACCOUNT


class Publish(Protocol):
    """What sends events, as `publish` does."""

    def __call__(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        region: str,
        at: float | None = None,
    ) -> None:
        """Send one event."""


def publish(
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    resources: list[str],
    region: str,
    at: float | None = None,
) -> None:
    """Send one event as an AWS service does (`aws.` sources are refused from anybody else).

    `resources` are ARNs; `at`, in seconds of the epoch, is when it happened, if not now. EventBridge gives
    times in whole seconds, and so does moto.
    """
    entry = {
        **({} if at is None else {"Time": at}),
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }
    events_backends[ACCOUNT][region].put_events([entry])
