"""Fixtures for a simulated account whose processes are killed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from local.chaos import invariants
from local.chaos.owners import Owners
from local.chaos.world import World, simulated


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Errors are expected here. Logging them takes a fifth of the time."""
    caplog.set_level(logging.CRITICAL, logger="terraglue")


@pytest.fixture
def world() -> Iterator[World]:
    with simulated(1) as world:
        world.tick()
        yield world
        assert world.defects == []
        assert invariants.check(world, Owners(world, 0, 0)) == []
