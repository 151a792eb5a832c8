"""Idempotency-Key: repeating a request returns the same response, for 24 hours.

The key is stored in the transaction that writes the record, together with the first version of the record. So
a repetition gets the response of the first request even if the process died before it sent it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from chalicelib.clock import Clock, later, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.json_types import Json
from chalicelib.errors import Conflict, IdempotencyKeyReused, InvalidFields, ServiceError
from chalicelib.storage.conflicts import KeyTaken
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.store import Store

Record = TypeVar("Record")

_KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255
_KEY = re.compile(f"[!-~]{{1,{_LONGEST_KEY}}}")
"""Same pattern as in `/openapi.json`."""


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that changes something: who sent it, its ID and its Idempotency-Key.

    `fingerprint` covers the route, its path parameters and the body.
    """

    caller: Caller
    request_id: str
    key: str | None = None
    fingerprint: str = ""

    def used_key(self, moment: datetime) -> IdempotencyKey | None:
        """Return the key as it is stored with the record, or None if the request has none."""
        if self.key is None:
            return None
        return IdempotencyKey(
            self.caller.owner, self.key, self.fingerprint, expires_at=later(moment, _KEPT_SECONDS)
        )


@dataclass(frozen=True)
class Created(Generic[Record]):
    """First version of the record that a request wrote. `replayed` if an earlier request wrote it."""

    record: Record
    replayed: bool = False


def once(
    store: Store,
    clock: Clock,
    request: IdempotentRequest,
    act: Callable[[], Record],
    read: Callable[[Json], Record],
) -> Created[Record]:
    """Run `act`, unless a request with the same key did: then return the record that it wrote.

    `act` writes its record and the key in one transaction. A second request with the key raises `KeyTaken`,
    or another error if the first one already changed the state. `read` converts a stored item to a record.
    Raises `IdempotencyKeyReused` if the key was used for another request.
    """
    try:
        return Created(act())
    except KeyTaken as taken:
        return Created(read(_replayed(request, taken.key)), replayed=True)
    except ServiceError:
        known = store.used_key(request.caller.owner, request.key, timestamp(clock())) if request.key else None
        if known is None:
            raise
        return Created(read(_replayed(request, known)), replayed=True)


def checked_key(header: str | None) -> str | None:
    """Return a valid Idempotency-Key header. Raises `InvalidFields`."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        wrong = f"Must be 1 to {_LONGEST_KEY} printable ASCII characters without spaces."
        raise InvalidFields([{"parameter": "Idempotency-Key", "detail": wrong}])
    return header


def fingerprint(route: str, body: Any) -> str:
    """Return a digest of a request that does not depend on how its JSON is written."""
    text = json.dumps([route, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _replayed(request: IdempotentRequest, used: IdempotencyKey) -> Json:
    if (used.owner, used.key) != (request.caller.owner, request.key):
        raise RuntimeError("the stored key belongs to another owner or has another value")
    if used.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another request. Send a new key.")
    if not used.record:
        raise Conflict("This Idempotency-Key was used before the service was upgraded. Send a new key.")
    return used.record
