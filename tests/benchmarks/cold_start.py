"""Cold starts of the functions, beside a bare Chalice app with one boto3 client, from the packaged zip.

    .venv/bin/python -m tests.benchmarks.cold_start [--package build/package/deployment.zip] [--rounds 5]

Each start is a new process that has only the unpacked zip on its path (started_function.py) and writes no
byte-code, because Lambda's code folder is read-only. AWS is moto over HTTP, in this process. A round starts
the floor and each function once, so both sides of a ratio ran under the same load. Figures:

    api.cold_import.ratio         import of `app` to that of the floor
    api.cold_start.<function>     import and first invocation, as CPU seconds, and as a ratio to the floor's
    api.memory.<function>         CPU seconds and peak memory, and what they mean for each memory size
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from chalice.test import Client
from moto.server import ThreadedMotoServer

from tests.benchmarks.figures import Figures
from tests.support.identity import serving_issuer
from tests.support.paths import ROOT
from tests.support.rest_event import rest_event
from tests.support.small_account import settings, small_account

_START = Path(__file__).with_name("started_function.py")
_SIZES = (256, 512, 1024, 1769)
_FULL = 1769
"""Memory with which a function has one vCPU; with less, its share is proportional:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_USD_PER_GB_SECOND = 0.0000166667
"""x86 in us-east-1: https://aws.amazon.com/lambda/pricing/"""
_IN_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": "/var/task",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9",
    "PYCRYPTODOME_DISABLE_GMP": "1",  # as in functions.json
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "_X_AMZN_TRACE_ID": "Root=1-5e1b4151-5ac6c58dc39a6b53c4a2ad3f;Parent=53995c3f42cd8ad8;Sampled=0",
}


@contextmanager
def served(folder: Path) -> Iterator[tuple[dict[str, str], dict[str, tuple[str, Path]]]]:
    """Yield the functions' variables, and handler and event by name, with a READY environment in AWS."""
    with serving_issuer() as issuer:
        os.environ.update(settings(issuer))
        sys.path.insert(0, str(ROOT / "chalice_app"))
        import app
        from tests.support.api import Api
        from tests.support.contract import Contract

        with small_account(), Client(app.app, project_dir=str(ROOT / "chalice_app")) as client:
            api = Api(client, issuer, app, Contract(json.loads((ROOT / "docs/openapi.json").read_text())))
            environment = api.ready_environment()
            server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            server.start()
            host, port = server.get_host_and_port()
            token = issuer.token("ana", exp=2_000_000_000)
            path = f"/environments/{environment['id']}"
            get = rest_event("GET", "/environments/{environment_id}", path, token=token)
            scheduled = _event("aws.events", "Scheduled Event", {})
            run = {"jobName": environment["outputs"]["job_id"], "jobRunId": "jr_0", "state": "SUCCEEDED"}
            events = {
                "floor": ("floor", get),
                "get_environment": ("app.app", get),
                "tick": ("app.tick", scheduled),
                "job_changed": ("app.job_changed", _event("aws.glue", "Glue Job State Change", run)),
            }
            files = {}
            for name, (handler, event) in events.items():
                file = folder / f"{name}.json"
                file.write_text(json.dumps(event), encoding="utf-8")
                files[name] = (handler, file)
            try:
                yield {**settings(issuer), "AWS_ENDPOINT_URL": f"http://{host}:{port}"}, files
            finally:
                server.stop()


def start(package: Path, handler: str, event: Path, environ: dict[str, str]) -> dict[str, Any]:
    """Start a function in a new process, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(_START), str(package), handler, str(event)],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{handler} failed:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cold_start")
    parser.add_argument("--package", type=Path, default=ROOT / "build/package/deployment.zip")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    figures = Figures("cold_start", options.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = folder / "package"
        with zipfile.ZipFile(options.package) as archive:
            archive.extractall(package)
        figures.write("api.zip", options.package.stat().st_size / 1e6, "MB")
        with served(folder) as (variables, events):
            rounds: list[dict[str, dict[str, Any]]] = []
            for number in range(options.rounds + 1):  # the first fills the caches of the disk
                found = {
                    function: start(package, handler, event, {**variables, **_IN_LAMBDA})
                    for function, (handler, event) in events.items()
                }
                found["import_outside_of_lambda"] = start(package, *events["get_environment"], variables)
                rounds += [found] if number else []
    report(figures, rounds)


def report(figures: Figures, rounds: list[dict[str, dict[str, Any]]]) -> None:
    """Write the figures."""
    floors = [found["floor"] for found in rounds]

    def ratio(figure: str, function: str, *parts: str, clock: str) -> None:
        values = [sum(found[function][part][clock] for part in parts) for found in rounds]
        figures.ratio(figure, values, [sum(floor[part][clock] for part in parts) for floor in floors])

    figures.write("api.cold_import.floor", [each["import"]["wall"] for each in floors], "ms")
    figures.write("api.cold_import", [found["get_environment"]["import"]["wall"] for found in rounds], "ms")
    ratio("api.cold_import.ratio", "get_environment", "import", clock="wall")
    ratio("api.cold_import.outside_of_lambda.ratio", "import_outside_of_lambda", "import", clock="wall")
    for function in rounds[0]:
        if function == "import_outside_of_lambda":
            continue
        starts = [found[function] for found in rounds]
        cpu = [each["import"]["cpu"] + each["first"]["cpu"] for each in starts]
        warm = median(each["warm"]["cpu"] for each in starts)
        peak = max(each["peak_mb"] for each in starts)
        figures.write(f"api.cold_start.{function}", cpu, "ms of CPU", modules=len(starts[0]["modules"]))
        if function == "floor":
            continue
        ratio(f"api.cold_start.{function}.ratio", function, "import", "first", clock="cpu")
        sizes = {
            str(size): {
                "cold_ms": round(median(cpu) * _FULL / size),
                "warm_ms": round(warm * _FULL / size, 1),
                "usd_per_million_cold": round(median(cpu) / 1e3 * _FULL / 1024 * _USD_PER_GB_SECOND * 1e6, 2),
                "usd_per_million_warm": round(warm / 1e3 * _FULL / 1024 * _USD_PER_GB_SECOND * 1e6, 2),
            }
            for size in _SIZES
        }
        figures.write(f"api.memory.{function}", peak, "MB", warm_cpu_ms=round(warm, 1), sizes=sizes)


def _event(source: str, kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"version": "0", "id": "1", "detail-type": kind, "source": source, "account": "123456789012"},
        **{"time": "2026-11-27T12:00:00Z", "region": "us-east-1", "resources": [], "detail": detail},
    }


if __name__ == "__main__":
    main()
