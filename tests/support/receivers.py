"""Receivers of webhooks: real TLS servers on the loopback interface, for any host name."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.domain.webhooks import WebhookPolicy
from chalicelib.notifications.https_client import HttpsClient
from tests.judge.certificate import write_certificate

HOST = "hooks.s3.amazonaws.com"
"""A name of the certificate."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """A server that answers with some bytes. `requests` are the bytes that it got."""

    port: int
    certificate: Path
    answer: Callable[[socket.socket], None]
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    def url(self, path: str = "/hook", host: str = HOST) -> str:
        return f"https://{host}:{self.port}{path}"

    def client(self, *addresses: str, seconds: float = 2.0, allowed: str = "127.0.0.0/8") -> HttpsClient:
        """A client that trusts the server. Every host name has these addresses."""
        policy = WebhookPolicy(frozenset({self.port}), (ipaddress.ip_network(allowed),))
        context = ssl.create_default_context(cafile=str(self.certificate))
        found = [*addresses] or ["127.0.0.1"]
        return HttpsClient(policy, resolve=lambda *_: found, context=context, seconds=seconds)

    def responds(self, content: bytes) -> None:
        self.answer = lambda sock: sock.sendall(content)


@contextlib.contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    certificate, key = write_certificate(folder, "us-east-1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    made = Receiver(listener.getsockname()[1], certificate, lambda sock: sock.sendall(OK))
    context.sni_callback = lambda _sock, name, _context: made.names.append(name)

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as sock:
            sock.settimeout(5)
            made.requests.append(_read(sock))
            made.answer(sock)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        # accept() of another thread is woken by a shutdown only.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _read(sock: socket.socket) -> bytes:
    """Read one request."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(4096)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
    ]
    while len(body) < length:
        body += sock.recv(4096)
    return head + b"\r\n\r\n" + body
