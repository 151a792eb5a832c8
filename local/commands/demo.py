"""Demo: requests a sandbox over HTTP, runs its job and shows the resulting table."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.commands.up import Running, UpOptions, running
from local.runtime.processes import Failed, interrupt_on_signals
from local.runtime.progress import Progress

LEARNER = "ana"

_READY_SECONDS = 300.0
_RUN_SECONDS = 1800.0
_POLL_SECONDS = 0.25
_CALL_SECONDS = 60.0
_LOG_LINES = 8
_ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")

_ROWS = """
    SELECT order_id[:8] AS order_id, order_status AS status, order_purchase_ts, customer_city AS city,
           qty_order_items AS items, sum_order_price AS price, sum_payment_value AS paid,
           most_common_payment_type AS payment, review_best_score AS score
    FROM read_parquet($files, hive_partitioning = true) ORDER BY order_purchase_ts DESC, order_id LIMIT 10
"""
_TOTALS = "SELECT count(*), sum(sum_order_price) FROM read_parquet($files, hive_partitioning = true)"


class Times:
    """Duration of each step."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        began = self._clock()
        try:
            yield
        except Failed as error:
            raise Failed(f"The step '{name}' failed. {error}") from error
        self._steps.append((name, self._clock() - began))

    def line(self) -> str:
        """Return all steps and the total in one line."""
        steps = [*self._steps, ("all", self._clock() - self._began)]
        return " | ".join(f"{name} {seconds:.1f} s" for name, seconds in steps)


class Api:
    """Calls the API and prints the equivalent curl commands."""

    def __init__(self, url: str, token: str, progress: Progress) -> None:
        self._url = url
        self._token = token
        self._progress = progress
        # Calls to the loopback interface use no proxy.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def show(self, method: str, path: str) -> None:
        """Print the curl command of a call."""
        option = "" if method == "GET" else f"-X {method} "
        self._progress.say(f'\n$ curl -s {option}{self._url}{path} -H "Authorization: Bearer $TOKEN"')

    def call(self, method: str, path: str) -> Any:
        """Return the JSON of a response. Raises `Failed` with the problem document for an error status."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback URL
            self._url + path, method=method, headers={"Authorization": f"Bearer {self._token}"}
        )
        try:
            with self._opener.open(request, timeout=_CALL_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
            raise Failed(f"{method} {path} returned {error.code}: {answer}") from error
        except OSError as error:
            raise Failed(f"{method} {path} got no response: {error}") from error


def run(options: UpOptions) -> None:
    """Run the whole demo. Raises `Failed` if a step fails."""
    interrupt_on_signals()
    progress = Progress()
    times = Times()
    with contextlib.ExitStack() as stack:
        with times.step("start"):
            progress.say("Starting the AWS emulator and the API, publishing a release.")
            up = stack.enter_context(running(options, progress))
            progress.say(
                f"  Portal        {up.api}/  (sign in as {LEARNER} to look at it while the demo runs)\n"
                f"  API           {up.api}\n"
                f"  AWS emulator  {up.aws}\n"
                f"  release       {up.release}"
            )
        _run_steps(up, progress, times)
        with times.step("stop"):
            stack.close()
    progress.say(f"\nDone: {times.line()}.\n`make up` starts the portal again and keeps it running.")


def _run_steps(up: Running, progress: Progress, times: Times) -> None:
    progress.say(f"\n$ TOKEN=$(python -m local token {LEARNER})    # a JWT, issued by the emulator's Cognito")
    api = Api(up.api, up.token(LEARNER), progress)
    with times.step("environment"):
        environment = _environment(api, progress)
    with times.step("run"):
        run = _run(api, environment, progress)
    with times.step("rows"):
        _rows(up, run["output"]["location"], progress)


def _environment(api: Api, progress: Progress) -> Any:
    api.show("POST", "/environments")
    environment = api.call("POST", "/environments")
    progress.say(f"environment {environment['id']} of {environment['owner']} is {environment['status']}")
    path = f"/environments/{environment['id']}"
    api.show("GET", path)

    def describe() -> str:
        nonlocal environment
        environment = api.call("GET", path)
        done, total = environment["progress"]["done"], environment["progress"]["total"]
        busy = [
            resource["logical_id"]
            for resource in environment["progress"]["resources"]
            if resource["status"].endswith("_IN_PROGRESS")
            and resource["type"] != "AWS::CloudFormation::Stack"
        ]
        return " ".join([f"{environment['status']} {done}/{total}", *busy[:4]])

    progress.watch(
        describe, lambda: environment["status"] in ("READY", "FAILED"), _READY_SECONDS, _POLL_SECONDS
    )
    if environment["status"] != "READY":
        raise Failed(f"The environment is {environment['status']}: {_cause(environment['failure'])}")
    outputs = environment["outputs"]
    progress.say(
        f"READY: {environment['progress']['done']} resources\n"
        f"  buckets    {', '.join(outputs['buckets'].values())}\n"
        f"  databases  {', '.join(outputs['databases'].values())}\n"
        f"  job        {outputs['job_id']}"
    )
    return environment


def _run(api: Api, environment: Any, progress: Progress) -> Any:
    runs = f"/jobs/{environment['outputs']['job_id']}/runs"
    api.show("POST", runs)
    run = api.call("POST", runs)
    progress.say(f"run {run['id']} is {run['status']} and costs at most {run['max_cost_usd']} USD")
    path = f"{runs}/{run['id']}"
    api.show("GET", path)

    def describe() -> str:
        nonlocal run
        run = api.call("GET", path)
        return str(run["status"])

    progress.watch(describe, lambda: run["status"] in _ENDED, _RUN_SECONDS, _POLL_SECONDS)
    progress.say(
        f"{run['status']}: {run['execution_seconds']} s, {run['dpu_seconds']:g} DPU-seconds, "
        f"{run['cost_usd']} USD"
    )
    stream = "output" if run["status"] == "SUCCEEDED" else "error"
    api.show("GET", f"{path}/logs?stream={stream}")
    progress.say("\n".join(f"  {line}" for line in _log(api, path, stream)[-_LOG_LINES:]))
    if run["status"] != "SUCCEEDED":
        raise Failed(f"The run is {run['status']}: {_cause(run['error'])}")
    return run


def _log(api: Api, path: str, stream: str) -> list[str]:
    lines: list[str] = []
    cursor = ""
    while True:
        page = api.call("GET", f"{path}/logs?stream={stream}&limit=1000{cursor}")
        lines += [line["message"].rstrip() for line in page["items"]]
        if not page["items"] or not page["next"]:
            return lines
        cursor = f"&cursor={urllib.parse.quote(page['next'])}"


def _rows(up: Running, location: str, progress: Progress) -> None:
    """Print ten rows of the Parquet files below `location`, read by DuckDB."""
    import duckdb  # takes a fifth of a second, in which everything can start

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    progress.say(f"\nThe table, downloaded from {location} with boto3 and read by DuckDB:")
    s3 = up.clients("s3")
    with tempfile.TemporaryDirectory() as folder:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if item["Key"].endswith(".parquet"):
                    file = Path(folder, item["Key"])
                    file.parent.mkdir(parents=True, exist_ok=True)
                    s3.download_file(bucket, item["Key"], str(file))
        files = f"{folder}/**/*.parquet"
        with duckdb.connect() as connection:
            count, total = connection.execute(_TOTALS, {"files": files}).fetchall()[0]
            table = connection.execute(_ROWS, {"files": files})
            columns = [name for name, *_ in table.description or []]
            rows = [[str(value) for value in row] for row in table.fetchall()]
    if not rows:
        raise Failed(f"{location} contains no rows.")
    progress.say(_aligned([columns, *rows]))
    progress.say(f"{count} rows in total; the sum of sum_order_price is {total}.")


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  " + "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cause(problem: Any) -> str:
    return json.dumps(problem, ensure_ascii=False, indent=2)
