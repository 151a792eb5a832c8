"""The issuer's public keys: fetched once, kept, and fetched again when a token names one that is unknown."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt

from chalicelib.clock import Clock, now
from chalicelib.observability import logger

_TIMEOUT_SECONDS = 5
_FRESH_SECONDS = 3600
_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS = 60, 5
"""How long after an attempt the next one may come, so that made-up key ids cannot flood the issuer."""
_LARGEST_BYTES = 1024 * 1024

Fetch = Callable[[str], bytes]


class KeysUnavailable(Exception):
    """The issuer does not answer, and nothing that it said before helps."""


class UnknownKey(Exception):
    """The issuer has no such key."""


class Keys:
    """Finds the key that a token names. Keys that were seen once are kept while the issuer is down."""

    def __init__(self, uri: str, *, fetch: Fetch | None = None, clock: Clock = now) -> None:
        self._uri = uri
        self._fetch = fetch or _get
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._lock = threading.Lock()

    def find(self, key_id: str) -> jwt.PyJWK:
        """The key of an id; `UnknownKey`, or `KeysUnavailable` when nobody can tell."""
        with self._lock:
            if key_id not in self._keys or self._older(self._fetched, _FRESH_SECONDS):
                self._refresh()
            if key_id in self._keys:
                return self._keys[key_id]
            if self._fetched is None or self._fetched != self._tried:
                raise KeysUnavailable(self._uri)
        raise UnknownKey(key_id)

    def _refresh(self) -> None:
        if not self._older(self._tried, _PAUSE_SECONDS if self._keys else _FIRST_PAUSE_SECONDS):
            return
        self._tried = self._clock()
        try:
            self._keys = _parsed(self._fetch(self._uri))
        except (OSError, ValueError) as error:  # what is known stays known
            logger.warning("token keys not fetched", uri=self._uri, detail=str(error))
            return
        self._fetched = self._tried

    def _older(self, moment: datetime | None, seconds: float) -> bool:
        return moment is None or (self._clock() - moment).total_seconds() >= seconds


def _get(uri: str) -> bytes:
    if not uri.startswith(("https://", "http://")):
        raise ValueError("the URI of the keys must be http(s)")
    with urllib.request.urlopen(uri, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - checked above
        body: bytes = response.read(_LARGEST_BYTES)
    return body


def _parsed(body: bytes) -> dict[str, jwt.PyJWK]:
    """The signing keys of a JWK set by id; those of a kind that is not known here are passed over."""
    found: dict[str, jwt.PyJWK] = {}
    said = json.loads(body)
    entries: list[Any] = said.get("keys", []) if isinstance(said, dict) else []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and isinstance(entry.get("kid"), str):
            try:
                found[entry["kid"]] = jwt.PyJWK(entry)
            except (jwt.PyJWTError, KeyError) as error:
                logger.info("token key passed over", kid=entry["kid"], detail=str(error))
    if not found:
        raise ValueError("the issuer has no keys")
    return found
