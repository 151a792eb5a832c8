"""Steps of an update, on in-memory records and a fake of CloudFormation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.change_sets import ChangeSet
from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.errors import AwsRefused
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState, JobFile, ResourceState, UpdateStage
from chalicelib.domain.failures import Failure
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.transitions import Next, Transitions
from chalicelib.lifecycle.update import Update
from chalicelib.sandbox.missing_resources import MissingResources
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = Settings(job=JobSettings(number_of_workers=2)).resolved()
NEW = Settings(job=JobSettings(number_of_workers=9)).resolved()
FIRST = Failure("internal", "The first failure.", "Do this.")
UPDATED = {"Job": ResourceState("AWS::Glue::Job", "UPDATE_COMPLETE", "2026-01-01T00:00:00#11")}


def change_set(status: str, execution: str = "UNAVAILABLE", reason: str = "") -> ChangeSet:
    return ChangeSet(status, execution, reason, ())


MAKING = change_set("CREATE_IN_PROGRESS")
READY_TO_GO = change_set("CREATE_COMPLETE", "AVAILABLE")
NOTHING = change_set("FAILED", reason="The submitted information didn't contain changes.")


@dataclass
class Aws:
    """Fake of CloudFormation. `proposals` are the change set on each description. The last one repeats."""

    stack: Stack | None
    proposals: list[ChangeSet | None] = field(default_factory=list)
    refused: Failure | None = None
    executes: bool | Exception = True
    discards: Exception | None = None
    files: int = 0
    on_file: Callable[[], None] = lambda: None
    done: list[str] = field(default_factory=list)
    rollback_versions: list[int] = field(default_factory=list)

    def find(self, environment: Environment) -> Stack | None:
        assert environment.id == "env1"
        return self.stack

    def find_change_set(self, environment: Environment) -> ChangeSet | None:
        assert environment.id == "env1"
        if len(self.proposals) > 1:
            return self.proposals.pop(0)
        return self.proposals[0] if self.proposals else None

    def create_change_set(self, environment: Environment) -> None:
        self.done.append(f"propose {environment.changes}")

    def execute_change_set(self, environment: Environment) -> bool:
        self.done.append(f"execute {environment.changes}")
        if isinstance(self.executes, Exception):
            raise self.executes
        return self.executes

    def discard_change_set(self, environment: Environment, ends_as: Environment) -> None:
        self.done.append(f"discard {environment.changes} for {ends_as.settings.job.number_of_workers}")
        if self.discards:
            raise self.discards

    def continue_rollback(self, environment: Environment, stack: Stack) -> None:
        assert (environment.id, stack.id) == ("env1", "stack")
        assert environment.version not in self.rollback_versions, "the token was used before"
        self.rollback_versions.append(environment.version)
        self.done.append(f"roll back {len(self.rollback_versions)}")

    def data_loss(self, environment: Environment, proposal: ChangeSet) -> Failure | None:
        assert (environment.id, proposal) == ("env1", READY_TO_GO)
        return self.refused

    def failure(self, environment: Environment, stack: Stack) -> Failure:
        assert (environment.id, stack.id) == ("env1", "stack")
        return Failure("internal", "A later failure.", "Do that.")

    def record_resources(self, environment: Environment, stack: Stack) -> None:
        assert (environment.id, stack.id) == ("env1", "stack")
        self.done.append("note")

    def resource_fields(self, stack: Stack) -> dict[str, Any]:
        assert stack.id == "stack"
        return {"resources": UPDATED}

    def outputs(self, environment: Environment, stack: Stack) -> None:
        assert (environment.id, stack.id) == ("env1", "stack")

    def job_files(self, environment: Environment) -> dict[str, JobFile]:
        assert environment.id == "env1"
        return {}

    def find_missing(self, environment: Environment, stack: Stack) -> MissingResources:
        return MissingResources([], [])

    def seed_update(self, environment: Environment) -> Iterator[int]:
        self.done.append(f"seed from {environment.seeded_files}")
        for number in range(environment.seeded_files + 1, self.files + 1):
            self.on_file()
            yield number


class Desk:
    """One UPDATING environment, its steps, and a clock that a test sets."""

    def __init__(self, aws: Aws, stage: str = "look", **fields: Any) -> None:
        client: Any = FastDynamoDb(INDEXES)
        self.aws, self.moment, self.slept = aws, NOW, [0.0][:0]
        self.store = Store(Table(client, "table"), Capacity())
        transitions = Transitions(
            self.store, lease_seconds=100, clock=lambda: self.moment, jitter=lambda: 1.0
        )
        fake: Any = aws
        self.update = Update(transitions, fake, fake, fake, fake, sleep=self.sleep)
        moment = timestamp(NOW)
        new = environment(1, created_at=moment, updated_at=moment, admitted_at=moment, settings=OLD)
        self.store.add_environment(new, TimelineEvent(moment, "ana", "requested"), None)
        wanted = replace(DesiredState(NEW, "r", UpdateStage(stage)), **fields.pop("wanted", {}))
        values = {"stack_id": "stack", "due_at": moment, "changes": 4, "attempts": 2, **fields}
        values = {"status": Status.UPDATING, **values}
        self.store.save_environment(new, new.replace(wanted=wanted, **values))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def read(self) -> Environment:
        found = self.store.environment("env1")
        assert found is not None
        return found

    def step(self, seconds: float = 600) -> Next:
        return self.update.step(self.read(), self.moment.timestamp() + seconds)

    def steps(self) -> None:
        while self.step() is Next.AGAIN:
            assert len(self.aws.done) < 50, "it does not end"

    def after(self, seconds: float) -> str:
        return timestamp(NOW + timedelta(seconds=seconds))

    def why(self) -> str:
        """The timeline's explanation of the last change of status."""
        [line] = self.store.events("env1", limit=1).items
        assert (line.action, line.actor) == ("status_changed", "service")
        return str((line.detail or {})["why"])

    def stage(self) -> str:
        wanted = self.read().wanted
        assert wanted is not None
        return str(wanted.stage)

    def actions(self) -> list[str]:
        return [line.action for line in reversed(self.store.events("env1", limit=100).items)]

    def workers(self) -> int:
        return int(self.read().settings.job.number_of_workers)


def stack(status: str = "UPDATE_COMPLETE") -> Stack:
    return Stack("stack", status, None, {})


def assert_ended_as_it_was(desk: Desk, message: str) -> None:
    ended = desk.read()
    assert (ended.status, ended.wanted, desk.workers()) == (Status.READY, None, 2)
    assert ended.failure is not None
    assert (ended.failure.message, ended.reason) == (message, ended.failure.fix)
    assert desk.why() == message
    assert (ended.lease_until, ended.attempts, ended.due_at) == (None, 0, ended.expires_at)


# -- the change set ----------------------------------------------------------------------------------------


def test_an_update_creates_checks_and_executes_a_change_set() -> None:
    desk = Desk(Aws(stack(), [None, MAKING, READY_TO_GO]))
    assert desk.step() is Next.AGAIN
    assert (desk.aws.done, desk.slept) == (["propose 4", "execute 4"], [0.5])
    begun = desk.read()
    assert (begun.status, desk.stage(), begun.attempts) == (Status.UPDATING, "execute", 0)
    assert begun.due_at == desk.after(60.5)


def test_a_slow_change_set_is_checked_every_five_seconds() -> None:
    desk = Desk(Aws(stack(), [None, MAKING]))
    assert desk.step() is Next.LATER
    assert (desk.slept, desk.read().due_at) == ([0.5, 1.0, 2.0], desk.after(8.5))
    assert desk.step() is Next.LATER  # an event, before that
    assert desk.read().due_at == desk.after(8.5)
    desk.moment = NOW + timedelta(seconds=8.5)
    assert desk.step() is Next.LATER
    assert desk.read().due_at == desk.after(13.5)
    assert desk.aws.done == ["propose 4"]


def test_no_pause_exceeds_the_remaining_time() -> None:
    desk = Desk(Aws(stack(), [None, MAKING]))
    assert desk.step(seconds=1.6) is Next.LATER
    assert desk.slept == [0.5, 1.0]


def test_an_empty_change_set_only_records_the_settings() -> None:
    desk = Desk(Aws(stack(), [NOTHING]))
    desk.steps()
    done = desk.read()
    assert (done.status, done.wanted, done.failure, desk.workers()) == (Status.READY, None, None, 9)
    assert (done.attempts, done.lease_until, done.due_at) == (0, None, done.expires_at)
    assert desk.aws.done == ["discard 4 for 9"]


def test_a_change_that_would_delete_data_is_not_executed() -> None:
    desk = Desk(Aws(stack(), [READY_TO_GO], refused=Failure("internal", "It holds data.", "Empty it.")))
    assert desk.step() is Next.LATER
    assert_ended_as_it_was(desk, "It holds data.")
    assert desk.aws.done == ["discard 4 for 2"]


def test_an_impossible_change_is_rejected_with_cloudformations_reason() -> None:
    desk = Desk(Aws(stack(), [change_set("FAILED", reason="Template error.")]))
    assert desk.step() is Next.LATER
    assert_ended_as_it_was(desk, "Template error.")


def test_a_rejected_execution_ends_the_update_and_leaves_undeletable_change_sets() -> None:
    refusal = AwsRefused("AccessDenied", "no")
    desk = Desk(Aws(stack(), [READY_TO_GO], executes=refusal, discards=refusal))
    assert desk.step() is Next.LATER
    assert_ended_as_it_was(desk, str(refusal))
    assert desk.read().resources == UPDATED


def test_an_execution_that_is_impossible_now_is_retried_in_five_seconds() -> None:
    desk = Desk(Aws(stack(), [READY_TO_GO], executes=False))
    assert desk.step() is Next.LATER
    assert (desk.read().due_at, desk.stage()) == (desk.after(5), "execute")


def test_an_update_waits_for_a_running_execution() -> None:
    desk = Desk(Aws(stack(), [change_set("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS")]), "execute")
    assert desk.step() is Next.LATER
    assert (desk.read().due_at, desk.aws.done) == (desk.after(60), [])


def test_an_execution_that_is_complete_ends_with_the_new_settings() -> None:
    desk = Desk(Aws(stack(), [change_set("CREATE_COMPLETE", "EXECUTE_COMPLETE")]), "execute", failure=FIRST)
    desk.steps()
    assert (desk.read().status, desk.read().failure, desk.workers()) == (Status.READY, None, 9)


def test_an_execution_that_failed_ends_with_its_first_failure() -> None:
    desk = Desk(Aws(stack(), [change_set("CREATE_COMPLETE", "EXECUTE_FAILED")]), "execute", failure=FIRST)
    assert desk.step() is Next.LATER
    assert_ended_as_it_was(desk, "The first failure.")


@pytest.mark.parametrize("execution", ["OBSOLETE", "UNAVAILABLE"])
def test_an_outdated_change_set_is_replaced_under_a_new_name(execution: str) -> None:
    desk = Desk(Aws(stack(), [change_set("CREATE_COMPLETE", execution), None, READY_TO_GO]), "execute")
    assert desk.step() is Next.AGAIN
    assert (desk.stage(), desk.read().changes) == ("look", 5)
    desk.step()
    assert desk.aws.done == ["propose 5", "execute 5"]


def test_a_missing_change_set_is_replaced_unless_the_stack_was_rolled_back() -> None:
    desk = Desk(Aws(stack()), "execute")
    assert desk.step() is Next.AGAIN
    assert (desk.stage(), desk.read().changes) == ("look", 5)
    rolled_back = Desk(Aws(stack("UPDATE_ROLLBACK_COMPLETE")), "execute", failure=FIRST)
    assert rolled_back.step() is Next.LATER
    assert_ended_as_it_was(rolled_back, "The first failure.")


# -- CloudFormation's updates ------------------------------------------------------------------------------


def test_the_first_failure_of_an_update_is_recorded() -> None:
    desk = Desk(Aws(stack("UPDATE_ROLLBACK_IN_PROGRESS")), "execute", failure=FIRST)
    assert desk.step() is Next.LATER
    assert desk.read().failure == FIRST
    assert desk.actions() == ["requested"]


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_rollbacks_failure_is_recorded_once_by_an_event_or_the_schedule(seconds: int) -> None:
    desk = Desk(Aws(stack("UPDATE_ROLLBACK_IN_PROGRESS")), "execute", due_at="2026-01-01T00:01:00.000Z")
    desk.moment = NOW + timedelta(seconds=seconds)
    for _ in range(2):
        assert desk.step() is Next.LATER
    assert desk.read().failure.message == "A later failure."
    assert desk.actions() == ["requested", "resource_failed"]
    assert desk.read().due_at == desk.after(120 if seconds else 60)
    assert desk.aws.done == (["note"] if seconds else [])


def test_a_running_update_has_no_failure() -> None:
    desk = Desk(Aws(stack("UPDATE_IN_PROGRESS")), "execute")
    assert desk.step() is Next.LATER
    assert (desk.read().failure, desk.read().due_at, desk.aws.done) == (None, desk.after(60), ["note"])


def test_events_do_not_use_rollback_attempts() -> None:
    desk = Desk(Aws(stack("UPDATE_ROLLBACK_FAILED")), "execute", failure=FIRST)
    for _ in range(5):
        assert desk.step() is Next.LATER
    assert desk.aws.done == ["roll back 1"]
    tried = desk.read()
    assert (tried.status, tried.wanted and tried.wanted.rollbacks, desk.stage()) == (
        Status.UPDATING,
        1,
        "execute",
    )
    assert (tried.failure, tried.due_at) == (FIRST, desk.after(60))
    assert tried.reason == "The change failed, and AWS could not roll it back. Retrying the rollback."
    assert desk.actions() == ["requested", "delayed"]
    desk.moment = NOW + timedelta(seconds=60)
    for _ in range(5):
        assert desk.step() is Next.LATER
    assert desk.aws.done == ["roll back 1", "roll back 2"]
    desk.moment = NOW + timedelta(seconds=120)
    assert desk.step() is Next.AGAIN
    failed = desk.read()
    assert (failed.status, failed.clean_up, failed.lease_until) == (Status.FAILED, False, None)
    assert (failed.attempts, desk.why()) == (0, "The first failure.")
    assert failed.failure is not None
    assert failed.failure.message == "The first failure."
    assert (
        failed.reason
        == failed.failure.fix
        == ("Ask an operator to repair the stack, then retry; or delete the environment.")
    )
    assert failed.wanted is not None, "a retry would not know what to take back"
    assert failed.due_at == failed.expires_at
    assert desk.aws.done == ["roll back 1", "roll back 2"]


def test_a_failure_without_an_event_is_read_when_the_rollback_fails() -> None:
    desk = Desk(Aws(stack("UPDATE_ROLLBACK_FAILED")), "execute")
    desk.step()
    assert desk.read().failure.message == "A later failure."


@pytest.mark.parametrize("found", [None, stack("DELETE_IN_PROGRESS")])
def test_an_update_of_a_stack_in_foreign_deletion_fails_and_keeps_leftovers(found: Stack | None) -> None:
    desk = Desk(Aws(found), lease_until="2026-01-01T00:01:00.000Z")
    assert desk.step() is Next.AGAIN
    failed = desk.read()
    assert failed.lease_until is None, "a retry would have to wait for it"
    assert (failed.status, failed.clean_up, failed.wanted) == (Status.FAILED, False, None)
    assert failed.failure.message == "The stack was deleted outside this service."
    assert failed.due_at == failed.expires_at


def test_an_update_of_a_broken_stack_fails_and_changes_nothing() -> None:
    desk = Desk(Aws(stack("ROLLBACK_FAILED")))
    assert desk.step() is Next.AGAIN
    failed = desk.read()
    assert (failed.status, failed.clean_up) == (Status.FAILED, False)
    assert failed.failure.message == "The stack is ROLLBACK_FAILED."


# -- the end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "release", "brings"),
    [(True, True, "r", False), (False, True, "r", True), (True, False, "r", False), (True, True, "r2", True)],
)
def test_files_are_copied_for_another_release_or_newly_included_data(
    before: bool, after: bool, release: str, brings: bool
) -> None:
    wanted = {"settings": NEW.model_copy(update={"upload_data": after}), "release": release}
    desk = Desk(
        Aws(stack(), files=3), "seed", settings=OLD.model_copy(update={"upload_data": before}), wanted=wanted
    )
    assert desk.step() is Next.LATER
    assert ("seed from 0" in desk.aws.done) is brings
    assert (desk.read().status, desk.read().release) == (Status.READY, release)


def test_copying_continues_where_the_time_limit_ended_it() -> None:
    desk = Desk(Aws(stack(), files=3), "seed", wanted={"release": "r2"})
    assert desk.step(seconds=0) is Next.AGAIN
    paused = desk.read()
    assert (paused.seeded_files, paused.lease_until, paused.due_at) == (1, None, desk.after(0))
    assert desk.step() is Next.LATER
    assert desk.aws.done == ["seed from 0", "seed from 1", "discard 4 for 9"]
    assert desk.read().status is Status.READY


def test_renewals_of_the_lease_record_the_number_of_copied_files() -> None:
    desk = Desk(Aws(stack(), files=3), "seed", wanted={"release": "r2"})
    seen = []

    def pass_the_time() -> None:
        held = desk.read()
        seen.append((held.seeded_files, held.lease_until))
        desk.moment += timedelta(seconds=60)

    desk.aws.on_file = pass_the_time
    assert desk.step() is Next.LATER
    assert seen == [(0, desk.after(100)), (1, desk.after(160)), (2, desk.after(220))]
    assert desk.read().status is Status.READY


def test_nothing_is_done_while_another_process_copies_the_files() -> None:
    desk = Desk(Aws(stack(), files=3), "seed", lease_until="2026-01-01T00:00:01.000Z")
    assert desk.step() is Next.LATER
    assert (desk.aws.done, desk.read().status) == ([], Status.UPDATING)


@pytest.mark.parametrize(
    ("stage", "found", "ends"),
    [
        ("look", stack(), True),
        ("look", stack("UPDATE_IN_PROGRESS"), False),
        ("look", None, False),
        ("execute", stack(), False),
        ("seed", stack(), False),
    ],
)
def test_a_rejected_call_ends_an_update_that_has_not_started(
    stage: str, found: Stack | None, ends: bool
) -> None:
    desk = Desk(Aws(found), stage)
    refusal = AwsRefused("AccessDenied", "no")
    assert desk.update.give_up(desk.read(), refusal) is ends
    assert desk.read().status is (Status.READY if ends else Status.UPDATING)
    if ends:
        assert_ended_as_it_was(desk, str(refusal))
