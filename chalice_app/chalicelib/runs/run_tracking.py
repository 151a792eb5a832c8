"""Tracks a run that Glue has started: its status, Glue's retries, and its stop."""

from __future__ import annotations

from datetime import datetime

from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.glue import Glue, GlueRun
from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.runs.settlement import Settlement
from chalicelib.storage.store import Store

CHECK_SECONDS = 60
"""How long a run waits for Glue's event before the schedule checks it."""
RETRY_SECONDS = 20
_GLUE_RETRY_SECONDS = 120
"""How long after a failed attempt Glue may start the next one."""


class RunTracker:
    """Records what Glue reports about runs."""

    def __init__(self, store: Store, glue: Glue, settlement: Settlement, *, clock: Clock = now) -> None:
        self._store = store
        self._glue = glue
        self._settlement = settlement
        self._clock = clock

    def check(self, run: JobRun) -> JobRun:
        """Ask Glue for the status of a started run, and record it."""
        try:
            seen = self._glue.get(run.job_id, run.glue_run_id or "")
        except AwsRefused as error:
            return self._settlement.unknown_to_glue(run, error)
        return self.record(run, seen)

    def record(self, run: JobRun, seen: GlueRun) -> JobRun:
        """Record the status of an attempt. Stop it if a stop is requested, and settle it if it has ended."""
        moment = self._clock()
        earlier: list[GlueRun] = []
        if seen.status.is_final:
            # Every attempt counts, whatever the record says about retries.
            since = parse(run.requested_at)
            *earlier, seen = self._glue.attempts(run.job_id, run.id, since, seen.id) or [seen]
            if self._may_be_retried(run, seen, moment):
                return self._wait_for_retry(run, seen, moment)
        if seen.attempt > run.max_retries:
            if not seen.status.is_final:
                return self._stop_unreserved(run, seen, moment)
            *earlier, seen = _by_reservation([*earlier, seen], run.max_retries)
        after = run.replace(
            status=seen.status,
            glue_run_id=seen.id,
            reason=None,
            started_at=timestamp(seen.started_at) if seen.started_at else None,
        )
        if seen.status.is_final:
            return self._settlement.save_end(run, after, seen, earlier, moment)
        is_due = run.due_at is None or run.due_at <= timestamp(moment)
        if run.stopped_by is not None:
            if seen.status is not RunStatus.STOPPING and (is_due or run.status is not RunStatus.STOPPING):
                self._glue.stop(run.job_id, seen.id)
                is_due = True
            after = after.replace(status=RunStatus.STOPPING)
        if is_due:
            after = after.replace(due_at=later(moment, CHECK_SECONDS))
        return run if after == run else self._store.save_run(run, after)

    def _stop_unreserved(self, run: JobRun, seen: GlueRun, moment: datetime) -> JobRun:
        """Stop an attempt whose cost is not reserved: the job allows more retries than its settings.

        MaxRetries is the only property of a job with which a user can make a run cost more than reserved:
        workers and timeout are those of StartJobRun. Glue does not retry a stopped run.
        """
        if seen.status is not RunStatus.STOPPING:
            self._glue.stop(run.job_id, seen.id)
        reason = "Stopping: Glue started another attempt, because the job was changed outside the service."
        due_at = later(moment, RETRY_SECONDS)
        return self._store.save_run(run, run.replace(glue_run_id=seen.id, reason=reason, due_at=due_at))

    def _may_be_retried(self, run: JobRun, seen: GlueRun, moment: datetime) -> bool:
        """Return whether Glue may start another attempt. It does so soon after the failed one, or not at all.

        Asks Glue if no attempt is left, because the job may have been changed outside the service.
        """
        since = (moment - (seen.completed_at or moment)).total_seconds()
        if seen.status is not RunStatus.FAILED or since >= _GLUE_RETRY_SECONDS:
            return False
        return seen.attempt < run.max_retries or seen.attempt < self._glue.max_retries(run.job_id)

    def _wait_for_retry(self, run: JobRun, seen: GlueRun, moment: datetime) -> JobRun:
        reason = f"Attempt {seen.attempt + 1} failed. Glue retries."
        if run.reason == reason and (run.due_at or "") > timestamp(moment):
            return run
        due_at = later(moment, RETRY_SECONDS)
        return self._store.save_run(run, run.replace(glue_run_id=seen.id, reason=reason, due_at=due_at))


def _by_reservation(attempts: list[GlueRun], max_retries: int) -> list[GlueRun]:
    """Return all attempts; the one that decides the run's result is the last one.

    It is the last attempt with a reservation, unless a further one succeeded before it was stopped.
    """
    reserved = [attempt for attempt in attempts if attempt.attempt <= max_retries]
    if attempts[-1].status is RunStatus.SUCCEEDED or not reserved:
        return attempts
    return [*(attempt for attempt in attempts if attempt is not reserved[-1]), reserved[-1]]
