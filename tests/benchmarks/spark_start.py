"""Speed-up of a small Spark job through the class archive: both ways in turn, and their ratio.

    .venv/bin/python -m tests.benchmarks.spark_start [ROUNDS]

Prints the figures (see `figures`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local.runtime.paths import SPARK_CACHE
from local.spark import appcds, class_archive, filesystem, training_s3
from local.spark.java import java_home
from local.spark.launch import Launch
from tests.benchmarks.figures import Figures, at_least_one, command_line

SCRIPT = """
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
rows = spark.range(1000).groupBy((F.col("id") % 7).alias("k")).agg(F.sum("id").alias("s"))
rows.write.parquet("s3://bench/out")
assert spark.read.parquet("s3://bench/out").count() == 7
"""


def run(archive: class_archive.Archive | None) -> float:
    """Seconds of one run."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(SCRIPT, encoding="utf-8")
        launch = Launch(
            scratch=Path(folder, "scratch"),
            conf_dir=class_archive.conf_dir(SPARK_CACHE),
            java_home=java_home(),
            jar=filesystem.prepare(SPARK_CACHE, java_home()),
            archive=archive,
        )
        with training_s3.serving() as endpoint:
            environment = launch.environment() | {"AWS_ENDPOINT_URL": endpoint}
            began = time.monotonic()
            subprocess.run([sys.executable, str(script)], env=environment, check=True, capture_output=True)
            return time.monotonic() - began


def main() -> None:
    """Run the command line."""
    parser = command_line("spark_start", __doc__)
    parser.add_argument("rounds", nargs="?", type=at_least_one, default=5, help="measurements of each way")
    rounds = parser.parse_args().rounds
    archive = appcds.prepare(SPARK_CACHE)
    if archive is None:
        sys.exit("there is no archive to measure")
    run(archive)  # warms the disk's cache
    with_archive, without = [], []
    for _ in range(rounds):
        with_archive.append(run(archive))
        without.append(run(None))
    figures = Figures("spark_start", rounds)
    figures.write("spark.start.with_archive", with_archive, "s")
    figures.write("spark.start.without_archive", without, "s")
    figures.ratio("spark.start.ratio_without_archive", without, with_archive)


if __name__ == "__main__":
    main()
