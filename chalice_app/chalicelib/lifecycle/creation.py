"""Creation of an environment: QUEUED, CREATING and SEEDING."""

from __future__ import annotations

from chalicelib.aws.cloudformation import order_time
from chalicelib.clock import later, timestamp
from chalicelib.domain.environment import Environment, Status
from chalicelib.lifecycle.leased_work import LeasedWork
from chalicelib.lifecycle.stack_progress import record_progress
from chalicelib.lifecycle.transitions import CHECK_SECONDS, Next, Transitions
from chalicelib.sandbox.seeding import Seeding
from chalicelib.sandbox.stack import SandboxStacks

PERMISSION_DELAY_SECONDS = 600
"""How long a new stack may lack permissions. IAM and KMS need minutes to apply new roles, policies and tags:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html and
https://docs.aws.amazon.com/kms/latest/developerguide/abac.html."""


class Creation:
    """The steps of QUEUED, CREATING and SEEDING."""

    def __init__(self, transitions: Transitions, stacks: SandboxStacks, seeding: Seeding) -> None:
        self._transitions = transitions
        self._stacks = stacks
        self._seeding = seeding

    def start(self, environment: Environment) -> Next:
        """QUEUED: start the stack, or reuse the complete stack of a failed attempt."""
        if environment.admitted_at is None:
            if self._transitions.is_due(environment):
                self._transitions.save(environment, due_at=environment.expires_at)
            return Next.LATER  # until admission.py admits it
        if environment.stack_id is not None:
            stack = self._stacks.find(environment)
            if stack is None or stack.is_removed:  # outside the service: clean up what remains first
                self._transitions.save(environment, clean_up=True, attempts=0)
                return Next.AGAIN
            self._transitions.move(
                environment,
                Status.CREATING,
                why="the stack is already complete",
                attempts=0,
                due_at=later(self._transitions.now(), CHECK_SECONDS),
            )
            return Next.AGAIN
        stack_id, total = self._stacks.create(environment)
        self._transitions.move(
            environment,
            Status.CREATING,
            why="stack requested",
            stack_id=stack_id,
            total_resources=total,
            attempts=0,
            reason=None,
            due_at=later(self._transitions.now(), CHECK_SECONDS),
        )
        return Next.LATER

    def check_stack(self, environment: Environment) -> Next:
        """CREATING: check whether the stack is complete or has failed.

        While events arrive, the scheduled check is postponed and CloudFormation is not called.
        """
        check_at = _after_last_event(environment, CHECK_SECONDS)  # then events may be lost
        if self._transitions.is_due(environment) and check_at > timestamp(self._transitions.now()):
            self._transitions.save(environment, due_at=check_at)
            return Next.LATER
        stack = self._stacks.find(environment)
        if stack is not None and stack.in_progress and not stack.is_removed:
            return record_progress(self._transitions, self._stacks, environment, stack)
        if stack is not None and stack.is_complete:
            self._transitions.move(
                environment,
                Status.SEEDING,
                why="stack complete",
                outputs=self._stacks.outputs(environment, stack),
                failure=None,
                **self._stacks.resource_fields(stack),
            )
            return Next.AGAIN
        if stack is not None:
            self._stacks.record_resources(environment, stack)
        self._transitions.fail(environment, environment.failure or self._stacks.failure(environment, stack))
        return Next.AGAIN

    def seed(self, environment: Environment, deadline: float) -> Next:
        """SEEDING: copy the release's files and register its partitions."""
        leased = self._transitions.acquire_lease(environment)
        if leased is None:
            return Next.LATER
        work = LeasedWork(self._transitions, leased, deadline)
        if not work.run({"seeded_files": number} for number in self._seeding.seed(leased)):
            return Next.AGAIN
        self._transitions.move(
            work.environment,
            Status.READY,
            why="data and scripts copied",
            ready_at=timestamp(self._transitions.now()),
            job_files=self._seeding.job_files(work.environment),
            attempts=0,
            reason=None,
            lease_until=None,
            look_at=self._transitions.next_drift_check_at(),
        )
        return Next.LATER

    def awaits_permissions(self, environment: Environment) -> bool:
        """Return whether the stack is so new that a denied call of SEEDING may be allowed soon."""
        until = _after_last_event(environment, PERMISSION_DELAY_SECONDS)
        return environment.status is Status.SEEDING and timestamp(self._transitions.now()) < until


def _after_last_event(environment: Environment, seconds: float) -> str:
    """Return the time some seconds after the last resource reached its state, or "" without resources."""
    times = [order_time(resource) for resource in environment.resources.values()]
    return later(max(times), seconds) if times else ""
