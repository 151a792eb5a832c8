"""A minimal S3 in memory for the training of the class archive.

The archive is created while other packages are installed, so this needs the standard library only.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

_TIME = ("Thu, 01 Jan 2026 00:00:00 GMT", "2026-01-01T00:00:00.000Z")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""

    def do_HEAD(self) -> None:
        body = self.objects.get(self._key())
        if body is None:
            self._answer(HTTPStatus.NOT_FOUND, b"")
        else:
            self._answer(HTTPStatus.OK, body)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "list-type" in query:
            self._list(query["prefix"][0], query.get("delimiter", [""])[0])
            return
        body = self.objects[self._key()]
        first, last = map(int, re.findall(r"\d+", self.headers["Range"]))
        part = body[first : last + 1]
        place = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
        self._answer(HTTPStatus.PARTIAL_CONTENT, part, ("Content-Range", place))

    def do_PUT(self) -> None:
        self.objects[self._key()] = self._read()
        self._answer(HTTPStatus.OK, b"")

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(HTTPStatus.NO_CONTENT, b"")

    def do_POST(self) -> None:
        for key in re.findall("<Key>(.*?)</Key>", self._read().decode()):
            self.objects.pop(key, None)
        self._answer(HTTPStatus.OK, b"<DeleteResult/>")

    def _list(self, prefix: str, delimiter: str) -> None:
        lines = []
        for key in sorted(self.objects):
            head, slash, _ = key.removeprefix(prefix).partition(delimiter or "\0")
            if not key.startswith(prefix):
                continue
            if slash:
                lines.append(f"<CommonPrefixes><Prefix>{quote(prefix + head)}/</Prefix></CommonPrefixes>")
                continue
            size = len(self.objects[key])
            described = f"<Key>{quote(key)}</Key><LastModified>{_TIME[1]}</LastModified><Size>{size}</Size>"
            lines.append(f"<Contents>{described}</Contents>")
        text = "".join(dict.fromkeys(lines))
        self._answer(HTTPStatus.OK, f"<ListBucketResult>{text}</ListBucketResult>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).split("/", 2)[2]

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _answer(self, status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), ("Last-Modified", _TIME[0]), *headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve on a free port. Yield the endpoint."""
    handler = type("Handler", (_Handler,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
