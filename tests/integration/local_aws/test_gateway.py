"""The local gateway in front of a small app, over real HTTP."""

import gzip
import http.client
import json
import logging
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.app import Chalice, Response
from chalice.config import Config

from local.api import gateway

app = Chalice(app_name="small", configure_logs=False)


@app.route("/things", methods=["POST"])
def make_thing() -> dict[str, Any]:
    body = app.current_request.raw_body
    return {"bytes": len(body), "request_id": app.current_request.context["requestId"]}


@app.route("/things/{name}", methods=["GET"])
def get_thing(name: str) -> dict[str, str]:
    return {"name": name}


@app.route("/sizes/{size}", methods=["GET"])
def get_size(size: str) -> str:
    return "a" * int(size)


@app.route("/encoded", methods=["GET"])
def get_encoded() -> Response:
    return Response("a" * 2000, headers={"Content-Encoding": "x-own"})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Caller:
    port: int

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(
                method, path, body=body, headers=headers or {}, encode_chunked=not isinstance(body, bytes)
            )
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    config = Config(chalice_stage="local", config_from_disk={"minimum_compression_size": 1024})
    server = gateway.create_server(app, config, 0).server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Caller(server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_reaches_the_app(caller: Caller) -> None:
    answer = caller.call("GET", "/things/lamp")
    assert (answer.status, answer.json) == (200, {"name": "lamp"})


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("deflate;q=0.5,gzip;q=1.0", "gzip"),
        ("gzip;q=1.0,identity;q=0.5,*;q=0", "gzip"),
        ("deflate", "deflate"),
        ("br;q=1, gzip;q=0.8", None),  # the one with the highest priority must be supported
        ("identity;q=1, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=2", None),
        ("gzip;q=-1", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_responses_are_compressed_as_api_gateway_does(
    caller: Caller, accepted: str | None, coding: str | None
) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = caller.call("GET", "/sizes/1024", headers=headers)
    assert answer.headers["Content-Encoding"] == coding
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    unpacked = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[coding](answer.content)
    assert unpacked == b"a" * 1024


def test_small_encoded_and_empty_responses_are_not_compressed(caller: Caller) -> None:
    accept = {"Accept-Encoding": "gzip"}
    for path in ("/sizes/1023", "/encoded"):
        answer = caller.call("GET", path, headers=accept)
        assert answer.headers["Content-Encoding"] in (None, "x-own")
        assert len(answer.content) >= 1023
    for method, path in (("HEAD", "/sizes/5000"), ("GET", "/nothing")):
        assert caller.call(method, path, headers=accept).headers["Content-Encoding"] is None


def test_an_api_that_api_gateway_rejects_does_not_start() -> None:
    wrong = Chalice(app_name="wrong", configure_logs=False)
    wrong.route("/files/{path}")(get_thing)
    wrong.route("/files/{folder}/{path}")(get_thing)
    with pytest.raises(gateway.SiblingVariables, match=r"/files.*\{folder\}.*\{path\}"):
        gateway.create_server(wrong, Config(chalice_stage="local"), 0)


def test_every_request_has_a_unique_id(caller: Caller) -> None:
    ids = {caller.call("POST", "/things", b"{}").json["request_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("GET", "/things/a/b"), ("OPTIONS", "/nothing"), ("GET", "/a?b=c")],
)
def test_an_unknown_path_is_a_404_problem(caller: Caller, method: str, path: str) -> None:
    answer = caller.call(method, path, headers={"Authorization": "Bearer x"})
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] in answer.json["instance"]
    assert answer.json["detail"] == f"No route matches {method} {path.partition('?')[0]}."


@pytest.mark.parametrize("method", ["PUT", "GET", "OPTIONS", "TRACE", "QUERY"])
def test_an_unsupported_method_is_a_405_problem(caller: Caller, method: str) -> None:
    answer = caller.call(method, "/things?a=b")
    assert (answer.status, answer.headers["Allow"], answer.json["code"]) == (
        405,
        "POST",
        "method_not_allowed",
    )


def test_an_answer_to_head_has_no_body(caller: Caller) -> None:
    answer = caller.call("HEAD", "/nothing")
    assert (answer.status, answer.content) == (404, b"")


def test_a_chunked_body_arrives_whole(caller: Caller) -> None:
    answer = caller.call("POST", "/things", iter([b"a" * 10, b"b" * 70_000]))
    assert answer.json["bytes"] == 70_010


def test_a_body_over_10_mb_is_rejected_before_the_app(caller: Caller) -> None:
    answer = caller.call("POST", "/things", b"a" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.json["code"]) == (413, "payload_too_large")


def test_a_response_over_6_mb_is_an_internal_error(caller: Caller) -> None:
    assert len(caller.call("GET", "/sizes/6000000").content) == 6_000_000
    answer = caller.call("GET", "/sizes/6300000")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")


def test_a_chunked_body_over_10_mb_is_rejected(caller: Caller) -> None:
    with socket.create_connection(("127.0.0.1", caller.port), timeout=10) as connection:
        connection.sendall(b"POST /things HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"


@pytest.mark.parametrize(
    "request_lines",
    [
        b"POST /things HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /things HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_a_malformed_request_is_a_400_problem(caller: Caller, request_lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", caller.port), timeout=10) as connection:
        connection.sendall(request_lines)
        answer = connection.makefile("rb").read()
    assert b" 400 " in answer.splitlines()[0]
    assert b"application/problem+json" in answer


def test_three_hundred_concurrent_callers_get_responses(caller: Caller) -> None:
    statuses: list[int] = []
    start = threading.Barrier(300)

    def call() -> None:
        start.wait()
        statuses.append(caller.call("GET", "/things/lamp").status)

    threads = [threading.Thread(target=call) for _ in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 300


def test_a_body_of_an_absurd_length_is_rejected_immediately(caller: Caller) -> None:
    with socket.create_connection(("127.0.0.1", caller.port), timeout=10) as connection:
        connection.sendall(b"POST /things HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (b"FOO /things HTTP/1.1", b"501", b"not_implemented"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"414", b"request_uri_too_long"),
    ],
)
def test_bytes_that_are_no_http_request_return_a_named_problem(
    caller: Caller, line: bytes, status: bytes, code: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", caller.port), timeout=10) as connection:
        connection.sendall(line + b"\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.split(b" ", 2)[1] == status
    assert b'"code": "' + code + b'"' in answer
    assert b"nosniff" in answer


def test_the_log_has_no_query_strings_and_no_raw_bytes(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), socket.create_connection(("127.0.0.1", caller.port)) as connection:
        connection.sendall(b"GET /a\x1b[31m\x07?access_token=secret HTTP/1.1\r\nConnection: close\r\n\r\n")
        connection.makefile("rb").read()
    said = "".join(record.getMessage() for record in caplog.records)
    assert "/a\\x1b[31m\\x07" in said
    assert "secret" not in said
    assert said.isprintable()
