"""Invariants of job runs, and of money: costs, the ledger, and warnings of the budget."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from chalicelib.domain.names import environment_of_job
from local.chaos.account_state import Item, State
from local.chaos.glue import MARKER
from local.chaos.world import BUDGET_USD, World

FINAL_RUNS = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
PRICE_MICRO_USD_PER_DPU_SECOND = 440_000 / 3600
WARNED_PERCENTS = (50, 80, 100)


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


def nothing_runs_while_frozen(state: State, world: World) -> Iterator[str]:
    """Yield the active runs of frozen environments, the recorded ones and Glue's, and their schedules."""
    frozen = {name for name, item in state.environments.items() if item.get("frozen")}
    for run in state.runs:
        if run["environment_id"] in frozen and run["status"] not in FINAL_RUNS:
            yield f"run {run['id']} of the frozen {run['environment_id']} remains {run['status']}"
    for made in world.runs.runs:
        name = environment_of_job(made.spec.job)
        if name in frozen and not made.is_final:
            yield f"Glue's run {made.id} of the frozen {name} remains {made.state}"
    for name in frozen:
        if state.environments[name].get("next_run_at") or state.environments[name].get("next_runs"):
            yield f"the schedule of the frozen {name} continues"


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
    for query in state.queries:
        spent[query["environment_id"]] += int(query.get("cost_micro_usd") or 0)
    for name, item in state.environments.items():
        if item["spent_micro_usd"] != (cost := spent[name]):
            yield f"environment {name} has spent {item['spent_micro_usd']}, but runs and queries cost {cost}"
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
            yield f"{owner} has {found} spent, reserved and committed, but runs and queries cost {cost}"
        if cost > BUDGET_USD * 1_000_000:
            yield f"{owner} has spent {cost}, more than the budget"


def ledger_adds_up(state: State) -> Iterator[str]:
    """Yield the runs, queries and owners whose charges differ from what they cost, to the millionth."""
    charged: dict[tuple[str, str], int] = defaultdict(int)
    for charge in state.charges:
        charged[charge["environment_id"], charge["id"]] += int(charge["cost_micro_usd"])
        if charge["owner"] != state.environments.get(charge["environment_id"], {}).get("owner"):
            yield f"charge {charge['sk']} belongs to {charge['owner']}"
    paid: dict[str, int] = defaultdict(int)
    for record in (*state.runs, *state.queries):
        cost = int(record.get("cost_micro_usd") or 0)
        paid[record.get("owner", "?")] += cost
        found = charged.pop((record["environment_id"], record["id"]), 0)
        if found != cost or int(record.get("charged_micro_usd") or 0) != cost:
            yield f"{record['sk']} of {record['environment_id']} cost {cost}, but its charges are {found}"
    for name, record_id in charged:
        yield f"a charge of {name} is for {record_id}, which does not exist"
    for owner, account in state.accounts.items():
        if int(account.get("spent_micro_usd", 0)) != paid[owner]:
            yield f"{owner} has spent {account.get('spent_micro_usd')}, but the ledger has {paid[owner]}"


def budget_is_warned_of(state: State) -> Iterator[str]:
    """Yield the owners who were warned of their budget twice, or not of what they have spent."""
    warned: dict[str, list[Item]] = defaultdict(list)
    for name, item in state.environments.items():
        warned[item["owner"]] += [e for e in state.events[name] if e["action"] == "budget_warned"]
    limit = int(BUDGET_USD * 1_000_000)
    for owner, account in state.accounts.items():
        percents = [int(event["detail"]["percent"]) for event in warned[owner]]
        spent = int(account.get("spent_micro_usd", 0))
        reached = max((each for each in WARNED_PERCENTS if spent * 100 >= limit * each), default=0)
        if max(percents, default=0) != reached or len(set(percents)) < len(percents):
            yield f"{owner} has spent {spent} of {limit} and was warned of {percents} percent"
