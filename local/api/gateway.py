"""Local API Gateway: Chalice's local gateway with missing behavior of Amazon API Gateway.

- Requests for an unknown route or method do not reach the app. In the cloud, gateway responses turn API
  Gateway's 403 "Missing Authentication Token" into a 404 problem; this gateway does the same for routes. The
  app rejects other methods that API Gateway supports. Methods that API Gateway does not support (TRACE)
  return 405 here and 404 in the cloud.
- Every request has an ID, returned as `X-Request-Id`.
- Bodies may be chunked, and are limited to API Gateway's 10 MB. Responses are limited to Lambda's 6 MB.
- The app's event contains the stage, and the path of the caller's URL. The path may begin with the stage, as
  in API Gateway's own URLs, or with the base path mapping of a custom domain.
- Some response headers of the app are renamed or removed.
- Responses are compressed if the client prefers that (`compression.py`).
- An API with two names for the variable at one position of its paths does not start.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
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

from deploy.gateway_responses import ANSWERS, SAFE_HEADERS
from deploy.path_variables import conflicts
from local.api import compression

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Payload limit, https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html."""

MAX_RESPONSE_BYTES = 6 * 1024 * 1024
"""Payload limit of a Lambda function, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

_DISCARDED_BYTES = 64 * 1024 * 1024
"""Maximum number of bytes drained from an oversized body."""

_LOGGED = 500

_BACKLOG = 1024
"""Connections that may wait to be accepted. Chalice's 5 would reset connections under load."""

_logger = logging.getLogger(__name__)


# Response headers of a Lambda function that API Gateway renames or removes, as in "Amazon API Gateway
# important notes for REST APIs".
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
    """Create Chalice's local server for the app behind this gateway, on the loopback interface.

    `prefix` is the beginning of every path: `/` and the stage, as in API Gateway's own URLs, or the base path
    mapping of a custom domain. Raises `SiblingVariables` for an API that API Gateway rejects.
    """
    if found := conflicts(app.routes):
        raise SiblingVariables(f"A sibling of this resource already has a variable path part: {found}")
    server = create_local_server(app, config, "127.0.0.1", port)
    server.server.RequestHandlerClass = functools.partial(_Handler, gateway=_Gateway(app, config, prefix))
    server.server.request_queue_size = _BACKLOG
    server.server.server_activate()  # listens again, with the longer queue
    return server


class SiblingVariables(Exception):
    """API Gateway rejects the API, because variables at one position of its paths have different names."""


class _Refused(LocalGatewayException):
    """An error response of the gateway itself: a problem document."""

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
        super().__init__(headers, f"{json.dumps(problem, ensure_ascii=False)}\n".encode())
        self.CODE = status.value


def remapped(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the response headers of the app as API Gateway forwards them."""
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
        self.minimum_compression_size: int | None = config.minimum_compression_size

    def handle_request(
        self, method: str, path: str, headers: dict[str, Any], body: bytes | None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = super().handle_request(method, path, headers, body)
        if len(json.dumps(answer, default=bytes.decode)) > MAX_RESPONSE_BYTES:
            failed = ANSWERS["DEFAULT_5XX"]
            raise _Refused(HTTPStatus(failed.status), failed.code, failed.detail, failed.title)
        return {
            **answer,
            "headers": remapped(answer["headers"]),
            "multiValueHeaders": remapped(answer["multiValueHeaders"]),
        }

    def _generate_lambda_event(
        self, method: str, path: str, headers: dict[str, Any], body: bytes | None
    ) -> dict[str, Any]:
        found = re.fullmatch(rf"{re.escape(self._prefix)}(?:/(.*)|([?].*)?)", path)
        if found is None:
            raise _not_found(method, path)
        path, full = f"/{found[1] or found[2] or ''}", path
        try:
            event = super()._generate_lambda_event(method, path, headers, body)
        except ValueError as error:  # unknown route
            raise _not_found(method, path) from error
        methods = self._app_object.routes[event["requestContext"]["resourcePath"]]
        preflight = method == "OPTIONS" and any(route.cors for route in methods.values())
        if method not in methods and not preflight:
            allowed = self._allowed(full, headers) if "OPTIONS" in methods else ", ".join(sorted(methods))
            raise _not_allowed(method, path, allowed)
        requested_path = full.partition("?")[0]
        event["resource"] = event["requestContext"]["resourcePath"]
        event["path"] = path.partition("?")[0] if self._prefix == f"/{self._stage}" else requested_path
        event["httpMethod"] = method
        event["requestContext"] |= {
            "requestId": str(uuid.uuid4()),
            "path": requested_path,
            "stage": self._stage,
        }
        return event

    def _allowed(self, path: str, headers: dict[str, Any]) -> str:
        """Return the Allow header of the app for a path."""
        answer: dict[str, Any] = self.handle_request("OPTIONS", path, headers, None)
        return str(answer["headers"]["Allow"])


class _Handler(ChaliceRequestHandler):
    # Headers and body are two writes. With Nagle's algorithm, the second would wait for a delayed ACK.
    disable_nagle_algorithm = True

    def __init__(self, request: Any, client_address: Any, server: Any, gateway: _Gateway) -> None:
        self.local_gateway = gateway
        self._least_compressed = gateway.minimum_compression_size
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
            raise self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "Content-Length must be a number.")
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
                "The body exceeds 10 MB.",
                "Payload too large",
            )
        content: bytes = self.rfile.read(length)
        return content

    def _discard(self, length: int) -> None:
        """Read a body to its end: many clients send the whole body before they read the response."""
        while length > 0 and self.rfile.read(min(length, 65536)):
            length -= 65536

    def _refuse(self, status: HTTPStatus, code: str, detail: str, title: str = "") -> _Refused:
        self.close_connection = True  # the rest of the body is not another request
        return _Refused(status, code, detail, title)

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: str | bytes | None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body or b""
        content, headers = compression.compressed(
            content,
            headers,
            # A malformed request has no headers.
            accepted=getattr(self, "headers", {}).get("accept-encoding", ""),
            least_bytes=self._least_compressed,
        )
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
        """Send a problem document for an invalid HTTP request, instead of http.server's HTML page."""
        self.close_connection = True
        status = HTTPStatus(code)
        name = status.phrase.lower().replace(" ", "_").replace("-", "_")
        self._send_error_response(_Refused(status, name, f"{status.description or status.phrase}."))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request, escaped and without its query, which may contain confidential values."""
        line = " ".join(part.partition("?")[0] for part in str(self.requestline).split(" ")[:2])
        _logger.info("%s %s", line.encode("unicode_escape").decode()[:_LOGGED], int(code))

    def log_message(self, format: str, *args: Any) -> None:
        """Log a message of the server, escaped."""
        _logger.info("%s", (format % args).encode("unicode_escape").decode()[:_LOGGED])


def _portal() -> dict[str, str]:
    """Return the CORS headers for the portal, as the gateway responses in the cloud have them."""
    origin = os.environ.get("PORTAL_ORIGIN")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}


def _not_allowed(method: str, path: str, allowed: str) -> _Refused:
    detail = f"{path.partition('?')[0]} does not support {method}."
    return _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, Allow=allowed)


def _not_found(method: str, path: str) -> _Refused:
    return _Refused(HTTPStatus.NOT_FOUND, "not_found", f"No route matches {method} {path.partition('?')[0]}.")
