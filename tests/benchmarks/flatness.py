"""Cost of requests with 10, 1,000 and 100,000 environments in the table.

    .venv/bin/python -m tests.benchmarks.flatness [--environments 10 1000 100000]

Calls the app with the events of API Gateway, on fakes of AWS in this process (tests/support/fake_account.py).
moto scans its table in each query, so its time says nothing. The time in the fakes is subtracted, and
the calls and the items that DynamoDB reads are counted. Each size has a table and a service of its own, and
takes turns with the others.
"""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalice.local import LambdaContext

from tests.benchmarks.figures import Figures, at_least_one, command_line
from tests.benchmarks.replayed_handler import Stopwatch
from tests.support.identity import AUDIENCE, ISSUER, Issuer, serving_issuer
from tests.support.paths import ROOT
from tests.support.rest_event import rest_event

sys.path.insert(0, str(ROOT / "chalice_app"))

_RESOURCES = 30
_OWNER = "owner-3"
_ONE = "envaaaaaad"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Timed:
    """A client of AWS whose calls are timed, and counted with the items that they return."""

    def __init__(self, client: Any, watch: Stopwatch, log: list[tuple[str, int]]) -> None:
        self._client, self._watch, self._log = client, watch, log

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._watch:
                answer = found(*args, **kwargs)
            listed = answer.get("Items") if isinstance(answer, dict) else None
            if isinstance(answer, dict) and "Responses" in answer:
                [listed] = answer["Responses"].values()
            self._log.append((name, len(listed) if listed is not None else 1))
            return answer

        return call


class Size:
    """A service with a number of environments."""

    def __init__(self, environments: int, issuer: Issuer) -> None:
        from chalicelib.domain.capacity import Capacity
        from chalicelib.wiring import build
        from tests.support import fake_account

        self.environments = environments
        self.watch = Stopwatch()
        self.log: list[tuple[str, int]] = []
        account = fake_account.account()
        fill(account.dynamodb, environments)
        client = account.client
        account.client = lambda service, **_: (  # type: ignore[method-assign]
            found and Timed(found, self.watch, self.log) if (found := client(service)) else None
        )
        config = replace(
            fake_account.config(Capacity(10**6, 10**6)),
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks_uri=issuer.jwks_uri,
            owner_claim="sub",
        )
        self.service = build(config, clock=account.clock, session=account)  # type: ignore[arg-type]
        account.clock.wait(timedelta(days=1).total_seconds())


def fill(table: Any, environments: int) -> None:
    """Put environments into a table, each with its owner's records and one charge."""
    from chalicelib.aws.dynamodb_values import serialize
    from chalicelib.domain.charge import charge_of
    from chalicelib.domain.environment import Status
    from chalicelib.domain.environment_parts import Outputs, ResourceState
    from chalicelib.storage import items
    from chalicelib.storage.ledger import charge_item
    from tests.support import records

    state = ResourceState("AWS::IAM::Role", "CREATE_COMPLETE", "2026-01-01T00:00:00.000000#3")
    pattern = records.environment(1).replace(
        status=Status.READY,
        ready_at="2026-01-01T00:05:00.000Z",
        resources={f"Resource{number:02}": state for number in range(_RESOURCES)},
        outputs=Outputs(
            dict.fromkeys(("sor", "sot", "spec", "glue_assets", "athena_results"), "terraglue-bucket"),
            {"sot": "terraglue_sot"},
            "terraglue-aaaaaaaaaa-job",
            "arn:aws:iam::123456789012:role/terraglue",
            {"output": "/aws-glue/jobs/output", "error": "/aws-glue/jobs/error"},
        ),
        due_at="2027-01-01T00:00:00.000Z",
        expires_at="2027-01-01T00:00:00.000Z",
        charged_at="2026-01-01T01:00:00.000Z",
    )
    stored = serialize(items.environment_item(pattern))
    run = records.run(pattern).replace(completed_at="2026-01-01T00:50:00.000Z")
    charged = serialize(charge_item(charge_of(run, run.replace(cost_micro_usd=400), run.completed_at)))
    for number in range(environments):
        name = "env" + "".join(_ALPHABET[number >> shift & 31] for shift in range(30, -1, -5))
        owner, pk = {"S": f"owner-{number}"}, {"S": f"ENV#{name}"}
        at = {"S": f"2026-01-01T00:{number // 60_000:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"}
        item = {**stored, "pk": pk, "id": {"S": name}, "owner": owner, "gsi_owner": owner, "created_at": at}
        table.put(item)
        key = {"pk": {"S": f"OWNER#owner-{number}"}}
        table.put({**key, "sk": {"S": "OWNER"}, "environment_id": {"S": name}})
        table.put({**key, "sk": {"S": "BUDGET"}, "spent_micro_usd": {"N": "400"}})
        sk = {"S": charged["sk"]["S"].replace(pattern.id, name)}
        table.put({**charged, "sk": sk, "environment_id": {"S": name}, "owner": owner})


def requests(issuer: Issuer) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return events by name. The usage of all owners reads up to 20,000 charges and 2,000 environments."""
    one, names = "/environments/{environment_id}", itertools.count()
    admin = {"owner": "root", "groups": ("admins",)}

    def made(method: str, route: str, path: str, *, owner: str = _OWNER, **more: Any) -> Any:
        token = issuer.token(owner, groups=more.pop("groups", ()))
        event = rest_event(method, route, path, token=token, **more)
        return lambda: event

    return {
        "get_environment": made("GET", one, f"/environments/{_ONE}"),
        "list_own": made("GET", "/environments", "/environments"),
        "list_all_10": made("GET", "/environments", "/environments?limit=10", **admin),
        "list_ready_10": made("GET", "/environments", "/environments?status=READY&limit=10", **admin),
        "me": made("GET", "/me", "/me"),
        "usage_own": made("GET", "/usage", "/usage"),
        "usage_all": made("GET", "/usage", "/usage?by=day", **admin),
        "create_environment": lambda: rest_event(
            "POST", "/environments", "/environments", token=issuer.token(f"new-{next(names)}"), body={}
        ),
    }


def measure(size: Size, work: Callable[[], Any], calls: int) -> dict[str, float]:
    """Return medians of CPU time without AWS, and what AWS was asked for."""
    taken = []
    for _ in range(calls):
        size.log.clear()
        size.watch.take()
        began = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - began - size.watch.take()["cpu"]) / 1e6)
    read = sum(number for name, number in size.log if name in ("get_item", "query", "batch_get_item"))
    return {"cpu_ms": statistics.median(taken), "aws_calls": len(size.log), "items_read": read}


def main() -> None:
    """Run the command line."""
    parser = command_line("flatness", __doc__, rounds=5)
    parser.add_argument(
        "--environments",
        type=at_least_one,
        nargs="+",
        default=[10, 1_000, 100_000],
        help="sizes; ratios are to the first",
    )
    parser.add_argument("--calls", type=at_least_one, default=20, help="calls of each request in a round")
    options = parser.parse_args()
    os.environ["POWERTOOLS_LOG_LEVEL"] = "ERROR"
    import app

    context = LambdaContext("api_handler", memory_size=1024, max_runtime_ms=29_000)
    figures = Figures("flatness", options.rounds)
    with serving_issuer() as issuer:
        sizes = [Size(number, issuer) for number in options.environments]
        gc.collect()
        gc.freeze()  # the records are AWS's, not the service's

        def call(event: Callable[[], Any]) -> None:
            answer = app.app(event(), context)
            if answer["statusCode"] not in (200, 202):
                raise AssertionError(answer)

        works: dict[str, Callable[[Size], Callable[[], Any]]] = {
            "tick_nothing_due": lambda size: lambda: size.service.events.tick(seconds=10),
            "deliver_nothing_due": lambda size: lambda: size.service.notices.deliver(seconds=10),
            "queue_counters": lambda size: lambda: size.service.events._store.queue.counters(),
        }
        works |= {
            name: lambda _, event=event: lambda: call(event) for name, event in requests(issuer).items()
        }
        for name, work in works.items():
            found: dict[int, list[dict[str, float]]] = {size.environments: [] for size in sizes}
            for round_ in range(options.rounds + 1):
                for size in sizes:
                    app.service = lambda size=size: size.service
                    result = measure(
                        size, work(size), 2 if round_ == 0 or name == "usage_all" else options.calls
                    )
                    if round_ > 0:  # the first fills caches
                        found[size.environments].append(result)
            least = [each["cpu_ms"] for each in found[sizes[0].environments]]
            for number, results in found.items():
                cpu = [each["cpu_ms"] for each in results]
                counts = {key: results[-1][key] for key in ("aws_calls", "items_read")}
                figures.write(f"flat.{name}.cpu", cpu, "ms", environments=number, **counts)
                if number != sizes[0].environments:
                    figures.ratio(f"flat.{name}.ratio", cpu, least, environments=number, **counts)


if __name__ == "__main__":
    main()
