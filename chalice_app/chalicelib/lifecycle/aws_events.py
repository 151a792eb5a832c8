"""AWS events and the tick: they trigger reconciliation.

Events may be repeated, late, out of order or lost, so an event only triggers a check of the current state.
The exception is the progress of a single resource, which is recorded unless a newer state is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from chalicelib.aws.cloudformation import is_cause, resource_state
from chalicelib.aws.errors import AwsError, AwsThrottled
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain.environment import Status
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import environment_of_job, environment_of_stack
from chalicelib.domain.query import Query
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord, Unavailable
from chalicelib.lifecycle.admission import Admission
from chalicelib.lifecycle.drift_check import CheckBudget
from chalicelib.lifecycle.event_models import (
    JobStateChange,
    ResourceStatusChange,
    ResourceStatusChangeDetail,
    StackStatusChange,
)
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.lifecycle.transitions import Outcome
from chalicelib.observability import logger, record_metric
from chalicelib.queries.query_runs import QueryRuns
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.scheduled_runs import ScheduledRuns
from chalicelib.sandbox.resource_failures import operation_failure
from chalicelib.storage.store import Due, Store

_BATCH = 25
_MAX_THROTTLED = 3
_WRITE_TRIES = 5
_RECORD_SECONDS = 60
"""Seconds of a tick for one record, so that a record with much work does not delay the others."""


class AwsEvents:
    """Handles the EventBridge events and the tick. Every method can be called repeatedly.

    An event that does not have the expected fields raises pydantic's `ValidationError`, so the invocation
    fails and appears in the function's error metric. `cohort_step` carries out a cohort's action for some
    seconds.
    """

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        runs: Runs,
        admission: Admission,
        scheduled_runs: ScheduledRuns,
        queries: QueryRuns,
        cohort_step: Callable[[str, float], None],
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._admission = admission
        self._scheduled_runs = scheduled_runs
        self._reconciler = reconciler
        self._runs = runs
        self._queries = queries
        self._cohort_step = cohort_step
        self._clock = clock

    def stack_changed(self, event: Json) -> None:
        """Handle a CloudFormation Stack Status Change."""
        detail = StackStatusChange.model_validate(event).detail
        environment_id = environment_of_stack(detail.stack_id)
        if environment_id is None:
            return
        try:
            self._reconciler.reconcile(environment_id, stack_changed=True)
        finally:
            self._start_admitted()  # the change may have freed a slot

    def resource_changed(self, event: Json) -> None:
        """Handle a CloudFormation Resource Status Change."""
        environment_id = environment_of_stack(StackStatusChange.model_validate(event).detail.stack_id)
        if environment_id is None:  # the rule matches every stack of the account
            return
        change = ResourceStatusChange.model_validate(event)
        detail, status = change.detail, change.detail.status_details
        if detail.resource_type == "AWS::CloudFormation::Stack":
            return
        reason = status.status_reason or ""
        state = resource_state(
            detail.stack_id, detail.resource_type, status.status, reason, timestamp(change.time)
        )
        self._store.record_resource_state(environment_id, detail.stack_id, detail.logical_resource_id, state)
        if status.status in ("CREATE_FAILED", "UPDATE_FAILED") and is_cause(reason):
            # Even if the rollback has removed the resource already: events come in any order.
            self._record_failure(environment_id, detail, reason)

    def job_changed(self, event: Json) -> None:
        """Handle a Glue Job State Change."""
        detail = JobStateChange.model_validate(event).detail
        environment_id = environment_of_job(detail.job_name)
        if environment_id is None:
            return
        try:
            self._runs.glue_run_changed(detail.job_name, environment_id, detail.job_run_id)
        finally:
            self._reconciler.reconcile(environment_id)  # a deletion may wait for the run

    def tick(self, *, seconds: float) -> int:
        """Reconcile the due records for about `seconds`, longest overdue first. Return their number.

        Stops when AWS throttles several records in a row. The next tick continues.
        """
        throttled = 0
        deadline = self._clock().timestamp() + seconds
        seen: set[Due] = set()
        checks = CheckBudget()
        while self._clock().timestamp() < deadline:
            # Records whose step failed are still due and come first, so ask for more than these.
            found = self._store.due(timestamp(self._clock()), _BATCH + len(seen))
            due = [key for key in found if key not in seen][:_BATCH]
            if not due:
                break
            for key in due:
                left = deadline - self._clock().timestamp()
                if left <= 0:
                    break
                seen.add(key)
                outcome = self._reconcile(key, min(left, _RECORD_SECONDS), checks)
                throttled = throttled + 1 if outcome is Outcome.THROTTLED else 0
                if throttled == _MAX_THROTTLED:
                    logger.warning("tick stopped: throttled", records=len(seen))
                    return len(seen)
        return len(seen)

    def _reconcile(self, due: Due, seconds: float, checks: CheckBudget) -> Outcome:
        step: Callable[[], Outcome | None]
        match due:
            case Due("QUEUE"):
                step = self._start_admitted
            case Due("ENV", str(environment_id)):
                step = partial(self._step, environment_id, seconds, checks)
            case Due("COHORT", None, str(cohort_id)):
                step = partial(self._cohort_step, cohort_id, seconds)
            case Due(JobRun.KIND, str(environment_id), str(run_id)):
                step = partial(self._runs.reconcile, environment_id, run_id)
            case Due(Query.KIND, str(environment_id), str(query_id)):
                step = partial(self._queries.reconcile, environment_id, query_id)
            case _:  # a newer version of the service wrote it
                logger.warning("record unknown", **due._asdict())
                return Outcome.DONE
        return self._guarded(step, due)

    def _step(self, environment_id: str, seconds: float, checks: CheckBudget) -> Outcome:
        environment = self._scheduled_runs.start_due(environment_id)
        if environment is not None:
            environment = self._queries.import_due(environment)
        return self._reconciler.reconcile(environment_id, seconds=seconds, checks=checks, written=environment)

    def _start_admitted(self) -> Outcome:
        """Admit environments from the queue and start their creation."""
        for environment in self._admission.admit():
            reconcile = partial(self._reconciler.reconcile, environment.id, written=environment)
            if self._guarded(reconcile, Due("ENV", environment.id)) is Outcome.THROTTLED:
                return Outcome.THROTTLED
        return Outcome.DONE

    def _guarded(self, step: Callable[[], Outcome | None], due: Due) -> Outcome:
        """Reconcile one record. An error is logged and does not stop other records."""
        try:
            return step() or Outcome.DONE
        except (AwsError, StaleRecord, Unavailable) as error:
            logger.warning("record postponed", **due._asdict(), detail=str(error))
            return Outcome.THROTTLED if isinstance(error, AwsThrottled) else Outcome.DONE
        except Exception:  # a bug that other records may not have
            logger.exception("record failed", **due._asdict())
            record_metric("RecordErrors", 1)
            return Outcome.DONE

    def _record_failure(self, environment_id: str, detail: ResourceStatusChangeDetail, reason: str) -> None:
        """Show the first failed resource at once, while CloudFormation still rolls back."""
        for _ in range(_WRITE_TRIES):
            environment = self._store.environment(environment_id)
            if environment is None or environment.status not in (Status.CREATING, Status.UPDATING):
                return
            if environment.failure or environment.stack_id not in (None, detail.stack_id):
                return  # recorded already, or of an earlier attempt
            cause = operation_failure(environment, detail.logical_resource_id, detail.resource_type, reason)
            event = TimelineEvent.by_service(timestamp(self._clock()), "resource_failed", asdict(cause))
            try:
                self._store.save_environment(environment, environment.replace(failure=cause), event)
            except StaleRecord:
                logger.info("record changed by another worker", environment_id=environment_id)
            else:
                return
