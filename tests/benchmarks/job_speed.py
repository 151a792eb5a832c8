"""Speed of the job beside the usual job, a bare read with Spark, and DuckDB.

    .venv/bin/python -m tests.benchmarks.job_speed [--orders N | --data DIR] [--rounds N]

Builds the release of the data. Then each round executes in turn, in a fresh process each:

- `usual`: the usual job (`usual_job`) on the data folder's files, as they are without a release
- `usual_release`: the same on the files of the release, which are split and need no `multiLine`
- `ours`: the job of sandboxes with the tables of the release
- `before`: another version of the job, if `--before` names its script
- `bare`: Spark reads the same columns of the same files and does nothing with them
- `duckdb`: DuckDB builds the same table from the data folder's files

All have the same configuration of Spark: two cores, and otherwise Spark's defaults, not those of `make up`.
Rows of all rounds must equal those of DuckDB; otherwise the benchmark ends with an error. Prints the figures
(see `figures`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.spark.java import java_home
from local.spark.launch import SHIM
from tests.benchmarks import job_lake
from tests.benchmarks.figures import Figures, at_least_one, command_line
from tests.benchmarks.job_lake import DATABASE, OUTPUT_DB, TABLE, Lake
from tests.benchmarks.job_rows import check_equal, check_usual
from tests.benchmarks.processes import Measured, locked, measure
from tests.support.paths import ROOT

JOB = ROOT / "glue_assets" / "jobs" / "sot_ecommerce.py"
USUAL = ROOT / "tests" / "benchmarks" / "usual_job.py"
VARIANTS = ("usual", "usual_release", "ours", "bare", "duckdb")
CONFIGURATION = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class Bench:
    """Executes the variants on one lake."""

    def __init__(self, lake: Lake, endpoint: str, properties: dict[str, str] | None = None) -> None:
        self.lake = lake
        self._endpoint = endpoint
        self._properties = CONFIGURATION | job_lake.mounts(lake) | (properties or {})
        self._number = 0
        self.scripts = {"ours": JOB, "usual": USUAL, "usual_release": USUAL}

    def run(self, variant: str, properties: dict[str, str] | None = None) -> Measured:
        """Execute a variant once."""
        self._number += 1
        scratch = self.lake.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(self.lake.output(variant), ignore_errors=True)
        (scratch / "conf").mkdir(parents=True)
        values = self._properties | (properties or {}) | {"spark.local.dir": str(scratch)}
        file = scratch / "spark.properties"
        file.write_text("".join(f"{name} {value}\n" for name, value in values.items()))
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= job_lake.ENVIRONMENT | {
            "AWS_DEFAULT_REGION": job_lake.REGION,
            "AWS_ENDPOINT_URL": self._endpoint,
            "JAVA_HOME": str(java_home()),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": f"--properties-file {file} pyspark-shell",
            "PYTHONPATH": os.pathsep.join(map(str, (SHIM, ROOT))),
            "SPARK_CONF_DIR": str(scratch / "conf"),
            "TZ": "UTC",
        }
        command = [sys.executable, "-m", "tests.benchmarks.job_process", *self._arguments(variant)]
        return measure(command, environment, self.lake.folder / f"{variant}.log")

    def _arguments(self, variant: str) -> list[str]:
        if variant == "duckdb":
            return ["duckdb", str(self.lake.original), str(self.lake.output(variant))]
        if variant == "bare":
            return ["read", json.dumps(self._tables())]
        arguments = {
            "JOB_NAME": variant,
            "SOURCE_DB": DATABASE,
            "OUTPUT_BUCKET": "sot",
            "OUTPUT_DB": OUTPUT_DB,
            "OUTPUT_TABLE": f"{TABLE}_{self._number}",
            "OUTPUT_TABLE_URI": f"s3://sot/{variant}",
        }
        script = self.scripts[variant]
        if script == USUAL:
            on_release = variant == "usual_release"
            parquet = [name for name, table in self._tables().items() if table["format"] == "parquet"]
            arguments |= {
                "SOURCE": "s3://sor" if on_release else "s3://original",
                "PARQUET_TABLES": ",".join(parquet) if on_release and parquet else "none",
                "MULTI_LINE": "false" if on_release else "true",
            }
        pairs = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        return ["script", str(script), *pairs, "--job-bookmark-option", "job-bookmark-disable"]

    def _tables(self) -> dict[str, dict[str, object]]:
        return {
            name: {
                "location": f"s3://sor/{DATABASE}/{name}",
                "format": table["Parameters"]["classification"],
                "columns": job_lake.COLUMNS[name],
                "all_columns": [column["Name"] for column in table["StorageDescriptor"]["Columns"]],
            }
            for name, table in self.lake.tables.items()
        }


def compare(
    bench: Bench, variants: Sequence[str], rounds: int, lock: Path | None
) -> dict[str, list[Measured]]:
    """Execute the variants in turn, and check their rows. The lock is held for a round."""
    lake = bench.lake
    bench.run("duckdb")
    truth = lake.folder / "truth"
    shutil.rmtree(truth, ignore_errors=True)
    shutil.move(lake.output("duckdb"), truth)
    found: dict[str, list[Measured]] = {variant: [] for variant in variants}
    for number in range(rounds):
        with locked(lock):
            for variant in variants:
                taken = bench.run(variant)
                found[variant].append(taken)
                print(f"round {number + 1}: {variant} {taken}", file=sys.stderr, flush=True)
        for variant in variants:
            if variant in ("ours", "before", "duckdb"):
                check_equal(lake.output(variant), truth)
            elif variant.startswith("usual"):
                wrong = check_usual(lake.output(variant), truth)
                print(f"{variant}: {wrong} ties decided differently", file=sys.stderr, flush=True)
    return found


def report(figures: Figures, found: Mapping[str, Sequence[Measured]], lake: Lake) -> None:
    """Write the figures."""
    about = {"orders": lake.orders, "megabytes": lake.megabytes}
    for variant, taken in found.items():
        figures.write(f"job.{variant}.wall", [each.wall for each in taken], "s", **about)
        figures.write(f"job.{variant}.cpu", [each.cpu for each in taken], "s", **about)
        figures.write(f"job.{variant}.memory", [each.memory_mb for each in taken], "MB", **about)
    if (ours := found.get("ours")) is None:
        return
    for other in [variant for variant in found if variant != "ours"]:
        for name in ("wall", "cpu", "memory_mb"):
            values, floors = ([getattr(each, name) for each in taken] for taken in (ours, found[other]))
            figures.ratio(f"job.{name.removesuffix('_mb')}.ratio_{other}", values, floors, **about)
    thousands = lake.orders / 1000
    figures.write("job.ours.cpu_per_thousand", [each.cpu / thousands for each in ours], "s", **about)
    figures.write("job.ours.wall_per_thousand", [each.wall / thousands for each in ours], "s", **about)


def add_data_options(options: argparse.ArgumentParser, orders: int) -> None:
    """Add the options that say what is read, and how."""
    options.add_argument("--orders", type=at_least_one, default=orders, help="orders to generate")
    options.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="use DIR instead, with CSV files in DIR/db_ecommerce/<table>/, plain or gzip, with commas",
    )
    options.add_argument(
        "--prepared",
        type=Path,
        metavar="DIR",
        help="keep the release in DIR, for later runs with the same data",
    )
    options.add_argument(
        "--lock", type=Path, metavar="FILE", help="lock FILE while a program is measured, so that others wait"
    )
    options.add_argument(
        "--conf",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a property of Spark for all programs",
    )


def repeated(options: argparse.Namespace) -> str:
    """Return those of these options that repeat a measurement, with DIR for a folder of this machine."""
    words = ["--data DIR" if options.data else f"--orders {options.orders}"]
    return " ".join([*words, *(f"--conf {text}" for text in options.conf)])


def read_options(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, str]:
    """Return the options of the command line, and the arguments that repeat the measurement."""
    command = command_line("job_speed", __doc__, rounds=3)
    add_data_options(command, orders=100_000)
    command.add_argument("--variants", default=",".join(VARIANTS), help="programs to run")
    command.add_argument(
        "--before", type=Path, metavar="SCRIPT", help="also run SCRIPT, another version of the job"
    )
    options = command.parse_args(argv)
    arguments = f"{repeated(options)} --rounds {options.rounds}"
    if options.variants != command.get_default("variants"):
        arguments += f" --variants {options.variants}"
    if options.before:
        arguments += " --before SCRIPT"
    options.variants = options.variants.split(",")
    if unknown := set(options.variants) - set(VARIANTS):
        command.error(f"unknown in --variants: {', '.join(sorted(unknown))}")
    return options, arguments


def main() -> None:
    """Run the command line."""
    options, arguments = read_options()
    variants = options.variants
    if options.before:
        variants.insert(variants.index("ours") if "ours" in variants else 0, "before")
    with tempfile.TemporaryDirectory() as temporary:
        lake = job_lake.prepare(options.prepared or Path(temporary), options.orders, options.data)
        with job_lake.catalog(lake) as endpoint:
            properties = dict(text.split("=", 1) for text in options.conf)
            bench = Bench(lake, endpoint, properties)
            if options.before:
                bench.scripts["before"] = options.before.resolve()
            found = compare(bench, variants, options.rounds, options.lock)
        report(Figures("job_speed", options.rounds, arguments=arguments), found, lake)
        lake.clear()


if __name__ == "__main__":
    main()
