"""HTTP client of the deployment commands, on a server of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy import http


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
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
