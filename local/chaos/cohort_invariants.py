"""Invariants of cohorts: every member has a result, and one environment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from local.chaos.account_state import Item, State


def every_cohort_has_ended(state: State) -> Iterator[str]:
    """Yield the cohorts whose last action waits for members, and members with several environments."""
    members: dict[str, list[Item]] = defaultdict(list)
    for item in state.items:
        if item["sk"].startswith("MEMBER#"):
            members[item["cohort_id"]].append(item)
    for cohort in state.cohorts:
        name, number = cohort["id"], cohort["task"]["number"]
        if cohort["status"] == "WORKING":
            yield f"cohort {name} still carries out {cohort['task']['action']}"
            continue
        ended = [item for item in members[name] if item["task"] == number]
        if len(ended) != cohort["members"]:
            yield f"cohort {name} has {len(ended)} results of {cohort['members']} members"
        counted = {outcome: times for outcome, times in cohort["outcomes"].items() if times}
        if counted != Counter(item["outcome"] for item in ended):
            yield f"cohort {name} records {counted}"
        yield from _environments(state, cohort, members[name])


def _environments(state: State, cohort: Item, members: list[Item]) -> Iterator[str]:
    made: dict[str, list[str]] = defaultdict(list)
    for name, item in state.environments.items():
        if item.get("cohort") == cohort["id"] and item["status"] != "DELETED":
            made[item["owner"]].append(name)
    known = {item["owner"]: item.get("environment_id") for item in members}
    for owner, names in made.items():
        if names != [known.get(owner)]:
            yield f"cohort {cohort['id']} made {names} for {owner}, but records {known.get(owner)}"
