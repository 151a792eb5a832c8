"""Wiring: builds the service from its configuration and AWS clients.

`build` returns a service whose parts are built at their first use, by the module of this folder that imports
what they consist of: a GET of an environment imports nothing of jobs, queries or the tick
(docs/decisions/0035).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chalicelib.api.call import Service
from chalicelib.aws.sessions import Session
from chalicelib.clock import Clock, now
from chalicelib.config import Config
from chalicelib.lazy import imported, lazily
from chalicelib.wiring.shared import Shared


def build(
    config: Config | None = None,
    *,
    clock: Clock = now,
    session: Session | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Service:
    """Build the service from the environment variables, or from `config`."""
    shared = Shared(config or Config.from_environment(), clock, session, sleep)

    def part(module: str, name: str) -> Any:
        return lazily(lambda: imported(f"chalicelib.wiring.{module}", name)(shared))

    return Service(
        config=shared.config,
        clock=clock,
        authenticator=part("requests", "authenticator"),
        cursors=part("requests", "cursors"),
        rate_limits=part("requests", "rate_limits"),
        environments=shared.environments,
        forecasts=part("environments", "forecasts"),
        releases=shared.releases,
        drift=part("sandboxes", "drift"),
        access=part("sandboxes", "access"),
        tables=part("sandboxes", "tables"),
        jobs=part("jobs", "jobs"),
        job_files=part("jobs", "job_files"),
        queries=part("queries", "queries"),
        usage=part("usage", "usage"),
        cohorts=part("cohorts", "cohorts"),
        events=part("events", "events"),
        notices=part("notices", "deliverer"),
    )
