"""HTTP client of the deployment commands: bounded, over TLS, without redirects."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 20
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
        """Return the decoded body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


Send = Callable[[str, str], Response]
"""Sends a request with a method to a URL. Raises `Unreachable`."""


def send(method: str, url: str) -> Response:
    """Send a request without a body, and return its response. Raise `Unreachable` if there is none."""
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
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Unreachable(f"{url} does not answer: {reason}") from error


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
