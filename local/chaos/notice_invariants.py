"""Invariants of notices: each is delivered at least once or still due, and none is made up."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from moto.sns.models import sns_backends

from local.aws.clients import ACCOUNT
from local.chaos.account_state import Item, State
from local.chaos.world import REGION, TOPIC, World

_STATUSES = {"READY": "ready", "FAILED": "failed", "DELETED": "deleted"}
_ACTIONS = {
    "expiry_warned": "environment.expiring",
    "frozen": "environment.frozen",
    "thawed": "environment.thawed",
    "run_ended": "run.ended",
    "budget_warned": "budget.warned",
}


def notices_are_delivered_or_due(state: State, world: World) -> Iterator[str]:
    """Yield the notices that are lost, made up, or never due again."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in messages(world):
        known[message["data"]["environment_id"], message["type"]].add(message["id"])
    for item in state.items:
        if item["sk"].startswith("NOTICE#"):
            known[item["environment_id"], item["kind"]].add(item["id"])
            if item.get("due_shard") != "1" or not item.get("due_at"):
                yield f"notice {item['id']} of {item['environment_id']} is never due"
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for environment_id, events in state.events.items():
        for event in events:
            if event["action"] == "notice_undelivered":
                known[environment_id, event["detail"]["event"]].add(event["detail"]["notice_id"])
            elif kind := _kind(event):
                expected[environment_id, kind] += 1
    for key in sorted(expected.keys() | known.keys()):
        if len(known[key]) != expected[key]:
            yield f"{key[0]} has {expected[key]} events {key[1]}, but {len(known[key])} notices"


def messages(world: World) -> list[Item]:
    """Return what the topic has received, with repetitions."""
    topic = sns_backends[ACCOUNT][REGION].topics[TOPIC]
    return [json.loads(sent[1]) for sent in topic.sent_notifications]


def _kind(event: Item) -> str | None:
    if event["action"] == "status_changed":
        status = _STATUSES.get(event["detail"]["to"])
        return f"environment.{status}" if status else None
    return _ACTIONS.get(event["action"])
