"""Overhead of the API's handler: what a request costs without AWS.

    .venv/bin/python -m tests.benchmarks.handler_overhead [--package build/package/deployment.zip]

Records the answers of AWS to each request on moto, with the real event of API Gateway. Then a process that
has only the package on its path (replayed_handler.py) calls the handler with the same events, while the
recorded answers replace HTTP. Of each call it subtracts the time in the replaced part. What is left is
`total`, and without botocore's clients (signing, serializing, parsing) `own`, in CPU time. The floor is a
view of a bare Chalice app in the same process.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalice.local import LambdaContext
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from local.moto_patches.patching import replace_methods
from tests.benchmarks.figures import Figures, at_least_one, command_line, rounded
from tests.benchmarks.packaged import PACKAGE, account, unpacked
from tests.support.identity import Issuer, serving_issuer
from tests.support.rest_event import rest_event
from tests.support.small_account import settings

_REPLAY = Path(__file__).with_name("replayed_handler.py")
_RESOURCES = 30
"""Resources of a sandbox's stack. The small template has fewer."""


class Recorder:
    """Records what AWS answers."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        answer = BotocoreStubber.__call__

        def recorded(stubber: Any, event_name: str, request: Any, **kwargs: Any) -> Any:
            answered = answer(stubber, event_name, request, **kwargs)
            _, service, operation = event_name.split(".")
            content = answered.content if answered else b""
            self.calls.append(
                {
                    "target": f"{service}:{operation}",
                    "path": urlsplit(request.url).path,
                    "status": answered.status_code,
                    "headers": {name: str(value) for name, value in answered.headers.items()},
                    "body": content.decode(),
                }
            )
            answered.raw = MockRawResponse(content)  # a streamed body is read once
            return answered

        self._restore = replace_methods(BotocoreStubber, {"__call__": recorded})

    def close(self) -> None:
        self._restore()


def record(issuer: Issuer) -> list[dict[str, Any]]:
    """Return the requests, each with its event, its status and AWS's answers."""
    requests: list[dict[str, Any]] = []
    with account(issuer) as (api, environment):
        import app
        from chalicelib.domain.environment_parts import ResourceState

        store = app.service().environments._store
        known = store.environment(environment["id"])
        state = ResourceState("AWS::IAM::Role", "CREATE_COMPLETE", "2026-11-27T12:00:00.000000#3")
        resources = {f"Resource{number:02}": state for number in range(_RESOURCES)}
        store.save_environment(known, known.replace(resources={**known.resources, **resources}))
        own, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
        asked = {"timeout_minutes": 1, "number_of_workers": 2}
        run = api.call("POST", f"/jobs/{job}/runs", body=asked).body
        while api.call("GET", f"/jobs/{job}/runs/{run['id']}").body["status"] != "SUCCEEDED":
            pass  # moto's run advances when it is described

        context = LambdaContext("api_handler", memory_size=1024, max_runtime_ms=29_000)
        recorder = Recorder()
        app.service.cache_clear()  # so the first request records what a new process reads

        def add(
            name: str,
            method: str,
            route: str,
            path: str,
            status: int,
            *,
            owner: str | None = "ana",
            groups: tuple[str, ...] = (),
            body: Any = None,
        ) -> None:
            token = issuer.token(owner, groups=groups, exp=2_000_000_000) if owner else None
            event = rest_event(method, route, path, token=token, body=body)
            recorder.calls.clear()
            answer = app.app(event, context) if name != "floor" else {"statusCode": 200}
            expected = 200 if status == 304 else status
            assert answer["statusCode"] == expected, (name, answer)
            calls = list(recorder.calls)
            requests.append({"name": name, "event": json.dumps(event), "status": status, "calls": calls})

        admin: Any = {"owner": "root", "groups": ("admins",)}
        one, runs = "/environments/{environment_id}", "/jobs/{job_id}/runs"
        a_run = f"{runs}/{{run_id}}"
        add("floor", "GET", "/floor", "/floor", 200, owner=None)
        add("health", "GET", "/health", "/health", 200, owner=None)
        add("get_environment", "GET", one, own, 200)
        add("get_environment_304", "GET", one, own, 304)
        add("list_environments", "GET", "/environments", "/environments", 200)
        add("list_environments_admin_20", "GET", "/environments", "/environments", 200, **admin)
        add("create_environment", "POST", "/environments", "/environments", 202, owner="ben", body={})
        add("invalid_settings_422", "POST", "/environments", "/environments", 422, body={"mode": "x"})
        add("extend_environment", "PATCH", one, own, 200, body={"expires_in_hours": 100})
        add("list_events", "GET", f"{one}/events", f"{own}/events", 200)
        add("start_run", "POST", runs, f"/jobs/{job}/runs", 202, body=asked)
        add("get_run", "GET", a_run, f"/jobs/{job}/runs/{run['id']}", 200)
        add("list_runs", "GET", runs, f"/jobs/{job}/runs", 200)
        add("get_job", "GET", "/jobs/{job_id}", f"/jobs/{job}", 200)
        add("list_job_files", "GET", f"{one}/job/files", f"{own}/job/files", 200)
        add("me", "GET", "/me", "/me", 200)
        add("usage", "GET", "/usage", "/usage", 200)
        add("not_found_404", "GET", one, "/environments/aaaaaaaaaa", 404)
        add("no_token_401", "GET", one, own, 401, owner=None)
        recorder.close()
    return requests


@contextmanager
def xray_daemon() -> Iterator[str]:
    """Yield the address of a socket that discards what X-Ray's SDK sends, as Lambda's daemon accepts it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{daemon.getsockname()[1]}"


def main() -> None:
    """Run the command line."""
    parser = command_line("handler_overhead", __doc__, rounds=5)
    parser.add_argument("--package", type=Path, default=PACKAGE, help="zip of `make package`")
    parser.add_argument("--calls", type=at_least_one, default=100, help="calls of each request in a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving_issuer() as issuer, xray_daemon() as daemon:
        code, recording = unpacked(options.package, Path(folder)), Path(folder) / "recording.json"
        recording.write_text(json.dumps({"requests": record(issuer)}))
        environ = {
            **settings(issuer),
            "AWS_LAMBDA_FUNCTION_NAME": "api_handler",
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_XRAY_DAEMON_ADDRESS": daemon,
            "_X_AMZN_TRACE_ID": "Root=1-67000000-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        command = [sys.executable, "-I", "-S", "-B", str(_REPLAY), str(recording), str(code)]
        done = subprocess.run(
            [*command, str(options.rounds), str(options.calls)],
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    figures = Figures("handler_overhead", options.rounds)
    for part in ("own", "total"):
        for name, result in found.items():
            taken = {
                key: statistics.median(each[key] for each in result["rounds"]) for key in result["rounds"][0]
            }
            more = {"wall_ms": rounded(taken[f"wall_{part}"]), "aws_calls": len(result["aws_calls"])}
            values = [each[f"cpu_{part}"] for each in result["rounds"]]
            figures.write(f"handler.{name}.{part}", values, "ms", **more)
        routes = [result for name, result in found.items() if name != "floor"]
        of_rounds = [
            statistics.median(result["rounds"][number][f"cpu_{part}"] for result in routes)
            for number in range(options.rounds)
        ]
        figures.write(f"handler.median.{part}", of_rounds, "ms", routes=len(routes))


if __name__ == "__main__":
    main()
