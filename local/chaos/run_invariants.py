"""Invariants of job runs and their cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from local.chaos.account_state import State
from local.chaos.glue import MARKER
from local.chaos.world import BUDGET_USD, World

FINAL_RUNS = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
PRICE_MICRO_USD_PER_DPU_SECOND = 440_000 / 3600


def every_run_has_ended(state: State) -> Iterator[str]:
    """Yield the runs that are not final."""
    for run in state.runs:
        if run["status"] not in FINAL_RUNS:
            yield f"run {run['id']} of {run['environment_id']} remains {run['status']}"


def no_run_twice(state: State, world: World) -> Iterator[str]:
    """Yield the runs that Glue started twice, or that the service did not record."""
    starts = Counter(run.spec.given[MARKER] for run in world.runs.runs if run.attempt == 0)
    for marker, times in starts.items():
        if times > 1:
            yield f"run {marker} was started {times} times"
    for marker in sorted(starts.keys() - {run["id"] for run in state.runs}):
        yield f"run {marker} exists in Glue but is not recorded"


def money_adds_up(state: State, world: World) -> Iterator[str]:
    """Yield the runs, environments and owners whose recorded cost differs from Glue's."""
    paid: dict[str, float] = defaultdict(float)
    for made in world.runs.runs:
        paid[made.spec.given[MARKER]] += made.dpu_seconds * PRICE_MICRO_USD_PER_DPU_SECOND
    spent: dict[str, int] = defaultdict(int)
    for run in state.runs:
        cost = int(run.get("cost_micro_usd") or 0)
        spent[run["environment_id"]] += cost
        if run["status"] in FINAL_RUNS and abs(cost - paid[run["id"]]) > 1:
            yield f"run {run['id']} ({run['status']}) cost {cost}, but Glue charged {paid[run['id']]:.0f}"
    for name, item in state.environments.items():
        if item["spent_micro_usd"] != spent[name]:
            yield f"environment {name} has spent {item['spent_micro_usd']}, but its runs cost {spent[name]}"
        if item["reserved_micro_usd"] != 0:
            yield f"environment {name} keeps {item['reserved_micro_usd']} reserved"
    yield from _accounts_add_up(state, spent)


def _accounts_add_up(state: State, spent: Mapping[str, int]) -> Iterator[str]:
    """Check each owner's budget over all environments. A budget period is longer than the simulation."""
    of_owner: dict[str, int] = defaultdict(int)
    for name, item in state.environments.items():
        of_owner[item["owner"]] += spent[name]
    for owner, cost in of_owner.items():
        account = state.accounts.get(owner, {})
        found = [int(account.get(f"{what}_micro_usd", 0)) for what in ("spent", "reserved", "committed")]
        if found != [cost, 0, cost]:
            yield f"{owner} has {found} spent, reserved and committed, but the runs cost {cost}"
        if cost > BUDGET_USD * 1_000_000:
            yield f"{owner} has spent {cost}, more than the budget"
