"""`python -m local up` as a process, and clients of its API over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import clients
from local.setup import bootstrap
from tests.support.paths import ROOT

DATA = ROOT / "data"
LOCAL = [sys.executable, "-m", "local"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Caller:
    """An HTTP caller with a token, or without one."""

    api: str
    token: str | None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        data = json.dumps(body).encode() if body is not None else raw
        sent = {"Content-Type": "application/json"} if data is not None else {}
        sent |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(
            self.api + path, data=data, method=method, headers=sent | (headers or {})
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error)

    def until(self, path: str, statuses: set[str], seconds: float = 120) -> list[dict[str, Any]]:
        """Poll until the status is one of these. Return all responses in order."""
        deadline = time.monotonic() + seconds
        seen: list[dict[str, Any]] = []
        while True:
            answer = self.call("GET", path)
            assert answer.status == 200, answer
            seen.append(answer.body)
            if answer.body["status"] in statuses:
                return seen
            assert time.monotonic() < deadline, f"still {answer.body}"
            time.sleep(0.3)


def _answer(status: int, response: Any) -> Answer:
    content = response.read()
    return Answer(status, dict(response.headers), json.loads(content) if content else None)


@dataclass(frozen=True)
class Up:
    """One `up`, and the content of its ready file."""

    process: subprocess.Popen[bytes]
    ready_file: Path
    output: Path
    ready: dict[str, Any]

    def token(self, name: str, *, admin: bool = False) -> str:
        """Return a new token from `python -m local token`."""
        pool = self.ready["user_pool_id"], self.ready["client_id"]
        return bootstrap.token(self.client, *pool, name, is_admin=admin)

    def caller(self, name: str, *, admin: bool = False) -> Caller:
        return Caller(self.ready["api"], self.token(name, admin=admin))

    def client(self, service: str) -> Any:
        return clients.client(service, self.ready["aws"], self.ready["region"])


@contextmanager
def running_up(folder: Path, *options: str) -> Iterator[Up]:
    """Run `python -m local up` on free ports, and stop it at the end."""
    ready_file, output = folder / "ready.json", folder / "up.txt"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*LOCAL, "up", "--port", "0", "--ready-file", str(ready_file), "--spare", "never", *options],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_file(ready_file, process, output)
        yield Up(process, ready_file, output, json.loads(ready_file.read_text()))
    finally:
        if process.poll() is None:
            process.terminate()
            assert process.wait(60) == 0, output.read_text()


def wait_for_file(file: Path, process: subprocess.Popen[bytes], output: Path) -> None:
    eventually(
        lambda: file.exists() or process.poll() is not None, 120, f"no {file.name}: {output.read_text()}"
    )
    assert file.exists(), output.read_text()


def eventually(condition: Callable[[], bool], seconds: float, otherwise: str = "did not happen") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Return whether the process exists and has not ended."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and "Z" not in state.stdout


def group_members(pgid: int) -> list[str]:
    """The processes of a process group that have not ended."""
    listing = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
    return [row[2] for row in rows if row[0] == str(pgid) and "Z" not in row[1]]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
