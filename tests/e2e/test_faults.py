"""The service while the emulator injects faults."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local.faults.control import PATH, replace_faults
from tests.support.local_up import LOCAL, Caller, Up, eventually, kill, running_up
from tests.support.paths import ROOT

STORM = """
    cloudformation:* throttle 0.5 times 5; dynamodb:* throttle 0.1 times 5; s3:* 503 0.1 times 5;
    *:* 500 0.1 times 5; *:* 500_after 0.1 times 5; dynamodb:* timeout_after 0.02 seconds 0.5 times 3;
    events:resource lost 0.3; events:stack lost times 1; events:* doubled 0.2;
    events:* reordered 0.3 seconds 1
"""


def acted(up: Up) -> dict[str, int]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(up.ready["aws"] + PATH, timeout=10) as response:
        rules: list[dict[str, Any]] = json.load(response)["rules"]
    return {rule["rule"]: rule["acted"] for rule in rules}


def insist(caller: Caller, method: str, path: str, **headers: str) -> dict[str, Any]:
    """Repeat a call, as a client does, while the service returns that AWS is unavailable."""
    answers = []
    while not answers or answers[-1].status in (429, 503):
        assert len(answers) < 20, answers
        answers.append(caller.call(method, path, {} if method == "POST" else None, headers=headers))
    assert answers[-1].status < 300, answers
    body: dict[str, Any] = answers[-1].body
    return body


def until(caller: Caller, environment_id: str, status: str) -> dict[str, Any]:
    seen: list[dict[str, Any]] = []

    def arrived() -> bool:
        seen.append(insist(caller, "GET", f"/environments/{environment_id}"))
        return bool(seen[-1]["status"] == status)

    eventually(arrived, 120, f"never {status}")
    return seen[-1]


@pytest.mark.full
def test_an_environment_is_created_and_deleted_during_a_storm(tmp_path: Path) -> None:
    options = ["--tick-seconds", "2", "--seconds-per-stack", "2", "--fault", STORM, "--fault-seed", "7"]
    with running_up(tmp_path, *options) as up:
        learner = up.caller("ana")
        asked = insist(learner, "POST", "/environments", **{"Idempotency-Key": "mine"})
        until(learner, asked["id"], "READY")
        assert insist(learner, "POST", "/environments", **{"Idempotency-Key": "mine"})["id"] == asked["id"]
        insist(learner, "DELETE", f"/environments/{asked['id']}")
        until(learner, asked["id"], "DELETED")
        assert up.client("cloudformation").describe_stacks()["Stacks"] == []
        happened = acted(up)
        assert happened["events:stack lost times 1"] == 1 and happened["events:resource lost 0.3"]
        assert happened["cloudformation:* throttle 0.5 times 5"] and happened["*:* 500_after 0.1 times 5"]
        printed = up.output.read_text()
        assert "cloudformation:* throttle 0.5 times 5" in printed and "--fault-seed 7" in printed


@pytest.mark.full
def test_a_killed_api_is_restarted_and_continues(tmp_path: Path) -> None:
    options = ["--tick-seconds", "1", "--seconds-per-stack", "1"]
    deaths = "s3:CopyObject kill_after times 1; cloudformation:CreateStack kill_before times 1"
    with running_up(tmp_path, *options, "--fault", deaths) as up:
        learner = up.caller("ana")
        first = up.ready["pids"]["api"]
        with pytest.raises(OSError):  # no response: the process has ended
            learner.call("POST", "/environments", {}, headers={"Idempotency-Key": "mine"})
        eventually(lambda: json.loads(up.ready_file.read_text())["pids"]["api"] != first, 20)
        eventually(lambda: acted(up)["s3:CopyObject kill_after times 1"] == 1, 60)
        asked: list[dict[str, Any]] = []

        def answered() -> bool:
            try:
                asked.append(insist(learner, "POST", "/environments", **{"Idempotency-Key": "mine"}))
            except OSError:  # not up again yet
                return False
            return True

        eventually(answered, 30)
        until(learner, asked[0]["id"], "READY")
        assert up.output.read_text().count("The API was killed") == 2
        assert acted(up) == {
            "s3:CopyObject kill_after times 1": 1,
            "cloudformation:CreateStack kill_before times 1": 1,
        }
        replace_faults(up.ready["aws"], [], 0)
        assert acted(up) == {}
        events = f"/environments/{asked[0]['id']}/events?limit=1"
        cursor = learner.call("GET", events).body["next"]
        killed = json.loads(up.ready_file.read_text())["pids"]["api"]
        kill(killed)
        eventually(lambda: json.loads(up.ready_file.read_text())["pids"]["api"] != killed, 20)

        def read_on() -> bool:
            try:
                return learner.call("GET", f"{events}&cursor={cursor}").status == 200  # it has the same key
            except OSError:  # not up again yet
                return False

        eventually(read_on, 20)


def test_an_invalid_fault_rule_prints_one_sentence() -> None:
    command = [*LOCAL, "up", "--port", "0", "--fault", "cloudformation:CreateStack slow"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr.startswith("up failed: The fault 'cloudformation:CreateStack slow' is invalid: ")
    assert refused.stderr.count("\n") == 1
