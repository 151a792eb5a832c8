"""The example of docs/data.md, written and checked as its reader does."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from glue_assets.sources.folder.options import TableOptions
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Bring your own data\n")[2].partition("\n## ")[0]


def block(kind: str, number: int = 0) -> str:
    """Return a block of code of the section."""
    return re.findall(rf"```{kind}\n(.+?)```", SECTION, re.DOTALL)[number]


def run(command: str, folder: Path) -> tuple[int, str]:
    here = command.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-c", here],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_the_example_is_checked_as_the_page_shows(tmp_path: Path) -> None:
    table = tmp_path / "my-data/shop/sales"
    table.mkdir(parents=True)
    (table / "sales-2026.csv").write_text(block("text", 1), encoding="utf-8")
    (table / "_table.toml").write_text(block("toml"), encoding="utf-8")
    command, _, output = block("console").removeprefix("$ ").partition("\n")
    assert run(command, tmp_path) == (0, output)


def test_the_faults_of_the_page_are_those_of_the_example(tmp_path: Path) -> None:
    table = tmp_path / "my-data/shop/sales"
    table.mkdir(parents=True)
    rows = block("text", 1) + "0100;1.2.26;x;x\n"
    (table / "sales-2026.csv").write_text(rows, encoding="utf-8")
    (table / "_table.toml").write_text('seperator = ";"\n[types]\nbetrag = "money"\n', encoding="utf-8")
    (table / "notes.zip").write_text("x")
    command = block("console").removeprefix("$ ").partition("\n")[0]
    code, output = run(command, tmp_path)
    assert (code, output) == (1, block("text", 2))


def test_the_page_describes_every_key_of_the_table_file() -> None:
    keys = {field.name for field in fields(TableOptions)} - {"file", "comments"}
    keys_of_the_page = SECTION.partition("### `_table.toml`\n")[2].partition("\n### ")[0]
    described = {*re.findall(r"^\| `\[?([a-z_]+)\]?`", keys_of_the_page, re.MULTILINE)}
    assert described == {*keys, "columns"}
