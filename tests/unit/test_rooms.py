"""Imports between folders go in one direction. pyproject.toml has the contracts."""

from __future__ import annotations

import statistics
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PROJECT = Path(__file__).parents[2]


def test_imports_go_downwards_without_cycles() -> None:
    assert lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_a_module_has_at_most_300_lines() -> None:
    sizes = {
        str(path.relative_to(PROJECT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("chalice_app", "deploy", "glue_assets", "local")
        for path in (PROJECT / folder).rglob("*.py")
    }
    del sizes["glue_assets/jobs/sot_ecommerce.py"]  # Glue runs one file
    assert [name for name, lines in sizes.items() if lines > 300] == []
    assert statistics.median(sizes.values()) < 120
