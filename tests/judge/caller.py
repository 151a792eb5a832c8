"""Caller of the API over HTTPS, with a client that shares no code with the service."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.judge.steps import expect

_POLL_SECONDS = 0.3
_GIVE_UP_SECONDS = 60
_REPEATS = 4


class Caller:
    """A caller with a bearer token, or without one. Paths are relative to the API, links to its host."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def url(self) -> httpx.URL:
        """URL of the API, with a slash at the end."""
        return self._http.base_url

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request and return the response. Repeat it after 429 and 503, as the API guide says."""
        headers = self._headers | request.pop("headers", {})
        for _ in range(_REPEATS):
            response = self._http.request(method, self._http.base_url.join(path), headers=headers, **request)
            if response.status_code not in (429, 503):
                break
            time.sleep(int(response.headers.get("Retry-After", 1)))
        return response

    def call(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """Send a request. Return the JSON of the response, which must have this status."""
        response = self.send(method, path, **request)
        expect(response.status_code == status, f"{method} {path} did not return {status}:\n{shown(response)}")
        return response.json()

    def until(self, path: str, status: str, meanwhile: Callable[[], None] = lambda: None) -> Any:
        """Poll until the resource has this status. Fail if it becomes FAILED instead, or takes too long."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while True:
            found = self.call("GET", path)
            if found["status"] == status:
                return found
            is_lost = found["status"] == "FAILED" or time.monotonic() > deadline
            expect(not is_lost, f"{path} is not {status}:\n{found}")
            meanwhile()
            time.sleep(_POLL_SECONDS)


def shown(response: httpx.Response) -> str:
    """Return a response as text."""
    headers = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
    return f"{response.status_code} {response.reason_phrase}\n{headers}\n{response.text[:4000]}"
