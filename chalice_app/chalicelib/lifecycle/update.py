"""Update of an environment's stack: UPDATING to other settings or another release, or for a reset.

The desired settings and release are recorded in `wanted` until the update is done. Its `stage`:

    LOOK     the change set is created and examined: it must not remove or replace what holds data
    EXECUTE  the execution may have started: the change set and its stack show how far it is
    SEED     the stack is updated, and the files of the release are copied

An update that is refused, or fails and is rolled back, ends READY with the previous settings and release, and
`failure` explains why. If the rollback fails repeatedly, the environment is FAILED, and a retry continues the
rollback. An update also creates again what was deleted by hand (`lost`), and ends FAILED if that fails.
An update that replaces data waits until no run is active. During another one, active runs continue: Glue runs
them with the definition that the job had when they started.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from chalicelib.aws.change_sets import ChangeSet
from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.errors import AwsError, AwsRefused
from chalicelib.clock import later, timestamp
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import UpdateStage
from chalicelib.domain.failures import Failure, stack_deleted
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.lifecycle.leased_work import LeasedWork
from chalicelib.lifecycle.stack_progress import record_progress
from chalicelib.lifecycle.transitions import CHECK_SECONDS, Next, Transitions
from chalicelib.lifecycle.update_completion import UpdateCompletion, desired_state
from chalicelib.sandbox.missing_resources import MissingResourceFinder, lost_resources
from chalicelib.sandbox.resource_failures import update_failure
from chalicelib.sandbox.seeding import Seeding
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.stack_update import StackUpdates

_MAX_ROLLBACKS = 2
_CHANGE_SET_PAUSES = (0.5, 1.0, 2.0)
_RUNS_SECONDS = 20
_CHANGE_SET_SECONDS = 5
"""CloudFormation takes some seconds to create a change set and sends no event when it is done."""
_NOT_CREATED = "CloudFormation did not create it again. Delete the environment and create another."


class Update:
    """The steps of UPDATING."""

    def __init__(
        self,
        transitions: Transitions,
        stacks: SandboxStacks,
        updates: StackUpdates,
        seeding: Seeding,
        inspector: MissingResourceFinder,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transitions = transitions
        self._stacks = stacks
        self._updates = updates
        self._seeding = seeding
        self._inspector = inspector
        self._end = UpdateCompletion(transitions, stacks, updates, seeding)
        self._sleep = sleep

    def step(self, environment: Environment, deadline: float) -> Next:
        """UPDATING: check the stack and the change set, and take the next step."""
        stack = self._stacks.find(environment)
        if stack is None or stack.is_removed:
            self._transitions.fail_and_keep(environment, stack_deleted(), wanted=None)
            return Next.AGAIN
        if stack.in_progress:
            return record_progress(self._transitions, self._stacks, environment, stack)
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            return self._continue_rollback(environment, stack)
        if not stack.is_complete:
            cause = update_failure(None, None, f"The stack is {stack.status}.")
            self._transitions.fail_and_keep(environment, cause)
            return Next.AGAIN
        if desired_state(environment).stage is UpdateStage.SEED:
            return self._seed(environment, stack, deadline)
        if self._waits_for_runs(environment):
            return Next.LATER
        change_set = self._updates.find_change_set(environment)
        if change_set is None:
            return self._without_change_set(environment, stack, deadline)
        return self._with_change_set(environment, stack, change_set)

    def give_up(self, environment: Environment, error: AwsError) -> bool:
        """End the update after AWS refused a call, unless its execution may have started.

        Returns whether the update has ended.
        """
        if desired_state(environment).stage is not UpdateStage.LOOK:
            return False
        stack = self._stacks.find(environment)
        if stack is None or not stack.is_complete:
            return False
        self._end.refused(environment, stack, str(error))
        return True

    # -- the change set ----------------------------------------------------------------------------------

    def _waits_for_runs(self, environment: Environment) -> bool:
        """Postpone the update while runs are active that it would disturb. Return whether it is postponed.

        Money is reserved as long as runs are active, and no new run starts before READY.
        """
        if desired_state(environment).stage is not UpdateStage.LOOK or not environment.reserved_micro_usd:
            return False
        why = self._disturbs_runs(environment)
        if why is None:
            return False
        reason = f"Waiting for active runs to end, because {why}."
        delayed = self._transitions.delayed(environment, reason)
        self._transitions.postpone(
            environment,
            _RUNS_SECONDS,
            delayed,
            reason=reason,
            transition_since=timestamp(self._transitions.now()),
        )
        return True

    def _disturbs_runs(self, environment: Environment) -> str | None:
        """Return why the update must not happen during a run, or None if it can.

        A run of a removed job could not be followed to its end. Glue reads MaxRetries from the job, so a
        change could make runs cost more than was reserved for them. A run that reads tables whose files and
        definitions are replaced at the same time would succeed with wrong rows.
        """
        old, new = environment.jobs, environment.as_desired.jobs
        if old.keys() - new.keys():
            return "the change removes a job"
        if _workgroup(environment) != _workgroup(environment.as_desired):
            return "the change removes their workgroup"
        if any(old[job].max_retries != new[job].max_retries for job in old.keys() & new.keys()):
            return "max_retries affects their maximum cost"
        return (
            "the change replaces data that they may read" if self._seeding.changes_data(environment) else None
        )

    def _without_change_set(self, environment: Environment, stack: Stack, deadline: float) -> Next:
        if desired_state(environment).stage is UpdateStage.EXECUTE:
            # It was executed and is gone, or was deleted outside the service: a new one shows what is left.
            if stack.status == "UPDATE_ROLLBACK_COMPLETE":
                return self._end.unchanged(environment, stack, self._failure(environment, stack))
            return self._start_over(environment)
        missing = self._inspector.find_missing(environment, stack)
        if missing.pending_key:
            return self._end.repair_failed(environment, missing.failure(environment))
        if missing.ids.keys() - lost_resources(environment).keys():
            wanted = replace(desired_state(environment), lost={**lost_resources(environment), **missing.ids})
            environment = self._transitions.save(environment, wanted=wanted)
        self._updates.create_change_set(environment)
        for pause in _CHANGE_SET_PAUSES:
            change_set = self._updates.find_change_set(environment)
            if change_set is not None and not change_set.in_making:
                return self._with_change_set(environment, stack, change_set)
            if self._transitions.now().timestamp() + pause >= deadline:
                break
            self._sleep(pause)
        self._transitions.postpone(environment, _CHANGE_SET_SECONDS)
        return Next.LATER

    def _with_change_set(self, environment: Environment, stack: Stack, change_set: ChangeSet) -> Next:
        if change_set.in_making:
            if self._transitions.is_due(environment):
                self._transitions.postpone(environment, _CHANGE_SET_SECONDS)
            return Next.LATER
        if change_set.does_nothing or change_set.execution == "EXECUTE_COMPLETE":
            self._save_stage(environment, UpdateStage.SEED)
            return Next.AGAIN
        if change_set.status == "FAILED":
            reason = change_set.reason or "CloudFormation could not create the change set."
            return self._end.refused(environment, stack, reason)
        if change_set.execution == "EXECUTE_FAILED":
            return self._end.unchanged(environment, stack, self._failure(environment, stack))
        if change_set.execution == "EXECUTE_IN_PROGRESS":
            return self._transitions.wait(environment)
        if change_set.execution != "AVAILABLE":
            return self._start_over(environment)  # the stack was changed outside the service meanwhile
        return self._execute(environment, stack, change_set)

    def _execute(self, environment: Environment, stack: Stack, change_set: ChangeSet) -> Next:
        if desired_state(environment).stage is UpdateStage.LOOK:
            if cause := self._updates.data_loss(environment, change_set):
                return self._end.unchanged(environment, stack, cause)
            environment = self._save_stage(
                environment, UpdateStage.EXECUTE, self._reverted(environment, change_set)
            )
        try:
            has_started = self._updates.execute_change_set(environment)
        except AwsRefused as error:
            return self._end.refused(environment, stack, str(error))
        seconds = CHECK_SECONDS if has_started else _CHANGE_SET_SECONDS
        self._transitions.save(environment, due_at=later(self._transitions.now(), seconds))
        return Next.AGAIN if has_started else Next.LATER

    def _start_over(self, environment: Environment) -> Next:
        self._save_stage(environment, UpdateStage.LOOK, changes=environment.changes + 1)
        return Next.AGAIN

    def _save_stage(
        self,
        environment: Environment,
        stage: UpdateStage,
        event: TimelineEvent | None = None,
        /,
        **changes: object,
    ) -> Environment:
        wanted = replace(desired_state(environment), stage=stage)
        return self._transitions.save(environment, event, wanted=wanted, attempts=0, **changes)

    def _reverted(self, environment: Environment, change_set: ChangeSet) -> TimelineEvent | None:
        """Return the event of a reset that reverts what was changed by hand."""
        if environment.status is not Status.RESETTING:
            return None
        names = sorted({change.logical_id for change in change_set.changes if change.is_drifted})
        return self._transitions.event("drift_reverted", {"resources": names})

    # -- the rollback ------------------------------------------------------------------------------------

    def _continue_rollback(self, environment: Environment, stack: Stack) -> Next:
        wanted = desired_state(environment)
        if wanted.rollbacks and not self._transitions.is_due(environment):
            return Next.LATER
        cause = self._failure(environment, stack)
        if wanted.rollbacks >= _MAX_ROLLBACKS:
            fix = "Ask an operator to repair the stack, then retry; or delete the environment."
            self._transitions.fail_and_keep(environment, replace(cause, fix=fix))
            return Next.AGAIN
        reason = "The change failed, and AWS could not roll it back. Retrying the rollback."
        environment = self._transitions.save(
            environment,
            self._transitions.delayed(environment, reason),
            wanted=replace(wanted, rollbacks=wanted.rollbacks + 1),
            failure=cause,
            reason=reason,
            due_at=later(self._transitions.now(), CHECK_SECONDS),
        )
        self._updates.continue_rollback(environment, stack)
        return Next.LATER

    def _failure(self, environment: Environment, stack: Stack) -> Failure:
        return environment.failure or self._stacks.failure(environment, stack)

    # -- the files ---------------------------------------------------------------------------------------

    def _seed(self, environment: Environment, stack: Stack, deadline: float) -> Next:
        if lost_resources(environment):
            missing = self._inspector.find_missing(environment.as_desired, stack)
            if missing.found:
                cause = replace(missing.failure(environment), fix=_NOT_CREATED)
                return self._end.repair_failed(environment, cause)
        leased = self._transitions.acquire_lease(environment)
        if leased is None:
            return Next.LATER
        # A reset copies all files afterwards.
        if needs_files := _needs_files(leased) and leased.status is Status.UPDATING:
            work = LeasedWork(self._transitions, leased, deadline)
            if not work.run({"seeded_files": number} for number in self._seeding.seed_update(leased)):
                return Next.AGAIN
            leased = work.environment
        return self._end.complete(leased, stack, has_new_files=needs_files)


def _workgroup(environment: Environment) -> tuple[bool, str | None]:
    return environment.settings.athena_workgroup, environment.settings.athena_workgroup_name


def _needs_files(environment: Environment) -> bool:
    """Return whether files change: for another release, data that was not wanted before, or a repair."""
    goal = environment.as_desired
    gets_data = goal.settings.upload_data and not environment.settings.upload_data
    return goal.release != environment.release or gets_data or bool(lost_resources(environment))
