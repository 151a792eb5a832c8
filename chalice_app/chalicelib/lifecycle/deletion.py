"""Towards DELETED, and the removal of what a failed attempt has left."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.cloudformation import Part, Stack
from chalicelib.aws.errors import AwsError
from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.byte_limits import LEFT_BYTES
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.receipts import listed
from chalicelib.lifecycle.transitions import Moves
from chalicelib.sandbox.removal import Removal, so_far, still_there
from chalicelib.storage.store import Store

_RUN_STOPS_SECONDS = 5


class Deletion:
    """The steps of DELETING and of cleaning up; each says whether another step may follow now."""

    def __init__(self, moves: Moves, removal: Removal, store: Store) -> None:
        self._moves = moves
        self._removal = removal
        self._store = store

    def step(self, environment: Environment, deadline: float) -> bool:
        """DELETING: remove everything, then prove that it is gone."""
        stack = self._removal.look(environment)
        if stack is not None and not stack.is_gone:
            return self._remove(environment, stack, deadline)
        claimed = self._moves.claim(environment)
        if claimed is None:
            return False
        if not self._removal.stop_runs(claimed):  # somebody else may have deleted the stack, and not them
            self._moves.postpone(claimed, _RUN_STOPS_SECONDS)
            return False
        self._end(claimed, stack, deadline)
        return False

    def clean_up(self, environment: Environment, deadline: float) -> bool:
        """FAILED, or QUEUED again: remove the stack of the attempt that failed; a complete one is kept."""
        stack = self._removal.look(environment)
        if environment.ready_at and (stack is None or stack.is_gone):
            # Runs of a working one may go on, and make log groups again that a new stack is to have.
            if not self._removal.stop_runs(environment):
                self._moves.postpone(environment, _RUN_STOPS_SECONDS)
                return False
            self._removal.remove_logs(environment)
        if stack is None:
            self._cleaned(environment, stack_id=None, resources={}, admitted_at=None)
        elif stack.is_gone:
            proof = self._removal.prove(stack)
            if proof.there:
                claimed = self._moves.claim(environment)
                if claimed is not None:
                    self._remove_left(claimed, proof.there, deadline)
                return False
            left = listed([*environment.remaining, *proof.remaining], LEFT_BYTES)
            self._cleaned(environment, stack_id=None, resources={}, admitted_at=None, remaining=left)
        elif stack.is_complete:
            self._cleaned(environment, stack_id=stack.id)
        elif stack.in_progress:
            return self._moves.wait(environment)
        else:
            return self._remove(environment, stack, deadline)
        return True

    def _cleaned(self, environment: Environment, **changes: object) -> None:
        failed = environment.status is Status.FAILED
        if failed:
            changes.pop("resources", None)  # they show what has failed, until the next attempt
        else:
            changes.pop("admitted_at", None)  # its place is kept for the next attempt
        self._moves.save(
            environment,
            self._moves.event("cleaned_up", {"why": "what the failed attempt has left is removed"}),
            **changes,
            clean_up=False,
            attempts=0,
            reason=environment.failure.fix if failed and environment.failure else None,
            lease_until=None,
            due_at=expiry.next_look(environment) if failed else timestamp(self._moves.now()),
        )

    def _remove(self, environment: Environment, stack: Stack, deadline: float) -> bool:
        """Empty the buckets, then delete the stack."""
        if stack.status.startswith("UPDATE") and stack.in_progress:
            return self._moves.wait(environment)  # CloudFormation deletes no stack that it updates
        if stack.status == "DELETE_IN_PROGRESS":
            return self._moves.wait(environment)
        if stack.status == "DELETE_FAILED" and not self._moves.is_due(environment):
            return self._tell_stuck(environment, stack)
        claimed = self._moves.claim(environment, stack_id=stack.id)
        if claimed is None:
            return False
        if not self._removal.stop_runs(claimed):
            # It could write again; look again when it has had time to stop.
            self._moves.postpone(claimed, _RUN_STOPS_SECONDS)
            return False
        cleared = self._work(claimed, self._removal.clear(stack), deadline)
        if cleared is None:
            return False
        reason = self._removal.stuck(cleared, stack) if stack.status == "DELETE_FAILED" else None
        self._removal.delete_stack(cleared, stack)
        attempts = cleared.attempts + 1
        fix = cleared.failure.fix if cleared.status is Status.FAILED and cleared.failure else None
        self._moves.postpone(
            cleared,
            self._moves.backoff(attempts + 2),
            self._moves.trouble(environment, reason) if reason else None,
            attempts=attempts,
            reason=reason or fix,
        )
        return True

    def _work(
        self, claimed: Environment, slices: Iterator[tuple[str, int]], deadline: float
    ) -> Environment | None:
        """Remove things slice by slice, holding the lease; None when that goes on later, from where it is."""
        removed = dict(claimed.removed)
        told = claimed
        try:
            for kind, count in slices:
                removed[kind] = removed.get(kind, 0) + count
                progress = {"removed": dict(removed), "reason": so_far(removed)}
                if self._moves.now().timestamp() >= deadline:
                    self._moves.postpone(told, 0, **progress, attempts=0)
                    return None
                if self._moves.half_over(told):
                    told = self._moves.renew(told, **progress)
        except AwsError:
            self._moves.save(told, removed=removed)
            raise
        return told if removed == told.removed else self._moves.renew(told, removed=removed)

    def _tell_stuck(self, environment: Environment, stack: Stack) -> bool:
        reason = self._removal.stuck(environment, stack)
        if told := self._moves.trouble(environment, reason):
            self._moves.save(environment, told, reason=reason)
        return False

    def _try_again(self, environment: Environment, reason: str) -> None:
        attempts = environment.attempts + 1
        wait, told = self._moves.backoff(attempts), self._moves.trouble(environment, reason)
        self._moves.postpone(environment, wait, told, attempts=attempts, reason=reason)

    def _remove_left(self, claimed: Environment, there: list[Part], deadline: float) -> None:
        worked = self._work(claimed, self._removal.remove_left(there), deadline)
        if worked is not None:
            self._try_again(worked, still_there(there))

    def _end(self, claimed: Environment, stack: Stack | None, deadline: float) -> None:
        kind, count = self._removal.remove_logs(claimed)
        if count:
            removed = {**claimed.removed, kind: claimed.removed.get(kind, 0) + count}
            claimed = self._moves.renew(claimed, removed=removed)
        proof = self._removal.prove(stack) if stack is not None else None
        if proof is not None and proof.there:
            self._remove_left(claimed, proof.there, deadline)
            return
        receipt = self._removal.receipt(claimed, proof)
        moment = timestamp(self._moves.now())
        ended = claimed.but(
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
        event = self._moves.status_event(claimed, Status.DELETED, "all removed")
        self._store.end_environment(claimed, ended, event)
