"""Starts one function of the unpacked package as Lambda does, and prints what that took: see cold_start.py.

    python -I -S -B tests/benchmarks/started_function.py PACKAGE HANDLER EVENTS

Has only the standard library and the unpacked package on its path. HANDLER is `app.tick`, for example, or
`floor` for a bare Chalice app with one boto3 client. EVENTS is a file with a list of events, one for each
invocation.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from types import SimpleNamespace
from typing import Any


class Stopwatch:
    """Milliseconds of wall and CPU time since the last call."""

    def __init__(self) -> None:
        self.since = (time.perf_counter_ns(), time.process_time_ns())

    def __call__(self) -> dict[str, float]:
        now = (time.perf_counter_ns(), time.process_time_ns())
        wall, cpu = ((new - old) / 1e6 for new, old in zip(now, self.since, strict=True))
        self.since = (time.perf_counter_ns(), time.process_time_ns())
        return {"wall": wall, "cpu": cpu}


def floor() -> Any:
    """Return a bare Chalice app with one boto3 client."""
    import boto3
    from chalice.app import Chalice

    app = Chalice(app_name="floor")
    client = boto3.client("dynamodb")

    @app.route("/environments/{environment_id}")
    def get(environment_id: str) -> dict[str, str]:
        key = {"pk": {"S": f"ENV#{environment_id}"}, "sk": {"S": "ENV"}}
        client.get_item(TableName="terraglue", Key=key)
        return {"id": environment_id}

    return app


def peak_mb() -> float:
    """Return the peak of resident memory. `getrusage` would include that of the process before `exec`."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Run the command line."""
    package, handler, events_file = sys.argv[1:]
    with open(events_file, encoding="utf-8") as file:
        events = json.load(file)
    sys.path.insert(0, package)
    context = SimpleNamespace(
        function_name=handler,
        memory_limit_in_mb=1024,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{handler}",
        aws_request_id="6d7b2d0b-5a3e-4c28-9a4d-0f5e3d8b7c11",
        get_remaining_time_in_millis=lambda: 29_000,
    )
    spent = Stopwatch()
    if handler == "floor":
        function = floor()
    else:
        module, _, name = handler.rpartition(".")
        function = getattr(importlib.import_module(module), name)
    imported = spent()
    answers = [function(events[0], context)]
    first_call, modules = spent(), len(sys.modules)
    warm = []
    for event in events[1:]:
        spent()
        answers.append(function(event, context))
        warm.append(spent())
    for answer in answers:
        if isinstance(answer, dict) and answer.get("statusCode", 200) not in (200, 202):
            raise AssertionError(answer)
    print(
        json.dumps(
            {
                "import": imported,
                "first": first_call,
                "warm": {clock: statistics.median(each[clock] for each in warm) for clock in warm[0]},
                "peak_mb": peak_mb(),
                "modules": modules,
            }
        )
    )


if __name__ == "__main__":
    main()
