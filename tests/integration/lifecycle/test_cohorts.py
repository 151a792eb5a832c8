"""Cohorts: the environments of a class, made and changed by the tick, once each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.cohort import Cohort, CohortAction, CohortStatus, Member, Outcome
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.requests import CohortActionRequest, CohortRequest
from chalicelib.errors import CohortBusy, Forbidden, InvalidFields, NotFound
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.moto_service import ADMIN, ANA, World

SETTINGS = {"kms_key": False, "athena_workgroup": False}


def asked(key: str | None = None, caller: Caller = ADMIN) -> IdempotentRequest:
    return IdempotentRequest(caller, "r1", key, "f")


def wanted(*owners: str, **more: Any) -> CohortRequest:
    return CohortRequest.model_validate({"name": "class", "owners": owners, "settings": SETTINGS, **more})


def create(world: World, *owners: str, **more: Any) -> Cohort:
    return world.service.cohorts.create(asked(), wanted(*owners, **more)).record


def act(world: World, cohort: Cohort, action: str, **more: Any) -> Cohort:
    body = CohortActionRequest(**more)
    return world.service.cohorts.act(asked(), cohort.id, CohortAction(action), body).record


def seen(world: World, cohort: Cohort) -> Cohort:
    return world.service.cohorts.get(ADMIN, cohort.id)


def members(world: World, cohort: Cohort) -> dict[str, tuple[Member, Environment | None]]:
    return {row[0].owner: row for row in world.service.cohorts.all_members(ADMIN, cohort.id)}


def settle(world: World, cohort: Cohort, minutes: int = 12) -> Cohort:
    for _ in range(minutes):
        world.tick(minutes=1)
        found = seen(world, cohort)
        if found.status is CohortStatus.SETTLED:
            return found
    raise AssertionError(found)


def environment(world: World, cohort: Cohort, owner: str) -> Environment:
    found = members(world, cohort)[owner][1]
    assert found is not None
    return found


def actions(world: World, environment_id: str) -> list[tuple[str, str, Any]]:
    page = world.service.environments.timeline(ADMIN, environment_id, limit=100, start=None)
    return [
        (each.action, each.actor, (each.detail or {}).get("cohort"))
        for each in reversed(page.items)
        if each.actor_type == "user"
    ]


def test_a_cohort_makes_one_environment_for_each_owner(world: World) -> None:
    cohort = create(world, "ana", "ben", "eva", expires_at=timestamp(world.moment + timedelta(hours=30)))
    assert (cohort.status, cohort.outcomes) == (CohortStatus.WORKING, {"PENDING": 3})
    assert world.all() == []  # the request only records
    settled = settle(world, cohort)
    assert (settled.outcomes, settled.statuses) == ({"DONE": 3}, {"READY": 3})
    assert settled.due_at is None
    for owner in ("ana", "ben", "eva"):
        found = environment(world, cohort, owner)
        assert (found.owner, found.cohort, found.expires_at) == (owner, cohort.id, cohort.expires_at)
        assert actions(world, found.id) == [("requested", "root", cohort.id)]
    live = world.service.environments.live(ANA)  # at ana's first sign-in
    assert live is not None and live.id == environment(world, cohort, "ana").id


def test_an_owner_who_has_an_environment_keeps_it_and_it_is_never_touched(world: World) -> None:
    world.ask_as("ana")
    own = world.of("ana")
    cohort = create(world, "ana", "ben")
    settled = settle(world, cohort)
    assert settled.outcomes == {"DONE": 1, "SKIPPED": 1}
    member, found = members(world, cohort)["ana"]
    assert (member.outcome, member.code, found) == (Outcome.SKIPPED, "environment_exists", None)
    act(world, cohort, "expire")
    settled = settle(world, cohort)
    assert settled.statuses == {"DELETED": 1, "NONE": 1}
    assert world.see(own.id).status is Status.READY
    assert members(world, cohort)["ana"][0].code == "no_environment"


def test_a_member_who_fails_does_not_stop_the_others(world: World) -> None:
    store = world.service.cohorts._store
    table: Table = store.cohorts._table
    now = timestamp(world.moment)
    table.transact(
        [table.put({"pk": "OWNER#ana", "sk": "BUDGET", "creations": [now] * 10}, "attribute_not_exists(pk)")]
    )
    cohort = create(world, "ana", "ben")
    settled = settle(world, cohort)
    assert settled.outcomes == {"DONE": 1, "FAILED": 1}
    [failure] = settled.failures
    assert (failure.owner, failure.code) == ("ana", "too_many_creations")
    assert "can create 10 environments in 24 hours" in failure.detail
    world.moment += timedelta(days=1)
    act(world, cohort, "create")
    assert settle(world, cohort).statuses == {"READY": 2}


def test_a_class_is_extended_frozen_thawed_reset_and_expired(world: World) -> None:
    cohort = create(world, "ana", "ben")
    settle(world, cohort)
    extended = act(world, cohort, "extend", hours=100)
    world.moment += timedelta(minutes=20)
    settle(world, cohort)
    expirations = {each.expires_at for each in world.all()}
    assert expirations == {extended.expires_at}  # of the request, not of the tick
    act(world, cohort, "freeze", reason="The course has ended.")
    frozen = settle(world, cohort)
    assert (frozen.frozen, frozen.statuses) == (2, {"READY": 2})
    assert all(each.frozen and each.frozen.stopped_at for each in world.all())
    act(world, cohort, "reset")
    refused = settle(world, cohort)
    assert refused.outcomes == {"FAILED": 2}
    assert {each.code for each in refused.failures} == {"environment_frozen"}
    act(world, cohort, "thaw")
    assert settle(world, cohort).frozen == 0
    act(world, cohort, "reset")
    assert settle(world, cohort).outcomes == {"DONE": 2}
    act(world, cohort, "expire")
    assert settle(world, cohort).statuses == {"DELETED": 2}
    found = environment(world, cohort, "ana")
    assert [each[0] for each in actions(world, found.id)] == [
        *("requested", "extended", "frozen", "thawed", "reset_requested", "delete_requested")
    ]
    act(world, cohort, "create")
    assert settle(world, cohort).statuses == {"READY": 2}
    assert environment(world, cohort, "ana").id != found.id


def test_an_action_waits_for_the_one_before_but_expire_replaces_it(world: World) -> None:
    cohort = create(world, "ana", "ben")
    with pytest.raises(CohortBusy, match="carries out create"):
        act(world, cohort, "freeze", reason="over")
    act(world, cohort, "expire")
    settled = settle(world, cohort)
    assert (settled.statuses, settled.outcomes) == ({"NONE": 2}, {"SKIPPED": 2})
    assert world.all() == []


def test_a_repeated_request_is_one_cohort(world: World) -> None:
    first = world.service.cohorts.create(asked("k"), wanted("ana"))
    again = world.service.cohorts.create(asked("k"), wanted("ana"))
    assert (again.record.id, again.replayed) == (first.record.id, True)
    assert len(world.service.cohorts.page(ADMIN, limit=10, start=None).items) == 1


def test_every_problem_is_reported_at_once(world: World) -> None:
    owners = ["ana", "", "ben", "ana", "x" * 129, "cleo ", " "]
    late = timestamp(world.moment + timedelta(days=100))
    broken = {"role_arn": "arn:aws:iam::123456789012:role/other"}
    with pytest.raises(InvalidFields) as found:
        world.service.cohorts.create(asked(), wanted(*owners, settings=broken, data="none", expires_at=late))
    pointers = [each["pointer"] for each in found.value.errors]
    assert pointers[:5] == ["/owners/1", "/owners/3", "/owners/4", "/owners/5", "/owners/6"]
    assert {"/data", "/expires_at"} <= set(pointers)
    assert any(pointer.startswith("/settings/") for pointer in pointers)


def test_cohorts_are_for_admins(world: World) -> None:
    cohort = create(world, "ana")
    for call in (
        lambda: world.service.cohorts.create(asked(caller=ANA), wanted("ana")),
        lambda: world.service.cohorts.get(ANA, cohort.id),
        lambda: world.service.cohorts.all_members(ANA, cohort.id),
        lambda: world.service.cohorts.page(ANA, limit=1, start=None),
    ):
        with pytest.raises(Forbidden):
            call()
    with pytest.raises(NotFound):
        world.service.cohorts.get(ADMIN, "aaaaaaaaa2")


def test_members_are_added_and_removed(world: World) -> None:
    cohort = create(world, "ana", "ben")
    settle(world, cohort)
    ben = environment(world, cohort, "ben")
    world.service.cohorts.change_members(asked(), cohort.id, ["eva"], ["ben"])
    settled = settle(world, cohort)
    assert (settled.members, settled.statuses) == (2, {"READY": 2})
    assert list(members(world, cohort)) == ["ana", "eva"]
    act(world, cohort, "expire")
    settle(world, cohort)
    assert world.service.environments.visible(ADMIN, ben.id).status is Status.READY
    with pytest.raises(InvalidFields) as found:
        world.service.cohorts.change_members(asked(), cohort.id, ["ana", "fay", "fay"], ["zoe"])
    assert [each["pointer"] for each in found.value.errors] == ["/remove/0", "/add/0", "/add/2"]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(world: World) -> None:
    world.ask_as("ana")
    owned = world.of("ana")
    plan = world.service.cohorts.plan(asked(), wanted("ana", "ben", "eva", dry_run=True))
    assert {each.owner: each.outcome for each in plan.members} == {
        "ana": "environment_exists",
        "ben": "would_change",
        "eva": "would_change",
    }
    assert plan.members[0].environment_id == owned.id
    assert plan.max_cost_micro_usd == 2_000_000  # two owners with a budget of one dollar
    long = wanted("ben", settings={**SETTINGS, "expires_in_hours": 720})
    world.moment += timedelta(hours=1)
    assert world.service.cohorts.plan(asked(), long).max_cost_micro_usd == 1_000_000
    assert world.service.cohorts.page(ADMIN, limit=10, start=None).items == []
    cohort = create(world, "ben")
    settle(world, cohort)
    act(world, cohort, "freeze", reason="over")
    settle(world, cohort)
    body = CohortActionRequest(dry_run=True)
    found = world.service.cohorts.plan_action(asked(), cohort.id, CohortAction.RESET, body)
    assert [(each.outcome, found.max_cost_micro_usd) for each in found.members] == [("environment_frozen", 0)]
    thaw = world.service.cohorts.plan_action(asked(), cohort.id, CohortAction.THAW, body)
    assert [(each.outcome, thaw.max_cost_micro_usd) for each in thaw.members] == [("would_change", 1_000_000)]
    assert environment(world, cohort, "ben").frozen is not None


def test_an_old_count_is_renewed_after_a_request(world: World) -> None:
    cohort = create(world, "ana")
    settle(world, cohort)
    world.service.environments.delete(ADMIN, environment(world, cohort, "ana").id, "r")
    for _ in range(4):
        world.tick(minutes=1)
    assert seen(world, cohort).statuses == {"READY": 1}
    assert settle(world, cohort).statuses == {"DELETED": 1}


def test_reading_a_cohort_costs_the_same_for_any_number_of_members(world: World) -> None:
    calls = []
    for number in (1, 40):
        cohort = create(world, *(f"owner-{number}-{index}" for index in range(number)))
        world.calls.clear()
        seen(world, cohort)
        calls.append(list(world.calls))
    assert calls == [["GetItem"]] * 2
