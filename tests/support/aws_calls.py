"""Counts the calls of AWS that leave through a boto3 session."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3

from chalicelib import wiring
from chalicelib.config import Config
from tests.support.api import Api


class Counter:
    """The calls of a session in their order, as `dynamodb:GetItem`, and the items that DynamoDB reads.

    `items` has a number for each call that can read several. Filters do not change it (`ScannedCount`).
    """

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        self.items: list[int] = []
        session.events.register_first("before-call.*.*", self._before)
        session.events.register_last("after-call.dynamodb.*", self._after)

    def clear(self) -> None:
        self.calls.clear()
        self.items.clear()

    def _before(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_name}:{model.name}")

    def _after(self, model: Any, parsed: Any, **_: Any) -> None:
        if model.name in ("Query", "Scan"):
            self.items.append(parsed["ScannedCount"])
        elif model.name == "BatchGetItem":
            self.items.append(sum(map(len, parsed["Responses"].values())))


@contextmanager
def counted(api: Api) -> Iterator[Counter]:
    """Let the API use a service whose calls are counted. It has served requests before: caches are filled."""
    session = boto3.Session()
    counter = Counter(session)
    moment = datetime.now(UTC)  # the clock does not move: the newest release is read once in 30 s
    service = wiring.build(Config.from_environment(), session=session, clock=lambda: moment)
    original, api.app.service = api.app.service, lambda: service
    try:
        service.releases.latest()
        yield counter
    finally:
        api.app.service = original


def shortened(calls: list[str]) -> str:
    """Return calls as `dynamodb: GetItem, TransactWriteItems; s3: PutObject (2)`, in their order."""
    return "; ".join(
        f"{service}: {', '.join(_repeated(name.partition(':')[2] for name in group))}"
        for service, group in itertools.groupby(calls, lambda call: call.partition(":")[0])
    )


def _repeated(names: Iterator[str]) -> Iterator[str]:
    for name, group in itertools.groupby(names):
        number = len(list(group))
        yield name if number == 1 else f"{name} ({number})"
