"""Runs the packaged handler on recorded AWS answers, and prints what each call took: see handler_overhead.py.

    python -I -S -B tests/benchmarks/replayed_handler.py RECORDING PACKAGE ROUNDS CALLS

Has only the standard library and the unpacked package on its path, as in Lambda. Nothing here is imported
from the project, so that the process has no other packages and no other objects than a Lambda has.

HTTP is replaced where botocore sends a request. Three times are taken of each call of the handler: the whole,
the part in botocore's clients, and the part in sending. The last is AWS's, and is subtracted.
"""

from __future__ import annotations

import gc
import io
import json
import statistics
import sys
import time
from collections import deque
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

_CLOCKS = {"wall": time.perf_counter_ns, "cpu": time.process_time_ns}


class Stopwatch:
    """Nanoseconds in one part of a call, by clock. Nested parts count once."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(_CLOCKS, 0)
        self._depth = 0
        self._since: dict[str, int] = {}

    def __enter__(self) -> None:
        if self._depth == 0:
            self._since = {name: read() for name, read in _CLOCKS.items()}
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            for name, read in _CLOCKS.items():
                self.spent[name] += read() - self._since[name]

    def take(self) -> dict[str, int]:
        """Return what was spent, and start again."""
        spent, self.spent = self.spent, dict.fromkeys(_CLOCKS, 0)
        return spent


class Answers:
    """Recorded answers of AWS: first those of the request, then any of the same call (for caches)."""

    def __init__(self, requests: list[dict[str, Any]]) -> None:
        calls = [call for request in requests for call in request["calls"]]
        self._any = {(call["target"], call["path"]): call for call in calls}
        self._next: deque[dict[str, Any]] = deque()
        self.targets: list[str] = []

    def expect(self, request: dict[str, Any]) -> None:
        self._next = deque(request["calls"])
        self.targets.clear()

    def answer(self, target: str, path: str) -> dict[str, Any]:
        self.targets.append(target)
        if self._next and (self._next[0]["target"], self._next[0]["path"]) == (target, path):
            return self._next.popleft()
        return self._any[target, path]


def install(answers: Answers, sending: Stopwatch, client: Stopwatch) -> None:
    """Replace HTTP of botocore. Must run before the app is imported: X-Ray wraps the same method."""
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.httpsession import URLLib3Session

    class Raw(io.BytesIO):
        def stream(self, amt: int = 65536, **_: Any) -> Any:
            while chunk := self.read(amt):
                yield chunk

    def send(_: URLLib3Session, request: Any) -> AWSResponse:
        with sending:
            call = answers.answer(current[-1], urlsplit(request.url).path)
            return AWSResponse(request.url, call["status"], call["headers"], Raw(call["body"].encode()))

    current: list[str] = []
    call_aws = BaseClient._make_api_call

    def make_api_call(self: Any, operation_name: str, api_params: Any) -> Any:
        with client:
            current.append(f"{self.meta.service_model.service_name}:{operation_name}")
            try:
                return call_aws(self, operation_name, api_params)
            finally:
                current.pop()

    URLLib3Session.send = send
    BaseClient._make_api_call = make_api_call


def measure(recording: dict[str, Any], rounds: int, calls: int) -> dict[str, Any]:
    """Return by request the medians of each round, in milliseconds, and the targets of its AWS calls."""
    answers, sending, client = Answers(recording["requests"]), Stopwatch(), Stopwatch()
    install(answers, sending, client)
    from chalice.app import Chalice

    import app as service

    floor = Chalice(app_name="floor", configure_logs=False)
    floor.route("/floor")(lambda: {"status": "ok"})
    context = SimpleNamespace(
        function_name="api_handler",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:api_handler",
        aws_request_id="6d7b2d0b-5a3e-4c28-9a4d-0f5e3d8b7c11",
        get_remaining_time_in_millis=lambda: 29_000,
    )

    def once(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
        answers.expect(request)
        event = json.loads(request["event"])
        handler = floor if request["name"] == "floor" else service.app
        started = {name: read() for name, read in _CLOCKS.items()}
        answer = handler(event, context)
        total = {name: read() - started[name] for name, read in _CLOCKS.items()}
        sent, in_client = sending.take(), client.take()
        parts = {
            name: {
                "total": total[name] - sent[name],
                "own": total[name] - in_client[name],
            }
            for name in _CLOCKS
        }
        return answer, parts

    requests: list[dict[str, Any]] = recording["requests"]
    for request in requests:  # the first call of each route builds the service and validators
        answer, _ = once(request)
        if answer["statusCode"] not in (200, request["status"]):
            raise AssertionError((request["name"], answer))
        if request["status"] == 304:
            event = json.loads(request["event"])
            headers = dict(event["headers"], **{"If-None-Match": answer["headers"]["ETag"]})
            multi = {name: [value] for name, value in headers.items()}
            request["event"] = json.dumps(event | {"headers": headers, "multiValueHeaders": multi})
    # As in Lambda, what the start created stays.
    gc.collect()
    found: dict[str, Any] = {request["name"]: {"rounds": []} for request in requests}
    for _ in range(rounds):
        for request in requests:
            taken: dict[str, dict[str, list[float]]] = {clock: {"total": [], "own": []} for clock in _CLOCKS}
            for _ in range(calls):
                answer, parts = once(request)
                if answer["statusCode"] != request["status"]:
                    raise AssertionError((request["name"], answer))
                for clock, split in parts.items():
                    for name, spent in split.items():
                        taken[clock][name].append(spent / 1e6)
            result = found[request["name"]]
            result["aws_calls"] = list(answers.targets)
            result["rounds"].append(
                {
                    f"{clock}_{name}": statistics.median(values)
                    for clock, split in taken.items()
                    for name, values in split.items()
                }
            )
    return found


if __name__ == "__main__":
    recording_file, package, number_of_rounds, number_of_calls = sys.argv[1:]
    sys.path.insert(0, package)
    with open(recording_file, encoding="utf-8") as file:
        recorded = json.load(file)
    results = measure(recorded, int(number_of_rounds), int(number_of_calls))
    print(json.dumps(results))
