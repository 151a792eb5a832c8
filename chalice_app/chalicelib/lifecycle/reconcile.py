"""The one function that moves an environment towards what is wanted.

`Reconciler.reconcile` looks at the record and at what AWS really has, takes the next step, and again, until
there is nothing to do now. It may run twice at once, late, or after a crash at any line: a step first does
what is idempotent in AWS and then records it, on the condition that the record is still the one that was
read. Slow steps (seeding, emptying) first take a lease, so that two workers do not do the same copies; a
worker that dies leaves the lease to run out, and the record is due again then.

The steps themselves are in `creation.py`, `upkeep.py`, `updating.py`, `resetting.py` and `deletion.py`, how
they are recorded in `moves.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled
from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import failure, redacted
from chalicelib.errors import StaleRecord
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.drift_check import Looks, Upkeep
from chalicelib.lifecycle.reset import Clearing, Resetting
from chalicelib.lifecycle.transitions import Moves
from chalicelib.lifecycle.update import Updating
from chalicelib.observability import logger
from chalicelib.sandbox.provisioning import Provisioning
from chalicelib.sandbox.removal import Removal
from chalicelib.sandbox.stack_update import StackChanges
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

_MAX_STEPS = 25
_BUILDING = {Status.QUEUED, Status.CREATING, Status.SEEDING}
_CHANGING = {Status.UPDATING, Status.RESETTING}


class Reconciler:
    """Chooses the step of the life cycle that is next, and what to do when one fails."""

    def __init__(
        self,
        store: Store,
        moves: Moves,
        provisioning: Provisioning,
        removal: Removal,
        changes: StackChanges,
        clearing: Clearing,
        files: LiveFiles,
        upkeep: Upkeep,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._moves = moves
        self._creation = Creation(moves, provisioning)
        self._deletion = Deletion(moves, removal, store)
        self._updating = Updating(moves, changes, sleep=sleep)
        self._files = files
        self._upkeep = upkeep
        self._resetting = Resetting(moves, clearing, self._creation)

    def reconcile(
        self,
        environment_id: str,
        *,
        seconds: float = 600,
        written: Environment | None = None,
        is_told: bool = False,
        looks: Looks | None = None,
    ) -> bool:
        """Take every step that can be taken now, for about `seconds`; what is left is due again by itself.

        Who has just written the record passes it as `written`, which saves reading it again. `is_told`: an
        event of its stack has come; `looks` limits how many READY ones are compared with AWS. False when AWS
        was too busy for a step: then others will not fare better now.
        """
        deadline = self._moves.now().timestamp() + seconds
        for _ in range(_MAX_STEPS):
            environment = written or self._store.environment(environment_id)
            written, moved = None, False
            if environment is None:
                return True
            try:
                moved = self._step(environment, deadline, is_told=is_told, looks=looks)
            except StaleRecord:
                continue  # somebody else moved it: look again at what there is to do
            except AwsError as error:
                with suppress(StaleRecord):  # then somebody else has moved it, or will
                    moved = self._failed_step(environment, error)
                if isinstance(error, AwsThrottled):
                    return False
            if not moved or self._moves.now().timestamp() >= deadline:
                break
        return True

    def _step(self, environment: Environment, deadline: float, *, is_told: bool, looks: Looks | None) -> bool:
        """Take one step; False when there is nothing (more) to do now."""
        if environment.status is Status.DELETED:
            return False
        if environment.status is Status.DELETING:
            return self._deletion.step(environment, deadline)
        if environment.delete_requested or self._is_over(environment):
            why = "asked to be deleted" if environment.delete_requested else "expired"
            self._moves.move(environment, Status.DELETING, why=why, attempts=0, lease_until=None)
            return True
        if environment.clean_up:
            return self._deletion.clean_up(environment, deadline)
        if environment.status is Status.QUEUED:
            return self._creation.start(environment)
        if environment.status is Status.CREATING:
            return self._creation.watch(environment)
        if environment.status is Status.SEEDING:
            return self._creation.seed(environment, deadline)
        if environment.status is Status.UPDATING:
            return self._updating.step(environment, deadline)
        if environment.status is Status.RESETTING:
            return self._resetting.step(environment, deadline)
        if self._warn(environment):
            return True
        if environment.status is Status.READY:
            if self._moves.is_due(environment):
                environment = self._settle_files(environment)
            return self._upkeep.step(environment, is_told=is_told, looks=looks)
        return False  # FAILED waits for a request or for its end

    def _settle_files(self, environment: Environment) -> Environment:
        """Mend what a request about a job file that died has left."""
        try:
            self._files.settle(environment)
            self._files.remove_unused(environment)
        except AwsRefused as error:  # the next run tries again
            logger.warning("job files are left", environment_id=environment.id, detail=str(error))
        changes: dict[str, object] = {}
        if environment.attempts:  # S3 was busy the last time
            changes = {"attempts": 0, "reason": environment.failure.fix if environment.failure else None}
        return self._moves.save(environment, due_at=expiry.next_look(environment), **changes)

    def _warn(self, environment: Environment) -> bool:
        """Warn of the end when it is time to."""
        left, moment = list(environment.warnings_due), timestamp(self._moves.now())
        hours = None
        while (next_ := expiry.next_warning(environment.but(warnings_due=left))) and next_ <= moment:
            hours = left.pop(0)  # only the last of those whose time has come
        if hours is None:
            return False
        detail = {"hours_before": hours, "expires_at": environment.expires_at}
        self._moves.save(
            environment,
            self._moves.event("expiry_warned", detail),
            warnings_due=left,
            due_at=expiry.next_look(environment.but(warnings_due=left)),
        )
        return True

    def _failed_step(self, tried: Environment, error: AwsError) -> bool:
        """Refused while building: FAILED. Anything else, and anything while removing: tried again later."""
        environment = self._store.environment(tried.id)  # the step may have claimed it first
        if environment is None or environment.status is not tried.status:
            return False
        building = environment.status in _BUILDING and not environment.clean_up
        if isinstance(error, AwsRefused) and building:
            logger.error("step refused", environment_id=tried.id, code=error.code, detail=error.message)
            self._moves.fail(environment, failure(None, None, str(error), environment_id=tried.id))
            return True
        if isinstance(error, AwsRefused) and environment.status is Status.UPDATING:
            with suppress(AwsError):  # then it is postponed
                if self._updating.give_up(environment, error):
                    return True
        if isinstance(error, AwsRefused) and environment.status is Status.RESETTING:
            with suppress(AwsError):
                if self._upkeep.end_if_lost(environment):
                    return True
        attempts = environment.attempts + 1
        # What is refused needs somebody's help; what is busy or down does not.
        words = str(error).rstrip(".") if isinstance(error, AwsRefused) else error.code
        logger.warning("step postponed", environment_id=tried.id, code=error.code, detail=error.message)
        reason = redacted(f"Waiting to try again after {words}.", tried.id)
        self._moves.postpone(
            environment,
            self._moves.backoff(attempts),
            self._moves.trouble(environment, reason),
            attempts=attempts,
            reason=reason,
        )
        return False

    def _is_over(self, environment: Environment) -> bool:
        # A change is ended first, unless AWS keeps it from its end.
        waits = environment.status in _CHANGING and not environment.attempts
        return not waits and environment.expires_at <= timestamp(self._moves.now())
