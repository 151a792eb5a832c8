"""Speed of the laptop's commands: the demo, the first answer of `make up`, job runs, and the set-up.

    .venv/bin/python -m tests.benchmarks.laptop_speed [demo] [answer] [run] [set-up] [--rounds N]

`run` starts two instances, one with a spare process and one without, and runs the job of a sandbox on each in
turn. `set-up` installs everything into a temporary copy of the checkout, with the packages in pip's cache.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.runtime.paths import ROOT
from tests.benchmarks.figures import Figures, command_line
from tests.support.local_up import LOCAL, Caller, Up, eventually, running_up

_PARTS = ("demo", "answer", "run", "set-up")
_ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
_STEP = re.compile(r"(start|environment|run|rows|stop|all) ([0-9.]+) s")
_SETTLE_SECONDS = 15.0


def demo(figures: Figures, rounds: int) -> None:
    """The whole demo as its user sees it, from the command to its end, and its steps."""
    steps: dict[str, list[float]] = {}
    for _ in range(rounds):
        began = time.monotonic()
        output = subprocess.run([*LOCAL, "demo"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        steps.setdefault("wall", []).append(time.monotonic() - began)
        for name, seconds in _STEP.findall(output.splitlines()[-2]):
            steps.setdefault(name, []).append(float(seconds))
    for name in ("wall", "start", "environment", "run", "stop"):
        figures.write(f"laptop.demo.{name}", steps[name], "s")


def answer(figures: Figures, rounds: int) -> None:
    """Seconds from the command `up` to the first answers of its API, and until everything is ready."""
    seen: dict[str, list[float]] = {"portal": [], "health": [], "ready": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            port, ready = _free_port(), Path(folder, "ready.json")
            url = f"http://127.0.0.1:{port}"
            command = [*LOCAL, "up", "--port", str(port), "--ready-file", str(ready), "--state", folder]
            began = time.monotonic()
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
            try:
                for name, page in (("portal", f"{url}/"), ("health", f"{url}/health")):
                    eventually(lambda page=page: _answers(page), 60)
                    seen[name].append(time.monotonic() - began)
                eventually(ready.exists, 60)
                seen["ready"].append(time.monotonic() - began)
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(60)
    for name, seconds in seen.items():
        figures.write(f"laptop.up.{name}", seconds, "s")


def run(figures: Figures, rounds: int) -> None:
    """A run of a sandbox's job, from the request until it has ended, with and without a spare process."""
    seconds: dict[str, list[float]] = {"always": [], "never": []}
    with ExitStack() as stack:
        jobs = {spare: stack.enter_context(_sandbox(spare)) for spare in seconds}
        for _ in range(rounds):
            for spare, (up, caller, path) in jobs.items():
                if spare == "always":
                    eventually(lambda up=up: _has_spare(up), 120)
                time.sleep(_SETTLE_SECONDS)  # the other side's work, and the spare's, has ended
                began = time.monotonic()
                asked = caller.call("POST", path, {})
                ended = caller.until(asked.headers["Location"], _ENDED, seconds=300)[-1]
                assert ended["status"] == "SUCCEEDED", ended
                seconds[spare].append(time.monotonic() - began)
    figures.write("laptop.run.spare", seconds["always"], "s")
    figures.write("laptop.run.own_process", seconds["never"], "s")
    figures.ratio("laptop.run.ratio", seconds["always"], seconds["never"])


def set_up(figures: Figures, rounds: int) -> None:
    """`make .venv/.set-up` in a copy of the checkout without an environment."""
    seconds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "checkout")
            ignored = shutil.ignore_patterns(
                ".venv", ".git", "node_modules", ".local", "build", "__pycache__"
            )
            shutil.copytree(ROOT, copy, ignore=ignored)
            environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
            began = time.monotonic()
            subprocess.run(["make", ".venv/.set-up"], cwd=copy, check=True, env=environ, capture_output=True)
            seconds.append(time.monotonic() - began)
            # The class archive is made in the background.
            eventually(lambda copy=copy: not _uses(copy), 300)
    figures.write("laptop.set_up", seconds, "s")


@contextmanager
def _sandbox(spare: str) -> Iterator[tuple[Up, Caller, str]]:
    """An instance with a sandbox. Yields the path of its job's runs."""
    with tempfile.TemporaryDirectory() as folder, running_up(Path(folder), "--spare", spare) as up:
        caller = up.caller("ana")
        asked = caller.call("POST", "/environments", {})
        ready = caller.until(asked.headers["Location"], {"READY", "FAILED"})[-1]
        yield up, caller, f"/jobs/{ready['outputs']['job_id']}/runs"


def _has_spare(up: Up) -> bool:
    runs = Path(up.ready["state"], "runs")
    return any(runs.glob("spare_*/ready"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as response:
            return bool(response.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False


def _uses(folder: Path) -> bool:
    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    return str(folder) in listing


def main() -> None:
    """Measure the parts of the command line, by default all."""
    parser = command_line("laptop_speed", __doc__, rounds=3)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(_PARTS)}; default: all")
    options = parser.parse_args()
    figures = Figures("laptop_speed", options.rounds)
    measures = {"demo": demo, "answer": answer, "run": run, "set-up": set_up}
    if unknown := set(options.parts) - set(measures):
        parser.error(f"unknown: {', '.join(unknown)}")
    for part in options.parts or measures:
        measures[part](figures, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
