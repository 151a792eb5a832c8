"""The HTTPS client of webhooks, against a real TLS server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.domain.webhooks import WebhookPolicy
from chalicelib.notifications.https_client import HttpsClient, Response
from tests.support.receivers import HOST, Receiver, receiver

BODY = '{"a":"é"}'.encode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as made:
        yield made


def test_a_request_reaches_the_receiver_as_it_was_signed(server: Receiver) -> None:
    response = server.client().post(server.url("/a?b=c"), {"webhook-id": "1"}, BODY)
    assert response == Response(200)
    [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == BODY
    assert head.decode().split("\r\n") == [
        "POST /a?b=c HTTP/1.1",
        f"Host: {HOST}:{server.port}",
        "User-Agent: terraglue-webhooks/1",
        "Content-Type: application/json",
        "Content-Length: 10",
        "Connection: close",
        "webhook-id: 1",
    ]
    assert server.names == [HOST]


def test_a_host_with_a_private_address_is_never_called(server: Receiver) -> None:
    for addresses in (["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["169.254.169.254"]):
        client = server.client(*addresses, allowed="10.0.0.0/8")
        response = client.post(server.url(), {}, BODY)
        assert response.error == "The host has an address that is not public."
    assert server.requests == []


def test_a_second_answer_of_dns_is_not_used(server: Receiver) -> None:
    """The check and the connection use one answer, so a name cannot be public first and private next."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return next(answers)

    policy = server.client()._policy
    context = ssl.create_default_context(cafile=str(server.certificate))
    client = HttpsClient(policy, resolve=resolve, context=context, seconds=2)
    assert client.post(server.url(), {}, BODY) == Response(200)
    assert asked == [(HOST, server.port)]
    assert client.post(server.url(), {}, BODY).error == "The host has an address that is not public."


def test_the_certificate_must_have_the_name_of_the_host(server: Receiver) -> None:
    response = server.client().post(server.url(host="hooks.example.com"), {}, BODY)
    assert response.error and "Hostname mismatch" in response.error
    assert server.requests == []


def test_the_certificate_must_be_trusted(server: Receiver) -> None:
    client = HttpsClient(server.client()._policy, resolve=lambda *_: ["127.0.0.1"], seconds=2)
    response = client.post(server.url(), {}, BODY)
    assert response.error and response.error.startswith("The certificate is not valid")
    assert not response.is_silent


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(server: Receiver, status: int) -> None:
    server.responds(f"HTTP/1.1 {status} Moved\r\nLocation: {server.url('/other')}\r\n\r\n".encode())
    response = server.client().post(server.url(), {}, BODY)
    assert (response.status, response.is_success) == (status, False)
    assert len(server.requests) == 1


def test_proxies_of_the_environment_are_not_used(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert server.client().post(server.url(), {}, BODY) == Response(200)


def test_an_endless_response_is_not_read(server: Receiver) -> None:
    def endless(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(b"x" * 65536)

    server.answer = endless
    assert server.client().post(server.url(), {}, BODY) == Response(200)


def test_headers_without_end_are_an_error(server: Receiver) -> None:
    server.responds(b"HTTP/1.1 100 Continue\r\n" + b"a: b\r\n" * 5000)
    assert server.client().post(server.url(), {}, BODY).error == "The response is too large."


def test_a_slow_response_ends_at_the_deadline(server: Receiver) -> None:
    def dripping(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 200":
                sock.sendall(bytes([byte]))
                time.sleep(0.1)

    server.answer = dripping
    response = server.client(seconds=0.5).post(server.url(), {}, BODY)
    assert response == Response(error="No response within 0.5 seconds.", is_silent=True)


def test_a_server_that_never_speaks_ends_at_the_deadline(server: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        policy = WebhookPolicy(frozenset({port}), server.client()._policy.networks)
        client = HttpsClient(policy, resolve=lambda *_: ["127.0.0.1"], seconds=0.3)
        assert client.post(f"https://{HOST}:{port}/", {}, BODY).is_silent


def test_a_resolver_that_hangs_ends_at_the_deadline(server: Receiver) -> None:
    client = HttpsClient(server.client()._policy, resolve=lambda *_: time.sleep(1) or [], seconds=0.2)
    assert client.post(server.url(), {}, BODY).is_silent


def test_informational_responses_precede_the_final_one(server: Receiver) -> None:
    server.responds(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert server.client().post(server.url(), {}, BODY) == Response(204)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "The receiver closed the connection without a response."),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "The response is not HTTP/1.1."),
        (b"HTTP/1.1 99 x\r\n", "The response is not HTTP/1.1."),
        (b"HTTP/1.1 2000 x\r\n", "The response is not HTTP/1.1."),
    ],
)
def test_anything_but_http_is_an_error(server: Receiver, answer: bytes, error: str) -> None:
    server.responds(answer)
    assert server.client().post(server.url(), {}, BODY).error == error


def test_a_host_that_refuses_connections_or_does_not_exist_is_an_error(server: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    policy = WebhookPolicy(frozenset({port}), server.client()._policy.networks)
    client = HttpsClient(policy, resolve=lambda *_: ["127.0.0.1"], seconds=2)
    assert client.post(f"https://{HOST}:{port}/", {}, BODY).error == (
        "The connection failed: ConnectionRefusedError."
    )

    def unknown(*_: object) -> list[str]:
        raise socket.gaierror

    client = HttpsClient(policy, resolve=unknown, seconds=2)
    assert client.post(f"https://{HOST}:{port}/", {}, BODY).error == "The host does not exist."


def test_the_second_address_is_tried_if_the_first_refuses(server: Receiver) -> None:
    assert server.client("127.0.0.2", "127.0.0.1").post(server.url(), {}, BODY) == Response(200)


def test_headers_cannot_be_injected(server: Receiver) -> None:
    response = server.client().post(server.url(), {"webhook-id": "1\r\nHost: evil"}, BODY)
    assert response.error == "The request cannot be sent."
    assert server.requests == []
