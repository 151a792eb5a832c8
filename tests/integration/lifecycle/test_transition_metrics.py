"""The metric behind the alarm EnvironmentStuck, over the life of an environment."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib import observability
from chalicelib.domain.environment import Status
from tests.support.moto_service import ANA, World, ready


@pytest.fixture(autouse=True)
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(observability, "IN_LAMBDA", True)
    yield
    observability.metrics.clear_metrics()


def longest(capsys: pytest.CaptureFixture[str]) -> float | None:
    """The longest transition since the last call, in seconds."""
    observability.flush_metrics()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return max(
        (max(line["SecondsInTransition"]) for line in lines if "SecondsInTransition" in line), default=None
    )


def test_only_a_deletion_that_does_not_end_is_reported_as_stuck(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = ready(world, "ana")
    creation = longest(capsys)
    assert creation is not None and creation < 60
    world.tick_after(hours=23)  # a drift check of a READY environment is no transition
    assert longest(capsys) is None
    world.faults["DeleteStack"] = (400, "ValidationError", "a stack policy denies it")
    world.service.environments.delete(ANA, environment.id, "r1")
    world.tick(minutes=60)  # the service retries at least every 15 minutes
    stuck = longest(capsys)
    assert stuck is not None and stuck > 1800
    assert world.see(environment.id).status is Status.DELETING
    world.faults.clear()
    world.tick(minutes=30)
    assert world.see(environment.id).status is Status.DELETED
    longest(capsys)
    world.tick_after(minutes=1)
    assert longest(capsys) is None
