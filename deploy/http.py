"""HTTP client of the deployment commands: bounded, over TLS, without redirects."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 20
_WHOLE_SECONDS = 60
"""Time for a whole request. The other one is that of each read, and a server can send byte by byte."""
_LARGEST_BYTES = 4 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Unreachable(Exception):
    """There was no response. The message states the cause."""


@dataclass(frozen=True)
class Response:
    """An HTTP response. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body, or None if it is not JSON, or nested too deeply."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


Send = Callable[[str, str], Response]
"""Sends a request with a method to a URL. Raises `Unreachable`."""


def send(method: str, url: str, *, seconds: float = _WHOLE_SECONDS) -> Response:
    """Send a request without a body, and return its response. Raise `Unreachable` if there is none."""
    outcome: list[Response | Unreachable] = []

    def run() -> None:
        try:
            outcome.append(_send(method, url))
        except Unreachable as error:
            outcome.append(error)
        # UnicodeError is a ValueError: of host names and of paths that are not ASCII.
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            outcome.append(Unreachable(f"{url} does not answer: {reason}"))

    # A thread, because no timeout of sockets limits a whole response.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unreachable(f"{url} does not answer in {seconds:.0f} seconds")
    if isinstance(outcome[0], Unreachable):
        raise outcome[0]
    return outcome[0]


def _send(method: str, url: str) -> Response:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise Unreachable(f"{url} does not use https")
    # AWS_CA_BUNDLE names the certificates of proxies, for boto3 too.
    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect)
    request = urllib.request.Request(url, method=method, headers={"Accept": "application/json"})  # noqa: S310
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return _read(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error)


def _read(status: int, response: Any) -> Response:
    body = response.read(_LARGEST_BYTES + 1)
    if len(body) > _LARGEST_BYTES:
        raise Unreachable(f"{response.url} answers with more than {_LARGEST_BYTES:,} bytes")
    return Response(status, {name.lower(): value for name, value in response.headers.items()}, body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Returns redirects as responses: neither keys nor the API may be somewhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None
