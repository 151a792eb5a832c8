"""Console sign-in links: the request to AWS's federation endpoint, and what it does not reveal."""

from __future__ import annotations

import json
import threading
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.aws.federation import Federation, SignInUnavailable
from chalicelib.aws.sandbox_credentials import Credentials

GIVEN = Credentials("ASIAKEY", "the secret", "the token", datetime(2026, 1, 1, tzinfo=UTC))
CONSOLE = "https://us-east-1.console.aws.amazon.com/athena/home?region=us-east-1#/query-editor"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "signin.aws.amazon.com"),
        ("aws-cn", "signin.amazonaws.cn"),
        ("aws-us-gov", "signin.amazonaws-us-gov.com"),
    ],
)
def test_the_partition_has_its_own_endpoint(partition: str, host: str) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return b'{"SigninToken": "t/1"}'

    link = Federation(partition, fetch=fetch).sign_in_url(GIVEN, CONSOLE)
    assert urlsplit(link).hostname == host == urlsplit(asked[0]).hostname
    assert query(link) == {
        "Action": "login",
        "Issuer": "self-service-terraglue",
        "Destination": CONSOLE,
        "SigninToken": "t/1",
    }
    sent = query(asked[0])
    session = json.loads(sent.pop("Session"))
    assert session == {"sessionId": "ASIAKEY", "sessionKey": "the secret", "sessionToken": "the token"}
    assert sent == {"Action": "getSigninToken"}  # AWS refuses SessionDuration for chained roles


def test_an_unknown_partition_has_no_link() -> None:
    with pytest.raises(SignInUnavailable):
        Federation("aws-iso").sign_in_url(GIVEN, CONSOLE)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"{}", b'{"SigninToken": ""}', b'{"SigninToken": 1}']
)
def test_an_unexpected_response_gives_no_link(body: bytes) -> None:
    with pytest.raises(SignInUnavailable, match="gave no token"):
        Federation("aws", fetch=lambda _: body).sign_in_url(GIVEN, CONSOLE)


def test_an_error_names_no_secret() -> None:
    def fetch(url: str) -> bytes:
        raise urllib.error.HTTPError(url, 400, url, {}, None)  # type: ignore[arg-type]

    with pytest.raises(SignInUnavailable, match="HTTP status 400") as caught:
        Federation("aws", fetch=fetch).sign_in_url(GIVEN, CONSOLE)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


class Endpoint(BaseHTTPRequestHandler):
    """Redirects each request to `/elsewhere`."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(urlsplit(self.path).path)
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    Endpoint.paths.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/federation"
    server.shutdown()
    server.server_close()
    thread.join()


def test_credentials_do_not_follow_a_redirect(endpoint: str) -> None:
    with pytest.raises(SignInUnavailable, match="HTTP status 302"):
        Federation("aws", endpoint).sign_in_url(GIVEN, CONSOLE)
    assert Endpoint.paths == ["/federation"]


def test_credentials_are_sent_over_https_only() -> None:
    with pytest.raises(SignInUnavailable, match="ValueError"):
        Federation("aws", "http://signin.example.com/federation").sign_in_url(GIVEN, CONSOLE)
