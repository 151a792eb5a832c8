"""HTTP client of the deployment commands, on a server of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy import http


class Pages(BaseHTTPRequestHandler):
    released = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            # A byte from time to time, so that no single read takes long.
            while not self.released.wait(0.05):
                self.wfile.write(b"X")
            return
        if self.path == "/cut":
            self.send_response(502)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"zz\r\n")
            return
        status, location, body = {
            "/large": (200, None, b"x" * (4 * 1024 * 1024 + 1)),
            "/moved": (302, "/json", b""),
            "/json": (200, None, b'{"a": 1}'),
            "/error": (503, None, b"busy"),
        }[self.path]
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Pages.released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Pages.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_responses_of_any_status_are_returned_and_redirects_are_not_followed(url: str) -> None:
    assert http.send("GET", f"{url}/json").json() == {"a": 1}
    assert (http.send("GET", f"{url}/error").status, http.send("GET", f"{url}/error").json()) == (503, None)
    moved = http.send("GET", f"{url}/moved")
    assert (moved.status, moved.headers["location"]) == (302, "/json")


def test_a_response_without_end_is_not_read(url: str) -> None:
    with pytest.raises(http.Unreachable, match="more than 4,194,304 bytes"):
        http.send("GET", f"{url}/large")


def test_a_response_that_ends_early_or_never_is_no_response(url: str) -> None:
    with pytest.raises(http.Unreachable, match="does not answer"):
        http.send("GET", f"{url}/cut")
    with pytest.raises(http.Unreachable, match="in 1 seconds"):
        http.send("GET", f"{url}/slow", seconds=1)


@pytest.mark.parametrize(
    "url", ["https://[", "https://a:b/", f"https://{'a' * 70}.example/", "https://issuer.example/\xe4"]
)
def test_a_url_that_cannot_be_requested_is_no_response(url: str) -> None:
    with pytest.raises(http.Unreachable):
        http.send("GET", url)


def test_a_body_that_nests_too_deeply_is_no_json() -> None:
    assert http.Response(200, {}, b"[" * 1_000_000).json() is None
