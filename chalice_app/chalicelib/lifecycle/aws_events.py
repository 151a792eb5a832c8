"""What happens when AWS tells us something, or a minute has passed: reconcile is called.

Events may repeat, be late, come out of order or never; so an event is only a reason to look, never a fact,
but for the progress of single resources, which is recorded as told unless something newer is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from chalicelib.aws.cloudformation import is_cause, resource_state
from chalicelib.aws.errors import AwsError, AwsThrottled
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain.environment import Status
from chalicelib.domain.failures import failure
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import environment_of_job, environment_of_stack
from chalicelib.domain.timeline import Event
from chalicelib.errors import StaleRecord, Unavailable
from chalicelib.lifecycle.admission import Admission
from chalicelib.lifecycle.drift_check import Looks
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.observability import logger
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.scheduled_runs import ScheduledRuns
from chalicelib.sandbox.stack_update import change_failure
from chalicelib.storage.store import Due, Store

_BATCH = 25
_MOST_THROTTLED = 3
_TELLS_FAILURE = {Status.CREATING: failure, Status.UPDATING: change_failure}
_WRITE_TRIES = 5
_RECORD_SECONDS = 60
"""What one record may take of a tick, so that one that has much to do does not keep the others waiting."""


class Events:
    """One method per kind of event; each may be called any number of times."""

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        runs: Runs,
        admission: Admission,
        scheduled_runs: ScheduledRuns,
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._admission = admission
        self._scheduled_runs = scheduled_runs
        self._reconciler = reconciler
        self._runs = runs
        self._clock = clock

    def stack_changed(self, detail: Json) -> None:
        """CloudFormation Stack Status Change."""
        environment_id = environment_of_stack(detail["stack-id"])
        if environment_id is not None:
            try:
                self._reconciler.reconcile(environment_id, is_told=True)
            finally:
                self._start_waiting()  # a place may have become free

    def resource_changed(self, detail: Json, at: str) -> None:
        """CloudFormation Resource Status Change; `at` is the event's time."""
        environment_id = environment_of_stack(detail["stack-id"])
        if environment_id is None or detail["resource-type"] == "AWS::CloudFormation::Stack":
            return
        status = detail["status-details"]["status"]
        reason = detail["status-details"].get("status-reason") or ""
        resource = resource_state(detail["stack-id"], detail["resource-type"], status, reason, at)
        logical_id = detail["logical-resource-id"]
        self._store.note_resource(environment_id, detail["stack-id"], logical_id, resource)
        if status in ("CREATE_FAILED", "UPDATE_FAILED") and is_cause(reason):
            # Told even if the rollback has removed the resource meanwhile: the order of events is no matter.
            self._note_failure(
                environment_id, detail["stack-id"], logical_id, detail["resource-type"], reason
            )

    def job_changed(self, detail: Json) -> None:
        """Glue Job State Change."""
        environment_id = environment_of_job(detail["jobName"])
        if environment_id is None:
            return
        try:
            self._runs.noticed(detail["jobName"], environment_id, detail["jobRunId"])
        finally:
            self._reconciler.reconcile(environment_id)  # a delete may be waiting for this run to end

    def tick(self, *, seconds: float) -> int:
        """Reconcile what is due, longest overdue first, for about `seconds`; gives how many records.

        When AWS throttles one record after the other, the rest is left for the next minute.
        """
        throttled = 0
        deadline = self._clock().timestamp() + seconds
        seen: set[Due] = set()
        looks = Looks()
        while self._clock().timestamp() < deadline:
            # Records whose step failed are still due, and are the longest overdue: look behind them.
            found = self._store.due(timestamp(self._clock()), _BATCH + len(seen))
            due = [key for key in found if key not in seen][:_BATCH]
            if not due:
                break
            for key in due:
                left = deadline - self._clock().timestamp()
                if left <= 0:
                    break
                seen.add(key)
                throttled = 0 if self._reconcile(key, min(left, _RECORD_SECONDS), looks) else throttled + 1
                if throttled == _MOST_THROTTLED:
                    logger.warning("throttled: the rest is left for later", records=len(seen))
                    return len(seen)
        return len(seen)

    def _reconcile(self, due: Due, seconds: float, looks: Looks) -> bool:
        """One record of a tick; False when AWS throttled it."""
        if due.environment_id is None:
            return self._guarded(self._start_waiting, due)
        if due.run_id is None:
            return self._guarded(partial(self._step, due.environment_id, seconds, looks), due)
        return self._guarded(partial(self._runs.reconcile, due.environment_id, due.run_id), due)

    def _step(self, environment_id: str, seconds: float, looks: Looks) -> bool:
        environment = self._scheduled_runs.start_due(environment_id)
        return self._reconciler.reconcile(environment_id, seconds=seconds, looks=looks, written=environment)

    def _start_waiting(self) -> bool:
        for environment in self._admission.admit():
            reconcile = partial(self._reconciler.reconcile, environment.id, written=environment)
            if not self._guarded(reconcile, Due(environment.id, None)):
                return False
        return True

    def _guarded(self, step: Callable[[], bool | None], due: Due) -> bool:
        """Take a step of one record; False when AWS throttled it. An error does not stop other records."""
        try:
            return step() is not False
        except (AwsError, StaleRecord, Unavailable) as error:
            logger.warning("record left for later", **due._asdict(), detail=str(error))
            return not isinstance(error, AwsThrottled)
        except Exception:  # a bug, which another record may not have
            logger.exception("record failed", **due._asdict())
            return True

    def _note_failure(
        self, environment_id: str, stack_id: str, logical_id: str, resource_type: str, reason: str
    ) -> None:
        """Show the first failed resource at once, while CloudFormation still rolls back."""
        for _ in range(_WRITE_TRIES):
            environment = self._store.environment(environment_id)
            if environment is None or environment.failure or environment.stack_id not in (None, stack_id):
                return  # known, or of an earlier attempt
            if environment.status not in _TELLS_FAILURE:
                return
            cause = _TELLS_FAILURE[environment.status](
                logical_id, resource_type, reason, environment_id=environment_id
            )
            try:
                told = Event.by_service(timestamp(self._clock()), "resource_failed", asdict(cause))
                self._store.save_environment(environment, environment.but(failure=cause), told)
            except StaleRecord:
                logger.info("changed meanwhile", environment_id=environment_id)
            else:
                return
