"""Figures of the benchmarks: one JSON line each, with what is needed to judge it.

    figures = Figures("portal_speed", rounds=10)
    figures.write("portal.first_paint", [103, 99, 120], "ms")
    figures.write("job.wall", 8.1, "s", orders=100_000)

A value that was measured once per round is a list: the line has its median, and the values themselves. Ratios
are the median of the ratios of each round, because both sides of a round ran under the same load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO


def machine() -> str:
    """Return the cores, the CPU and the memory of this machine, such as "2 cores, Xeon, 23 GB"."""
    return f"{_cores()} cores, {_cpu()}, {_memory_gb()} GB"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, unless an option has none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help


def command_line(benchmark: str, document: str | None, rounds: int | None = None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark, with `--rounds` if it has any. Its help shows the defaults."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{benchmark}",
        description=(document or "").split("\n")[0],
        formatter_class=_Help,
    )
    if rounds is not None:
        parser.add_argument("--rounds", type=at_least_one, default=rounds, help="measurements of each value")
    return parser


def at_least_one(text: str) -> int:
    """Return a number of a command line. Raises ArgumentTypeError if it is below 1."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


class NotAFigure(Exception):
    """A line of a file is not one that a benchmark prints to its standard output."""


class Figures:
    """Writes the figures of one benchmark. `arguments` repeat it, by default those of this process."""

    def __init__(
        self, benchmark: str, rounds: int, *, arguments: str | None = None, out: TextIO | None = None
    ) -> None:
        if arguments is None:
            arguments = " ".join(_arguments())
        self.common = {
            "rounds": rounds,
            "machine": machine(),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "benchmark": benchmark,
            "command": f".venv/bin/python -m tests.benchmarks.{benchmark} {arguments}".rstrip(),
        }
        self._out = out

    def write(self, figure: str, value: float | Sequence[float], unit: str, **more: object) -> float:
        """Write one figure, and return its value. A list has one value per round."""
        line: dict[str, object] = {"figure": figure}
        if isinstance(value, Sequence):
            line |= {"value": rounded(statistics.median(value)), "unit": unit, **self.common}
            line |= {"rounds": len(value), "values": [rounded(each) for each in value]}
            value = statistics.median(value)
        else:
            line |= {"value": rounded(value), "unit": unit, **self.common}
        print(json.dumps(line | more), file=self._out or sys.stdout, flush=True)
        return value

    def ratio(
        self,
        figure: str,
        values: Sequence[float],
        floors: Sequence[float],
        **more: object,
    ) -> float:
        """Write the median of the rounds' ratios."""
        ratios = [value / floor for value, floor in zip(values, floors, strict=True)]
        return self.write(figure, ratios, "ratio", **more)


def rounded(value: float) -> float:
    """Return a value with at most four significant digits, and integers as they are."""
    return value if isinstance(value, int) or value == 0 else float(f"{value:.4g}")


def read_lines(path: Path) -> list[dict[str, object]]:
    """Read a file of figures. Raises NotAFigure."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(text))
            lines[-1]["figure"]
        except (ValueError, TypeError, KeyError) as exc:
            raise NotAFigure(f"{path}, line {number}: not a figure, but {text[:60]!r}") from exc
    return lines


def _arguments() -> list[str]:
    """Return the arguments of the command, with DIR instead of folders of this machine."""
    return ["DIR" if os.path.isabs(argument) else argument for argument in sys.argv[1:]]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "CPU")


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
