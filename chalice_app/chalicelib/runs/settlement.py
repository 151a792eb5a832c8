"""Settlement of a run that has ended: its status, cost, error and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from chalicelib.aws.errors import AwsError, AwsRefused
from chalicelib.aws.glue import Glue, GlueRun
from chalicelib.aws.logs import Logs
from chalicelib.clock import Clock, now, parse, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.job_run import JobRun, RunError, RunOutput, RunStatus
from chalicelib.domain.pricing import Prices
from chalicelib.domain.run_errors import explained
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.runs.outputs import RunOutputs
from chalicelib.storage.store import Store

_LOG_LINES_READ = 200
"""More than the tail has, because Java's stack traces are left out of it."""
_NOT_FOUND = "EntityNotFoundException"


class Settlement:
    """Records the end of runs and what they cost."""

    def __init__(
        self, store: Store, glue: Glue, outputs: RunOutputs, logs: Logs, prices: Prices, *, clock: Clock = now
    ) -> None:
        self._store = store
        self._glue = glue
        self._outputs = outputs
        self._logs = logs
        self._prices = prices
        self._clock = clock

    def save_end(
        self, run: JobRun, after: JobRun, seen: GlueRun, earlier: Sequence[GlueRun], moment: datetime
    ) -> JobRun:
        """Record the end of a run with the cost of all its attempts; `seen` is the last attempt."""
        attempts = (*earlier, seen)
        dpu_seconds = _total_dpu_seconds(run, attempts)
        has_succeeded = after.status is RunStatus.SUCCEEDED
        has_failed = not has_succeeded and after.status is not RunStatus.STOPPED
        end = seen.completed_at or moment
        outputs = self._outputs_of(after, attempts, end) if has_succeeded else []
        after = after.replace(
            completed_at=timestamp(end),
            execution_seconds=seen.execution_seconds,
            dpu_seconds=float(dpu_seconds),
            cost_micro_usd=pricing.cost_micro_usd(dpu_seconds, self._price_of(run)),
            error=self._error(after, seen) if has_failed else None,
            output=outputs[0] if outputs else None,
            outputs=outputs,
            due_at=None,
        )
        return self._store.save_run(run, after, _run_ended(after, moment))

    def end_without_glue(self, run: JobRun, status: RunStatus, message: str) -> JobRun:
        """Record the end of a run that Glue does not run. It costs nothing."""
        moment = self._clock()
        after = run.replace(
            status=status,
            completed_at=timestamp(moment),
            execution_seconds=0,
            dpu_seconds=0,
            cost_micro_usd=0,
            error=explained(message, [], run.environment_id),
            reason=None,
            due_at=None,
        )
        return self._store.save_run(run, after, _run_ended(after, moment))

    def refused(self, run: JobRun, error: AwsRefused) -> JobRun:
        """Record the end of a run that Glue refused to start."""
        logger.error("run refused", run_id=run.id, code=error.code, detail=error.message)
        if error.code != _NOT_FOUND:
            message = f"{error.code}: {error.message}"
            return self.end_without_glue(run, RunStatus.ERROR, message)
        # The job was deleted outside the service, and perhaps other resources too: check them.
        self._store.request_drift_check(run.environment_id, timestamp(self._clock()))
        return self.end_without_glue(run, RunStatus.ERROR, "The job no longer exists.")

    def unknown_to_glue(self, run: JobRun, error: AwsRefused) -> JobRun:
        """Record the end of a run that Glue does not know.

        Raises the error if Glue refused the call for another reason: the run may be active.
        """
        if error.code != _NOT_FOUND:
            raise error
        return self.refused(run, error)

    def settle_again(self, run: JobRun) -> None:
        """Charge what Glue has billed for a run since it was settled: another attempt, or more seconds.

        The service reserves the cost of every attempt, but a user may change the job outside the service.
        """
        attempts = self._glue.attempts(run.job_id, run.id, parse(run.requested_at), run.glue_run_id)
        for attempt in attempts:
            if not attempt.status.is_final:  # a user has changed the job's retries outside the service
                self._glue.stop(run.job_id, attempt.id)
        dpu_seconds = _total_dpu_seconds(run, attempts)
        cost = pricing.cost_micro_usd(dpu_seconds, self._price_of(run))
        if cost <= (run.cost_micro_usd or 0):
            return
        logger.warning("run cost more than settled", run_id=run.id, cost_micro_usd=cost)
        detail = {"run_id": run.id, "why": "Glue billed more than it reported when the run ended."}
        event = TimelineEvent.by_service(timestamp(self._clock()), "run_cost_more", detail)
        after = run.replace(dpu_seconds=float(dpu_seconds), cost_micro_usd=cost)
        with suppress(StaleRecord):  # the event was delivered twice
            self._store.save_run(run, after, event)

    def _price_of(self, run: JobRun) -> Decimal:
        """Return the price at which the cost was reserved, even if the operator has changed it since."""
        return Decimal(run.price_per_dpu_hour_usd or self._prices.of(run.worker_type))

    def _error(self, run: JobRun, seen: GlueRun) -> RunError:
        try:
            tail = self._logs.tail(f"{run.log_prefix}/error", seen.id, _LOG_LINES_READ)
        except AwsError as error:
            logger.warning("log tail not readable", run_id=run.id, code=error.code, detail=error.message)
            tail = []
        environment = self._store.environment(run.environment_id)
        job = environment.job(run.job_id) if environment else None
        return explained(
            seen.error or f"Glue reported {seen.status}.",
            tail,
            run.environment_id,
            environment.script(job) if environment and job else "",
            environment.job_files if environment else (),
        )

    def _outputs_of(self, run: JobRun, attempts: Sequence[GlueRun], end: datetime) -> list[RunOutput]:
        starts = [attempt.started_at for attempt in attempts if attempt.started_at is not None]
        try:
            return self._outputs.written(run, min(starts, default=parse(run.requested_at)), end)
        except AwsError as error:
            logger.warning("run outputs not readable", run_id=run.id, code=error.code, detail=error.message)
            return []


def _run_ended(run: JobRun, moment: datetime) -> TimelineEvent:
    detail = {"run_id": run.id, "to": str(run.status), "cost_micro_usd": run.cost_micro_usd}
    return TimelineEvent.by_service(timestamp(moment), "run_ended", detail)


def _total_dpu_seconds(run: JobRun, attempts: Sequence[GlueRun]) -> Decimal:
    return sum((_dpu_seconds(run, attempt) for attempt in attempts), Decimal(0))


def _dpu_seconds(run: JobRun, seen: GlueRun) -> Decimal:
    if seen.dpu_seconds is not None:
        return Decimal(str(seen.dpu_seconds))
    return pricing.dpu_seconds(run.worker_type, run.number_of_workers, seen.execution_seconds)
