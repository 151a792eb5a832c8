"""Whether the job scales out: its stages and tasks, from Spark's event log, and what they would take on Glue.

    .venv/bin/python -m tests.benchmarks.job_scaling [--orders N | --data DIR] [--hot-items N]

Runs the job with two tasks at a time, because the number and sizes of tasks are what scales. Then runs it
again with an order of very many items. Rows must equal DuckDB's. Prints the figures (see `figures`).

Ends with an error if there is a stage with one task of more than 2 s, with a task of more than 4 times the
median (tasks below 1 s do not count), or with more than 10 MB of results for the driver. Use 1,000,000 orders
or more: Spark combines less than 64 MB into one task, which can take more than 2 s on a busy machine.

The reckoning for Glue takes the CPU seconds of the measured tasks, as a part of those of the whole process,
and starts the tasks in their order on four slots for each worker but the driver's, one stage after the other.
It adds the seconds in which no task ran. `lowest` divides the seconds of all tasks by the slots instead, as
if Spark cut them smaller.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import event_log, job_lake
from tests.benchmarks.event_log import Application, Stage
from tests.benchmarks.figures import Figures, command_line
from tests.benchmarks.job_lake import DATABASE, Lake
from tests.benchmarks.job_rows import check_equal, check_usual
from tests.benchmarks.job_speed import Bench, add_data_options, repeated
from tests.benchmarks.processes import Measured, locked

WORKERS = (2, 10, 50)
SLOTS_PER_WORKER = 4  # G.1X has 4 vCPUs, https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
USD_PER_DPU_HOUR = 0.44  # G.1X is 1 DPU; us-east-1, https://aws.amazon.com/glue/pricing/
LEAST_SECONDS = 60


def execute(bench: Bench, variant: str) -> tuple[Measured, Application]:
    """Run a variant with an event log."""
    folder = bench.lake.folder / "event-log"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    measured = bench.run(
        variant, {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder.resolve().as_uri()}
    )
    return measured, event_log.read(folder)


def usd(workers: int, seconds: float) -> float:
    """Return the price of a run."""
    return max(seconds, LEAST_SECONDS) / 3600 * workers * USD_PER_DPU_HOUR


def report(figures: Figures, variant: str, application: Application, measured: Measured, orders: int) -> None:
    """Write the figures of a run."""
    share = measured.cpu / application.cpu  # collection of garbage, compilation, and work of the driver
    stages = application.stages
    alone = [stage.longest for stage in stages if len(stage.tasks) == 1]
    name = f"job.scaling.{variant}"
    about: dict[str, int] = {"orders": orders}
    figures.write(f"{name}.stages", len(stages), "stages", **about, table=[_row(each) for each in stages])
    figures.write(f"{name}.largest_skew", max(stage.skew for stage in stages), "ratio", **about)
    figures.write(f"{name}.longest_single_task", max(alone, default=0), "s", **about)
    figures.write(f"{name}.task_cpu", application.cpu, "s", **about)
    figures.write(f"{name}.task_seconds", application.task_seconds, "s", **about)
    figures.write(f"{name}.idle", application.idle, "s", **about)
    for workers in WORKERS:
        slots = SLOTS_PER_WORKER * (workers - 1)
        seconds = application.idle + application.seconds_with(slots) * share
        lowest = application.idle + measured.cpu / slots
        figures.write(f"job.glue.{variant}.minutes", seconds / 60, "min", **about, workers=workers)
        figures.write(f"job.glue.{variant}.minutes_lowest", lowest / 60, "min", **about, workers=workers)
        figures.write(f"job.glue.{variant}.usd", usd(workers, seconds), "USD", **about, workers=workers)


def _row(stage: Stage) -> list[object]:
    return [stage.number, stage.name, len(stage.tasks), *(round(x, 2) for x in (stage.longest, stage.median))]


def add_hot_order(source: Path, target: Path, items: int) -> None:
    """Copy a data folder by links, and add items to one of its orders, in a file of their own."""
    for table in job_lake.COLUMNS:
        place = target / DATABASE / table
        place.mkdir(parents=True)
        for file in (source / DATABASE / table).iterdir():
            (place / file.name).symlink_to(file.resolve())
    file = min((source / DATABASE / "tbl_order_items").glob("*.csv*"))
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
        row = next(csv.DictReader(stream))
    with (target / DATABASE / "tbl_order_items" / "hot.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, row, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | {"order_item_id": str(n)} for n in range(1001, 1001 + items))


def main() -> None:
    """Run the command line."""
    command = command_line("job_scaling", __doc__)
    add_data_options(command, orders=5_000_000)
    command.add_argument("--usual", action="store_true", help="also run the usual job")
    command.add_argument(
        "--hot-items", type=int, default=100_000, help="items of the hot order; 0: no such run"
    )
    options = command.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lake = job_lake.prepare(options.prepared or Path(temporary, "data"), options.orders, options.data)
        arguments = f"{repeated(options)} --hot-items {options.hot_items}{' --usual' * options.usual}"
        figures = Figures("job_scaling", 1, arguments=arguments)
        found = measure_lake(lake, options, figures, ("ours", *(("usual",) if options.usual else ())))
        if options.hot_items:
            hot = Path(temporary, "hot")
            add_hot_order(lake.original, hot, options.hot_items)
            hot_lake = job_lake.prepare(Path(temporary, "hot-lake"), 0, hot)
            found += [f"hot order: {each}" for each in measure_lake(hot_lake, options, figures, ("hot",))]
    for each in found:
        print(f"does not scale out: {each}", file=sys.stderr)
    sys.exit(1 if found else 0)


def measure_lake(
    lake: Lake, options: argparse.Namespace, figures: Figures, variants: tuple[str, ...]
) -> list[str]:
    """Run the variants on a lake, check their rows, and write the figures. Return what does not scale."""
    found = []
    with job_lake.catalog(lake) as endpoint:
        bench = Bench(lake, endpoint, dict(text.split("=", 1) for text in options.conf))
        bench.run("duckdb")
        for variant in variants:
            with locked(options.lock):
                measured, application = execute(bench, "ours" if variant == "hot" else variant)
            print(f"{variant}: {measured}", file=sys.stderr, flush=True)
            check = check_usual if variant == "usual" else check_equal
            check(lake.output("ours" if variant == "hot" else variant), lake.output("duckdb"))
            for name, value, unit in (
                ("wall", measured.wall, "s"),
                ("cpu", measured.cpu, "s"),
                ("memory", measured.memory_mb, "MB"),
                ("cpu_per_thousand", measured.cpu / lake.orders * 1000, "s"),
            ):
                figures.write(f"job.scaling.{variant}.{name}", value, unit, orders=lake.orders)
            report(figures, variant, application, measured, lake.orders)
            if variant != "usual":
                found += event_log.problems(application.stages)
    lake.clear()
    return found


if __name__ == "__main__":
    main()
