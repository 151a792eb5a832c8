"""Fixtures for end-to-end tests: the two processes that `up` starts, HTTP and Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.local_up import (
    Caller,
    Up,
    running_up,
)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The `up` that most tests share."""
    with running_up(tmp_path_factory.mktemp("up"), "--seconds-per-stack", "3") as up:
        yield up


@pytest.fixture(scope="session")
def learner(up: Up) -> Caller:
    return up.caller("ana")


@pytest.fixture(scope="session")
def sandbox(learner: Caller) -> list[dict[str, Any]]:
    """Every response about an environment, from the request until READY."""
    asked = learner.call("POST", "/environments", {})
    assert asked.status == 202, asked
    return [asked.body, *learner.until(asked.headers["Location"], {"READY", "FAILED"})]


@pytest.fixture(scope="session")
def environment(sandbox: list[dict[str, Any]]) -> dict[str, Any]:
    assert sandbox[-1]["status"] == "READY", sandbox[-1]
    return sandbox[-1]


@pytest.fixture(scope="session")
def job_run(learner: Caller, environment: dict[str, Any]) -> list[dict[str, Any]]:
    """Every response about a run of the environment's job."""
    asked = learner.call("POST", f"/jobs/{environment['outputs']['job_id']}/runs", {})
    assert asked.status == 202, asked
    ended = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
    return [asked.body, *learner.until(asked.headers["Location"], ended, seconds=240)]
