"""Towards DELETED, and the removal of what a failed attempt has left."""

from __future__ import annotations

from chalicelib import expiry
from chalicelib.clock import timestamp
from chalicelib.moves import Moves
from chalicelib.records import Environment, Status
from chalicelib.removal import Removal
from chalicelib.stacks import Stack
from chalicelib.store import Store

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
        if claimed is not None:
            self._end(claimed)
        return False

    def clean_up(self, environment: Environment, deadline: float) -> bool:
        """FAILED, or QUEUED again: remove the stack of the attempt that failed; a complete one is kept."""
        stack = self._removal.look(environment)
        if stack is None or stack.is_gone:
            self._cleaned(environment, stack_id=None, resources={}, admitted_at=None)
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
            **changes,
            clean_up=False,
            attempts=0,
            reason=environment.failure["fix"] if failed and environment.failure else None,
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
            return False
        claimed = self._moves.claim(environment)
        if claimed is None:
            return False
        for finished in self._removal.prepare(claimed):
            if not finished or self._moves.now().timestamp() >= deadline:
                # A run that is still stopping could write again; look again when it has had time to stop.
                self._moves.postpone(claimed, 0 if finished else _RUN_STOPS_SECONDS)
                return False
            if self._moves.half_over(claimed):
                claimed = self._moves.renew(claimed)
        self._removal.delete_stack(claimed, stack)
        attempts = claimed.attempts + 1
        reason = stack.reason if stack.status == "DELETE_FAILED" else None
        fix = claimed.failure["fix"] if claimed.status is Status.FAILED and claimed.failure else None
        self._moves.postpone(
            claimed, self._moves.backoff(attempts + 2), attempts=attempts, reason=reason or fix
        )
        return True

    def _end(self, claimed: Environment) -> None:
        receipt = self._removal.receipt(claimed)
        moment = timestamp(self._moves.now())
        ended = claimed.but(
            status=Status.DELETED,
            receipt=receipt,
            admitted_at=None,
            updated_at=moment,
            deleted_at=moment,
            lease_until=None,
            due_at=None,
            reason=None,
        )
        event = self._moves.status_event(claimed, Status.DELETED, "all removed")
        self._store.end_environment(claimed, ended, event)
