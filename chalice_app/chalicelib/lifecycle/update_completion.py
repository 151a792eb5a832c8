"""Completion of an update: with the desired or with the previous settings and release."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.errors import AwsRefused
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState, UpdateStage
from chalicelib.domain.failures import Failure
from chalicelib.lifecycle.transitions import Next, Transitions
from chalicelib.observability import logger
from chalicelib.sandbox.missing_resources import lost_resources
from chalicelib.sandbox.resource_failures import update_failure
from chalicelib.sandbox.seeding import Seeding, uploaded_files
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.stack_update import StackUpdates


class UpdateCompletion:
    """Records how an update ended."""

    def __init__(
        self, transitions: Transitions, stacks: SandboxStacks, updates: StackUpdates, seeding: Seeding
    ) -> None:
        self._transitions = transitions
        self._stacks = stacks
        self._updates = updates
        self._seeding = seeding

    def complete(self, environment: Environment, stack: Stack, *, has_new_files: bool) -> Next:
        """End READY with the desired settings and release.

        With new files of the release, those that a user deleted are there again.
        """
        goal = environment.as_desired
        self._updates.discard_change_set(environment, ends_as=goal)
        if environment.status is Status.RESETTING:
            return self._continue_reset(environment, stack, None)
        self._ready(
            environment,
            "update completed",
            failure=None,
            reason=None,
            settings=goal.settings,
            release=goal.release,
            data=goal.data,
            outputs=self._stacks.outputs(goal, stack),
            **self._stacks.resource_fields(stack),
            job_files={**self._seeding.job_files(goal), **uploaded_files(environment)}
            if has_new_files
            else environment.job_files,
        )
        return Next.LATER

    def unchanged(self, environment: Environment, stack: Stack, cause: Failure) -> Next:
        """End READY with the previous settings and release, or FAILED if this was a repair."""
        try:
            self._updates.discard_change_set(environment, ends_as=environment)
        except AwsRefused as error:  # it is deleted with the stack
            logger.warning("change set not deleted", environment_id=environment.id, detail=str(error))
        if lost_resources(environment):
            return self.repair_failed(environment, cause)
        if environment.status is Status.RESETTING:
            return self._continue_reset(environment, stack, cause)
        resources = self._stacks.resource_fields(stack)
        self._ready(environment, cause.message, failure=cause, reason=cause.fix, **resources)
        return Next.LATER

    def refused(self, environment: Environment, stack: Stack, message: str) -> Next:
        """End the update because AWS refused it with a message."""
        cause = update_failure(None, None, message, environment_id=environment.id)
        return self.unchanged(environment, stack, cause)

    def repair_failed(self, environment: Environment, cause: Failure) -> Next:
        """End FAILED because missing resources could not be created again. A retry starts over."""
        wanted = replace(desired_state(environment), stage=UpdateStage.LOOK)
        changes = environment.changes + 1
        self._transitions.fail_and_keep(environment, cause, wanted=wanted, changes=changes)
        return Next.AGAIN

    def _continue_reset(self, environment: Environment, stack: Stack, cause: Failure | None) -> Next:
        """Continue a reset after the drift of its stack was reverted, or could not be for a cause."""
        self._transitions.postpone(
            environment,
            0,
            wanted=None,
            attempts=0,
            failure=cause,
            reason=None,
            outputs=self._stacks.outputs(environment, stack),
            **self._stacks.resource_fields(stack),
        )
        return Next.AGAIN

    def _ready(self, environment: Environment, why: str, **changes: object) -> None:
        self._transitions.move(
            environment, Status.READY, why=why, wanted=None, attempts=0, lease_until=None, **changes
        )


def desired_state(environment: Environment) -> DesiredState:
    """Return the desired state of an environment that is UPDATING."""
    if environment.wanted is None:
        raise RuntimeError(f"{environment.id} is UPDATING without a desired state")
    return environment.wanted
