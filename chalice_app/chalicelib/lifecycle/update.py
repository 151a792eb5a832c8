"""Other settings, or another release: an environment that is UPDATING is taken there by a change set.

What is wanted is kept in `wanted`, apart from `settings` and `release`, until it is so. Its `stage`:

    look     the change set is made and looked at; what would end something that holds data is refused
    execute  it may have been carried out: the change set and its stack tell
    seed     the stack is as it should be; the new release's files are brought

A change that is refused, or fails and is rolled back, ends READY with the old settings and release, and
`failure` says why. One whose way back fails too, and fails again, ends FAILED; a retry tries that once more.
What was deleted by hand is created again on the way (`lost`): where that fails, it ends FAILED.
Runs that go on are left alone: Glue uses the job as it was when they began.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from chalicelib.aws.change_sets import ChangeSet
from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.errors import AwsError, AwsRefused
from chalicelib.clock import later
from chalicelib.domain.environment import DesiredState, Environment, Status, UpdateStage
from chalicelib.domain.failures import Failure, stack_deleted
from chalicelib.lifecycle.transitions import LOOK_AGAIN_SECONDS, Moves
from chalicelib.observability import logger
from chalicelib.sandbox.stack_update import StackChanges, change_failure

_MOST_ROLLBACKS = 2
_PAUSES = (0.5, 1.0, 2.0)
_RUNS_SECONDS = 20
_CHANGE_SET_SECONDS = 5
"""CloudFormation sends no event when a change set is made, which takes it some seconds."""
_NOT_MADE = "CloudFormation did not create it again: delete the environment and create another."


class Updating:
    """The steps of UPDATING; each says whether another step may follow now."""

    def __init__(
        self, moves: Moves, changes: StackChanges, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._moves = moves
        self._changes = changes
        self._sleep = sleep

    def step(self, environment: Environment, deadline: float) -> bool:
        """UPDATING: see how far CloudFormation is, and do what comes next."""
        stack = self._changes.look(environment)
        if stack is None or stack.is_removed:
            self._moves.lose(environment, stack_deleted(), wanted=None)
            return True
        if stack.in_progress:
            return self._watch(environment, stack)
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            return self._roll_back(environment, stack)
        if not stack.is_complete:
            words = f"The stack is {stack.status}."
            self._moves.lose(environment, change_failure(None, None, words))
            return True
        if _wanted(environment).stage is UpdateStage.SEED:
            return self._seed(environment, stack, deadline)
        if self._waits_for_runs(environment):
            return False
        change_set = self._changes.proposal(environment)
        if change_set is None:
            return self._without_change_set(environment, stack, deadline)
        return self._go_on(environment, stack, change_set)

    def give_up(self, environment: Environment, error: AwsError) -> bool:
        """A call was refused: whether that ends the change. What is begun in AWS goes on to its end."""
        stack = self._changes.look(environment) if _wanted(environment).stage is UpdateStage.LOOK else None
        if stack is None or not stack.is_complete:
            return False
        self._refused(environment, stack, str(error))
        return True

    # -- the change set ------------------------------------------------------------------------------------

    def _waits_for_runs(self, environment: Environment) -> bool:
        """Whether runs must end first: Glue takes MaxRetries from the job, whatever was reserved for a run.

        Money is reserved as long as a run goes on, or waits to; no new one begins before READY.
        """
        retries = (of.settings.job.max_retries for of in (environment, environment.goal))
        if (
            _wanted(environment).stage is not UpdateStage.LOOK
            or len({*retries}) == 1
            or not environment.reserved_micro_usd
        ):
            return False
        reason = "Waiting for the runs to end: another max_retries must not change what they can cost."
        delayed = self._moves.trouble(environment, reason)
        self._moves.postpone(environment, _RUNS_SECONDS, delayed, reason=reason)
        return True

    def _without_change_set(self, environment: Environment, stack: Stack, deadline: float) -> bool:
        if _wanted(environment).stage is UpdateStage.EXECUTE:
            # It is gone with what it did, or somebody has removed it: another one will tell.
            if stack.status == "UPDATE_ROLLBACK_COMPLETE":
                return self._end_as_it_was(environment, stack, self._failure(environment, stack))
            return self._begin_anew(environment)
        losses = self._changes.losses(environment, stack)
        if losses.pending_key:
            return self._end_lost(environment, losses.failure(environment))
        if losses.ids.keys() - _lost(environment).keys():
            wanted = replace(_wanted(environment), lost={**_lost(environment), **losses.ids})
            environment = self._moves.save(environment, wanted=wanted)
        self._changes.propose(environment)
        for pause in _PAUSES:
            change_set = self._changes.proposal(environment)
            if change_set is not None and not change_set.in_making:
                return self._go_on(environment, stack, change_set)
            if self._moves.now().timestamp() + pause >= deadline:
                break
            self._sleep(pause)
        self._moves.postpone(environment, _CHANGE_SET_SECONDS)
        return False

    def _go_on(self, environment: Environment, stack: Stack, change_set: ChangeSet) -> bool:
        if change_set.in_making:
            if self._moves.is_due(environment):
                self._moves.postpone(environment, _CHANGE_SET_SECONDS)
            return False
        if change_set.does_nothing or change_set.execution == "EXECUTE_COMPLETE":
            self._to_stage(environment, UpdateStage.SEED)
            return True
        if change_set.status == "FAILED":
            reason = change_set.reason or "CloudFormation could not make the change set."
            return self._refused(environment, stack, reason)
        if change_set.execution == "EXECUTE_FAILED":
            return self._end_as_it_was(environment, stack, self._failure(environment, stack))
        if change_set.execution == "EXECUTE_IN_PROGRESS":
            return self._moves.wait(environment)
        if change_set.execution != "AVAILABLE":
            return self._begin_anew(environment)  # somebody has changed the stack since
        return self._execute(environment, stack, change_set)

    def _execute(self, environment: Environment, stack: Stack, change_set: ChangeSet) -> bool:
        if _wanted(environment).stage is UpdateStage.LOOK:
            if refused := self._changes.refusal(environment, change_set):
                return self._end_as_it_was(environment, stack, refused)
            environment = self._to_stage(environment, UpdateStage.EXECUTE)
        try:
            began = self._changes.execute(environment)
        except AwsRefused as error:
            return self._refused(environment, stack, str(error))
        after = LOOK_AGAIN_SECONDS if began else _CHANGE_SET_SECONDS
        self._moves.save(environment, due_at=later(self._moves.now(), after))
        return began

    def _begin_anew(self, environment: Environment) -> bool:
        self._to_stage(environment, UpdateStage.LOOK, changes=environment.changes + 1)
        return True

    def _to_stage(self, environment: Environment, stage: UpdateStage, **changes: object) -> Environment:
        wanted = replace(_wanted(environment), stage=stage)
        return self._moves.save(environment, wanted=wanted, attempts=0, **changes)

    # -- what CloudFormation does --------------------------------------------------------------------------

    def _watch(self, environment: Environment, stack: Stack) -> bool:
        """A look at a stack that is being updated: usually events have told everything already."""
        changes: dict[str, object] = {}
        if self._moves.is_due(environment):
            self._changes.note_resources(environment, stack)
            changes["due_at"] = later(self._moves.now(), LOOK_AGAIN_SECONDS)
        if environment.failure is None and stack.status.startswith("UPDATE_ROLLBACK"):
            changes["failure"] = cause = self._changes.failure(environment, stack)
            self._moves.save(environment, self._moves.resource_failed(cause), **changes)
        elif changes:
            self._moves.save(environment, **changes)
        return False

    def _roll_back(self, environment: Environment, stack: Stack) -> bool:
        wanted = _wanted(environment)
        tried = wanted.rollbacks
        if tried and not self._moves.is_due(environment):
            return False
        cause = self._failure(environment, stack)
        if tried >= _MOST_ROLLBACKS:
            fix = "An operator must see to the stack, then retry; or delete the environment."
            self._moves.lose(environment, replace(cause, fix=fix))
            return True
        reason = "The change has failed, and AWS could not take it back; that is tried again."
        environment = self._moves.save(
            environment,
            self._moves.trouble(environment, reason),
            wanted=replace(wanted, rollbacks=tried + 1),
            failure=cause,
            reason=reason,
            due_at=later(self._moves.now(), LOOK_AGAIN_SECONDS),
        )
        self._changes.continue_rollback(environment, stack, tried + 1)
        return False

    def _failure(self, environment: Environment, stack: Stack) -> Failure:
        return environment.failure or self._changes.failure(environment, stack)

    # -- the ends ------------------------------------------------------------------------------------------

    def _seed(self, environment: Environment, stack: Stack, deadline: float) -> bool:
        if _lost(environment) and (losses := self._changes.losses(environment.goal, stack)).found:
            return self._end_lost(environment, replace(losses.failure(environment), fix=_NOT_MADE))
        claimed = self._moves.claim(environment)
        if claimed is None:
            return False
        if _brings_files(claimed):
            for seeded in self._changes.seed(claimed):
                if self._moves.now().timestamp() >= deadline:
                    self._moves.postpone(claimed, 0, seeded_files=seeded)
                    return True
                if self._moves.half_over(claimed):
                    claimed = self._moves.renew(claimed, seeded_files=seeded)
        self._changes.discard(claimed, ends_as=claimed.goal)
        fields = self._changes.outcome(claimed, stack)
        self._ready(claimed, "changed as it was asked for", failure=None, reason=None, **fields)
        return False

    def _refused(self, environment: Environment, stack: Stack, words: str) -> bool:
        cause = change_failure(None, None, words, environment_id=environment.id)
        return self._end_as_it_was(environment, stack, cause)

    def _end_as_it_was(self, environment: Environment, stack: Stack, cause: Failure) -> bool:
        try:
            self._changes.discard(environment, ends_as=environment)
        except AwsRefused as error:  # what is left goes with the stack
            logger.warning("change set is left", environment_id=environment.id, detail=str(error))
        if _lost(environment):
            return self._end_lost(environment, cause)
        shown = self._changes.whole(environment, stack)
        self._ready(environment, cause.message, failure=cause, reason=cause.fix, **shown)
        return False

    def _end_lost(self, environment: Environment, cause: Failure) -> bool:
        """What was deleted by hand could not be created again: FAILED as before, and a retry begins anew."""
        wanted = replace(_wanted(environment), stage=UpdateStage.LOOK)
        self._moves.lose(environment, cause, wanted=wanted, changes=environment.changes + 1)
        return True

    def _ready(self, environment: Environment, why: str, **changes: object) -> None:
        self._moves.move(
            environment,
            Status.READY,
            why=why,
            wanted=None,
            attempts=0,
            lease_until=None,
            **changes,
        )


def _wanted(environment: Environment) -> DesiredState:
    if environment.wanted is None:
        raise RuntimeError(f"{environment.id} is UPDATING to nothing")
    return environment.wanted


def _lost(environment: Environment) -> dict[str, str]:
    """What was deleted by hand and is created again: physical ids by logical ids."""
    return (environment.wanted and environment.wanted.lost) or {}


def _brings_files(environment: Environment) -> bool:
    """Whether the change brings files: another release's, the data not wanted before, what was lost."""
    goal = environment.goal
    gets_data = goal.settings.upload_data and not environment.settings.upload_data
    return goal.release != environment.release or gets_data or bool(_lost(environment))
