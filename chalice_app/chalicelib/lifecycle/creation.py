"""Towards READY: the stack is started and watched, then the release's files are copied."""

from __future__ import annotations

from chalicelib.aws.cloudformation import Stack, order_time
from chalicelib.clock import later, timestamp
from chalicelib.domain.environment import Environment, Status
from chalicelib.lifecycle.transitions import LOOK_AGAIN_SECONDS, Moves
from chalicelib.sandbox.provisioning import Provisioning


class Creation:
    """The steps of QUEUED, CREATING and SEEDING; each says whether another step may follow now."""

    def __init__(self, moves: Moves, provisioning: Provisioning) -> None:
        self._moves = moves
        self._provisioning = provisioning

    def start(self, environment: Environment) -> bool:
        """QUEUED: start the stack, or go on with a complete one that a failed attempt has left."""
        if environment.admitted_at is None:
            if self._moves.is_due(environment):
                self._moves.save(environment, due_at=environment.expires_at)
            return False  # admission.py comes for it
        if environment.stack_id is not None:
            stack = self._provisioning.look(environment)
            if stack is None or stack.is_removed:  # by somebody else: what is left goes first
                self._moves.save(environment, clean_up=True, attempts=0)
                return True
            self._moves.move(
                environment,
                Status.CREATING,
                why="the stack is complete already",
                attempts=0,
                due_at=later(self._moves.now(), LOOK_AGAIN_SECONDS),
            )
            return True
        stack_id, total = self._provisioning.start(environment)
        self._moves.move(
            environment,
            Status.CREATING,
            why="stack requested",
            stack_id=stack_id,
            total_resources=total,
            attempts=0,
            reason=None,
            due_at=later(self._moves.now(), LOOK_AGAIN_SECONDS),
        )
        return False  # CloudFormation tells when there is something to see

    def watch(self, environment: Environment) -> bool:
        """CREATING: see whether the stack is complete or has failed; events save the schedule the look."""
        if self._moves.is_due(environment) and self._silent_at(environment) > timestamp(self._moves.now()):
            self._moves.save(environment, due_at=self._silent_at(environment))
            return False
        stack = self._provisioning.look(environment)
        if stack is not None and stack.in_progress and not stack.is_removed:
            self._note_progress(environment, stack)
            return False
        if stack is not None and stack.is_complete:
            self._moves.move(
                environment,
                Status.SEEDING,
                why="stack complete",
                outputs=self._provisioning.outputs(environment, stack),
                failure=None,
                **self._provisioning.whole(environment, stack),
            )
            return True
        if stack is not None:
            self._provisioning.note_resources(environment, stack.id)
        self._moves.fail(environment, environment.failure or self._provisioning.failure(environment, stack))
        return True

    def seed(self, environment: Environment, deadline: float) -> bool:
        """SEEDING: copy what is not there yet."""
        claimed = self._moves.claim(environment)
        if claimed is None:
            return False
        for seeded in self._provisioning.seed(claimed):
            if self._moves.now().timestamp() >= deadline:
                self._moves.postpone(claimed, 0, seeded_files=seeded)
                return True
            if self._moves.half_over(claimed):
                claimed = self._moves.renew(claimed, seeded_files=seeded)
        self._moves.move(
            claimed,
            Status.READY,
            why="data and scripts copied",
            ready_at=timestamp(self._moves.now()),
            job_files=self._provisioning.job_files(claimed),
            attempts=0,
            reason=None,
            lease_until=None,
            look_at=self._moves.next_look_at(),
        )
        return False

    def _silent_at(self, environment: Environment) -> str:
        """When the events of a creation have been silent for so long that some may be lost."""
        times = [order_time(resource) for resource in environment.resources.values()]
        return later(max(times), LOOK_AGAIN_SECONDS) if times else ""

    def _note_progress(self, environment: Environment, stack: Stack) -> None:
        """A look at a stack in creation: usually events have told everything already."""
        changes: dict[str, object] = {}
        if self._moves.is_due(environment):
            self._provisioning.note_resources(environment, stack.id)
            changes["due_at"] = later(self._moves.now(), LOOK_AGAIN_SECONDS)
        if environment.failure is None and stack.status.startswith("ROLLBACK"):
            changes["failure"] = cause = self._provisioning.failure(environment, stack)
            self._moves.save(environment, self._moves.resource_failed(cause), **changes)
        elif changes:
            self._moves.save(environment, **changes)
