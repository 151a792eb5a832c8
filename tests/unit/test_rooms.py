"""Imports between folders go in one direction. pyproject.toml has the contracts."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_imports_go_downwards_without_cycles() -> None:
    # A process of its own: import-linter configures logging and disables the loggers of this one.
    folders = (PROJECT, PROJECT / "chalice_app", PROJECT / "local" / "spark" / "shim")
    lint = "import importlinter.cli as cli, sys; sys.exit(cli.lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", lint],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_module_has_at_most_300_lines() -> None:
    sizes = {
        str(path.relative_to(PROJECT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("chalice_app", "deploy", "glue_assets", "local")
        for path in (PROJECT / folder).rglob("*.py")
    }
    del sizes["glue_assets/jobs/sot_ecommerce.py"]  # Glue runs one file
    assert [name for name, lines in sizes.items() if lines > 300] == []
    assert statistics.median(sizes.values()) < 120
