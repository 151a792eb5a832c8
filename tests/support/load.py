"""Users of the API who poll and send commands, and what must be recorded of their commands."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.contract import Contract

COMPRESSED = 0.1
"""A user waits this part of `poll_after_seconds`."""
_PAUSE_SECONDS = 0.2
_UNPROMISED = ("500", "503")
"""Statuses that the document has for every operation, and that no load may cause."""
_JOB = {"script": "main.py", "number_of_workers": 2, "timeout_minutes": 1}


@dataclass(frozen=True)
class Command:
    """A command that the API accepted."""

    kind: str
    owner: str
    environment: str
    request_id: str
    record: str | None = None


@dataclass
class Report:
    """What users saw."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    accepted: list[Command] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class User:
    """One user with a connection of their own."""

    def __init__(
        self, url: str, owner: str, token: str, seed: int, report: Report, contract: Contract, *, strict: bool
    ) -> None:
        self.owner, self.report = owner, report
        self._address = urlsplit(url)
        self._token = token
        self._random = random.Random(seed)
        self._contract = contract
        self._strict = strict
        self._connection: http.client.HTTPConnection | None = None
        self._tags: dict[str, str] = {}
        self.environment: dict[str, Any] | None = None
        self.runs: list[str] = []

    def call(
        self, kind: str, method: str, path: str, body: Any = None, raw: bytes | None = None
    ) -> tuple[int, Any]:
        """Make a request, and check that the document promises its response."""
        headers = {"Authorization": f"Bearer {self._token}"} if kind != "health" else {}
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if data is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = f"{self.owner}-{self._random.getrandbits(64):x}"
        if method == "GET" and path in self._tags:
            headers["If-None-Match"] = self._tags[path]
        began = time.perf_counter()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address.netloc, timeout=60)
        try:
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.report.wrong.append(f"{method} {path}: {error!r}")
            self.close()
            self._connection = None
            return 0, None
        self.report.seconds[kind].append(time.perf_counter() - began)
        self.report.statuses[f"{kind} {response.status}"] += 1
        answer = json.loads(text) if text else None
        self._check(method, path, response, answer)
        if method == "GET" and (tag := response.headers.get("ETag")):
            self._tags[path] = tag
        return response.status, answer

    def _check(self, method: str, path: str, response: http.client.HTTPResponse, answer: Any) -> None:
        operation = self._contract.operation(method, path)
        promised = operation["responses"].keys() - set(_UNPROMISED) if operation else set()
        if str(response.status) not in promised:
            self.report.wrong.append(f"{method} {path}: {response.status} {str(answer)[:300]}")
        elif self._strict:
            try:
                self._contract.check(method, path, response.status, dict(response.headers), answer)
            except AssertionError as error:
                self.report.wrong.append(str(error))
        self.request_id = response.headers.get("X-Request-Id", "")

    def accept(self, kind: str, record: str | None = None) -> None:
        """Remember an accepted command about the user's environment."""
        assert self.environment
        command = Command(kind, self.owner, self.environment["id"], self.request_id, record)
        self.report.accepted.append(command)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def live(self, is_over: Callable[[], bool]) -> None:
        """Create an environment, use it, and sometimes delete it, again and again."""
        while not is_over():
            settings = {"mode": "production", "job": _JOB}
            status, answer = self.call("create", "POST", "/environments", settings)
            if status == 202:
                self.environment, self.runs = answer, []
                self.accept("create")
            elif not self._find():
                time.sleep(_PAUSE_SECONDS)
                continue
            self._poll(is_over)
            if self._is("READY"):
                self._upload()
            while not is_over() and self._is("READY"):
                self._act(is_over)
                time.sleep(self._random.random() * _PAUSE_SECONDS)

    def _find(self) -> bool:
        """Continue with the environment of an earlier round. Return whether there is one."""
        status, answer = self.call("read", "GET", "/me")
        if status == 200:
            self.environment = answer["environment"]
        return self.environment is not None and not self._is("DELETING")

    def _is(self, status: str) -> bool:
        return self.environment is not None and self.environment["status"] == status

    def _poll(self, is_over: Callable[[], bool]) -> None:
        """Poll the environment until nothing changes it any more, at least once."""
        assert self.environment
        path = f"/environments/{self.environment['id']}"
        while True:
            status, answer = self.call("poll", "GET", path)
            if status == 200:
                self.environment = answer
            pause = self.environment["poll_after_seconds"]
            if pause is None or is_over():
                return
            time.sleep(pause * COMPRESSED)

    def _act(self, is_over: Callable[[], bool]) -> None:
        assert self.environment
        own, job = f"/environments/{self.environment['id']}", self.environment["outputs"]["job_id"]
        choice = self._random.random()
        if choice < 0.45:
            self._poll(lambda: True)
        elif choice < 0.55:
            path = self._random.choice(
                ("/environments", "/me", "/usage", f"{own}/events", f"/jobs/{job}/runs")
            )
            self.call("read", "GET", path)
        elif choice < 0.70 and self.runs:
            self.call("poll run", "GET", f"/jobs/{job}/runs/{self.runs[-1]}")
        elif choice < 0.80:
            status, answer = self.call("run", "POST", f"/jobs/{job}/runs", {})
            if status == 202:
                self.runs.append(answer["id"])
                self.accept("run", answer["id"])
        elif choice < 0.84 and self.runs:
            status, _ = self.call("stop", "DELETE", f"/jobs/{job}/runs/{self.runs[-1]}")
            if status == 202:
                self.accept("stop", self.runs[-1])
        elif choice < 0.90:
            body = {"expires_in_hours": self._random.randint(1, 99)}
            if self.call("extend", "PATCH", own, body)[0] == 200:
                self.accept("extend")
        elif choice < 0.94:
            self._upload()
        elif choice < 0.97:
            status, answer = self.call("query", "POST", f"{own}/queries", {"sql": "SELECT 1"})
            if status == 202:
                self.accept("query", answer["id"])
        elif choice > 0.99 and self.call("delete", "DELETE", own)[0] == 202:
            self.accept("delete")
            self.environment = {**self.environment, "status": "DELETING"}
            self._poll(is_over)

    def _upload(self) -> None:
        assert self.environment
        path = f"/environments/{self.environment['id']}/job/files/main.py"
        text = f"print({self._random.random()})\n".encode()
        if self.call("upload", "PUT", path, raw=text)[0] in (200, 201):
            self.accept("upload")


def use(
    url: str,
    tokens: Mapping[str, str],
    document: Mapping[str, Any],
    seconds: float,
    *,
    strict: bool,
    seed: int,
    kinds: Set[str] = frozenset(),
) -> Report:
    """Let each owner use the API for some seconds, and longer until a command of all `kinds` was accepted.

    It ends after ten times the seconds even so. `strict` checks headers and bodies of all responses.
    """
    report, contract = Report(), Contract(document)
    began = time.monotonic()

    def is_over() -> bool:
        passed = time.monotonic() - began
        if passed <= seconds:
            return False
        return passed > seconds * 10 or kinds <= {command.kind for command in list(report.accepted)}

    users = [
        User(url, owner, token, seed + number, report, contract, strict=strict)
        for number, (owner, token) in enumerate(tokens.items())
    ]
    _together([threading.Thread(target=user.live, args=(is_over,)) for user in users])
    for user in users:
        user.close()
    return report


def only_health(url: str, users: int, document: Mapping[str, Any], seconds: float) -> Report:
    """Let users request the simplest route, with the same pauses: the floor."""
    report, contract = Report(), Contract(document)
    until = time.monotonic() + seconds

    def ask(number: int) -> None:
        user = User(url, f"nobody-{number}", "", number, report, contract, strict=False)
        while time.monotonic() < until:
            user.call("health", "GET", "/health")
            time.sleep(user._random.random() * _PAUSE_SECONDS)
        user.close()

    _together([threading.Thread(target=ask, args=(number,)) for number in range(users)])
    return report


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def lost(commands: list[Command], state: Any) -> list[str]:
    """Return the accepted commands that the table does not have. `state` is that of `local.chaos`."""
    recorded = {name: {event.get("request_id") for event in events} for name, events in state.events.items()}
    runs = {(run["environment_id"], run["id"]): run for run in (*state.runs, *state.queries)}
    missing = []
    for command in commands:
        environment = state.environments.get(command.environment)
        run = runs.get((command.environment, command.record or ""))
        if environment is None or environment["owner"] != command.owner:
            missing.append(f"{command}: no environment of the owner")
        elif command.kind != "query" and command.request_id not in recorded[command.environment]:
            missing.append(f"{command}: not in the timeline")
        elif command.record and run is None:
            missing.append(f"{command}: no record")
        elif command.kind == "stop" and run and not run.get("stopped_by"):
            missing.append(f"{command}: no stop")
        elif command.kind == "delete" and not environment["delete_requested"]:
            missing.append(f"{command}: no deletion")
    return missing
