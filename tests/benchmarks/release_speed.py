"""Speed and memory of building a release, beside DuckDB counting the rows of the same CSV files.

    .venv/bin/python -m tests.benchmarks.release_speed [--orders N | --data DIR] [--rounds N]

Prints the figures (see `figures`). Memory is the peak of the whole process, so that of the floor is not
measured.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from data.generate import generate
from glue_assets.release import build
from tests.benchmarks.figures import Figures, at_least_one, command_line
from tests.support.paths import ROOT


def measured(data: Path, work: Path) -> dict[str, float]:
    """Build a release of a data folder, and count the rows of its CSV files with DuckDB."""
    files = [file for file in data.rglob("*") if file.is_file()]
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    start = time.perf_counter()
    release = build(ROOT, data, "0.0.0", work, lint=False)
    seconds = time.perf_counter() - start
    unit = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes on macOS, else in KB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / unit
    start = time.perf_counter()
    for file in files:
        if file.name.endswith((".csv", ".csv.gz")):
            duckdb.sql(f"SELECT count(*) FROM read_csv('{file}', all_varchar = true)").fetchall()
    return {
        "megabytes": round(megabytes, 1),
        "rows": sum(table.rows for table in release.tables),
        "seconds": seconds,
        "peak_megabytes": round(peak),
        "floor_seconds": time.perf_counter() - start,
    }


def main() -> None:
    """Run the command line."""
    parser = command_line("release_speed", __doc__, rounds=3)
    parser.add_argument("--orders", type=at_least_one, default=10_000, help="orders to generate")
    parser.add_argument("--data", type=Path, metavar="DIR", help="use the data folder DIR instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder, "data")
        if not options.data:
            generate(options.orders, data)
        rounds = [measured(data, Path(folder, f"work{number}")) for number in range(options.rounds)]
        seconds, floors = ([each[name] for each in rounds] for name in ("seconds", "floor_seconds"))
        size = {name: rounds[0][name] for name in ("megabytes", "rows")}
        figures = Figures("release_speed", options.rounds)
        figures.write("release.build.wall", seconds, "s", **size)
        figures.write("release.build.speed", [size["megabytes"] / each for each in seconds], "MB/s", **size)
        figures.ratio("release.build.ratio_duckdb_count", seconds, floors, **size)
        figures.write("release.build.peak_memory", rounds[-1]["peak_megabytes"], "MB", **size)


if __name__ == "__main__":
    main()
