"""Writes docs/performance.md from its template and the figures of the benchmarks.

    .venv/bin/python -m tests.benchmarks.performance                 write the document
    .venv/bin/python -m tests.benchmarks.performance add FILE...     take over lines that benchmarks printed

A run of a benchmark replaces the lines of the same command. In the template, `{{name key=value}}` is the
value of the last line with that figure and those fields, `{{name key=value .2f}}` with another format, and
`{{figures}}` the list of all.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import NotAFigure, read_lines
from tests.support.paths import ROOT

FIGURES = ROOT / "tests" / "benchmarks" / "figures.jsonl"
TEMPLATE = ROOT / "tests" / "benchmarks" / "performance.template.md"
DOCUMENT = ROOT / "docs" / "performance.md"

Line = Mapping[str, Any]

_PLACE = re.compile(r"\{\{(.+?)\}\}")
_COMMON = {"figure", "value", "unit", "rounds", "machine", "date", "benchmark", "command", "values", "table"}


class Missing(Exception):
    """The template needs a figure that was not measured."""


def render(template: str, lines: Sequence[Line]) -> str:
    """Fill in a template. Raises Missing."""

    def filled(place: re.Match[str]) -> str:
        if place[1] == "figures":
            return "\n".join(listed(lines))
        name, *rest = place[1].split()
        wanted = dict(each.split("=", 1) for each in rest if "=" in each)
        formats = [each for each in rest if "=" not in each]
        return shown(find(lines, name, wanted), formats[0] if formats else None)

    return _PLACE.sub(filled, template)


def find(lines: Sequence[Line], name: str, wanted: Mapping[str, str]) -> Line:
    """Return the last line of a figure with some fields. Raises Missing."""
    for line in reversed(lines):
        if line["figure"] == name and all(str(line.get(key)) == value for key, value in wanted.items()):
            return line
    raise Missing(f"There is no figure {name} {dict(wanted)}; run its benchmark and add the lines.")


def shown(line: Line, form: str | None = None) -> str:
    """Return the value of a line, with its unit unless it is a ratio."""
    value = line["value"]
    if not isinstance(value, int | float):
        return str(value)
    if form is None:
        form = ".2f" if line["unit"] in ("ratio", "USD") else ",.0f" if abs(value) >= 100 else ".3g"
    number = format(value, form)
    return number if line["unit"] in ("ratio", "") else f"{number} {line['unit']}"


def listed(lines: Sequence[Line]) -> list[str]:
    """Return a table of the figures for each command."""
    text: list[str] = []
    ordered = sorted(lines, key=lambda line: (_command(line), str(line["machine"]), str(line["date"])))
    for (command, machine, date), group in groupby(
        ordered, key=lambda line: (_command(line), line["machine"], line["date"])
    ):
        text += [f"`{command}`", "", f"{date}, {machine}", ""]
        text += ["| figure | value | least to most | rounds |", "|---|---|---|---|"]
        for line in group:
            fields = ", ".join(
                f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}"
                for key, value in line.items()
                if key not in _COMMON and not isinstance(value, list | dict)
            )
            values = line.get("values")
            spread = f"{min(values):.4g} to {max(values):.4g}" if values else ""
            name = f"{line['figure']}{f' ({fields})' if fields else ''}"
            text.append(f"| {name} | {shown(line, ',.4g')} | {spread} | {line['rounds']} |")
        text.append("")
    return text[:-1]


def merged(old: Sequence[Line], new: Sequence[Line]) -> list[Line]:
    """Return lines in which those of the new commands are replaced."""
    commands = {_command(line) for line in new}
    return [line for line in old if _command(line) not in commands] + list(new)


def _command(line: Line) -> str:
    return str(line.get("command") or line["figure"])


def main(
    argv: Sequence[str], figures: Path = FIGURES, template: Path = TEMPLATE, document: Path = DOCUMENT
) -> None:
    """Run the command line. If lines cannot be read or a figure is missing, exit and write nothing."""
    added = argv[1:]
    if argv and (argv[0] != "add" or not added):
        sys.exit(__doc__)
    try:
        lines: list[Line] = list(read_lines(figures))
        for path in added:
            lines = merged(lines, read_lines(Path(path)))
        page = render(template.read_text(encoding="utf-8"), lines)
    except (OSError, NotAFigure, Missing) as exc:
        sys.exit(str(exc))
    if added:
        figures.write_text("".join(f"{to_json(line)}\n" for line in lines), encoding="utf-8")
    document.write_text(page, encoding="utf-8")


def to_json(line: Line) -> str:
    """Return a line of the file of figures."""
    return json.dumps(line, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1:])
