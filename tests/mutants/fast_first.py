"""A pytest plugin for mutation runs: runs the fastest tests first and skips those beyond a limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_MOST_SECONDS = 60.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order tests by the time they took in mutmut's first run, which has no such times yet."""
    times = Path("mutmut-stats.json")
    if not times.exists():
        return
    seconds = json.loads(times.read_text())["duration_by_test"]
    items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
    kept, total = [], 0.0
    for item in items:
        total += seconds.get(item.nodeid, 0.0)
        if kept and total > _MOST_SECONDS:
            break
        kept.append(item)
    config.hook.pytest_deselected(items=items[len(kept) :])
    items[:] = kept
