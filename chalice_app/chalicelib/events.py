"""What happens when AWS tells us something, or a minute has passed: reconcile is called.

Events may repeat, be late, come out of order or never; so an event is only a reason to look, never a fact,
but for the progress of single resources, which is recorded as told unless something newer is known.
"""

from __future__ import annotations

from chalicelib.clock import Clock, now, timestamp
from chalicelib.errors import AwsError, StaleRecord
from chalicelib.failures import failure
from chalicelib.observability import logger
from chalicelib.reconcile import Reconciler
from chalicelib.records import Json, Status, environment_of_job, environment_of_stack
from chalicelib.runs import Runs
from chalicelib.stacks import is_cause, resource_state
from chalicelib.store import Store

_BATCH = 25


class Events:
    """One method per kind of event; each may be called any number of times."""

    def __init__(self, store: Store, reconciler: Reconciler, runs: Runs, *, clock: Clock = now) -> None:
        self._store = store
        self._reconciler = reconciler
        self._runs = runs
        self._clock = clock

    def stack_changed(self, detail: Json) -> None:
        """CloudFormation Stack Status Change."""
        environment_id = environment_of_stack(detail["stack-id"])
        if environment_id is not None:
            self._reconciler.reconcile(environment_id)

    def resource_changed(self, detail: Json, at: str) -> None:
        """CloudFormation Resource Status Change; `at` is the event's time."""
        environment_id = environment_of_stack(detail["stack-id"])
        if environment_id is None or detail["resource-type"] == "AWS::CloudFormation::Stack":
            return
        status = detail["status-details"]["status"]
        reason = detail["status-details"].get("status-reason") or ""
        resource = resource_state(detail["resource-type"], status, reason, at)
        logical_id = detail["logical-resource-id"]
        if not self._store.note_resource(environment_id, detail["stack-id"], logical_id, resource):
            return
        if status == "CREATE_FAILED" and is_cause(reason):
            self._note_failure(environment_id, logical_id, resource)

    def job_changed(self, detail: Json) -> None:
        """Glue Job State Change."""
        environment_id = environment_of_job(detail["jobName"])
        if environment_id is None:
            return
        self._runs.noticed(detail["jobName"], environment_id, detail["jobRunId"])
        self._reconciler.reconcile(environment_id)  # a delete may be waiting for this run to end

    def tick(self, *, seconds: float) -> int:
        """Reconcile what is due, longest overdue first, for about `seconds`; gives how many records."""
        deadline = self._clock().timestamp() + seconds
        seen: set[tuple[str, str | None]] = set()
        while (left := deadline - self._clock().timestamp()) > 0:
            due = [key for key in self._store.due(timestamp(self._clock()), _BATCH) if key not in seen]
            if not due:
                break
            for environment_id, run_id in due:
                seen.add((environment_id, run_id))
                self._reconcile(environment_id, run_id, left)
        return len(seen)

    def _reconcile(self, environment_id: str, run_id: str | None, seconds: float) -> None:
        """One record of a tick; what goes wrong with it must not keep the others waiting."""
        try:
            if run_id is None:
                self._reconciler.reconcile(environment_id, seconds=seconds)
            else:
                self._runs.reconcile(environment_id, run_id)
        except (AwsError, StaleRecord) as error:
            logger.warning(
                "record left for later", environment_id=environment_id, run_id=run_id, detail=str(error)
            )

    def _note_failure(self, environment_id: str, logical_id: str, resource: Json) -> None:
        """Show the first failed resource at once, while CloudFormation still rolls back."""
        environment = self._store.environment(environment_id)
        if environment is None or environment.status is not Status.CREATING or environment.failure:
            return
        cause = failure(logical_id, resource["type"], resource.get("reason", ""))
        try:
            self._store.save_environment(environment, environment.but(failure=cause))
        except StaleRecord:
            logger.info("failure noted by somebody else", environment_id=environment_id)
