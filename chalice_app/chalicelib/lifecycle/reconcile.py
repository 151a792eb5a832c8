"""Reconciler: moves an environment towards its desired state.

`Reconciler.reconcile` compares the record with what exists in AWS, takes the next step, and repeats that
until nothing is left to do now. It may run concurrently, late, or after a crash at any line: a step first
calls AWS idempotently and then records the result, on the condition that the record has not changed since it
was read. Slow steps such as seeding and emptying acquire a lease first, so that workers do not repeat each
other's work. If a worker dies, its lease expires and the record is due again.

The steps are in `creation.py`, `drift_check.py`, `update.py`, `reset.py`, `freezing.py` and `deletion.py`.
`transitions.py` records them.
"""

from __future__ import annotations

from contextlib import suppress

from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled
from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import failure, redacted
from chalicelib.errors import StaleRecord
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.drift_check import CheckBudget, DriftCheck
from chalicelib.lifecycle.freezing import Freezing
from chalicelib.lifecycle.reset import Reset
from chalicelib.lifecycle.transitions import CHECK_SECONDS, Next, Outcome, Transitions
from chalicelib.lifecycle.update import Update
from chalicelib.observability import annotate_trace, logger
from chalicelib.storage import metrics
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

_MAX_STEPS = 25
_CREATION = {Status.QUEUED, Status.CREATING, Status.SEEDING}
_CHANGE = {Status.UPDATING, Status.RESETTING}


class Reconciler:
    """Chooses the next step of the life cycle, and what happens if it fails."""

    def __init__(
        self,
        store: Store,
        transitions: Transitions,
        creation: Creation,
        drift_check: DriftCheck,
        update: Update,
        reset: Reset,
        deletion: Deletion,
        freezing: Freezing,
        files: LiveFiles,
    ) -> None:
        self._store = store
        self._transitions = transitions
        self._creation = creation
        self._drift_check = drift_check
        self._update = update
        self._reset = reset
        self._deletion = deletion
        self._freezing = freezing
        self._files = files

    def reconcile(
        self,
        environment_id: str,
        *,
        seconds: float = 600,
        written: Environment | None = None,
        stack_changed: bool = False,
        checks: CheckBudget | None = None,
    ) -> Outcome:
        """Take every step that is possible now, for about `seconds`. The rest is due again later.

        A caller that has just written the record passes it as `written`, which saves a read. `stack_changed`
        means that an event of its stack has arrived, and `checks` limits drift checks. Returns THROTTLED if
        AWS throttled a step: other records are likely to be throttled too.
        """
        annotate_trace("environment_id", environment_id)
        deadline = self._transitions.now().timestamp() + seconds
        for _ in range(_MAX_STEPS):
            environment = written or self._store.environment(environment_id)
            written, following = None, Next.LATER
            if environment is None:
                return Outcome.DONE
            metrics.transition_read(self._transitions.now(), environment)
            try:
                following = self._step(environment, deadline, stack_changed=stack_changed, checks=checks)
            except StaleRecord:
                continue  # another worker has changed the record: read it again
            except AwsError as error:
                with suppress(StaleRecord):  # then another worker continues
                    following = self._failed_step(environment, error)
                if isinstance(error, AwsThrottled):
                    return Outcome.THROTTLED
            if following is Next.LATER or self._transitions.now().timestamp() >= deadline:
                break
        return Outcome.DONE

    def _step(
        self, environment: Environment, deadline: float, *, stack_changed: bool, checks: CheckBudget | None
    ) -> Next:
        """Take one step."""
        if environment.status is Status.DELETED:
            return Next.LATER
        if environment.status is Status.DELETING:
            return self._deletion.step(environment, deadline)
        if environment.delete_requested or self._has_expired(environment):
            why = "deletion requested" if environment.delete_requested else "expired"
            self._transitions.move(environment, Status.DELETING, why=why, attempts=0, lease_until=None)
            return Next.AGAIN
        if environment.clean_up:
            return self._deletion.clean_up(environment, deadline)
        if environment.status is Status.QUEUED:
            return self._creation.start(environment)
        if environment.status is Status.CREATING:
            return self._creation.check_stack(environment)
        if environment.status is Status.SEEDING:
            return self._creation.seed(environment, deadline)
        if environment.status in _CHANGE and environment.wanted is not None:
            return self._update.step(environment, deadline)
        if environment.status is Status.RESETTING:
            return self._reset.step(environment, deadline)
        if self._warn(environment):
            return Next.AGAIN
        if (following := self._freezing.step(environment)) is not None:
            return following
        if environment.status is Status.READY:
            if self._transitions.is_due(environment):
                environment = self._settle_files(environment)
            return self._drift_check.step(environment, stack_changed=stack_changed, checks=checks)
        if self._transitions.is_due(environment):  # FAILED: until a request, or the expiration
            self._transitions.save(environment, due_at=expiry.next_check(environment))
        return Next.LATER

    def _settle_files(self, environment: Environment) -> Environment:
        """Complete changes of job files whose request died."""
        changes: dict[str, object] = {}
        try:
            self._files.settle(environment)
            changes["removed_files"] = []
            self._files.remove_unused(environment)
        except AwsRefused as error:  # the next run retries
            logger.warning("job files not settled", environment_id=environment.id, detail=str(error))
        if environment.attempts:  # the previous try was throttled
            reason = environment.failure.fix if environment.failure else None
            changes |= {"attempts": 0, "reason": reason}
        return self._transitions.save(environment, due_at=expiry.next_check(environment), **changes)

    def _warn(self, environment: Environment) -> bool:
        """Record a warning before the expiration if it is due. Return whether it was."""
        left, moment = list(environment.warnings_due), timestamp(self._transitions.now())
        hours = None
        while (due := expiry.next_warning(environment.replace(warnings_due=left))) and due <= moment:
            hours = left.pop(0)  # of several due warnings, only the last is recorded
        if hours is None:
            return False
        detail = {"hours_before": hours, "expires_at": environment.expires_at}
        self._transitions.save(
            environment,
            self._transitions.event("expiry_warned", detail),
            warnings_due=left,
            due_at=expiry.next_check(environment.replace(warnings_due=left)),
        )
        return True

    def _failed_step(self, tried: Environment, error: AwsError) -> Next:
        """Make a creation FAILED if AWS refused a call. Postpone every other step."""
        environment = self._store.environment(tried.id)  # the step may have acquired the lease
        if environment is None or environment.status is not tried.status:
            return Next.LATER
        if isinstance(error, AwsRefused) and environment.status in _CREATION and not environment.clean_up:
            cause = failure(None, None, str(error), environment_id=tried.id)
            if cause.cause != "permission" or not self._creation.awaits_permissions(environment):
                logger.error("step refused", environment_id=tried.id, code=error.code, detail=error.message)
                self._transitions.fail(environment, cause)
                return Next.AGAIN
        if isinstance(error, AwsRefused) and environment.status in _CHANGE and environment.wanted:
            with suppress(AwsError):  # then the step is postponed
                if self._update.give_up(environment, error):
                    return Next.AGAIN
        if isinstance(error, AwsRefused) and environment.status is Status.RESETTING:
            with suppress(AwsError):
                if self._drift_check.fail_if_incomplete(environment):
                    return Next.AGAIN
        # A refused call needs an operator, so it is shown with AWS's message.
        message = str(error).rstrip(".") if isinstance(error, AwsRefused) else error.code
        logger.warning("step postponed", environment_id=tried.id, code=error.code, detail=error.message)
        reason = redacted(f"Waiting to retry after {message}.", tried.id)
        is_new = isinstance(error, AwsRefused) and self._creation.awaits_permissions(environment)
        self._transitions.retry_later(environment, reason, within=CHECK_SECONDS if is_new else None)
        return Next.LATER

    def _has_expired(self, environment: Environment) -> bool:
        # An update or a reset is finished first, unless AWS prevents that.
        is_changing = environment.status in _CHANGE and not environment.attempts
        return not is_changing and environment.expires_at <= timestamp(self._transitions.now())
