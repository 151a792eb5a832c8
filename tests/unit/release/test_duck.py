"""Connections to DuckDB."""

from __future__ import annotations

from pathlib import Path

from glue_assets.sources.duck import connected


def test_no_thread_writes_in_the_background(tmp_path: Path) -> None:
    # A query that fails while it writes would sometimes wait forever for such a thread.
    with connected(tmp_path) as connection:
        assert connection.sql("SELECT current_setting('async_threads')").fetchall() == [(0,)]
