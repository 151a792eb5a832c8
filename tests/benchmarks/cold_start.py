"""Cold starts of the functions, beside a bare Chalice app with one boto3 client, from the packaged zip.

    .venv/bin/python -m tests.benchmarks.cold_start [--package build/package/deployment.zip] [--rounds 5]

Each start is a new process that has only the unpacked zip on its path (started_function.py) and writes no
byte-code, because Lambda's code folder is read-only. AWS is moto over HTTP, in this process. A round starts
the floor and each function once, so both sides of a ratio ran under the same load. Figures:

    api.cold_import.ratio         import of `app` to that of the floor
    api.cold_start.<function>     import and first invocation, as CPU seconds, and as a ratio to the floor's

`memory_size.py` measures the same starts with the CPU of each memory size.
"""

from __future__ import annotations

import copy
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.server import ThreadedMotoServer

from tests.benchmarks.figures import Figures, command_line
from tests.benchmarks.packaged import PACKAGE, account, unpacked
from tests.support.identity import Issuer, serving_issuer
from tests.support.rest_event import rest_event
from tests.support.small_account import TABLE, settings

_INVOCATIONS = 11
"""Invocations of a function in each start: the first, and warm ones."""

_START = Path(__file__).with_name("started_function.py")
THROTTLE = Path(__file__).with_name("throttle.py")
_OUTSIDE = "import_outside_of_lambda"
_IN_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": "/var/task",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9",
    "PYCRYPTODOME_DISABLE_GMP": "1",  # as in functions.json
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "_X_AMZN_TRACE_ID": "Root=1-5e1b4151-5ac6c58dc39a6b53c4a2ad3f;Parent=53995c3f42cd8ad8;Sampled=0",
}


Events = dict[str, tuple[str, list[dict[str, Any]]]]
"""Handler and events by name, an event for each invocation."""


class Functions:
    """The functions in an account of moto over HTTP: their handlers, events and variables.

    The table is the same before each start, so that a start does not find what another has created.
    """

    def __init__(self, folder: Path, variables: dict[str, str], events: Events) -> None:
        self.variables = variables
        self._folder = folder
        self._events = events
        self._table = dynamodb_backends[ACCOUNT_ID]["us-east-1"].tables[TABLE]
        self._items = copy.deepcopy(self._table.items)
        for name, (_, invocations) in events.items():
            self._file(name).write_text(json.dumps(invocations), encoding="utf-8")

    @property
    def names(self) -> list[str]:
        """Return the names of all, the floor first."""
        return list(self._events)

    def start(self, package: Path, name: str, *, in_lambda: bool = True, share: float = 1) -> dict[str, Any]:
        """Start a function in a new process with a share of a CPU, and return what it printed."""
        self._table.items = copy.deepcopy(self._items)
        handler = self._events[name][0]
        command = [
            sys.executable,
            "-I",
            "-S",
            "-B",
            str(_START),
            str(package),
            handler,
            str(self._file(name)),
        ]
        done = subprocess.run(
            [sys.executable, str(THROTTLE), str(share), *command],
            env={**self.variables, **(_IN_LAMBDA if in_lambda else {})},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


@contextmanager
def served(folder: Path) -> Iterator[Functions]:
    """Yield the functions, with a READY environment and those of 19 others in AWS."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it reports each request
    with serving_issuer() as issuer, account(issuer) as (_, environment):
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        variables = {**settings(issuer), "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
        try:
            yield Functions(folder, variables, _events(issuer, environment))
        finally:
            server.stop()


def _events(issuer: Issuer, environment: dict[str, Any]) -> Events:
    def token(owner: str, *groups: str) -> str:
        return issuer.token(owner, groups=groups, exp=2_000_000_000)

    path, all_ = f"/environments/{environment['id']}", "/environments"
    get = [rest_event("GET", "/environments/{environment_id}", path, token=token("ana"))] * _INVOCATIONS
    page = [rest_event("GET", all_, f"{all_}?limit=20", token=token("root", "admins"))] * _INVOCATIONS
    create = [
        rest_event("POST", all_, all_, token=token(f"ben-{number}"), body={})
        for number in range(_INVOCATIONS)
    ]
    scheduled = [_event("aws.events", "Scheduled Event", {})] * _INVOCATIONS
    run = {"jobName": environment["outputs"]["job_id"], "jobRunId": "jr_0", "state": "SUCCEEDED"}
    ended = [_event("aws.glue", "Glue Job State Change", run)] * _INVOCATIONS
    return {
        "floor": ("floor", get),
        "get_environment": ("app.app", get),
        "create_environment": ("app.app", create),
        "list_environments_admin_20": ("app.app", page),
        "tick": ("app.tick", scheduled),
        "deliver": ("app.deliver", scheduled),
        "job_changed": ("app.job_changed", ended),
    }


def main() -> None:
    """Run the command line."""
    parser = command_line("cold_start", __doc__, rounds=5)
    parser.add_argument("--package", type=Path, default=PACKAGE, help="zip of `make package`")
    options = parser.parse_args()
    figures = Figures("cold_start", options.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = unpacked(options.package, folder)
        figures.write("api.zip", options.package.stat().st_size / 1e6, "MB")
        rounds: list[dict[str, dict[str, Any]]] = []
        with served(folder) as functions:
            for number in range(options.rounds + 1):  # the first fills the caches of the disk
                found = {name: functions.start(package, name) for name in functions.names}
                found[_OUTSIDE] = functions.start(package, "get_environment", in_lambda=False)
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
    ratio("api.cold_import.outside_of_lambda.ratio", _OUTSIDE, "import", clock="wall")
    for function in rounds[0]:
        if function == _OUTSIDE:
            continue
        starts = [found[function] for found in rounds]
        cpu = [each["import"]["cpu"] + each["first"]["cpu"] for each in starts]
        wall = [each["import"]["wall"] + each["first"]["wall"] for each in starts]
        figures.write(f"api.cold_start.{function}", cpu, "ms of CPU", modules=starts[0]["modules"])
        figures.write(f"api.cold_start.{function}.wall", wall, "ms")
        figures.write(f"api.cold_start.{function}.memory", [each["peak_mb"] for each in starts], "MB")
        if function != "floor":
            ratio(f"api.cold_start.{function}.ratio", function, "import", "first", clock="cpu")


def _event(source: str, kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"version": "0", "id": "1", "detail-type": kind, "source": source, "account": "123456789012"},
        **{"time": "2026-11-27T12:00:00Z", "region": "us-east-1", "resources": [], "detail": detail},
    }


if __name__ == "__main__":
    main()
