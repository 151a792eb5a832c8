"""Invariants of queries: each ends, is started once, and costs what Athena charges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from local.chaos.account_state import State
from local.chaos.athena import SimulatedQuery
from local.chaos.world import World

_FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}
_MICRO_USD_PER_MB = Decimal(5_000_000) / 2**20


def every_query_has_ended(state: State) -> Iterator[str]:
    """Yield the queries that are not final, and environments with a wrong number of active ones."""
    for query in state.queries:
        if query["status"] not in _FINAL:
            yield f"query {query['id']} of {query['environment_id']} remains {query['status']}"
    active = Counter(query["environment_id"] for query in state.queries if query["status"] not in _FINAL)
    for name, item in state.environments.items():
        if (item.get("active_queries") or 0) != active[name]:
            found = f"{item['active_queries']} active queries instead of {active[name]}"
            yield f"environment {name} records {found}"


def queries_cost_what_athena_charges(state: State, world: World) -> Iterator[str]:
    """Yield the queries that Athena runs twice or without a record, and those with a wrong cost."""
    starts = Counter(query.token for query in world.queries.queries.values())
    yield from (f"query {token} was started {times} times" for token, times in starts.items() if times > 1)
    recorded = {query.get("execution_id"): query for query in state.queries}
    for made in world.queries.queries.values():
        query = recorded.get(made.id)
        if query is None:
            yield f"query {made.token} runs in Athena but is not recorded"
        elif query["status"] in _FINAL and int(query["cost_micro_usd"]) != (price := _price(made)):
            yield f"query {query['id']} cost {query['cost_micro_usd']}, but Athena charged {price}"
    for query in state.queries:
        if query.get("execution_id") is None and query.get("cost_micro_usd"):
            yield f"query {query['id']} never ran, but cost {query['cost_micro_usd']}"


def _price(made: SimulatedQuery) -> int:
    """Return the price of a query that has ended, in millionths of a dollar."""
    scanned, is_cancelled = made.scanned_bytes, made.stopped_after is not None
    if (not is_cancelled and made.outcome == "FAILED") or (is_cancelled and not scanned):
        return 0
    megabytes = max(10, (scanned + 2**20 - 1) // 2**20)
    return int((megabytes * _MICRO_USD_PER_MB).to_integral_value(ROUND_HALF_UP))
