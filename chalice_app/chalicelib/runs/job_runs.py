"""Job runs: started at most once, followed, stopped and settled.

A run is recorded, and its maximum cost reserved, before Glue is called. StartJobRun has no request token.
Therefore every run carries its ID as a job argument, its marker, and `start_attempts` is incremented before
each call. A run that may have been started is looked up in Glue by its marker before it is started again.
"""

from __future__ import annotations

from contextlib import suppress

from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled, call_or_none
from chalicelib.aws.glue import Glue
from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.timeline import ActorType, TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.observability import annotate_trace, logger
from chalicelib.runs.run_tracking import CHECK_SECONDS, RETRY_SECONDS, RunTracker
from chalicelib.runs.settlement import Settlement
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.module_archives import ModuleArchives
from chalicelib.storage.store import Store

# Codes of StartJobRun that allow a later retry
# (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html#aws-glue-api-jobs-runs-StartJobRun).
_BUSY = {"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}

WATCH_SECONDS = 5
"""How long what Glue said about a run is shown to its watchers."""


class Runs:
    """Starts, tracks, stops and settles recorded runs."""

    def __init__(
        self,
        store: Store,
        glue: Glue,
        files: LiveFiles,
        modules: ModuleArchives,
        settlement: Settlement,
        *,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._glue = glue
        self._files = files
        self._modules = modules
        self._settlement = settlement
        self._follower = RunTracker(store, glue, settlement, clock=clock)
        self._lease_seconds = lease_seconds
        self._clock = clock

    def reconcile(self, environment_id: str, run_id: str) -> None:
        """Take the next step of a run, if any. May be repeated, late, or run after a crash at any line."""
        annotate_trace("run_id", run_id)
        run = self._store.run(environment_id, run_id)
        if run is None or run.status.is_final:
            return
        try:
            self.advance(run)
        except StaleRecord:
            return  # another worker took the step
        except AwsError as error:
            logger.warning("run postponed", run_id=run_id, code=error.code, detail=error.message)
            run = self._store.run(environment_id, run_id) or run
            with suppress(StaleRecord):
                self._store.save_run(run, run.replace(due_at=later(self._clock(), CHECK_SECONDS)))

    def watch(self, run: JobRun) -> JobRun:
        """Take the next step of a run that somebody watches, once in five seconds for all its watchers.

        Raises `StaleRecord` as `advance` does. Events, ticks and stop requests do not wait for watchers.
        """
        return self.advance(run) if self._store.checks.claim(run, self._clock(), WATCH_SECONDS) else run

    def advance(self, run: JobRun) -> JobRun:
        """Take one step of a run as it was read. Raises `StaleRecord` if it has changed since.

        A run whose stop is requested is not started any more, and is stopped if Glue has started it.
        """
        if run.status.is_final:
            return run
        if run.glue_run_id is not None:
            return self._follower.check(run)
        moment = self._clock()
        if run.start_attempts:
            if run.due_at is not None and run.due_at > timestamp(moment):
                return run  # a call of StartJobRun may be in progress
            try:
                found = self._glue.attempts(run.job_id, run.id, parse(run.requested_at))
            except AwsRefused as error:
                return self._settlement.unknown_to_glue(run, error)
            if found:
                return self._follower.record(run, found[-1])
        if run.stopped_by is not None:
            message = "The run was stopped before it started."
            return self._settlement.end_without_glue(run, RunStatus.STOPPED, message)
        due_at = later(moment, self._lease_seconds)
        leased = run.replace(start_attempts=run.start_attempts + 1, due_at=due_at)
        return self.start(self._store.save_run(run, leased))

    def start(self, run: JobRun) -> JobRun:
        """Start a run in Glue. The caller must have recorded the attempt."""
        try:
            glue_run_id = self._glue.start(
                run.job_id,
                marker=run.id,
                arguments={**run.arguments, **self._file_arguments(run)},
                worker_type=run.worker_type,
                number_of_workers=run.number_of_workers,
                timeout_minutes=run.timeout_minutes,
            )
        except AwsError as error:
            return self._not_started(run, error)
        return self._store.save_run(
            run,
            run.replace(
                status=RunStatus.STARTING,
                glue_run_id=glue_run_id,
                reason=None,
                due_at=later(self._clock(), CHECK_SECONDS),
            ),
        )

    def _file_arguments(self, run: JobRun) -> dict[str, str]:
        """Make Glue read the job files that the record names. Return the job arguments of the service."""
        environment = self._store.environment(run.environment_id)
        job = environment.job(run.job_id) if environment else None
        if environment is None or job is None:
            return {}
        self._files.settle(environment, environment.files_of_run(job))
        modules = self._modules.uri(environment, job)
        own = {"--extra-py-files": environment.python_files(job, modules)} if modules else {}
        # Each run has a folder for its event logs, whatever the job says: services/run_metrics.py finds them.
        logs = f"s3://{environment.bucket('glue_assets')}/{environment.event_logs_prefix(run.id)}"
        return own | {"--enable-spark-ui": "true", "--spark-event-logs-path": logs}

    def glue_run_changed(self, job_id: str, environment_id: str, glue_run_id: str) -> None:
        """Record the state of a Glue run, and start the run that waited for its end.

        Ignores runs that were started outside the service, and late events of runs whose job was deleted.
        """
        seen = call_or_none(lambda: self._glue.get(job_id, glue_run_id), "EntityNotFoundException")
        if seen is not None and seen.marker is not None:
            run = self._store.run(environment_id, seen.marker)
            if run is not None and run.status.is_final:
                self._settlement.settle_again(run)
            else:
                self.reconcile(environment_id, seen.marker)
        waiting = [
            run
            for run in self._store.all_runs(environment_id)
            if run.status is RunStatus.PENDING and run.reason
        ]
        if waiting:  # the oldest of the same job, otherwise of another job: it may wait for capacity
            first = next((run for run in reversed(waiting) if run.job_id == job_id), waiting[-1])
            self.reconcile(environment_id, first.id)

    def request_stop(self, run: JobRun, user: str | None, event: TimelineEvent | None = None) -> JobRun:
        """Record that a user, or the service if None, requests the stop of a run."""
        moment = timestamp(self._clock())
        # A call of StartJobRun may be in progress: the run is due afterwards, and is then found and stopped.
        is_starting = run.start_attempts > 0 and run.glue_run_id is None
        by = {"stopped_by": user, "stopped_by_type": ActorType.USER}
        if user is None:
            by = {"stopped_by": ActorType.SERVICE, "stopped_by_type": ActorType.SERVICE}
        requested = run.replace(**by, stop_requested_at=moment, due_at=run.due_at if is_starting else moment)
        return self._store.save_run(run, requested, event)

    def stop_all(self, environment: Environment) -> bool:
        """Stop every run of an environment. Return True when none is active.

        Also stops runs that were started outside the service.
        """
        all_stopped = True
        recorded: set[str | None] = set()
        for run in self._store.all_runs(environment.id):
            if not run.status.is_final:  # further attempts of a run that has ended are stopped below
                recorded |= {run.id, run.glue_run_id}
                requested = run if run.stopped_by is not None else self.request_stop(run, None)
                all_stopped = self.advance(requested).status.is_final and all_stopped
        # An update that was interrupted may have created further jobs.
        jobs = environment.jobs | environment.as_desired.jobs if environment.outputs else {}
        for job_id in jobs:
            for seen in self._glue.active(job_id):
                if not {seen.id, seen.marker} & (recorded - {None}):
                    if seen.status is not RunStatus.STOPPING:
                        self._glue.stop(job_id, seen.id)
                    all_stopped = False
        return all_stopped

    def reset_bookmark(self, job_id: str) -> None:
        """Let the next run of a job read all files again."""
        self._glue.reset_bookmark(job_id)

    def _not_started(self, run: JobRun, error: AwsError) -> JobRun:
        if isinstance(error, AwsThrottled) or error.code in _BUSY:
            # Glue has certainly not started it, so the next attempt needs no lookup.
            reason = (
                "Waiting for an earlier run to end."
                if error.code in _BUSY
                else "Waiting: Glue is at capacity."
            )
            due_at = later(self._clock(), RETRY_SECONDS)
            return self._store.save_run(run, run.replace(start_attempts=0, reason=reason, due_at=due_at))
        if isinstance(error, AwsRefused):
            return self._settlement.refused(run, error)
        logger.warning("run start unconfirmed", run_id=run.id, code=error.code, detail=error.message)
        return run  # due again when its lease expires, and then looked up first
