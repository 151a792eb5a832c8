"""Tests that share an expensive fixture run on one worker, so that it is made once."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process has all tests")
def test_xdist_knows_the_group_of_each_test(request: pytest.FixtureRequest) -> None:
    # A version of pytest with which it does not distributes single tests, and says nothing.
    assert request.node.nodeid.endswith(f"@{request.node.path}")
