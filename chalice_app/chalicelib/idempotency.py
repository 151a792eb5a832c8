"""Idempotency-Key: the same request again gets the same answer, for 24 hours.

The answer is written in the one transaction that records what was asked for, so it is there exactly when the
effect is, even if the first caller died before it was sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.auth import Caller
from chalicelib.clock import Clock, later, timestamp
from chalicelib.errors import IdempotencyKeyReused, InvalidFields, ServiceError
from chalicelib.items import Answer
from chalicelib.records import Json
from chalicelib.store import KeyTaken, Store

_KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255
_KEY = re.compile(f"[!-~]{{1,{_LONGEST_KEY}}}")
"""As `/openapi.json` has it."""


@dataclass(frozen=True)
class Asked:
    """Who asked, in which request, with which key, for what.

    `base` is what comes before the routes in the caller's URL; `fingerprint` covers the route and the body.
    """

    caller: Caller
    request_id: str
    base: str
    key: str | None
    fingerprint: str

    def answer(self, body: Json, location: str, moment: datetime) -> Answer | None:
        """What to keep of an answer; None when no key was sent."""
        if self.key is None:
            return None
        text = json.dumps(body, ensure_ascii=False)
        return Answer(
            self.caller.owner, self.key, self.fingerprint, text, location, later(moment, _KEPT_SECONDS)
        )


@dataclass(frozen=True)
class Created:
    """The answer to a request with a lasting effect, new or repeated."""

    body: Json
    location: str
    replayed: bool = False


def once(store: Store, clock: Clock, asked: Asked, act: Callable[[], Created]) -> Created:
    """Act, unless this request was answered before: then give that answer.

    `act` writes its effect in one transaction with the answer, so a second one gets `KeyTaken`, or is refused
    for what the first has done. Raises `IdempotencyKeyReused` when the key was used for another request.
    """
    try:
        return act()
    except KeyTaken as taken:
        return _replay(asked, taken.answer)
    except ServiceError:
        known = store.answer(asked.caller.owner, asked.key, timestamp(clock())) if asked.key else None
        if known is None:
            raise
        return _replay(asked, known)


def checked_key(header: str | None) -> str | None:
    """The value of an Idempotency-Key header; `InvalidFields` for an empty, long or unprintable one."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        wrong = f"It must be 1 to {_LONGEST_KEY} printable ASCII characters, with no space."
        raise InvalidFields([{"parameter": "Idempotency-Key", "detail": wrong}])
    return header


def fingerprint(route: str, body: Any) -> str:
    """A digest of what is asked for, the same however the JSON was written."""
    text = json.dumps([route, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _replay(asked: Asked, answer: Answer) -> Created:
    if (answer.owner, answer.key) != (asked.caller.owner, asked.key):
        raise RuntimeError("an answer is kept under the key of another request")
    if answer.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another request.")
    return Created(json.loads(answer.body), answer.location, replayed=True)
