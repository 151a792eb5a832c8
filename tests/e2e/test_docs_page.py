"""/docs in a real browser: it shows every operation and loads nothing from another host."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from local.install import browser
from tests.support.local_up import Up

CHROMIUM = browser.find()
# A container has no namespaces for Chromium's sandbox. Chromium's own requests are switched off.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=15000", "--window-size=1200,2000"),
)


@pytest.mark.skipif(CHROMIUM is None, reason="requires Chromium; see local/install/browser.py")
def test_the_page_shows_every_operation_and_loads_nothing_from_other_hosts(up: Up, tmp_path: Path) -> None:
    api = up.ready["api"]
    done = subprocess.run(
        [
            *(str(CHROMIUM), *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"),
            *("--dump-dom", f"{api}/docs"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    with urllib.request.urlopen(f"{api}/openapi.json") as answer:
        document = json.load(answer)
    shown = set(re.findall(r'id="operations-[^"]*?-([a-z0-9_]+)"', done.stdout))
    told = {told["operationId"] for methods in document["paths"].values() for told in methods.values()}
    assert shown == told, done.stderr
    assert "self-service terraglue" in done.stdout
    assert "Content Security Policy" not in done.stderr
    assert "CONSOLE" not in "".join(line for line in done.stderr.splitlines() if "rror" in line)
