"""Latency and cost of the functions by memory size, from the packaged zip.

    .venv/bin/python -m tests.benchmarks.memory_size [--package build/package/deployment.zip] [--rounds 3]

Lambda gives CPU in proportion to memory, and one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Starts of cold_start.py run with the
share of each size (throttle.py). AWS is moto over HTTP, in this process, so a call of AWS takes some
milliseconds, as in the cloud. Figures, each by function and size:

    memory.throttle     the share of a loop of Python that only computes, and the one that it should have
    memory.peak         resident memory: a function needs more than that
    memory.cold         import and first invocation. AWS imports with a full vCPU, so the import is that of
                        1,769 MB: https://serverlessland.com/content/service/lambda/guides/
                        effectively-running-java-on-serverless/init-heavy-lifting
    memory.cold_at_share    the same if the import had the share as well
    memory.warm         one of ten later invocations that follow each other without a pause
    memory.cold_usd, memory.warm_usd    USD per million invocations: duration x memory, and the requests
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.cold_start import THROTTLE, served
from tests.benchmarks.figures import Figures, command_line
from tests.benchmarks.packaged import PACKAGE, unpacked
from tests.benchmarks.processes import locked

SIZES = (128, 256, 512, 1024, 1769)
_FULL = 1769
_LEFT_OUT = ("floor", "job_changed")
_USD_PER_GB_SECOND, _USD_PER_MILLION_REQUESTS = 0.0000166667, 0.20
"""x86 in us-east-1 (https://aws.amazon.com/lambda/pricing/). The import is billed since August 2025:
https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/"""
_LOOP = """
import time
began = time.monotonic()
while time.process_time() < 0.3:
    pass
print(time.process_time() / (time.monotonic() - began))
"""

Round = dict[tuple[str, int], dict[str, Any]]


def usd_per_million(ms: float, size: int) -> float:
    """Return the price of a million invocations."""
    return ms / 1e3 * size / 1024 * _USD_PER_GB_SECOND * 1e6 + _USD_PER_MILLION_REQUESTS


def loop_share(share: float) -> float:
    """Return the share of a CPU that a throttled loop has."""
    command = [sys.executable, str(THROTTLE), str(share), sys.executable, "-S", "-c", _LOOP]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Run the command line."""
    parser = command_line("memory_size", __doc__, rounds=3)
    parser.add_argument("--package", type=Path, default=PACKAGE, help="zip of `make package`")
    parser.add_argument(
        "--lock", type=Path, metavar="FILE", help="lock FILE during each round, so that others wait"
    )
    options = parser.parse_args()
    figures = Figures("memory_size", options.rounds, arguments=f"--rounds {options.rounds}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = unpacked(options.package, folder)
        with served(folder) as functions:
            names = [each for each in functions.names if each not in _LEFT_OUT]
            for each in names:
                functions.start(package, each)  # fills the caches of the disk
            rounds: list[Round] = []
            shares: list[dict[int, float]] = []
            for _ in range(options.rounds):
                with locked(options.lock):
                    shares.append({size: loop_share(size / _FULL) for size in SIZES})
                    rounds.append(
                        {
                            (each, size): functions.start(package, each, share=size / _FULL)
                            for each in names
                            for size in SIZES
                        }
                    )
    for size in SIZES:
        had = [each[size] for each in shares]
        figures.write("memory.throttle", had, "CPU", size=size, wanted=round(size / _FULL, 4))
    for each in names:
        report(figures, rounds, each)


def report(figures: Figures, rounds: list[Round], function: str) -> None:
    """Write the figures of a function."""
    peak = max(found[function, size]["peak_mb"] for found in rounds for size in SIZES)
    figures.write("memory.peak", peak, "MB", function=function)
    for size in SIZES:
        starts = [found[function, size] for found in rounds]
        imports = [found[function, _FULL]["import"]["wall"] for found in rounds]
        first = [each["first"]["wall"] for each in starts]
        cold = [sum(pair) for pair in zip(imports, first, strict=True)]
        warm = [each["warm"]["wall"] for each in starts]
        at_share = [each["import"]["wall"] + each["first"]["wall"] for each in starts]
        of: dict[str, Any] = {"function": function, "size": size}
        figures.write("memory.cold", cold, "ms", **of)
        figures.write("memory.cold_at_share", at_share, "ms", **of)
        figures.write("memory.warm", warm, "ms", **of, cpu_ms=median(each["warm"]["cpu"] for each in starts))
        figures.write("memory.cold_usd", [usd_per_million(ms, size) for ms in cold], "USD", **of)
        figures.write("memory.warm_usd", [usd_per_million(ms, size) for ms in warm], "USD", **of)


if __name__ == "__main__":
    main()
