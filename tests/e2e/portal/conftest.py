"""Fixtures for tests of the portal: the running product, Chromium, and a user in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from local.install import browser as chromium
from tests.support.local_up import Up, running_up
from tests.support.portal import Portal, new_context
from tests.support.portal_build import ensure_built

# Package scope, not session: while Playwright runs, its thread cannot run another event loop.


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.skip("requires Chromium; see local/install/browser.py")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        # A container has no namespaces for Chromium's sandbox.
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture(scope="package")
def portal_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    reason = ensure_built()
    if reason is not None:
        pytest.skip(reason)
    with running_up(
        tmp_path_factory.mktemp("portal"), "--seconds-per-stack", "3", "--tick-seconds", "2"
    ) as up:
        yield up


@pytest.fixture
def portal(browser: Browser, portal_up: Up, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """A user's browser. The test fails if the page logs an error or sends a request to another host."""
    with new_context(browser) as context:
        portal = Portal(context.new_page(), portal_up, request.config.getoption("--screenshots"))
        yield portal
        assert portal.faults == []
