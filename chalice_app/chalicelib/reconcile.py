"""The one function that moves an environment towards what is wanted.

`Reconciler.reconcile` looks at the record and at what AWS really has, takes the next step, and again, until
there is nothing to do now. It may run twice at once, late, or after a crash at any line: a step first does
what is idempotent in AWS and then records it, on the condition that the record is still the one that was
read. Slow steps (seeding, emptying) first take a lease, so that two workers do not do the same copies; a
worker that dies leaves the lease to run out, and the record is due again then.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.errors import AwsError, AwsRefused, StaleRecord
from chalicelib.failures import failure
from chalicelib.observability import logger
from chalicelib.provisioning import Provisioning
from chalicelib.records import Environment, Event, Status
from chalicelib.removal import Removal
from chalicelib.stacks import Stack
from chalicelib.store import Store

SERVICE = "service"
"""The actor of what nobody asked for by a request."""

_MAX_STEPS = 25
_LOOK_AGAIN_SECONDS = 60
_LONGEST_BACKOFF_SECONDS = 900


class Reconciler:
    """Takes the steps of the life cycle; the AWS work itself is in `provisioning` and `removal`."""

    def __init__(
        self,
        store: Store,
        provisioning: Provisioning,
        removal: Removal,
        *,
        lease_seconds: int,
        clock: Clock = now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._provisioning = provisioning
        self._removal = removal
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._jitter = jitter

    def reconcile(
        self, environment_id: str, *, seconds: float = 600, written: Environment | None = None
    ) -> None:
        """Take every step that can be taken now, for about `seconds`; what is left is due again by itself.

        Who has just written the record passes it as `written`, which saves reading it again.
        """
        deadline = self._clock().timestamp() + seconds
        for _ in range(_MAX_STEPS):
            environment = written or self._store.environment(environment_id)
            written = None
            if environment is None:
                return
            try:
                moved = self._step(environment, deadline)
            except StaleRecord:
                continue  # somebody else moved it: look again at what there is to do
            except AwsError as error:
                self._failed_step(environment_id, error)
                return
            if not moved or self._clock().timestamp() >= deadline:
                return

    def _step(self, environment: Environment, deadline: float) -> bool:
        """Take one step; False when there is nothing (more) to do now."""
        moment = self._clock()
        if environment.status is Status.DELETED:
            return False
        if environment.status is Status.DELETING:
            return self._delete(environment, moment, deadline)
        if environment.delete_requested or self._expired(environment, moment):
            why = "asked to be deleted" if environment.delete_requested else "expired"
            self._move(environment, Status.DELETING, moment, why=why, attempts=0, lease_until=None)
            return True
        if environment.status is Status.QUEUED:
            return self._create(environment, moment)
        if environment.status is Status.CREATING:
            return self._watch_creation(environment, moment)
        if environment.status is Status.SEEDING:
            return self._seed(environment, moment, deadline)
        return False  # READY and FAILED wait for a request or for their expiry

    # -- towards READY -----------------------------------------------------------------------------------

    def _create(self, environment: Environment, moment: datetime) -> bool:
        stack_id, total = self._provisioning.start(environment)
        self._move(
            environment,
            Status.CREATING,
            moment,
            why="stack requested",
            stack_id=stack_id,
            total_resources=total,
            attempts=0,
            reason=None,
            due_at=later(moment, _LOOK_AGAIN_SECONDS),
        )
        return False  # CloudFormation tells when there is something to see

    def _watch_creation(self, environment: Environment, moment: datetime) -> bool:
        stack = self._provisioning.look(environment)
        if stack is not None and stack.in_progress and not stack.status.startswith("DELETE"):
            self._note_progress(environment, stack, moment)
            return False
        self._provisioning.note_resources(environment)
        if stack is not None and stack.status == "CREATE_COMPLETE":
            outputs = self._provisioning.outputs(environment, stack)
            self._move(
                environment, Status.SEEDING, moment, why="stack complete", outputs=outputs, failure=None
            )
            return True
        cause = environment.failure or self._provisioning.failure(environment, stack)
        self._fail(environment, moment, cause)
        return False

    def _note_progress(self, environment: Environment, stack: Stack, moment: datetime) -> None:
        """A look at a stack in creation: usually events have told everything already."""
        overdue = environment.due_at is None or environment.due_at <= timestamp(moment)
        changes: dict[str, object] = {}
        if overdue:
            self._provisioning.note_resources(environment)
            changes["due_at"] = later(moment, _LOOK_AGAIN_SECONDS)
        if environment.failure is None and stack.status.startswith("ROLLBACK"):
            changes["failure"] = self._provisioning.failure(environment, stack)
        if changes:
            self._store.save_environment(environment, environment.but(**changes))

    def _seed(self, environment: Environment, moment: datetime, deadline: float) -> bool:
        claimed = self._claim(environment, moment)
        if claimed is None:
            return False
        for seeded in self._provisioning.seed(claimed):
            moment = self._clock()
            if moment.timestamp() >= deadline:
                self._store.save_environment(
                    claimed, claimed.but(seeded_files=seeded, lease_until=None, due_at=timestamp(moment))
                )
                return True
            if self._half_over(claimed, moment):
                claimed = self._renew(claimed.but(seeded_files=seeded), claimed, moment)
        moment = self._clock()
        self._move(
            claimed,
            Status.READY,
            moment,
            why="data and scripts copied",
            ready_at=timestamp(moment),
            job_files=self._provisioning.job_files(claimed),
            attempts=0,
            reason=None,
            lease_until=None,
            due_at=claimed.expires_at,
        )
        return False

    # -- towards DELETED ---------------------------------------------------------------------------------

    def _delete(self, environment: Environment, moment: datetime, deadline: float) -> bool:
        stack = self._removal.look(environment)
        if stack is not None and stack.status == "DELETE_IN_PROGRESS":
            return self._wait(environment, moment)
        if stack is not None and stack.status == "DELETE_FAILED" and self._backing_off(environment, moment):
            return False
        claimed = self._claim(environment, moment)
        if claimed is None:
            return False
        if stack is not None and stack.status != "DELETE_COMPLETE":
            return self._delete_stack(claimed, stack, deadline)
        receipt = self._removal.receipt(claimed)
        moment = self._clock()
        ended = claimed.but(
            status=Status.DELETED,
            receipt=receipt,
            updated_at=timestamp(moment),
            deleted_at=timestamp(moment),
            lease_until=None,
            due_at=None,
            reason=None,
        )
        self._store.end_environment(
            claimed, ended, self._event(claimed, Status.DELETED, moment, "all removed")
        )
        return False

    def _delete_stack(self, claimed: Environment, stack: Stack, deadline: float) -> bool:
        reason = stack.reason if stack.status == "DELETE_FAILED" else None
        for finished in self._removal.prepare(claimed):
            moment = self._clock()
            if not finished or moment.timestamp() >= deadline:
                # A run that is still stopping could write again; look again when it has had time to stop.
                pause = 0 if finished else 5
                self._store.save_environment(
                    claimed, claimed.but(lease_until=None, due_at=later(moment, pause))
                )
                return False
            if self._half_over(claimed, moment):
                claimed = self._renew(claimed, claimed, moment)
        attempts = claimed.attempts + 1
        self._removal.delete_stack(claimed, stack, attempts)
        due_at = later(self._clock(), self._backoff(attempts + 2))
        self._store.save_environment(
            claimed, claimed.but(attempts=attempts, reason=reason, lease_until=None, due_at=due_at)
        )
        return True

    def _wait(self, environment: Environment, moment: datetime) -> bool:
        if environment.due_at is None or environment.due_at <= timestamp(moment):
            due_at = later(moment, _LOOK_AGAIN_SECONDS)
            self._store.save_environment(environment, environment.but(due_at=due_at))
        return False

    # -- when a step fails -------------------------------------------------------------------------------

    def _failed_step(self, environment_id: str, error: AwsError) -> None:
        """Refused while building: FAILED. Anything else, and anything while deleting: tried again later."""
        moment = self._clock()
        environment = self._store.environment(environment_id)
        if environment is None or environment.status is Status.DELETED:
            return
        if isinstance(error, AwsRefused) and environment.status is not Status.DELETING:
            logger.error("step refused", environment_id=environment_id, code=error.code, detail=error.message)
            self._fail(environment, moment, failure(None, None, str(error)))
            return
        attempts = environment.attempts + 1
        logger.warning("step postponed", environment_id=environment_id, code=error.code, detail=error.message)
        self._store.save_environment(
            environment,
            environment.but(
                attempts=attempts,
                reason=f"Waiting to try again after {error.code}.",
                lease_until=None,
                due_at=later(moment, self._backoff(attempts)),
            ),
        )

    def _fail(self, environment: Environment, moment: datetime, cause: dict[str, object]) -> None:
        self._move(
            environment,
            Status.FAILED,
            moment,
            why=str(cause["message"]),
            failure=cause,
            reason=cause["fix"],
            lease_until=None,
            due_at=environment.expires_at,
        )

    # -- small things ------------------------------------------------------------------------------------

    def _move(
        self, environment: Environment, status: Status, moment: datetime, *, why: str, **changes: object
    ) -> Environment:
        after = environment.but(
            status=status, updated_at=timestamp(moment), **{"due_at": timestamp(moment), **changes}
        )
        logger.info("environment moved", environment_id=environment.id, status=str(status), why=why)
        return self._store.save_environment(environment, after, self._event(environment, status, moment, why))

    def _event(self, environment: Environment, status: Status, moment: datetime, why: str) -> Event:
        detail = {"from": str(environment.status), "to": str(status), "why": why}
        return Event(timestamp(moment), SERVICE, "status_changed", None, detail)

    def _claim(self, environment: Environment, moment: datetime) -> Environment | None:
        """Take the lease for a slow step; None while somebody else has it."""
        if environment.lease_until is not None and environment.lease_until > timestamp(moment):
            return None
        return self._renew(environment, environment, moment)

    def _renew(self, environment: Environment, read: Environment, moment: datetime) -> Environment:
        until = later(moment, self._lease_seconds)
        return self._store.save_environment(read, environment.but(lease_until=until, due_at=until))

    def _half_over(self, claimed: Environment, moment: datetime) -> bool:
        left = parse(claimed.lease_until or claimed.updated_at) - moment
        return left.total_seconds() < self._lease_seconds / 2

    def _backing_off(self, environment: Environment, moment: datetime) -> bool:
        return environment.due_at is not None and environment.due_at > timestamp(moment)

    def _expired(self, environment: Environment, moment: datetime) -> bool:
        return environment.expires_at <= timestamp(moment)

    def _backoff(self, attempts: int) -> float:
        """Seconds until the next try: doubling from 5 s, with jitter so that many do not return at once."""
        longest = min(_LONGEST_BACKOFF_SECONDS, 5 << min(attempts, 10))
        return longest * (0.5 + self._jitter() / 2)
