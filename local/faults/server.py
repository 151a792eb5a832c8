"""Fault injection over HTTP: calls of the API process to the emulator fail according to the rules.

The user agent identifies the API process. Calls for setup or inspection are not affected. `GET` and `PUT
/_terraglue/faults` read and replace the rules at any time, as a document with `seed` and `rules`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import psutil  # type: ignore[import-untyped]

from local.aws.events import AwsEvent, Publish
from local.faults.control import APP, PATH
from local.faults.error_responses import error_response
from local.faults.operations import operation_of, service_of
from local.faults.plan import Faults
from local.faults.rules import BadRule, Kind, parse_all

_CALLER = re.compile(rf"\bapp/{APP}(\d+)\b")

_logger = logging.getLogger(__name__)


class FaultyServer:
    """WSGI application in front of the emulator."""

    def __init__(
        self, application: WSGIApplication, faults: Faults, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._application = application
        self._faults = faults
        self._sleep = sleep

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to a request, or inject a fault."""
        if environ.get("PATH_INFO") == PATH:
            return self._control(environ, start_response)
        caller = _CALLER.search(environ.get("HTTP_USER_AGENT", "")) if self._faults else None
        service = service_of(environ.get("HTTP_AUTHORIZATION", "")) if caller else None
        if caller is None or service is None:
            return self._application(environ, start_response)
        operation = _operation(service, environ)
        rule = self._faults.of_call(service, operation)
        if rule is None:
            return self._application(environ, start_response)
        if rule.effect:
            self._carry_out(environ)
        if rule.kind is Kind.TIMEOUT:
            self._sleep(rule.seconds)
            return _hang_up(environ)
        if rule.kind is Kind.KILL:
            _kill(int(caller[1]))
            return _hang_up(environ)
        made = error_response(rule, service, operation)
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else made.body
        headers = {**made.headers, "Content-Length": str(len(body))}
        start_response(f"{made.status} Injected", list(headers.items()))
        return [body]

    def _carry_out(self, environ: WSGIEnvironment) -> None:
        """Execute the request and discard the response."""
        body = self._application(environ, lambda *_: lambda _: None)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()

    def _control(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, shown = "200 OK", {}
        if environ["REQUEST_METHOD"] == "PUT":
            try:
                wanted = json.loads(_body(environ))
                rules = [rule for text in wanted["rules"] for rule in parse_all(text)]
                self._faults.replace(rules, int(wanted.get("seed", 0)))
            except (BadRule, KeyError, TypeError, ValueError) as error:
                status, shown = "400 Bad Request", {"error": str(error)}
        body = json.dumps(shown or {"rules": self._faults.show()}).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def publishing(publish: Publish, faults: Faults) -> Publish:
    """Return a `publish` function that loses, duplicates, delays and reorders events by the rules."""

    def unreliable(event: AwsEvent) -> None:
        dated = dataclasses.replace(event, at=time.time() if event.at is None else event.at)
        for seconds in faults.of_event(event.detail_type):
            if seconds:
                timer = threading.Timer(seconds, publish, [dated])
                timer.daemon = True
                timer.start()
            else:
                publish(dated)

    return unreliable


def _operation(service: str, environ: WSGIEnvironment) -> str:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    is_form = service != "s3" and "x-amz-target" not in headers
    return operation_of(
        service,
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO", "/"),
        environ.get("QUERY_STRING", ""),
        headers,
        _body(environ) if is_form else b"",
    )


def _body(environ: WSGIEnvironment) -> bytes:
    """Return the body of a request, and keep it readable."""
    content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    return content


def _hang_up(environ: WSGIEnvironment) -> Iterable[bytes]:
    """Close the connection without a response."""
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):  # the caller may have closed it already
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("a fault was injected")  # the server treats it as a client disconnect


def _kill(pid: int) -> None:
    """Kill the caller, but only if `up` started both this process and the caller."""
    try:
        if psutil.Process(pid).ppid() == os.getppid():
            os.kill(pid, signal.SIGKILL)
            return
    except (psutil.NoSuchProcess, ProcessLookupError):
        return  # the process has ended already
    _logger.error("process %d is not a child of `up` and is not killed", pid)
