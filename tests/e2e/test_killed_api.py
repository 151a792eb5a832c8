"""The API may be killed at any moment and leaves nothing stuck; the embedded AWS keeps running."""

import json
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import DATA, LOCAL, PROJECT, Caller, kill, wait_for_file


@contextmanager
def process(
    name: str, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    ready_file, output = folder / f"{name}.json", folder / f"{name}.txt"
    ready_file.unlink(missing_ok=True)
    with output.open("ab") as log:
        child = subprocess.Popen(
            [*LOCAL, name, "--ready-file", str(ready_file), *options], cwd=PROJECT, stdout=log, stderr=log
        )
    try:
        wait_for_file(ready_file, child, output)
        yield child, json.loads(ready_file.read_text())
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(30)


@dataclass(frozen=True)
class Aws:
    url: str
    folder: Path

    @contextmanager
    def api(self) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
        with process("api", self.folder, "--aws", self.url, "--tick-seconds", "2") as started:
            yield started


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("killed")
    options = ["--state", str(folder / "state"), "--seconds-per-stack", "2"]
    with process("aws", folder, *options) as (_, ready):
        command = [*LOCAL, "bootstrap", "--aws", ready["aws"], "--data", str(DATA)]
        subprocess.run(command, cwd=PROJECT, check=True, timeout=60)
        yield Aws(ready["aws"], folder)


def token(ready_file: Path, name: str) -> str:
    command = [*LOCAL, "token", name, "--ready-file", str(ready_file)]
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.strip()


# Requested, stack asked for, stack in the making, complete, seeding: somewhere in there.
@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 1.0, 1.8, 2.2, 2.5])
def test_an_environment_becomes_ready_although_the_api_was_killed(aws: Aws, seconds: float) -> None:
    name = f"killed-after-{seconds}"
    with aws.api() as (child, ready):
        caller = Caller(ready["api"], token(aws.folder / "api.json", name))
        asked = caller.call("POST", "/environments", {})
        assert asked.status == 202
        time.sleep(seconds)
        kill(child.pid)
        child.wait(10)
    with aws.api() as (_, ready):
        again = Caller(ready["api"], caller.token)
        last = again.until(asked.headers["Location"], {"READY", "FAILED"}, seconds=60)[-1]
        assert last["status"] == "READY", last
        assert last["progress"]["done"] == last["progress"]["total"]


def test_kill_after_kill_the_environment_becomes_ready(aws: Aws) -> None:
    moments = random.Random(20261123)  # the same moments in every run
    location, bearer = None, None
    for _ in range(4):
        with aws.api() as (child, ready):
            bearer = bearer or token(aws.folder / "api.json", "often-killed")
            if location is None:
                asked = Caller(ready["api"], bearer).call("POST", "/environments", {})
                location = asked.headers["Location"]
            time.sleep(moments.uniform(0, 0.8))
            kill(child.pid)
            child.wait(10)
    with aws.api() as (_, ready):
        last = Caller(ready["api"], bearer).until(location or "", {"READY", "FAILED"}, seconds=60)[-1]
        assert last["status"] == "READY", last


def test_a_deletion_is_finished_although_the_api_was_killed(aws: Aws) -> None:
    with aws.api() as (child, ready):
        bearer = token(aws.folder / "api.json", "gone")
        caller = Caller(ready["api"], bearer)
        location = caller.call("POST", "/environments", {}).headers["Location"]
        assert caller.until(location, {"READY", "FAILED"})[-1]["status"] == "READY"
        assert caller.call("DELETE", location).status == 202
        time.sleep(0.3)
        kill(child.pid)
        child.wait(10)
    with aws.api() as (_, ready):
        assert Caller(ready["api"], bearer).until(location, {"DELETED"}, seconds=60)[-1]["deleted_at"]


def test_a_run_is_started_once_although_the_api_was_killed(aws: Aws) -> None:
    with aws.api() as (child, ready):
        bearer = token(aws.folder / "api.json", "runner")
        caller = Caller(ready["api"], bearer)
        location = caller.call("POST", "/environments", {}).headers["Location"]
        environment = caller.until(location, {"READY", "FAILED"})[-1]
        runs = f"/jobs/{environment['outputs']['job_id']}/runs"
        asked = caller.call("POST", runs, {}, headers={"Idempotency-Key": "once"})
        assert asked.status == 202
        kill(child.pid)
        child.wait(10)
    with aws.api() as (_, ready):
        again = Caller(ready["api"], bearer)
        repeated = again.call("POST", runs, {}, headers={"Idempotency-Key": "once"})
        assert (repeated.status, repeated.body["id"]) == (202, asked.body["id"])
        ended = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
        assert again.until(asked.headers["Location"], ended, seconds=180)[-1]["status"] == "SUCCEEDED"
        assert len(again.call("GET", runs).body["items"]) == 1
