"""200 users at once: polling and commands at the local gateway, beside the simplest route.

    .venv/bin/python -m tests.benchmarks.load [--users 200] [--seconds 20] [--rounds 3]

One process serves the app behind the local gateway (`local/api/gateway.py`) on moto, with a faster DynamoDB
(`tests/support/fast_dynamodb.py`), the events of stacks, and the schedules. Users are threads of another
process, each with a connection. They follow `poll_after_seconds` ten times as fast, with If-None-Match.
Before each round, the same number of users requests GET /health, which makes no AWS call: the floor.

Fails if a response is not promised, if an accepted command is not recorded, or if the table does not add up.
Latencies contain the time of moto, on the same core as the app: compare ratios.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalice.config import Config as ChaliceConfig

from local.api import gateway
from tests.benchmarks.figures import Figures, at_least_one, command_line
from tests.support import load
from tests.support.identity import serving_issuer
from tests.support.paths import ROOT
from tests.support.small_account import settings, small_account

sys.path.insert(0, str(ROOT / "chalice_app"))

_SPAWN = multiprocessing.get_context("spawn")
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def at(values: list[float], share: float) -> float:
    """Return the value below which a share of the values is, in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1000


def merged(kinds: Mapping[str, list[float]]) -> list[float]:
    return [value for values in kinds.values() for value in values]


def main() -> None:
    """Run the command line."""
    parser = command_line("load", __doc__, rounds=3)
    parser.add_argument("--users", type=at_least_one, default=200, help="users at the same time")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of a round")
    parser.add_argument(
        "--prepare", type=float, default=40, help="seconds in which users get their sandboxes"
    )
    options = parser.parse_args()
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    document = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    with serving_issuer() as issuer:
        os.environ |= settings(issuer) | {"MAX_ENVIRONMENTS": str(2 * options.users), "MAX_CREATING": "50"}
        names = [f"user-{number}" for number in range(options.users)]
        tokens = {name: issuer.token(name, exp=2_000_000_000) for name in names}
        with small_account():
            figures = Figures("load", options.rounds)
            found = serve(options, tokens, document, figures)
    if found:
        sys.exit("\n".join(found[:20]))


def serve(options: Any, tokens: dict[str, str], document: Any, figures: Figures) -> list[str]:
    """Serve the rounds, write the figures, and return what is wrong."""
    import app
    from chalicelib.config import Config
    from chalicelib.wiring import build
    from tests.support import load_account

    table = load_account.FastTable()
    service = build(Config.from_environment(), session=table)  # type: ignore[arg-type]
    app.service = lambda: service
    server = gateway.create_server(app.app, ChaliceConfig(chalice_stage="local"), 0).server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    floors, mixes = [], []
    with load_account.sandboxes(), _SPAWN.Pool(1) as pool:
        ticker = load_account.Ticker(service)
        used = (url, tokens, document, options.prepare)
        prepared = pool.apply(load.use, used, {"strict": False, "seed": 0})
        for round_ in range(1, options.rounds + 1):
            asked = (url, options.users, document, options.seconds / 4)
            floors.append(pool.apply(load.only_health, asked))
            used = (url, tokens, document, options.seconds)
            mixes.append(pool.apply(load.use, used, {"strict": False, "seed": 1000 * round_}))
        state = load_account.settled(service, ticker, seconds=120, table=table)
        violations = load_account.violations(state, service)
    server.shutdown()
    accepted = [command for mix in (prepared, *mixes) for command in mix.accepted]
    wrong = [text for report in (prepared, *floors, *mixes) for text in report.wrong]
    missing = load.lost(accepted, state)
    statuses = sum((mix.statuses for mix in mixes), Counter())
    per_second = [len(merged(mix.seconds)) / options.seconds for mix in mixes]
    floor_per_second = [len(floor.seconds["health"]) / options.seconds * 4 for floor in floors]
    users = {"users": options.users}
    figures.write("load.requests_per_second", per_second, "1/s", **users)
    figures.write("load.floor_requests_per_second", floor_per_second, "1/s", **users)
    figures.ratio("load.requests_per_second.ratio", per_second, floor_per_second, **users)
    for name, share in _SHARES.items():
        all_ = [at(merged(mix.seconds), share) for mix in mixes]
        floor = [at(each.seconds["health"], share) for each in floors]
        figures.write(f"load.{name}", all_, "ms", **users)
        figures.ratio(f"load.{name}.ratio", all_, floor, **users)
    for kind in sorted({kind for mix in mixes for kind in mix.seconds}):
        values = [statistics.median(mix.seconds[kind]) * 1000 for mix in mixes if mix.seconds[kind]]
        more = {key: number for key, number in statuses.items() if key.rpartition(" ")[0] == kind}
        figures.write(f"load.{kind.replace(' ', '_')}.p50", values, "ms", **users, statuses=str(more))
    commands = dict(Counter(command.kind for command in accepted))
    figures.write("load.accepted_commands", len(accepted), "commands", **users, kinds=str(commands))
    figures.write("load.lost_commands", len(missing), "commands", **users)
    figures.write("load.unpromised_responses", len(wrong), "responses", **users)
    figures.write("load.violations", len(violations), "violations", **users)
    return [*wrong, *missing, *violations]


if __name__ == "__main__":
    main()
