"""Fixtures for the service on moto with a clock that the test sets."""

from __future__ import annotations

import pytest

from tests.support.moto_service import World


@pytest.fixture
def world(aws: None) -> World:
    return World()
