"""Recovery of accepted work after the API is killed."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws import clients
from local.setup import bootstrap
from tests.support.local_up import DATA, LOCAL, Caller, kill, wait_for_file
from tests.support.paths import ROOT

ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}


@contextmanager
def process(
    name: str, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    ready_file, output = folder / f"{name}.json", folder / f"{name}.txt"
    ready_file.unlink(missing_ok=True)
    with output.open("ab") as log:
        child = subprocess.Popen(
            [*LOCAL, name, "--ready-file", str(ready_file), *options], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        wait_for_file(ready_file, child, output)
        yield child, json.loads(ready_file.read_text())
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(30)


@dataclass
class Api:
    """The API's process. A test can kill it and restart it on the same local AWS emulator."""

    aws: str
    folder: Path

    @contextmanager
    def running(self) -> Iterator[Any]:
        """Run `up` and yield a function that creates a caller for a user. Kill it at the end."""
        with process("api", self.folder, "--aws", self.aws, "--tick-seconds", "2") as (child, ready):

            def caller(name: str) -> Caller:
                pool = ready["user_pool_id"], ready["client_id"]
                token = bootstrap.token(self.client, *pool, name, is_admin=False)
                return Caller(ready["api"], token)

            yield caller
            kill(child.pid)
            child.wait(10)

    def client(self, service: str) -> Any:
        return clients.client(service, self.aws)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("killed")
    options = ["--state", str(folder / "state"), "--seconds-per-stack", "2"]
    with process("aws", folder, *options) as (_, ready):
        command = [*LOCAL, "bootstrap", "--aws", ready["aws"], "--data", str(DATA)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=60)
        yield Api(ready["aws"], folder)


@pytest.mark.full
def test_accepted_requests_complete_after_the_api_was_killed(api: Api) -> None:
    owners = [f"learner-{number}" for number in range(6)]
    locations = {}
    # At the kill, the six environments are between the request and SEEDING; a stack takes two seconds.
    with api.running() as caller:
        for owner in owners:
            asked = caller(owner).call("POST", "/environments", {})
            assert asked.status == 202
            locations[owner] = asked.headers["Location"]
            time.sleep(0.5)
    for seconds in (0.0, 0.7):  # and again, soon after it was started
        with api.running():
            time.sleep(seconds)
    with api.running() as caller:
        environments = {}
        for owner in owners:
            last = caller(owner).until(locations[owner], {"READY", "FAILED"}, seconds=60)[-1]
            assert last["status"] == "READY", last
            assert last["progress"]["done"] == last["progress"]["total"]
            environments[owner] = last

        leaver, runner = caller(owners[0]), caller(owners[1])
        assert leaver.call("DELETE", locations[owners[0]]).status == 202
        runs = environments[owners[1]]["links"]["runs"]
        once = {"Idempotency-Key": "once"}
        asked = runner.call("POST", runs, {}, headers=once)
        assert asked.status == 202
    with api.running() as caller:
        runner = caller(owners[1])
        repeated = runner.call("POST", runs, {}, headers=once)
        assert (repeated.status, repeated.body["id"]) == (202, asked.body["id"])
        run = runner.until(asked.headers["Location"], ENDED, seconds=120)[-1]
        assert run["status"] == "SUCCEEDED", run
        assert len(runner.call("GET", runs).body["items"]) == 1
        gone = caller(owners[0]).until(locations[owners[0]], {"DELETED"}, seconds=60)[-1]
        assert gone["deleted_at"]
