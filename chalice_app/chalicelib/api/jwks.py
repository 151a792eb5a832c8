"""JSON Web Key Set of the issuer: the public keys that verify tokens (docs/decisions/0009)."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt

from chalicelib.api.signing_keys import SigningKey
from chalicelib.clock import Clock, now
from chalicelib.observability import logger

_TIMEOUT_SECONDS = 5
_FRESH_SECONDS = 3600
_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS = 60, 5
"""Pauses between fetches with and without known keys: invented key IDs must not flood the issuer."""
_LARGEST_BYTES = 1024 * 1024

Fetch = Callable[[str], bytes]


class KeysUnavailable(Exception):
    """The issuer is unavailable, and the keys fetched before do not include the requested one."""


class UnknownKey(Exception):
    """The issuer does not publish the key."""


class Keys:
    """Finds keys by ID. Fetches them again every hour and for unknown IDs; keeps them during outages."""

    def __init__(self, uri: str, *, fetch: Fetch | None = None, clock: Clock = now) -> None:
        self._uri = uri
        self._fetch = fetch or _get
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._lock = threading.Lock()

    def find(self, key_id: str) -> SigningKey:
        """Return the key with an ID. Raise `UnknownKey`, or `KeysUnavailable` if the issuer is down."""
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
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            # The known keys stay valid. A deeply nested key set exceeds the recursion of the JSON reader.
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


def _parsed(body: bytes) -> dict[str, SigningKey]:
    """Return the signing keys of a key set by ID. Skip keys of unsupported types."""
    found: dict[str, SigningKey] = {}
    key_set = json.loads(body)
    entries: Any = key_set.get("keys") if isinstance(key_set, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and isinstance(entry.get("kid"), str):
            try:
                found[entry["kid"]] = SigningKey(entry)
            except (jwt.PyJWTError, KeyError, ValueError) as error:
                logger.info("token key skipped", kid=entry["kid"], detail=str(error))
    if not found:
        raise ValueError("the issuer publishes no usable keys")
    return found
