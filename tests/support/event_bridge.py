"""Events as EventBridge delivers them to the service's functions."""

from __future__ import annotations

import json
from typing import Any


def event_with(detail: dict[str, Any], at: str = "2026-11-23T12:00:00Z") -> dict[str, Any]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "a type that the rule has matched",
        "source": "aws.cloudformation",
        "account": "123456789012",
        "time": at,
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


def receivers(event: dict[str, Any]) -> list[str]:
    """Names of the functions whose rules match an event, with the patterns of the packaged template."""
    from moto.events.models import EventPattern  # most tests of events need no rules

    import app
    from local.api.dispatch import subscriptions
    from local.aws.clients import REGION

    return [
        rule.name
        for rule in subscriptions(app.app, REGION)
        if EventPattern.load(json.dumps(rule.pattern)).matches_event(event)
    ]
