"""Chaos test of one class: a cohort is created, works, is frozen, thawed and expired while faults occur."""

from __future__ import annotations

import random
from collections.abc import Callable

from chalicelib.domain.capacity import Capacity
from chalicelib.domain.cohort import CohortAction, CohortStatus
from chalicelib.domain.requests import CohortActionRequest, CohortRequest
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos import invariants
from local.chaos.account_state import Item, State, read_again
from local.chaos.owners import ADMIN, Owners
from local.chaos.scenario import Outcome, storm_rules
from local.chaos.world import MAX_SKEW_SECONDS, World, simulated

_TRIES = 40
_MOST_SECONDS = 6 * 3600.0
_LOOK_SECONDS = 60.0
_REQUESTS_OF_A_MEMBER = 4
_SECONDS_PER_REQUEST = 3.0
_WORK = ("runs", "queries")


def run(seed: int, members: int) -> Outcome:
    """Take a class through its life. `summary` has the simulated seconds of each action.

    Between its creation and its freeze, the members run their jobs and send queries.
    """
    rng = random.Random(f"class {seed}")  # noqa: S311 - for a simulation
    with simulated(seed, Capacity(creating=20, environments=members)) as world:
        world.tick()
        world.faults.replace(storm_rules(rng), seed)
        world.missed_ticks, world.skew = rng.uniform(0, 0.5), rng.uniform(0, MAX_SKEW_SECONDS)
        settings = {"expires_in_hours": 200, "kms_key": False}
        body = {"name": "class", "owners": [f"owner-{n}" for n in range(members)], "settings": settings}
        wanted = CohortRequest.model_validate(body)
        seconds = {
            "create": _carried_out(world, lambda it: world.service.cohorts.create(it, wanted), "create")
        }
        owners = Owners(world, members, seed)
        for _ in range(_REQUESTS_OF_A_MEMBER * members):
            owners.work()
            world.simulation.run(rng.expovariate(1 / _SECONDS_PER_REQUEST))
        summary = {key: value for key, value in invariants.summary(world, owners).items() if key in _WORK}
        given = {CohortAction.FREEZE: {"reason": "The course has ended."}}
        for action in (CohortAction.FREEZE, CohortAction.THAW, CohortAction.EXPIRE):
            request = CohortActionRequest.model_validate(given.get(action, {}))

            def act(
                it: IdempotentRequest,
                action: CohortAction = action,
                request: CohortActionRequest = request,
            ) -> object:
                return world.service.cohorts.act(it, _cohort(world)["id"], action, request)

            if action is CohortAction.EXPIRE:
                world.faults.replace([], seed)
                world.missed_ticks = world.skew = 0.0
            seconds[action.value] = _carried_out(world, act, action.value)
            cohort = _cohort(world)
            counts = {**cohort["statuses"], **cohort["outcomes"], "frozen": cohort["frozen"]}
            summary |= {f"{action} {name}": int(count) for name, count in counts.items()}
        violations = invariants.check(world, owners) + invariants.check_all_gone(world)
        violations = [*world.defects, *sorted(world.denied), *dict.fromkeys(violations)]
        return Outcome(
            seed, violations, {**summary, **{f"{name} s": s for name, s in seconds.items()}}, world.log
        )


def _carried_out(world: World, request: Callable[[IdempotentRequest], object], key: str) -> int:
    """Send a request until it is accepted, and let time pass until the cohort is settled."""
    begin, asked = world.simulation.seconds, IdempotentRequest(ADMIN, "request", key, "fingerprint")
    for _ in range(_TRIES):
        accepted: list[object] = []
        world.invoke("request", key, lambda done=accepted: done.append(request(asked)))  # type: ignore[misc]
        world.simulation.run(1)
        if accepted:
            break
    cohort = _cohort(world)
    while world.simulation.seconds - begin < _MOST_SECONDS:
        world.simulation.run(_LOOK_SECONDS)
        if read_again(world, cohort)["status"] == CohortStatus.SETTLED:
            break
    return round(world.simulation.seconds - begin)


def _cohort(world: World) -> Item:
    [found] = State(world).cohorts
    return found
