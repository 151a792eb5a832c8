"""A caller of the API over HTTPS."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.judge.steps import expect

_POLL_SECONDS = 0.3


class Caller:
    """A caller with a bearer token, or without one."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request and return the response, whatever its status."""
        headers = self._headers | request.pop("headers", {})
        return self._http.request(method, self._http.base_url.join(path), headers=headers, **request)

    def call(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """Send a request. Return the JSON of the response, which must have this status."""
        response = self.send(method, path, **request)
        expect(response.status_code == status, f"{method} {path}: expected {status}, got {shown(response)}")
        return response.json() if response.content else None

    def until(self, path: str, wanted: str, seconds: float = 60) -> Any:
        """Poll until the resource has a status. A failed resource ends the waiting."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.call("GET", path)
            if found["status"] == wanted:
                return found
            expect(found["status"] != "FAILED" and time.monotonic() < deadline, f"{path} is not {wanted}: {found}")
            time.sleep(_POLL_SECONDS)


def shown(response: httpx.Response) -> str:
    """Return a response as text."""
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return f"{response.status_code}\n{headers}\n\n{response.text[:4000]}"
