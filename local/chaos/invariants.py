"""Invariants of the account and the table, which must hold after any faults."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from local.chaos.account_state import Item, State
from local.chaos.cohort_invariants import every_cohort_has_ended
from local.chaos.notice_invariants import notices_are_delivered_or_due
from local.chaos.owners import Owners
from local.chaos.query_invariants import every_query_has_ended, queries_cost_what_athena_charges
from local.chaos.run_invariants import (
    budget_is_warned_of,
    every_run_has_ended,
    ledger_adds_up,
    money_adds_up,
    no_run_twice,
    nothing_runs_while_frozen,
)
from local.chaos.world import MAX_SKEW_SECONDS, World

STABLE = {"READY", "FAILED", "DELETED"}
COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
# Status transitions, as in the diagram of docs/architecture.md.
TRANSITIONS = {
    "QUEUED": {"CREATING", "FAILED", "DELETING"},
    "CREATING": {"SEEDING", "FAILED", "DELETING"},
    "SEEDING": {"READY", "FAILED", "DELETING"},
    "READY": {"UPDATING", "RESETTING", "FAILED", "DELETING"},
    "UPDATING": {"READY", "FAILED", "DELETING"},
    "RESETTING": {"READY", "FAILED", "DELETING"},
    "FAILED": {"QUEUED", "UPDATING", "DELETING"},
    "DELETING": {"DELETED"},
    "DELETED": set(),
}

_CALL = re.compile(r": [a-z0-9-]+:[A-Z]")


def all_stable(world: World) -> bool:
    """Return whether every environment and every run is in a stable state."""
    state = State(world)
    return not [
        *_every_environment_is_stable(state, world),
        *every_run_has_ended(state),
        *every_cohort_has_ended(state),
    ]


def check(world: World, owners: Owners) -> list[str]:
    """Return the violated invariants, as messages."""
    state = State(world)
    checks = (
        _every_environment_is_stable(state, world),
        every_run_has_ended(state),
        _queue_is_counted(state, world),
        _one_stack_each(state),
        _every_ready_environment_is_complete(state),
        _nothing_without_its_environment(state),
        _one_live_environment_per_owner(state),
        _every_response_holds(state, owners),
        no_run_twice(state, world),
        every_query_has_ended(state),
        queries_cost_what_athena_charges(state, world),
        money_adds_up(state, world),
        ledger_adds_up(state),
        budget_is_warned_of(state),
        _timelines_are_legal(state),
        notices_are_delivered_or_due(state, world),
        nothing_runs_while_frozen(state, world),
        every_cohort_has_ended(state),
    )
    return [violation for found in checks for violation in found]


def check_all_gone(world: World) -> list[str]:
    """Return what remains although every environment was deleted."""
    state = State(world)
    left = [f"{name} is {item['status']}" for name, item in state.environments.items()
            if item["status"] != "DELETED"]  # fmt: skip
    return [
        *(f"environment {state_} after all were deleted" for state_ in left),
        *(f"{thing} of {name} remains" for thing, name in state.things.items()),
        *(f"a stack of {name} remains: {statuses}" for name, statuses in state.stacks.items()),
        *(f"lock of {lock['pk']} remains" for lock in state.locks),
    ]


def summary(world: World, owners: Owners) -> dict[str, int]:
    """Return the numbers of the report."""
    state = State(world)
    return {
        "environments": len(state.environments),
        **dict(sorted(Counter(item["status"] for item in state.environments.values()).items())),
        "runs": len(state.runs),
        "queries": len(state.queries),
        "calls to AWS": sum(_CALL.search(line) is not None for line in world.log),
        "failed calls": sum(line.endswith(")") and _CALL.search(line) is not None for line in world.log),
    }


def _every_environment_is_stable(state: State, world: World) -> Iterator[str]:
    is_full = len(state.admitted) >= world.service.config.capacity.environments
    for name, item in state.environments.items():
        if is_full and item["status"] == "QUEUED" and name not in state.admitted:
            continue  # waits until somebody deletes an environment
        if item["status"] not in STABLE:
            yield f"environment {name} remains {item['status']} (reason: {item.get('reason')})"
        if item["status"] == "FAILED" and not (item.get("failure") or {}).get("message"):
            yield f"environment {name} is FAILED without a reason"
        if item["status"] == "DELETED" and not item.get("receipt"):
            yield f"environment {name} is DELETED without a receipt"
        if item["status"] == "DELETED" and item.get("due_at"):
            yield f"environment {name} is DELETED and still due"
        if item["status"] in ("READY", "FAILED") and (item.get("frozen") or {}).get("stopped_at", 1) is None:
            yield f"environment {name} is frozen, but still stops what is active"
        if item["status"] == "FAILED" and item.get("clean_up"):
            yield f"environment {name} is FAILED and not cleaned up (reason: {item.get('reason')})"


def _queue_is_counted(state: State, world: World) -> Iterator[str]:
    """Yield the differences between the queue's record and the environments."""
    capacity = world.service.config.capacity
    queue: Item = next((item for item in state.items if item["sk"] == "QUEUE"), {})
    statuses = {name: item["status"] for name, item in state.environments.items()}
    creating = {name for name in state.admitted if statuses[name] in ("QUEUED", "CREATING")}
    waiting = {name for name, status in statuses.items() if status == "QUEUED"} - state.admitted
    if set(queue.get("creating") or ()) != creating:
        yield f"the queue records {queue.get('creating')} in creation instead of {creating}"
    if queue.get("live", 0) != len(state.admitted) or len(state.admitted) > capacity.environments:
        yield f"the queue records {queue.get('live')} environments instead of {len(state.admitted)}"
    if queue.get("waiting", 0) != len(waiting):
        yield f"the queue records {queue.get('waiting')} waiting instead of {len(waiting)}"


def _one_stack_each(state: State) -> Iterator[str]:
    for name, item in state.environments.items():
        stacks = state.stacks.get(name, [])
        if item["status"] == "READY" and (len(stacks) != 1 or stacks[0] not in COMPLETE):
            yield f"environment {name} is READY, but its stacks are {stacks}"
        # The complete stack of a failed environment is kept: a retry updates it or rolls it back.
        kept = {"CREATE_COMPLETE"} if not item.get("wanted") else {*COMPLETE, "UPDATE_ROLLBACK_FAILED"}
        if _was_deleted_manually(item):
            kept |= {"DELETE_FAILED"}  # kept for the owner after a manual deletion
        if item["status"] == "FAILED" and (len(stacks) > 1 or not kept.issuperset(stacks)):
            yield f"environment {name} is FAILED, but its stacks are {stacks}"
        if item["status"] == "DELETED" and stacks:
            yield f"environment {name} is DELETED, but its stacks are {stacks}"


def _every_ready_environment_is_complete(state: State) -> Iterator[str]:
    for name, item in state.environments.items():
        if item["status"] != "READY":
            continue
        outputs = item["outputs"]
        needed = [f"bucket {bucket}" for bucket in outputs["buckets"].values()]
        needed += [f"database {database}" for database in outputs["databases"].values()]
        needed += [f"job {outputs['job_id']}", f"role {outputs['role_arn'].rpartition('/')[2]}"]
        needed += [f"workgroup {group}" for group in [outputs.get("athena_workgroup")] if group]
        for thing in needed:
            if thing not in state.things:
                yield f"environment {name} is READY without its {thing}"
        undone = [
            logical_id
            for logical_id, resource in item["resources"].items()
            if not resource["status"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        ]
        if undone or len(item["resources"]) != item["total_resources"]:
            yield f"environment {name} is READY, but {undone} of {item['total_resources']} are incomplete"


def _was_deleted_manually(item: Item) -> bool:
    """Return whether an environment failed because of a manual deletion."""
    message = (item.get("failure") or {}).get("message") or ""
    return item["status"] == "FAILED" and "outside this service" in message


def _nothing_without_its_environment(state: State) -> Iterator[str]:
    known = {name for name, item in state.environments.items() if item["status"] != "DELETED"}
    kept = {
        name
        for name in known
        if state.stacks.get(name)
        or state.environments[name]["status"] != "FAILED"
        or _was_deleted_manually(state.environments[name])
    }
    for thing, name in state.things.items():
        if name not in (known if thing.startswith("template ") else kept):
            status = state.environments.get(name, {}).get("status", "unknown")
            yield f"{thing} exists, but its environment {name} is {status}"
    for name in state.stacks:
        if name not in known:
            yield f"a stack of {name} exists without its environment"
    for item in state.items:
        if item["pk"].startswith("ENV#") and item["pk"].partition("#")[2] not in state.environments:
            yield f"record {item['pk']} {item['sk']} exists without its environment"


def _one_live_environment_per_owner(state: State) -> Iterator[str]:
    lives: dict[str, list[Item]] = defaultdict(list)
    for item in state.environments.values():
        lives[item["owner"]].append(item)
    locks = {lock["pk"].partition("#")[2]: lock["environment_id"] for lock in state.locks}
    for owner, items in lives.items():
        items.sort(key=lambda item: item["created_at"])
        for one, other in itertools.pairwise(items):
            # Two clocks have set these times. The allowed difference is shorter than an environment's life.
            begun = datetime.fromisoformat(other["created_at"]) + timedelta(seconds=2 * MAX_SKEW_SECONDS)
            if "deleted_at" not in one or datetime.fromisoformat(one["deleted_at"]) > begun:
                yield f"{owner} had {one['id']} and {other['id']} at the same time"
        live = [item["id"] for item in items if item["status"] != "DELETED"]
        if live != [locks[owner]] if owner in locks else live:
            yield f"{owner} has {live}, but the lock names {locks.get(owner)}"
    for owner in locks.keys() - lives.keys():
        yield f"{owner} has a lock without an environment"


def _every_response_holds(state: State, owners: Owners) -> Iterator[str]:
    for name, owner in owners.accepted.items():
        if state.environments.get(name, {}).get("owner") != owner:
            yield f"environment {name} was accepted for {owner} but is not recorded"
    for (owner, key), ids in owners.answers.items():
        if len(ids) > 1:
            yield f"{owner}'s key {key} returned {sorted(ids)}"


def _timelines_are_legal(state: State) -> Iterator[str]:
    for name, item in state.environments.items():
        events = state.events[name]
        if not events or events[0]["action"] != "requested":
            yield f"the timeline of {name} does not begin with its request"
        status = "QUEUED"
        changes = [
            change
            for event in events
            if "run_id" not in (event.get("detail") or {})
            for change in event["changes"]
            if change["pointer"] == "/status"
        ]
        for change in changes:
            if change["old"] != status:
                yield f"the timeline of {name} continues from {change['old']} instead of {status}"
            if change["new"] not in TRANSITIONS[change["old"]]:
                yield f"the timeline of {name} goes from {change['old']} to {change['new']}"
            status = change["new"]
        if status != item["status"]:
            yield f"the timeline of {name} ends with {status}, but the environment is {item['status']}"
