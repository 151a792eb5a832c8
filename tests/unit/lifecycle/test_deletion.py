"""Steps of deletion and clean-up, on in-memory records and a fake of AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.cloudformation import Stack, StackResource
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.existence import DeletionCheck
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import ResourceState
from chalicelib.domain.failures import Failure
from chalicelib.domain.receipts import Receipt, ReceiptEntry
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.transitions import Next, Transitions
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUCKET = StackResource("AWS::S3::Bucket", "SotBucket", "terraglue-env1-sot", "DELETE_COMPLETE")
OBJECTS, TABLES = "AWS::S3::Object", "AWS::Glue::Table"
KEY = ReceiptEntry("AWS::KMS::Key", id="the first attempt's")
OTHER_KEY = ReceiptEntry("AWS::KMS::Key", id="the second attempt's")
FAILED_BUCKET = {"SotBucket": ResourceState("AWS::S3::Bucket", "CREATE_FAILED", "2026-01-01T00:00:00#02")}


@dataclass
class Aws:
    """Fake of AWS for deletion: a stack, its leftovers, and batches of items to remove."""

    stack: Stack | None
    there: list[StackResource] = field(default_factory=list)
    remaining: list[ReceiptEntry] = field(default_factory=list)
    slices: list[tuple[str, int] | Exception] = field(default_factory=list)
    runs_are_stopped: bool = True
    logs: int = 0
    on_slice: Callable[[], None] = lambda: None
    done: list[str] = field(default_factory=list)

    def find(self, environment: Environment) -> Stack | None:
        assert environment.id == "env1"
        return self.stack

    def verify(self, _: Stack) -> DeletionCheck:
        return DeletionCheck([ReceiptEntry("AWS::IAM::Role", id="r")], self.remaining, self.there, [])

    def stop_all(self, environment: Environment) -> bool:
        assert environment.id == "env1"
        return self.runs_are_stopped

    def empty(self, _: Stack) -> Iterator[tuple[str, int]]:
        yield from self._slices("empty")

    def remove_leftovers(self, parts: list[StackResource]) -> Iterator[tuple[str, int]]:
        yield from self._slices(f"remove {parts[0].physical_id}")

    def _slices(self, what: str) -> Iterator[tuple[str, int]]:
        self.done.append(what)
        for one in self.slices:
            if isinstance(one, Exception):
                raise one
            self.on_slice()
            yield one

    def delete_stack(self, _: Environment, stack: Stack) -> None:
        self.done.append(f"delete {stack.id}")

    def failure_reason(self, _: Environment, stack: Stack) -> str:
        return f"AWS could not delete it: {stack.reason}"

    def remove_logs(self, environment: Environment) -> tuple[str, int]:
        assert environment.id == "env1"
        return "AWS::Logs::LogGroup", self.logs

    def receipt(self, environment: Environment, proof: DeletionCheck | None) -> dict[str, Any]:
        left = [*environment.remaining, *(proof.remaining if proof else [])]
        removed = [ReceiptEntry(kind, count=count) for kind, count in environment.removed.items()]
        return Receipt(removed, left)


class Desk:
    """One environment, its deletion, and a clock that a test sets."""

    def __init__(self, aws: Aws, **fields: Any) -> None:
        client: Any = FastDynamoDb(INDEXES)
        self.aws, self.moment = aws, NOW
        self.store = Store(Table(client, "table"), Capacity())
        transitions = Transitions(
            self.store, lease_seconds=100, clock=lambda: self.moment, jitter=lambda: 1.0
        )
        fake: Any = aws
        self.deletion = Deletion(transitions, fake, fake, fake, self.store)
        moment = timestamp(NOW)
        new = environment(1, created_at=moment, updated_at=moment, admitted_at=moment, due_at=moment)
        self.store.add_environment(new, TimelineEvent(moment, "ana", "requested"), None)
        self.store.save_environment(new, new.replace(**{"stack_id": "stack", **fields}))

    def read(self) -> Environment:
        found = self.store.environment("env1")
        assert found is not None
        return found

    def step(self, seconds: float = 600) -> Next:
        return self.deletion.step(self.read(), self.moment.timestamp() + seconds)

    def clean_up(self, seconds: float = 600) -> Next:
        return self.deletion.clean_up(self.read(), self.moment.timestamp() + seconds)

    def after(self, seconds: float) -> str:
        return timestamp(NOW + timedelta(seconds=seconds))

    def actions(self) -> list[str]:
        return [line.action for line in reversed(self.store.events("env1", limit=100).items)]


def stack(status: str, reason: str | None = None) -> Stack:
    return Stack("stack", status, reason, {})


def failed(aws: Aws, **fields: Any) -> Desk:
    cause = Failure("internal", "It broke.", "Mend it.")
    resources = FAILED_BUCKET
    return Desk(aws, status=Status.FAILED, clean_up=True, failure=cause, resources=resources, **fields)


# -- cleaning up -------------------------------------------------------------------------------------------


def test_a_clean_up_is_incomplete_while_resources_remain() -> None:
    desk = failed(Aws(stack("DELETE_COMPLETE"), there=[BUCKET]))
    assert desk.clean_up() is Next.LATER
    waiting = desk.read()
    assert (waiting.clean_up, waiting.stack_id, waiting.attempts) == (True, "stack", 1)
    assert (
        waiting.reason
        == "The stack is deleted, but these resources still exist: AWS::S3::Bucket terraglue-env1-sot."
    )
    assert waiting.due_at == desk.after(10)
    assert desk.actions()[-1] == "delayed"
    desk.clean_up()
    assert desk.actions().count("delayed") == 1, "the same trouble is told again"
    assert desk.read().attempts == 2
    desk.aws.there = []
    assert desk.clean_up() is Next.AGAIN
    cleaned = desk.read()
    assert (cleaned.clean_up, cleaned.stack_id, cleaned.due_at) == (False, None, cleaned.expires_at)
    assert (cleaned.attempts, cleaned.lease_until) == (0, None)
    assert (cleaned.admitted_at, cleaned.reason) == (None, "Mend it.")
    assert cleaned.resources == FAILED_BUCKET, "what has failed is shown no more"
    assert desk.actions()[-1] == "cleaned_up"


def test_leftovers_of_each_attempt_are_kept_for_the_receipt() -> None:
    desk = failed(Aws(stack("DELETE_COMPLETE"), remaining=[OTHER_KEY]), remaining=[KEY])
    desk.clean_up()
    assert desk.read().remaining == [KEY, OTHER_KEY]
    desk.aws.stack, desk.aws.remaining = None, []
    desk.store.save_environment(desk.read(), desk.read().replace(status=Status.DELETING))
    desk.step()
    gone = desk.read()
    assert (gone.status, gone.remaining) == (Status.DELETED, [])
    assert gone.receipt is not None
    assert gone.receipt.remaining == [KEY, OTHER_KEY]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_a_clean_up_keeps_a_stack_that_is_complete(status: str) -> None:
    desk = failed(Aws(stack(status)))
    assert desk.clean_up() is Next.AGAIN
    cleaned = desk.read()
    assert (cleaned.clean_up, cleaned.stack_id, cleaned.admitted_at) == (False, "stack", desk.after(0))
    assert desk.aws.done == []


@pytest.mark.parametrize("last", [None, stack("DELETE_COMPLETE")])
def test_a_retry_keeps_its_slot_and_drops_the_failed_attempts_resources(last: Stack | None) -> None:
    desk = Desk(Aws(last), clean_up=True, resources=FAILED_BUCKET)
    assert desk.clean_up() is Next.AGAIN
    cleaned = desk.read()
    assert (cleaned.status, cleaned.admitted_at, cleaned.due_at) == (Status.QUEUED, *[desk.after(0)] * 2)
    assert (cleaned.stack_id, cleaned.resources, cleaned.reason) == (None, {}, None)


def test_a_clean_up_waits_while_cloudformation_still_rolls_back() -> None:
    desk = failed(Aws(stack("ROLLBACK_IN_PROGRESS")))
    assert desk.clean_up() is Next.LATER
    assert (desk.read().clean_up, desk.read().due_at, desk.aws.done) == (True, desk.after(60), [])


def test_a_clean_up_deletes_a_rolled_back_stack_and_explains_what_to_do() -> None:
    desk = failed(Aws(stack("ROLLBACK_COMPLETE")))
    assert desk.clean_up() is Next.AGAIN
    assert desk.aws.done == ["empty", "delete stack"]
    assert desk.read().reason == "Mend it."


# -- deleting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
)
def test_a_deletion_waits_for_a_stack_update(status: str) -> None:
    desk = Desk(Aws(stack(status)), status=Status.DELETING)
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read().due_at) == ([], desk.after(60))


def test_a_deletion_waits_for_a_stack_in_deletion() -> None:
    desk = Desk(Aws(stack("DELETE_IN_PROGRESS")), status=Status.DELETING)
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read().due_at) == ([], desk.after(60))


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "UPDATE_COMPLETE", "CREATE_FAILED"]
)
def test_any_other_stack_is_emptied_and_then_deleted(status: str) -> None:
    desk = Desk(
        Aws(stack(status), slices=[(OBJECTS, 1000), (OBJECTS, 7), (TABLES, 2)]), status=Status.DELETING
    )
    assert desk.step() is Next.AGAIN
    after = desk.read()
    assert desk.aws.done == ["empty", "delete stack"]
    assert "delayed" not in desk.actions()
    assert after.removed == {OBJECTS: 1007, TABLES: 2}
    assert (after.attempts, after.lease_until, after.reason) == (1, None, None)
    assert after.due_at == desk.after(40), "the events of the stack come first"


def test_nothing_is_done_while_another_process_removes() -> None:
    desk = Desk(Aws(stack("CREATE_COMPLETE")), status=Status.DELETING, lease_until="2026-01-01T00:00:01.000Z")
    before = desk.read()
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read()) == ([], before)


def test_a_deletion_waits_shortly_for_a_stopping_run() -> None:
    desk = Desk(Aws(stack("CREATE_COMPLETE"), runs_are_stopped=False), status=Status.DELETING)
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read().due_at, desk.read().lease_until) == ([], desk.after(5), None)


def test_removals_before_an_aws_error_are_counted() -> None:
    refusal = AwsRefused("AccessDenied", "no")
    desk = Desk(
        Aws(stack("CREATE_COMPLETE"), slices=[(OBJECTS, 5), (TABLES, 1), refusal]),
        status=Status.DELETING,
        removed={OBJECTS: 10},
    )
    with pytest.raises(AwsRefused):
        desk.step()
    assert desk.read().removed == {OBJECTS: 15, TABLES: 1}
    assert desk.aws.done == ["empty"]


def test_a_batch_ends_at_its_time_limit_and_the_next_one_continues() -> None:
    desk = Desk(Aws(stack("CREATE_COMPLETE"), slices=[(OBJECTS, 5), (OBJECTS, 6)]), status=Status.DELETING)
    assert desk.step(seconds=0) is Next.LATER
    paused = desk.read()
    assert (paused.removed, paused.lease_until, paused.due_at) == ({OBJECTS: 5}, None, desk.after(0))
    assert paused.reason == "Emptying the buckets: 5 object versions removed so far."
    desk.aws.slices = [(OBJECTS, 6)]
    desk.step()
    assert desk.read().removed == {OBJECTS: 11}


def test_renewals_of_the_lease_record_the_progress() -> None:
    desk = Desk(Aws(stack("CREATE_COMPLETE"), slices=[(OBJECTS, 5), (OBJECTS, 6)]), status=Status.DELETING)
    seen = []

    def pass_the_time() -> None:
        held = desk.read()
        seen.append((held.removed, held.reason, held.lease_until))
        desk.moment += timedelta(seconds=60)

    desk.aws.on_slice = pass_the_time
    assert desk.step() is Next.AGAIN
    so_far = "Emptying the buckets: 5 object versions removed so far."
    assert seen == [({}, None, desk.after(100)), ({OBJECTS: 5}, so_far, desk.after(160))]
    assert desk.read().removed == {OBJECTS: 11}


def test_a_stack_found_by_name_is_recorded_with_its_id() -> None:
    desk = Desk(Aws(stack("CREATE_IN_PROGRESS")), status=Status.DELETING, stack_id=None)
    desk.step()
    assert desk.read().stack_id == "stack"


def test_a_due_failed_deletion_is_recorded_and_retried_at_once() -> None:
    desk = Desk(Aws(stack("DELETE_FAILED", "locked")), status=Status.DELETING)
    assert desk.step() is Next.AGAIN
    assert (desk.aws.done, desk.actions()[-1]) == (["empty", "delete stack"], "delayed")
    assert desk.read().reason == "AWS could not delete it: locked"


def test_a_failed_deletion_is_recorded_at_once_and_retried_when_due() -> None:
    desk = Desk(
        Aws(stack("DELETE_FAILED", "locked")), status=Status.DELETING, due_at="2026-01-01T00:01:00.000Z"
    )
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read().reason) == ([], "AWS could not delete it: locked")
    assert desk.actions()[-1] == "delayed"
    version = desk.read().version
    desk.step()
    assert desk.read().version == version, "the same is told again"
    desk.moment = NOW + timedelta(minutes=1)
    assert desk.step() is Next.AGAIN
    assert desk.aws.done == ["empty", "delete stack"]
    assert (desk.read().attempts, desk.read().reason) == (1, "AWS could not delete it: locked")
    assert desk.actions().count("delayed") == 1


def test_a_deleted_stack_does_not_end_the_deletion_while_resources_remain() -> None:
    desk = Desk(Aws(stack("DELETE_COMPLETE"), there=[BUCKET], slices=[(OBJECTS, 3)]), status=Status.DELETING)
    assert desk.step() is Next.LATER
    stuck = desk.read()
    assert (stuck.status, stuck.attempts, stuck.lease_until) == (Status.DELETING, 1, None)
    assert (
        stuck.reason
        == "The stack is deleted, but these resources still exist: AWS::S3::Bucket terraglue-env1-sot."
    )
    assert (stuck.removed, stuck.due_at) == ({OBJECTS: 3}, desk.after(10))
    assert desk.aws.done == ["remove terraglue-env1-sot"]
    assert desk.store.live_environment_id("owner-1") == "env1"


@pytest.mark.parametrize("last", [None, stack("DELETE_COMPLETE")])
def test_the_end_of_a_deletion_writes_the_receipt_and_unlocks_the_owner(last: Stack | None) -> None:
    desk = Desk(Aws(last, logs=2), status=Status.DELETING, removed={OBJECTS: 3}, reason="so far", attempts=4)
    assert desk.step() is Next.LATER
    gone = desk.read()
    assert (gone.status, gone.deleted_at) == (Status.DELETED, desk.after(0))
    assert gone.receipt == Receipt(
        [ReceiptEntry(OBJECTS, count=3), ReceiptEntry("AWS::Logs::LogGroup", count=2)], []
    )
    assert (gone.due_at, gone.lease_until, gone.admitted_at, gone.reason) == (None, None, None, None)
    assert (gone.removed, gone.remaining) == ({}, [])
    [line] = desk.store.events("env1", limit=1).items
    assert line.detail == {"from": "DELETING", "to": "DELETED", "why": "everything removed"}
    assert desk.store.live_environment_id("owner-1") is None
    assert desk.store.queue.counters().live == 0
    assert desk.actions()[-1] == "status_changed"


def test_two_processes_end_a_deletion_once() -> None:
    desk = Desk(Aws(None), status=Status.DELETING, lease_until="2026-01-01T00:00:01.000Z")
    assert desk.step() is Next.LATER
    assert desk.read().status is Status.DELETING
    desk.moment = NOW + timedelta(seconds=1)
    desk.step()
    assert desk.read().status is Status.DELETED
