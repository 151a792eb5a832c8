"""Life cycle under throttling, failures, and repeated or late events."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import boto3
import pytest

from chalicelib.clock import later
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.settings import Settings
from chalicelib.errors import Conflict, InvalidFields
from chalicelib.services.idempotency import IdempotentRequest
from tests.support.event_bridge import event_with
from tests.support.moto_service import ANA, World, actions, roll_back, stacks_of


def test_a_throttled_creation_is_retried_later(world: World) -> None:
    world.faults["CreateStack"] = (400, "Throttling", "Rate exceeded")
    environment = world.ask()
    assert environment.status is Status.QUEUED
    assert environment.reason == "Waiting to retry after Throttling."
    first_tries = world.calls.count("CreateStack")
    world.service.events.tick(seconds=60)
    assert world.calls.count("CreateStack") == first_tries, "tried again before it was due"
    world.faults.clear()
    world.tick_after(minutes=1)
    world.tick_after(minutes=2)
    ready = world.see(environment.id)
    assert (ready.status, ready.reason, ready.attempts) == (Status.READY, None, 0)


def test_an_environment_with_a_missing_release_does_not_block_others(world: World) -> None:
    world.faults["CreateStack"] = (400, "Throttling", "Rate exceeded")
    first = world.ask()
    other = IdempotentRequest(Caller("ben", is_admin=False), "r2", None, "f")
    second = world.service.environments.create(other, Settings()).record.id
    world.service.events._store.save_environment(first, first.replace(release="0.0.0-000000000000"))
    world.faults.clear()
    for _ in range(3):
        world.tick_after(minutes=2)
    assert world.see(first.id).status is Status.QUEUED
    assert world.service.environments.visible(other.caller, second).status is Status.READY


def test_waits_grow_while_aws_does_not_answer(world: World) -> None:
    world.faults["CreateStack"] = (503, "ServiceUnavailable", "down")
    environment = world.ask()
    waits = []
    for _ in range(6):
        due = datetime.fromisoformat(world.see(environment.id).due_at or "")
        waits.append((due - world.moment).total_seconds())
        world.moment = due
        world.service.events.tick(seconds=60)
    assert waits[-1] > 8 * waits[0]
    assert max(waits) <= 900


def test_a_rejected_creation_fails_with_its_cause(world: World) -> None:
    world.faults["CreateStack"] = (403, "AccessDenied", "User is not authorized to perform: CreateStack")
    environment = world.ask()
    assert environment.status is Status.FAILED
    assert environment.failure is not None
    assert environment.failure.cause == "permission"
    world.faults.clear()
    gone, accepted = world.service.environments.delete(ANA, environment.id, "r2")
    assert (gone.status, accepted) == (Status.DELETED, True)


def test_the_first_failed_resource_is_shown_during_the_rollback(world: World) -> None:
    environment = world.ask()
    world.resource_event(environment, "SorBucket", "CREATE_FAILED", reason="Resource creation cancelled")
    world.resource_event(environment, "SotBucket", "CREATE_FAILED", reason="terraglue-x already exists")
    world.resource_event(environment, "SpecBucket", "CREATE_FAILED", reason="Access Denied, AccessDenied")
    shown = world.see(environment.id)
    assert shown.status is Status.CREATING
    assert shown.failure is not None
    assert (shown.failure.resource, shown.failure.cause) == ("SotBucket", "name_conflict")
    page = world.service.environments.timeline(ANA, environment.id, limit=10, start=None)
    assert [event.detail for event in page.items if event.action == "resource_failed"] == [
        asdict(shown.failure)
    ]


def test_old_and_repeated_resource_events_change_nothing(world: World) -> None:
    environment = world.ask()
    later, now = "2026-11-23T12:00:05Z", "2026-11-23T12:00:00Z"
    world.resource_event(environment, "SorBucket", "CREATE_COMPLETE", at=later)
    world.resource_event(environment, "SorBucket", "CREATE_COMPLETE", at=later)
    world.resource_event(environment, "SorBucket", "CREATE_IN_PROGRESS", at=now)
    world.resource_event(environment, "SorBucket", "CREATE_IN_PROGRESS", at=later)
    assert world.see(environment.id).resources["SorBucket"].status == "CREATE_COMPLETE"


def test_events_of_unknown_and_foreign_stacks_are_ignored(world: World) -> None:
    ghost = world.ask().replace(id="aaaaaaaaaa")
    world.stack_event(ghost)
    world.resource_event(ghost, "SorBucket", "CREATE_COMPLETE")
    foreign = "arn:aws:cloudformation:us-east-1:1:stack/payroll/x"
    world.service.events.stack_changed(event_with({"stack-id": foreign}))
    assert world.service.environments.page(ANA, owner=None, status=None, limit=9, start=None).next is None


def test_without_any_event_the_schedule_finds_a_complete_stack(world: World) -> None:
    environment = world.ask()
    assert environment.status is Status.CREATING
    world.tick_after(seconds=30)
    assert world.see(environment.id).status is Status.CREATING
    world.tick_after(seconds=31)
    assert world.see(environment.id).status is Status.READY


def test_cloudformation_is_not_called_while_events_arrive(world: World) -> None:
    environment = world.ask()
    world.calls.clear()
    for _ in range(5):  # a creation of three minutes and a half
        world.moment += timedelta(seconds=40)
        at = world.moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        world.resource_event(environment, "SorBucket", "CREATE_IN_PROGRESS", at=at)
        world.tick_after(seconds=1)
    assert not {"DescribeStacks", "ListStackResources"} & set(world.calls)
    assert world.see(environment.id).status is Status.CREATING
    world.tick_after(seconds=61)  # no more events arrive, and the stack's event is lost
    assert world.see(environment.id).status is Status.READY


def test_a_slow_clock_keeps_the_timeline_in_order(world: World) -> None:
    environment = world.ask()
    world.moment -= timedelta(seconds=50)
    world.stack_event(environment)
    world.service.environments.delete(ANA, environment.id, "r2")
    page = world.service.environments.timeline(ANA, environment.id, limit=10, start=None)
    changes = [change for event in page.items for change in event.changes]
    told = [change.new for change in changes if change.pointer == "/status"]
    assert told == ["DELETED", "DELETING", "READY", "SEEDING", "CREATING"]
    assert [event.at for event in page.items] == sorted({event.at for event in page.items}, reverse=True)


def test_a_stack_deleted_outside_the_service_is_a_failure(world: World) -> None:
    environment = world.ask()
    boto3.client("cloudformation").delete_stack(StackName=environment.name)
    world.stack_event(environment)
    failed = world.see(environment.id)
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert failed.failure.message == "The stack was deleted outside this service."


def test_an_undeletable_object_is_reported_and_retried(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    world.faults["DeleteObjects"] = (403, "AccessDenied", "Access Denied")
    stuck, _ = world.service.environments.delete(ANA, environment.id, "r2")
    assert stuck.status is Status.DELETING
    bucket = environment.bucket("glue_assets")
    assert stuck.reason == f"Waiting to retry after AccessDenied: {bucket}: Access Denied."
    for _ in range(3):
        world.tick_after(minutes=15)
    assert actions(world, environment).count("delayed") == 1, "the same trouble is told once"
    world.faults.clear()
    world.tick_after(minutes=15)
    assert world.see(environment.id).status is Status.DELETED


def test_leftovers_of_a_failed_creation_are_removed_automatically(world: World) -> None:
    environment = world.ask()
    roll_back(environment)
    world.stack_event(environment)
    world.tick_after(minutes=2)
    failed = world.see(environment.id)
    assert (failed.status, failed.stack_id, failed.clean_up) == (Status.FAILED, None, False)
    assert failed.failure is not None
    assert failed.reason == failed.failure.fix
    assert stacks_of(environment) == ["DELETE_COMPLETE"]
    assert actions(world, environment)[-1] == "cleaned_up"
    world.calls.clear()
    world.tick_after(minutes=2)
    assert world.calls == ["Query"], "it is looked at though there is nothing left to do"


def test_a_failed_environment_is_created_again_under_its_id(world: World) -> None:
    environment = world.ask()
    roll_back(environment)
    world.stack_event(environment)
    again = world.service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)
    assert again.record.id == environment.id
    world.tick_after(minutes=2)
    world.tick_after(minutes=2)
    ready = world.see(environment.id)
    assert (ready.status, ready.failure, ready.reason) == (Status.READY, None, None)
    assert sorted(stacks_of(environment)) == ["CREATE_COMPLETE", "DELETE_COMPLETE"]
    assert actions(world, environment).count("retry_requested") == 1


def test_a_retry_continues_with_a_complete_stack(world: World) -> None:
    environment = world.ask()
    world.faults["CopyObject"] = (403, "AccessDenied", "Access Denied")
    world.stack_event(environment)
    assert world.see(environment.id).status is Status.SEEDING  # the permission may take effect soon
    world.tick_after(minutes=11)
    assert world.see(environment.id).status is Status.FAILED
    world.faults.clear()
    world.service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)
    assert world.see(environment.id).status is Status.READY
    assert stacks_of(environment) == ["CREATE_COMPLETE"]


def test_only_a_failed_environment_can_be_retried(world: World) -> None:
    environment = world.ask()
    with pytest.raises(Conflict) as refused:
        world.service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)
    assert refused.value.code == "environment_not_failed"
    assert world.see(environment.id).creations == 1


def test_events_of_a_removed_stack_do_not_affect_the_next_attempt(world: World) -> None:
    environment = world.ask()
    roll_back(environment)
    world.stack_event(environment)
    world.tick_after(minutes=2)
    world.service.environments.retry(IdempotentRequest(ANA, "r2"), environment.id)
    before = world.see(environment.id)
    world.resource_event(
        before, "SotBucket", "CREATE_FAILED", reason="exists", at="2099-01-01T00:00:00Z", stack="gone"
    )
    assert world.see(environment.id).resources == before.resources
    assert world.see(environment.id).failure is None


def test_extension_records_old_and_new_expiration(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    extended = world.service.environments.extend(ANA, environment.id, 100, "r2")
    assert extended.expires_at == later(world.moment, 100 * 3600)
    world.tick_after(hours=99)
    assert world.see(environment.id).status is Status.READY
    page = world.service.environments.timeline(ANA, environment.id, limit=100, start=None)
    [event] = [event for event in page.items if event.action == "extended"]
    [change] = [change for change in event.changes if change.pointer == "/expires_at"]
    assert (change.old, change.new) == (environment.expires_at, extended.expires_at)
    world.tick_after(hours=2)
    world.stack_event(environment)
    assert world.see(environment.id).status is Status.DELETED


def test_extensions_above_the_ceiling_or_during_deletion_are_rejected(world: World) -> None:
    environment = world.ask()
    for hours in (0, 721):
        with pytest.raises(InvalidFields) as wrong:
            world.service.environments.extend(ANA, environment.id, hours, "r2")
        assert wrong.value.errors[0]["pointer"] == "/expires_in_hours"
    world.service.environments.delete(ANA, environment.id, "r3")
    with pytest.raises(Conflict):
        world.service.environments.extend(ANA, environment.id, 5, "r4")


def warnings(world: World, environment: Environment) -> list[int]:
    page = world.service.environments.timeline(ANA, environment.id, limit=100, start=None)
    told = [event.detail for event in reversed(page.items) if event.action == "expiry_warned"]
    return [detail["hours_before"] for detail in told if detail]


def test_the_owner_is_warned_once_a_day_and_an_hour_before_the_expiration(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    for hours, told in ((47, []), (1, [24]), (22, [24]), (1, [24, 1]), (0.5, [24, 1])):
        world.tick_after(hours=hours)
        world.service.events.tick(seconds=60)
        assert warnings(world, environment) == told
    assert world.see(environment.id).status is Status.READY


def test_a_tick_after_both_warnings_were_due_records_the_last(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    world.tick_after(hours=71.5)
    assert warnings(world, environment) == [1]
    world.tick_after(hours=0.1)
    assert warnings(world, environment) == [1]


def test_a_warning_due_before_the_extension_is_not_recorded(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    world.service.environments.extend(ANA, environment.id, 3, "r2")
    world.tick_after(hours=1)
    assert warnings(world, environment) == []
    world.tick_after(hours=1)
    assert warnings(world, environment) == [1]
    world.service.environments.extend(ANA, environment.id, 25, "r2")
    world.tick_after(hours=1)
    assert warnings(world, environment) == [1, 24]


def test_a_tick_after_the_expiration_deletes_without_a_warning(world: World) -> None:
    environment = world.ask()
    world.stack_event(environment)
    world.tick_after(hours=500)
    world.stack_event(environment)
    assert world.see(environment.id).status is Status.DELETED
    assert warnings(world, environment) == []


def test_a_request_and_a_check_make_few_calls(world: World) -> None:
    world.service.releases.latest()  # kept in memory for half a minute
    world.calls.clear()
    environment = world.ask()
    owner_account = "GetItem"
    assert world.calls == [
        owner_account,
        "TransactWriteItems",
        "CreateStack",
        "TransactWriteItems",
        "GetItem",
    ]
    world.calls.clear()
    world.see(environment.id)
    assert world.calls == ["GetItem"]
    world.calls.clear()
    world.service.environments.page(ANA, owner=None, status=None, limit=20, start=None)
    assert world.calls == ["Query", "BatchGetItem"]


def test_an_expired_environment_is_deleted(world: World) -> None:
    world.ask()
    world.tick()
    assert world.of("ana").status is Status.READY
    world.moment += timedelta(hours=71)
    world.tick()
    assert world.of("ana").status is Status.READY
    world.moment += timedelta(hours=1)
    world.tick()
    assert world.of("ana").status is Status.DELETED


def test_a_tick_with_nothing_due_makes_one_call(world: World) -> None:
    for owner in ("ana", "ben", "cleo"):
        world.ask_as(owner)
    world.tick()
    world.calls.clear()
    world.service.events.tick(seconds=60)
    assert world.calls == ["Query"]
