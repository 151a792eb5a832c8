"""What must be true of the account and the table, whatever has gone wrong before.

The table is read as DynamoDB has it, not through the service's own code.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from local.bootstrap import ASSETS_BUCKET, TABLE
from local.chaos.glue import MARKER
from local.chaos.owners import Owners
from local.chaos.world import BUDGET_USD, MOST_SKEW_SECONDS, World

Item = dict[str, Any]

RESTING = {"READY", "FAILED", "DELETED"}
WHOLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
FINAL_RUNS = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
# The picture in docs/architecture.md: which status follows which.
LEGAL = {
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
PRICE_MICRO_USD_PER_DPU_SECOND = 440_000 / 3600

_NAME = re.compile(r"terraglue[-_]([a-z2-7]{10})(?:[-_/].*)?")
_CALL = re.compile(r": [a-z0-9-]+:[A-Z]")
_deserializer = TypeDeserializer()


class State:
    """The table and the account as they are, read once."""

    def __init__(self, world: World) -> None:
        self.items = list(_scan(world.clients("dynamodb")))
        self.environments = {item["id"]: item for item in self.items if item["sk"] == "ENV"}
        self.admitted = {name for name, item in self.environments.items() if item.get("admitted_at")}
        self.runs = [item for item in self.items if item["sk"].startswith("RUN#")]
        self.locks = [item for item in self.items if item["sk"] == "OWNER"]
        self.accounts = {item["pk"].partition("#")[2]: item for item in self.items if item["sk"] == "BUDGET"}
        self.events: dict[str, list[Item]] = defaultdict(list)
        for item in sorted(self.items, key=lambda item: item["sk"]):
            if item["sk"].startswith("EVENT#"):
                self.events[item["pk"].partition("#")[2]].append(item)
        self.things = dict(_things(world.clients))
        self.stacks: dict[str, list[str]] = defaultdict(list)
        for stack in _pages(world.clients("cloudformation"), "describe_stacks", "Stacks"):
            self.stacks[stack["StackName"].removeprefix("terraglue-")].append(stack["StackStatus"])


def all_rest(world: World) -> bool:
    """Whether every environment and every run is where it stays if nobody asks for anything."""
    state = State(world)
    return not [*_every_environment_rests(state, world), *_every_run_has_ended(state)]


def check(world: World, owners: Owners) -> list[str]:
    """What does not hold, in words; empty when all is well."""
    state = State(world)
    checks = (
        _every_environment_rests(state, world),
        _every_run_has_ended(state),
        _places_are_counted(state, world),
        _one_stack_each(state),
        _every_ready_one_is_whole(state),
        _nothing_without_its_environment(state),
        _one_live_environment_per_owner(state),
        _every_answer_holds(state, owners),
        _no_run_twice(state, world),
        _money_adds_up(state, world),
        _timelines_are_legal(state),
    )
    return [violation for found in checks for violation in found]


def check_all_gone(world: World) -> list[str]:
    """What is left although every environment was to be deleted."""
    state = State(world)
    left = [f"{name} is {item['status']}" for name, item in state.environments.items()
            if item["status"] != "DELETED"]  # fmt: skip
    return [
        *(f"environment {words} after all were deleted" for words in left),
        *(f"{thing} is left of {name}" for thing, name in state.things.items()),
        *(f"a stack of {name} is left: {statuses}" for name, statuses in state.stacks.items()),
        *(f"lock of {lock['pk']} is left" for lock in state.locks),
    ]


def summary(world: World, owners: Owners) -> dict[str, int]:
    """What happened, in numbers."""
    state = State(world)
    return {
        "environments": len(state.environments),
        **dict(sorted(Counter(item["status"] for item in state.environments.values()).items())),
        "runs": len(state.runs),
        "calls to AWS": sum(_CALL.search(line) is not None for line in world.log),
        "calls that went wrong": sum(
            line.endswith(")") and _CALL.search(line) is not None for line in world.log
        ),
    }


def _every_environment_rests(state: State, world: World) -> Iterator[str]:
    is_full = len(state.admitted) >= world.service.config.capacity.environments
    for name, item in state.environments.items():
        if is_full and item["status"] == "QUEUED" and name not in state.admitted:
            continue  # it waits for somebody to delete theirs
        if item["status"] not in RESTING:
            yield f"environment {name} stays {item['status']} (reason: {item.get('reason')})"
        if item["status"] == "FAILED" and not (item.get("failure") or {}).get("message"):
            yield f"environment {name} is FAILED without a reason"
        if item["status"] == "DELETED" and not item.get("receipt"):
            yield f"environment {name} is DELETED without a receipt"
        if item["status"] == "DELETED" and item.get("due_at"):
            yield f"environment {name} is DELETED and still due"
        if item["status"] == "FAILED" and item.get("clean_up"):
            yield f"environment {name} is FAILED and still not cleaned up (reason: {item.get('reason')})"


def _every_run_has_ended(state: State) -> Iterator[str]:
    for run in state.runs:
        if run["status"] not in FINAL_RUNS:
            yield f"run {run['id']} of {run['environment_id']} stays {run['status']}"


def _places_are_counted(state: State, world: World) -> Iterator[str]:
    """The record of the queue says what the environments say."""
    capacity = world.service.config.capacity
    queue: Item = next((item for item in state.items if item["sk"] == "QUEUE"), {})
    statuses = {name: item["status"] for name, item in state.environments.items()}
    creating = {name for name in state.admitted if statuses[name] in ("QUEUED", "CREATING")}
    waiting = {name for name, status in statuses.items() if status == "QUEUED"} - state.admitted
    if set(queue.get("creating") or ()) != creating:
        yield f"the queue has {queue.get('creating')} in creation and it is {creating}"
    if queue.get("live", 0) != len(state.admitted) or len(state.admitted) > capacity.environments:
        yield f"the queue has {queue.get('live')} environments, and there are {len(state.admitted)}"
    if queue.get("waiting", 0) != len(waiting):
        yield f"the queue has {queue.get('waiting')} waiting, and there are {len(waiting)}"


def _one_stack_each(state: State) -> Iterator[str]:
    for name, item in state.environments.items():
        stacks = state.stacks.get(name, [])
        if item["status"] == "READY" and (len(stacks) != 1 or stacks[0] not in WHOLE):
            yield f"environment {name} is READY and its stacks are {stacks}"
        # A complete stack of a failed environment is kept: a retry goes on with it, or with the way back.
        kept = {"CREATE_COMPLETE"} if not item.get("wanted") else {*WHOLE, "UPDATE_ROLLBACK_FAILED"}
        if _is_lost(item):
            kept |= {"DELETE_FAILED"}  # what somebody's hand has left is kept for its owner
        if item["status"] == "FAILED" and (len(stacks) > 1 or not kept.issuperset(stacks)):
            yield f"environment {name} is FAILED and its stacks are {stacks}"
        if item["status"] == "DELETED" and stacks:
            yield f"environment {name} is DELETED and its stacks are {stacks}"


def _every_ready_one_is_whole(state: State) -> Iterator[str]:
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
            yield f"environment {name} is READY and shows {undone} of {item['total_resources']} undone"


def _is_lost(item: Item) -> bool:
    """Whether somebody has deleted what an environment needs, and it says so."""
    told = (item.get("failure") or {}).get("message") or ""
    return item["status"] == "FAILED" and "outside this service" in told


def _nothing_without_its_environment(state: State) -> Iterator[str]:
    known = {name for name, item in state.environments.items() if item["status"] != "DELETED"}
    kept = {
        name
        for name in known
        if state.stacks.get(name)
        or state.environments[name]["status"] != "FAILED"
        or _is_lost(state.environments[name])
    }
    for thing, name in state.things.items():
        if name not in (known if thing.startswith("template ") else kept):
            status = state.environments.get(name, {}).get("status", "unknown")
            yield f"{thing} is there, and its environment {name} is {status}"
    for name in state.stacks:
        if name not in known:
            yield f"a stack of {name} is there, and no such environment"
    for item in state.items:
        if item["pk"].startswith("ENV#") and item["pk"].partition("#")[2] not in state.environments:
            yield f"record {item['pk']} {item['sk']} has no environment"


def _one_live_environment_per_owner(state: State) -> Iterator[str]:
    lives: dict[str, list[Item]] = defaultdict(list)
    for item in state.environments.values():
        lives[item["owner"]].append(item)
    locks = {lock["pk"].partition("#")[2]: lock["environment_id"] for lock in state.locks}
    for owner, items in lives.items():
        items.sort(key=lambda item: item["created_at"])
        for one, other in itertools.pairwise(items):
            # Two clocks have told these times; an environment lives longer than they differ.
            begun = datetime.fromisoformat(other["created_at"]) + timedelta(seconds=2 * MOST_SKEW_SECONDS)
            if "deleted_at" not in one or datetime.fromisoformat(one["deleted_at"]) > begun:
                yield f"{owner} had {one['id']} and {other['id']} at once"
        live = [item["id"] for item in items if item["status"] != "DELETED"]
        if live != [locks[owner]] if owner in locks else live:
            yield f"{owner} has {live} and the lock says {locks.get(owner)}"
    for owner in locks.keys() - lives.keys():
        yield f"{owner} has a lock and no environment"


def _every_answer_holds(state: State, owners: Owners) -> Iterator[str]:
    for name, owner in owners.accepted.items():
        if state.environments.get(name, {}).get("owner") != owner:
            yield f"environment {name} was promised to {owner} and is not recorded"
    for (owner, key), ids in owners.answers.items():
        if len(ids) > 1:
            yield f"{owner}'s key {key} was answered with {sorted(ids)}"


def _no_run_twice(state: State, world: World) -> Iterator[str]:
    starts = Counter(run.order.given[MARKER] for run in world.runs.runs if run.attempt == 0)
    for marker, times in starts.items():
        if times > 1:
            yield f"run {marker} was started {times} times"
    for marker in sorted(starts.keys() - {run["id"] for run in state.runs}):
        yield f"Glue has a run {marker} that is not recorded"


def _money_adds_up(state: State, world: World) -> Iterator[str]:
    paid: dict[str, float] = defaultdict(float)
    for made in world.runs.runs:
        paid[made.order.given[MARKER]] += made.dpu_seconds * PRICE_MICRO_USD_PER_DPU_SECOND
    spent: dict[str, int] = defaultdict(int)
    for run in state.runs:
        cost = int(run.get("cost_micro_usd") or 0)
        spent[run["environment_id"]] += cost
        if run["status"] in FINAL_RUNS and abs(cost - paid[run["id"]]) > 1:
            yield f"run {run['id']} ({run['status']}) cost {cost} and Glue says {paid[run['id']]:.0f}"
    for name, item in state.environments.items():
        if item["spent_micro_usd"] != spent[name]:
            yield f"environment {name} has spent {item['spent_micro_usd']} and its runs {spent[name]}"
        if item["reserved_micro_usd"] != 0:
            yield f"environment {name} keeps {item['reserved_micro_usd']} reserved"
    yield from _accounts_add_up(state, spent)


def _accounts_add_up(state: State, spent: Mapping[str, int]) -> Iterator[str]:
    """Of each owner, over all their environments: a period is longer than the simulation."""
    of_owner: dict[str, int] = defaultdict(int)
    for name, item in state.environments.items():
        of_owner[item["owner"]] += spent[name]
    for owner, cost in of_owner.items():
        account = state.accounts.get(owner, {})
        found = [int(account.get(f"{what}_micro_usd", 0)) for what in ("spent", "reserved", "committed")]
        if found != [cost, 0, cost]:
            yield f"{owner} has {found} spent, reserved and both, and the runs cost {cost}"
        if cost > BUDGET_USD * 1_000_000:
            yield f"{owner} has spent {cost}, which is more than the budget"


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
                yield f"the timeline of {name} goes on from {change['old']} where it was {status}"
            if change["new"] not in LEGAL[change["old"]]:
                yield f"the timeline of {name} goes from {change['old']} to {change['new']}"
            status = change["new"]
        if status != item["status"]:
            yield f"the timeline of {name} ends with {status} and it is {item['status']}"


# -- what there is ---------------------------------------------------------------------------------------


def _scan(dynamodb: Any) -> Iterator[Item]:
    for item in _pages(dynamodb, "scan", "Items", TableName=TABLE):
        yield {name: _deserializer.deserialize(value) for name, value in item.items()}


def _things(clients: Callable[[str], Any]) -> Iterator[tuple[str, str]]:
    """Everything in the account that belongs to an environment, and the environment's id."""
    s3, glue, kms = clients("s3"), clients("glue"), clients("kms")
    found = [f"bucket {bucket['Name']}" for bucket in s3.list_buckets()["Buckets"]]
    found += [f"role {role['RoleName']}" for role in _pages(clients("iam"), "list_roles", "Roles")]
    for database in _pages(glue, "get_databases", "DatabaseList"):
        found.append(f"database {database['Name']}")
        for table in _pages(glue, "get_tables", "TableList", DatabaseName=database["Name"]):
            found.append(f"table {database['Name']}.{table['Name']}")
    found += [f"job {name}" for name in _pages(glue, "list_jobs", "JobNames")]
    groups = clients("athena").list_work_groups()["WorkGroups"]
    found += [f"workgroup {group['Name']}" for group in groups if group["Name"] != "primary"]
    for group in _pages(clients("logs"), "describe_log_groups", "logGroups"):
        found.append(f"log group {group['logGroupName']}")
    copies = _pages(s3, "list_objects_v2", "Contents", Bucket=ASSETS_BUCKET, Prefix="environments/")
    for copy in copies:
        yield f"template {copy['Key']}", copy["Key"].split("/")[1]
    for thing in found:
        match = _NAME.search(thing)
        if match:
            yield thing, match[1]
    for key in _pages(kms, "list_keys", "Keys"):
        described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        if described["KeyState"] != "PendingDeletion":
            yield f"key {key['KeyId']}", tags.get("terraglue:environment", "?")


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])
