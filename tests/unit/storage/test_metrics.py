"""Metrics in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.environment import Status
from chalicelib.domain.job_run import RunStatus
from chalicelib.storage import metrics
from tests.support.records import environment, run


@pytest.fixture(autouse=True)
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(observability, "IN_LAMBDA", True)
    yield
    observability.metrics.clear_metrics()


def flushed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    observability.flush_metrics()
    line: dict[str, Any] = json.loads(capsys.readouterr().out or "{}")
    return {name: value for name, value in line.items() if name not in ("_aws", "service")}


def test_a_ready_environment_is_counted_with_its_duration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeding = environment(1, status=Status.SEEDING, created_at="2026-01-01T00:00:00.000Z")
    ready = seeding.replace(status=Status.READY, updated_at="2026-01-01T00:00:42.000Z")
    metrics.environment_written(seeding, ready)
    metrics.environment_written(ready, ready.replace(reason="a change within the status"))
    assert flushed(capsys) == {"EnvironmentsReady": [1.0], "SecondsToReady": [42.0]}


def test_only_a_failed_environment_is_counted_as_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    creating = environment(1, status=Status.CREATING)
    metrics.environment_written(creating, creating.replace(status=Status.FAILED))
    metrics.environment_written(creating, creating.replace(status=Status.SEEDING))
    assert flushed(capsys) == {"EnvironmentsFailed": [1.0]}


def test_an_ended_run_is_counted_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    running = run(environment(1)).replace(status=RunStatus.RUNNING)
    metrics.cost_written(running, running.replace(status=RunStatus.SUCCEEDED, cost_micro_usd=36_667))
    assert flushed(capsys) == {"RunsSucceeded": [1.0], "SpendUsd": [0.036667]}


def test_outside_of_lambda_nothing_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observability, "IN_LAMBDA", False)
    observability.record_metric("QueueLength", 3)
    assert flushed(capsys) == {}


NOW = datetime(2026, 1, 1, 0, 40, tzinfo=UTC)
SINCE = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("status", "changes", "seconds"),
    [
        (Status.CREATING, {}, 2400.0),
        (Status.DELETING, {}, 2400.0),
        (Status.FAILED, {"clean_up": True}, 2400.0),
        (Status.QUEUED, {"admitted_at": "2026-01-01T00:30:00.000Z"}, 600.0),
        (Status.QUEUED, {}, None),  # waits for a free slot, which is no work of the service
        (Status.FAILED, {}, None),
        (Status.READY, {}, None),
        (Status.DELETED, {}, None),
    ],
)
def test_the_duration_of_a_transition_is_recorded(
    status: Status, changes: dict[str, Any], seconds: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    read = environment(1, status=status, transition_since=SINCE).replace(**changes)
    metrics.transition_read(NOW, read)
    assert flushed(capsys).get("SecondsInTransition") == (None if seconds is None else [seconds])


def test_a_record_without_the_start_of_its_transition_is_not_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics.transition_read(NOW, environment(1, status=Status.CREATING))  # written by an earlier version
    assert flushed(capsys) == {}
