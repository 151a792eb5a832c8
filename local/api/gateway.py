"""Chalice's local gateway, taught what Amazon API Gateway does in the cloud and Chalice's does not.

- An unknown route or method never reaches the app. The cloud's gateway responses turn API Gateway's 403
  "Missing Authentication Token" into a 404 problem; so does this, for routes. The app itself refuses the
  other methods that API Gateway knows; what that does not know (TRACE) is 405 here, and 404 in the cloud.
- Every request has an id, which the app and the gateway's own answers give back as `X-Request-Id`.
- Bodies may be chunked, and end at API Gateway's 10 MB.
- The app's event has the stage, and the path as the caller's URL has it. The path may begin with the stage,
  as in API Gateway's own URLs, or with a custom domain's mapping.
- Some headers of the app's answers reach callers under another name, or not at all.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    LocalDevServer,
    LocalGateway,
    LocalGatewayException,
    create_local_server,
)

from deploy.gateway_responses import SAFE_HEADERS

MAX_BODY_BYTES = 10 * 1024 * 1024
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html: payload size."""

_DISCARDED_BYTES = 64 * 1024 * 1024
"""So much of a body that is too large is read on; from who announces more nothing is."""

_LOGGED = 500

_BACKLOG = 1024
"""Connections that may wait to be accepted; Chalice's 5 resets connections when a crowd comes at once."""

_logger = logging.getLogger(__name__)


# "Amazon API Gateway important notes for REST APIs": what becomes of the headers of a Lambda's response.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_REMAPPED = {
    "authorization",
    "connection",
    "content-md5",
    "date",
    "max-forwards",
    "server",
    "user-agent",
    "www-authenticate",
}
_DROPPED = {"expect", "host", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "via"}


def create_server(app: Chalice, config: Config, port: int, *, prefix: str = "") -> LocalDevServer:
    """Chalice's own local server for the app, bound to the loopback, with this gateway in front.

    `prefix` is what paths begin with: `/` and the stage, as in API Gateway's own URLs, or a custom domain's
    base path mapping.
    """
    server = create_local_server(app, config, "127.0.0.1", port)
    server.server.RequestHandlerClass = functools.partial(_Handler, gateway=_Gateway(app, config, prefix))
    server.server.request_queue_size = _BACKLOG
    server.server.server_activate()  # listens again, now with the longer queue
    return server


class _Refused(LocalGatewayException):
    """The gateway's own answer: a problem document."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, title: str = "", **more: str) -> None:
        request_id = str(uuid.uuid4())
        problem = {
            "type": f"urn:terraglue:problem:{code}",
            "title": title or status.phrase.capitalize(),
            "status": status.value,
            "detail": detail,
            "instance": f"urn:terraglue:request:{request_id}",
            "code": code,
        }
        headers = {
            "Content-Type": "application/problem+json",
            "X-Request-Id": request_id,
            **_portal(),
            **SAFE_HEADERS,
            **more,
        }
        super().__init__(headers, json.dumps(problem).encode())
        self.CODE = status.value


def remapped(headers: dict[str, Any]) -> dict[str, Any]:
    """The headers of an app's answer as API Gateway hands them on."""
    return {
        f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name: value
        for name, value in headers.items()
        if name.lower() not in _DROPPED
    }


class _Gateway(LocalGateway):
    def __init__(self, app: Chalice, config: Config, prefix: str = "") -> None:
        super().__init__(app, config)
        self._prefix = prefix
        self._stage = config.api_gateway_stage

    def handle_request(
        self, method: str, path: str, headers: dict[str, Any], body: bytes | None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = super().handle_request(method, path, headers, body)
        return {
            **answer,
            "headers": remapped(answer["headers"]),
            "multiValueHeaders": remapped(answer["multiValueHeaders"]),
        }

    def _generate_lambda_event(
        self, method: str, path: str, headers: dict[str, Any], body: bytes | None
    ) -> dict[str, Any]:
        full = path
        if self._prefix and not path.startswith((f"{self._prefix}/", f"{self._prefix}?")):
            raise _not_found(method, path)
        path = path.removeprefix(self._prefix)
        try:
            event = super()._generate_lambda_event(method, path, headers, body)
        except ValueError as error:  # no such route
            raise _not_found(method, path) from error
        methods = self._app_object.routes[event["requestContext"]["resourcePath"]]
        preflight = method == "OPTIONS" and any(route.cors for route in methods.values())
        if method not in methods and not preflight:
            allowed = self._allowed(full, headers) if "OPTIONS" in methods else ", ".join(sorted(methods))
            raise _not_allowed(method, path, allowed)
        requested_path = full.partition("?")[0]
        is_stage = self._prefix == f"/{self._stage}"
        event["resource"] = event["requestContext"]["resourcePath"]
        event["path"] = path.partition("?")[0] if is_stage else requested_path
        event["httpMethod"] = method
        event["requestContext"] |= {
            "requestId": str(uuid.uuid4()),
            "path": requested_path,
            "stage": self._stage,
        }
        return event

    def _allowed(self, path: str, headers: dict[str, Any]) -> str:
        """What the app itself says of a path."""
        answer: dict[str, Any] = self.handle_request("OPTIONS", path, headers, None)
        return str(answer["headers"]["Allow"])


class _Handler(ChaliceRequestHandler):
    # Headers and body are two writes; with Nagle's algorithm the second waits for the client's delayed ACK.
    disable_nagle_algorithm = True

    def __init__(self, request: Any, client_address: Any, server: Any, gateway: _Gateway) -> None:
        self.local_gateway = gateway
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def _serve(self) -> None:
        try:
            body = self._body()
            response = self.local_gateway.handle_request(self.command, self.path, dict(self.headers), body)
        except LocalGatewayException as refused:
            self._send_error_response(refused)
            return
        response = self._handle_binary(response)
        self._send_http_response(
            response["statusCode"],
            {**response["headers"], **response["multiValueHeaders"]},
            response["body"],
        )

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_QUERY = _serve

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunked_body()
        length = self.headers.get("content-length", "0")
        if not length.isdecimal():
            raise self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "Content-Length is not a number.")
        if MAX_BODY_BYTES < int(length) <= _DISCARDED_BYTES:
            self._discard(int(length))
        return self._read(int(length)) or None

    def _chunked_body(self) -> bytes:
        body = b""
        while True:
            size, _, _ = self.rfile.readline(1024).partition(b";")
            try:
                length = int(size, 16)
            except ValueError as error:
                raise self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "A chunk has no size.") from error
            if length == 0:
                while self.rfile.readline(65536).strip():  # trailers
                    pass
                return body
            body += self._read(length, already=len(body))
            self.rfile.readline(3)

    def _read(self, length: int, already: int = 0) -> bytes:
        if length < 0 or already + length > MAX_BODY_BYTES:
            raise self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "payload_too_large",
                "The body is over 10 MB.",
                "Payload too large",
            )
        content: bytes = self.rfile.read(length)
        return content

    def _discard(self, length: int) -> None:
        """Read on to the end: many clients look at no answer before they have sent everything."""
        while length > 0 and self.rfile.read(min(length, 65536)):
            length -= 65536

    def _refuse(self, status: HTTPStatus, code: str, detail: str, title: str = "") -> _Refused:
        self.close_connection = True  # what is left of the body is not a next request
        return _Refused(status, code, detail, title)

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: str | bytes | None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body or b""
        self.send_response(code)
        self.send_header("Content-Type", headers.pop("Content-Type", "application/json"))
        if self.command != "HEAD" and code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self._send_headers(headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not even a request (http.server would send a page of HTML)."""
        self.close_connection = True
        status = HTTPStatus(code)
        name = status.phrase.lower().replace(" ", "_").replace("-", "_")
        self._send_error_response(_Refused(status, name, f"{status.description or status.phrase}."))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request without its query, which may hold what is no log's business, and with nothing raw."""
        line = " ".join(part.partition("?")[0] for part in str(self.requestline).split(" ")[:2])
        _logger.info("%s %s", line.encode("unicode_escape").decode()[:_LOGGED], int(code))

    def log_message(self, format: str, *args: Any) -> None:
        """Log what the server says of itself."""
        _logger.info("%s", (format % args).encode("unicode_escape").decode()[:_LOGGED])


def _portal() -> dict[str, str]:
    """As the cloud's gateway responses: the portal may read these answers too."""
    origin = os.environ.get("PORTAL_ORIGIN")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}


def _not_allowed(method: str, path: str, allowed: str) -> _Refused:
    words = f"{path.partition('?')[0]} does not know {method}."
    return _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", words, Allow=allowed)


def _not_found(method: str, path: str) -> _Refused:
    return _Refused(
        HTTPStatus.NOT_FOUND, "not_found", f"There is nothing at {method} {path.partition('?')[0]}."
    )
