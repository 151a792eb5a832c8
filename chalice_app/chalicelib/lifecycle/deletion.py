"""Deletion of an environment, and the clean-up after a failed creation."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.cloudformation import Stack, StackResource
from chalicelib.aws.errors import AwsError
from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.byte_limits import LEFT_BYTES
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.receipts import listed
from chalicelib.lifecycle.active_work import ActiveWork
from chalicelib.lifecycle.leased_work import LeasedWork
from chalicelib.lifecycle.transitions import RUNS_STOP_SECONDS, Next, Transitions
from chalicelib.sandbox.deletion_cleanup import DeletionCleanup, emptying_progress, leftovers_reason
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.storage.store import Store


class Deletion:
    """The steps of DELETING and of the clean-up."""

    def __init__(
        self,
        transitions: Transitions,
        stacks: SandboxStacks,
        removal: DeletionCleanup,
        active: ActiveWork,
        store: Store,
    ) -> None:
        self._transitions = transitions
        self._stacks = stacks
        self._removal = removal
        self._active = active
        self._store = store

    def step(self, environment: Environment, deadline: float) -> Next:
        """DELETING: remove everything, then verify that it does not exist."""
        stack = self._stacks.find(environment)
        if stack is not None and not stack.is_gone:
            return self._remove(environment, stack, deadline)
        leased = self._transitions.acquire_lease(environment)
        if leased is None:
            return Next.LATER
        if not self._active.stop_all(leased):  # runs continue if the stack was deleted outside the service
            self._transitions.postpone(leased, RUNS_STOP_SECONDS)
            return Next.LATER
        self._finish(leased, stack, deadline)
        return Next.LATER

    def clean_up(self, environment: Environment, deadline: float) -> Next:
        """FAILED or QUEUED: remove the stack of the failed attempt, unless it is complete."""
        stack = self._stacks.find(environment)
        if environment.ready_at and (stack is None or stack.is_gone):
            # Runs of a working environment may continue, and create log groups that the next stack needs.
            if not self._active.stop_all(environment):
                self._transitions.postpone(environment, RUNS_STOP_SECONDS)
                return Next.LATER
            self._removal.remove_logs(environment)
        if stack is None:
            self._cleaned_up(environment, stack_id=None, resources={}, admitted_at=None)
        elif stack.is_gone:
            proof = self._removal.verify(stack)
            if proof.still_existing:
                leased = self._transitions.acquire_lease(environment)
                if leased is not None:
                    self._remove_leftovers(leased, proof.still_existing, deadline)
                return Next.LATER
            remaining = listed([*environment.remaining, *proof.remaining], LEFT_BYTES)
            self._cleaned_up(environment, stack_id=None, resources={}, admitted_at=None, remaining=remaining)
        elif stack.is_complete:
            self._cleaned_up(environment, stack_id=stack.id)
        elif stack.in_progress:
            return self._transitions.wait(environment)
        else:
            return self._remove(environment, stack, deadline)
        return Next.AGAIN

    def _cleaned_up(self, environment: Environment, **changes: object) -> None:
        failed = environment.status is Status.FAILED
        if failed:
            changes.pop("resources", None)  # they show the failure until the next attempt
        else:
            changes.pop("admitted_at", None)  # the next attempt keeps the slot
        self._transitions.save(
            environment,
            self._transitions.event("cleaned_up", {"why": "resources of the failed attempt removed"}),
            **changes,
            clean_up=False,
            attempts=0,
            reason=environment.failure.fix if failed and environment.failure else None,
            lease_until=None,
            due_at=expiry.next_check(environment) if failed else timestamp(self._transitions.now()),
        )

    def _remove(self, environment: Environment, stack: Stack, deadline: float) -> Next:
        """Stop the runs, empty the buckets, and delete the stack."""
        is_updating = stack.status.startswith("UPDATE") and stack.in_progress  # and cannot be deleted
        if is_updating or stack.status == "DELETE_IN_PROGRESS":
            return self._transitions.wait(environment)
        if stack.status == "DELETE_FAILED" and not self._transitions.is_due(environment):
            return self._show_delay(environment, stack)
        leased = self._transitions.acquire_lease(environment, stack_id=stack.id)
        if leased is None:
            return Next.LATER
        if not self._active.stop_all(leased):  # a run that is stopping can still write
            self._transitions.postpone(leased, RUNS_STOP_SECONDS)
            return Next.LATER
        emptied = self._work(leased, self._removal.empty(stack), deadline)
        if emptied is None:
            return Next.LATER
        failed = stack.status == "DELETE_FAILED"
        reason = self._removal.failure_reason(emptied, stack) if failed else None
        self._removal.delete_stack(emptied, stack)
        attempts = emptied.attempts + 1
        fix = emptied.failure.fix if emptied.status is Status.FAILED and emptied.failure else None
        self._transitions.postpone(
            emptied,
            self._transitions.backoff(attempts + 2),
            self._transitions.delayed(environment, reason) if reason else None,
            attempts=attempts,
            reason=reason or fix,
        )
        return Next.AGAIN

    def _work(
        self, leased: Environment, batches: Iterator[tuple[str, int]], deadline: float
    ) -> Environment | None:
        """Remove things batch by batch and count them by type. Return None if the work paused."""
        removed = dict(leased.removed)
        work = LeasedWork(self._transitions, leased, deadline)

        def progress() -> Iterator[Json]:
            for kind, count in batches:
                removed[kind] = removed.get(kind, 0) + count
                yield {"removed": dict(removed), "reason": emptying_progress(removed)}

        try:
            if not work.run(progress(), attempts=0):
                return None
        except AwsError:
            self._transitions.save(work.environment, removed=removed)
            raise
        if removed == work.environment.removed:
            return work.environment
        return self._transitions.renew_lease(work.environment, removed=removed)

    def _show_delay(self, environment: Environment, stack: Stack) -> Next:
        reason = self._removal.failure_reason(environment, stack)
        if event := self._transitions.delayed(environment, reason):
            self._transitions.save(environment, event, reason=reason)
        return Next.LATER

    def _remove_leftovers(self, leased: Environment, leftovers: list[StackResource], deadline: float) -> None:
        worked = self._work(leased, self._removal.remove_leftovers(leftovers), deadline)
        if worked is not None:
            self._transitions.retry_later(worked, leftovers_reason(leftovers))

    def _finish(self, leased: Environment, stack: Stack | None, deadline: float) -> None:
        """Record DELETED and the receipt, or remove what still exists."""
        kind, count = self._removal.remove_logs(leased)
        if count:
            removed = {**leased.removed, kind: leased.removed.get(kind, 0) + count}
            leased = self._transitions.renew_lease(leased, removed=removed)
        proof = self._removal.verify(stack) if stack is not None else None
        if proof is not None and proof.still_existing:
            self._remove_leftovers(leased, proof.still_existing, deadline)
            return
        receipt = self._removal.receipt(leased, proof)
        moment = timestamp(self._transitions.now())
        deleted = leased.replace(
            status=Status.DELETED,
            receipt=receipt,
            removed={},
            remaining=[],
            admitted_at=None,
            deleted_at=moment,
            wanted=None,
            **(proof.shown(moment) if proof else {}),
            lease_until=None,
            look_at=None,
            due_at=None,
            reason=None,
        )
        event = self._transitions.status_event(leased, Status.DELETED, "everything removed")
        self._store.save_deleted(leased, deleted, event)
