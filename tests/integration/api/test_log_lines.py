"""Request IDs in log lines of a multithreaded server."""

from __future__ import annotations

import io
import json
import logging
import threading

import pytest
from chalice.app import Request, Response

from chalicelib.api import middleware
from chalicelib.observability import logger


def request(request_id: str) -> Request:
    return Request(
        {
            "headers": {},
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "body": None,
            "requestContext": {
                "httpMethod": "GET",
                "resourcePath": "/me",
                "path": "/me",
                "requestId": request_id,
            },
        }
    )


def test_a_line_has_the_id_of_its_own_request_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger=logger.name)
    together, written = threading.Barrier(8, timeout=20), io.StringIO()
    handler = logger.registered_handler  # Chalice may have added its own
    before = handler.setStream(written)

    def serve(request_id: str) -> None:
        def view(_: Request) -> Response:
            together.wait()  # all requests are in progress
            logger.warning("looked", expected=request_id)
            return Response("")

        middleware.complete(request(request_id), view)
        logger.warning("idle", expected=None)

    threads = [threading.Thread(target=serve, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.setStream(before)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert len(lines) == 16
    assert all(line.get("request_id") == line.get("expected") for line in lines), lines
