"""Cohorts after the process is killed between any two AWS calls: each request happens once."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.cohort import Cohort, CohortAction, CohortStatus
from chalicelib.domain.environment import Environment
from chalicelib.domain.requests import CohortActionRequest, CohortRequest
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos.owners import ADMIN
from local.chaos.world import World
from tests.integration.chaos.test_killed_at_every_call import asked, killed, recorded
from tests.support.kills import deaths, undisturbed

MINUTES = 9 * 60


def cohorts(world: World, name: str) -> list[Cohort]:
    found: list[Cohort] = []

    def look() -> None:
        page = world.service.cohorts.page(ADMIN, limit=100, start=None)
        found.extend(each for each in page.items if each.name == name)

    undisturbed(world)
    asked(world, name, lambda *_: look(), 1)
    return found


def environments(world: World, cohort: Cohort) -> list[Environment | None]:
    found: list[Any] = []
    asked(
        world,
        cohort.name,
        lambda *_: found.extend(row[1] for row in world.service.cohorts.all_members(ADMIN, cohort.id)),
        1,
    )
    return found


def create(world: World, name: str) -> None:
    settings = {"kms_key": False, "athena_workgroup": False}
    body = {"name": name, "owners": [f"{name}-{number}" for number in range(2)], "settings": settings}
    request = IdempotentRequest(ADMIN, "request", name, "fingerprint")
    world.service.cohorts.create(request, CohortRequest.model_validate(body))


def freeze(world: World, name: str) -> None:
    [cohort] = [
        each for each in world.service.cohorts.page(ADMIN, limit=100, start=None).items if each.name == name
    ]
    request = IdempotentRequest(ADMIN, "request", f"{name} freeze", "fingerprint")
    body = CohortActionRequest(reason="The course has ended.")
    world.service.cohorts.act(request, cohort.id, CohortAction.FREEZE, body)


def test_a_cohort_is_created_once(world: World) -> None:
    for fault, call in deaths():
        name = f"class-{fault}-{call}"
        died = killed(world, name, create, fault, call)
        asked(world, name, create, MINUTES)  # the caller repeats the request with its key
        [cohort] = cohorts(world, name)
        assert cohort.status is CohortStatus.SETTLED, f"{fault} {call}: {cohort}"
        assert (cohort.statuses, cohort.outcomes) == ({"READY": 2}, {"DONE": 2}), f"{fault} {call}: {cohort}"
        made = environments(world, cohort)
        assert [each and each.owner for each in made] == [f"{name}-0", f"{name}-1"], f"{fault} {call}"
        if not died:
            assert call > 20, "so few calls: was anything killed?"
            return


def test_an_action_of_a_cohort_is_carried_out_once(world: World) -> None:
    for fault, call in deaths():
        name = f"class-{fault}-{call}"
        undisturbed(world)
        asked(world, name, create, MINUTES)
        died = killed(world, name, freeze, fault, call)
        asked(world, name, freeze, MINUTES)
        [cohort] = cohorts(world, name)
        assert (cohort.status, cohort.task.number) == (CohortStatus.SETTLED, 2), f"{fault} {call}: {cohort}"
        assert (cohort.frozen, cohort.outcomes) == (2, {"DONE": 2}), f"{fault} {call}: {cohort}"
        for each in environments(world, cohort):
            assert each is not None and each.frozen is not None and each.frozen.stopped_at
            assert recorded(world, each, "frozen") == 1, f"{fault} {call}"
        if not died:
            assert call > 10, "so few calls: was anything killed?"
            return
