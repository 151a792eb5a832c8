"""HTTPS client for URLs that users choose. It reaches public addresses only.

- The host is resolved once, every address must be allowed, and the connection goes to one of these addresses.
  So a DNS server cannot return a public address to the check and a private one to the connection.
- TLS verifies the host's name against the certificate, as for any URL.
- It follows no redirects, and uses no proxy, cookies or credentials: it opens sockets itself.
- One deadline covers the name, the connection, TLS, the request and the response. Only the status line of the
  response is read, so the size and the speed of the rest do not matter.
"""

from __future__ import annotations

import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.domain.webhooks import InvalidUrl, Target, WebhookPolicy

_SECONDS = 10.0
_MOST_BYTES = 16 * 1024
"""Bytes of a response until its final status line."""
_MOST_ADDRESSES = 2
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: |\r|$)")

Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Response:
    """The status of a response, or why there was none. `is_silent` if the host did not answer at all."""

    status: int | None = None
    error: str | None = None
    is_silent: bool = False

    @property
    def is_success(self) -> bool:
        """Return whether the receiver has accepted the request."""
        return self.status is not None and 200 <= self.status < 300


class _Failed(Exception):
    """The request failed. The message is for the owner of the webhook, and names no address."""


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[4][0]) for address in found)
    # IPv4 first: Lambda outside of a VPC has no IPv6.
    return sorted(addresses, key=lambda address: ":" in address)


class HttpsClient:
    """Sends POST requests."""

    def __init__(
        self,
        policy: WebhookPolicy,
        *,
        resolve: Resolver = addresses_of,
        context: ssl.SSLContext | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._context = context or ssl.create_default_context()
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._seconds = seconds

    def host(self, url: str) -> str:
        """Return the host of a URL, or an empty string if the policy does not allow the URL."""
        try:
            return self._policy.target(url).host
        except InvalidUrl:
            return ""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send a request and return the status of the response. Never raises."""
        deadline = time.monotonic() + self._seconds
        try:
            target = self._policy.target(url)
            return Response(status=self._status(target, _request(target, headers, body), deadline))
        except InvalidUrl as error:  # the operator's policy has changed
            return Response(error=f"The URL {error}.")
        except _Failed as failed:
            return Response(error=str(failed))
        except ssl.SSLCertVerificationError as error:
            return Response(error=f"The certificate is not valid: {error.verify_message}.")
        except TimeoutError:
            return Response(error=f"No response within {self._seconds:g} seconds.", is_silent=True)
        except (OSError, ValueError) as error:  # ssl raises ValueError for some names
            return Response(error=f"The connection failed: {type(error).__name__}.")

    def _status(self, target: Target, request: bytes, deadline: float) -> int:
        with self._connect(target, deadline) as plain:
            plain.settimeout(_left(deadline))
            with self._context.wrap_socket(plain, server_hostname=target.host) as sock:
                sock.settimeout(_left(deadline))
                sock.sendall(request)
                return _read_status(sock, deadline)

    def _connect(self, target: Target, deadline: float) -> socket.socket:
        addresses = self._checked_addresses(target, deadline)
        for number, address in enumerate(addresses):
            try:
                return socket.create_connection((address, target.port), timeout=_left(deadline))
            except TimeoutError:
                raise
            except OSError:
                if number == len(addresses) - 1:
                    raise
        raise _Failed("The host has no address.")

    def _checked_addresses(self, target: Target, deadline: float) -> list[str]:
        found = self._addresses(target, deadline)
        if not all(self._policy.allows(address) for address in found):
            raise _Failed("The host has an address that is not public.")
        return found[:_MOST_ADDRESSES]

    def _addresses(self, target: Target, deadline: float) -> list[str]:
        """Resolve the host in a thread, because the resolver of the system has no time limit."""
        results: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()

        def resolve() -> None:
            try:
                results.put(self._resolve(target.host, target.port))
            except (OSError, UnicodeError):
                results.put(None)

        threading.Thread(target=resolve, daemon=True).start()
        try:
            found = results.get(timeout=_left(deadline))
        except queue.Empty as error:
            raise TimeoutError from error
        if found is None:
            raise _Failed("The host does not exist.")
        return found


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    host = target.host if target.port == 443 else f"{target.host}:{target.port}"
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: terraglue-webhooks/1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if any(re.search(r"[^ -~]", line) for line in lines):  # the patterns of URLs and IDs allow none
        raise _Failed("The request cannot be sent.")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _read_status(sock: ssl.SSLSocket, deadline: float) -> int:
    """Return the status of the final response: informational ones (1xx) can precede it."""
    received = b""
    while len(received) < _MOST_BYTES:
        line, is_complete, _ = received.partition(b"\r\n")
        if is_complete:
            found = _STATUS.match(line)
            if found is None:
                raise _Failed("The response is not HTTP/1.1.")
            if not found[1].startswith(b"1"):
                return int(found[1])
            _, is_over, rest = received.partition(b"\r\n\r\n")
            if is_over:
                received = rest
                continue
        sock.settimeout(_left(deadline))
        chunk = sock.recv(4096)
        if not chunk:
            raise _Failed("The receiver closed the connection without a response.")
        received += chunk
    raise _Failed("The response is too large.")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
