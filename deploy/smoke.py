"""Smoke test of a deployed API: three requests that need no token and change nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from deploy import http
from deploy.errors import DeploymentError

_TRY_SECONDS = 90.0
_PAUSE_SECONDS = 3.0
_PROBLEM = "application/problem+json"


def test(
    url: str,
    send: http.Send,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Request the health, the document and a creation without a token. Raise `DeploymentError`.

    API Gateway needs some seconds for a new stage, so failures are repeated.
    """
    until = clock() + _TRY_SECONDS
    for check in (_health, _document, _rejection):
        while (wrong := _outcome(check, url, send)) is not None:
            if clock() > until:
                raise DeploymentError(
                    f"The stack is deployed, but its API does not work: {wrong}\n"
                    "Read the log of the function APIHandler. Then correct the stage file and deploy again, "
                    "or deploy an earlier package with VERSION=..."
                )
            sleep(_PAUSE_SECONDS)


def request_health(url: str, send: http.Send) -> None:
    """Request the health, whatever the response. An idle service has no other requests that could fail."""
    with contextlib.suppress(http.Unreachable):
        send("GET", f"{url}/health")


def _outcome(check: Callable[[str, http.Send], str | None], url: str, send: http.Send) -> str | None:
    try:
        return check(url, send)
    except http.Unreachable as error:
        return f"{error}."


def _health(url: str, send: http.Send) -> str | None:
    response = send("GET", f"{url}/health")
    return None if response.status == 200 else _shown("GET /health", response, "200")


def _document(url: str, send: http.Send) -> str | None:
    response = send("GET", f"{url}/openapi.json")
    document = response.json()
    paths = document.get("paths") if isinstance(document, dict) else None
    if response.status == 200 and isinstance(paths, dict) and "/environments" in paths:
        return None
    return _shown("GET /openapi.json", response, "200 and the document")


def _rejection(url: str, send: http.Send) -> str | None:
    response = send("POST", f"{url}/environments")
    kind = response.headers.get("content-type", "").partition(";")[0]
    if (response.status, kind) == (401, _PROBLEM):
        return None
    return _shown("POST /environments without a token", response, f"401 and {_PROBLEM}")


def _shown(request: str, response: http.Response, expected: str) -> str:
    body = response.body[:200].decode(errors="replace")
    return f"{request} answers {response.status} instead of {expected}: {body}"
