"""Job runs: asked for, started at most once, watched, settled.

A run is recorded, with its worst cost reserved, before Glue is asked to start it. StartJobRun has no request
token, so every run carries its id as an argument, `start_attempts` is raised before each call, and whoever
finds a run that may have been started looks for that argument in Glue before starting it (again).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled
from chalicelib.aws.glue import Glue, GlueRun
from chalicelib.aws.logs import Logs
from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import redacted
from chalicelib.domain.job_run import JobRun, RunError, RunOutput, RunStatus
from chalicelib.domain.pricing import Prices
from chalicelib.domain.timeline import ActorType, Event
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.runs.outputs import RunOutputs
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.store import Store

_LOOK_AGAIN_SECONDS = 60
_RETRY_SECONDS = 20
_RETRY_WAIT_SECONDS = 120
_LOG_TAIL_LINES = 20
SOT_TABLE = "tbsot_ecommerce_br"
"""The job's default OUTPUT_TABLE (glue_assets/jobs/sot_ecommerce.py)."""

# Codes by which StartJobRun says that it would work later
# (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html#aws-glue-api-jobs-runs-StartJobRun).
_BUSY = {"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}
_GONE = {"EntityNotFoundException"}


class Runs:
    """Moves recorded runs towards their end."""

    def __init__(
        self,
        store: Store,
        glue: Glue,
        files: LiveFiles,
        outputs: RunOutputs,
        logs: Logs,
        *,
        prices: Prices,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._glue = glue
        self._files = files
        self._outputs = outputs
        self._logs = logs
        self._prices = prices
        self._lease_seconds = lease_seconds
        self._clock = clock

    def reconcile(self, environment_id: str, run_id: str) -> None:
        """Take the next step of a run, or none; safe to repeat, late, or after a crash at any line."""
        run = self._store.run(environment_id, run_id)
        if run is None or run.status.is_final:
            return
        try:
            self.advance(run)
        except StaleRecord:
            return  # somebody else took the step
        except AwsError as error:
            logger.warning("run left for later", run_id=run_id, code=error.code, detail=error.message)
            run = self._store.run(environment_id, run_id) or run
            with suppress(StaleRecord):
                self._store.save_run(run, run.but(due_at=later(self._clock(), _LOOK_AGAIN_SECONDS)))

    def advance(self, run: JobRun) -> JobRun:
        """One step from a run as it was read; `StaleRecord` when it has moved on since.

        One that is wanted stopped is not started any more, and is stopped in Glue if Glue knows it.
        """
        if run.status.is_final:
            return run
        if run.glue_run_id is not None:
            return self._watch(run)
        moment = self._clock()
        if run.start_attempts:
            if run.due_at is not None and run.due_at > timestamp(moment):
                return run  # a call to start it may still be under way
            try:
                found = self._glue.attempts(run.job_id, run.id, parse(run.requested_at))
            except AwsRefused as error:
                return self._lost(run, error)
            if found:
                return self._follow(run, found[-1])
        if run.stopped_by is not None:
            return self._end_without_glue(run, RunStatus.STOPPED, "It was stopped before it began.")
        claimed = self._store.save_run(
            run,
            run.but(start_attempts=run.start_attempts + 1, due_at=later(moment, self._lease_seconds)),
        )
        return self.start(claimed)

    def start(self, run: JobRun) -> JobRun:
        """Ask Glue to start a run whose attempt is recorded; the caller holds that attempt."""
        try:
            self._settle_files(run)
            glue_run_id = self._glue.start(
                run.job_id,
                marker=run.id,
                arguments=run.arguments,
                worker_type=run.worker_type,
                number_of_workers=run.number_of_workers,
                timeout_minutes=run.timeout_minutes,
            )
        except AwsError as error:
            return self._not_started(run, error)
        moment = self._clock()
        return self._store.save_run(
            run,
            run.but(
                status=RunStatus.STARTING,
                glue_run_id=glue_run_id,
                reason=None,
                due_at=later(moment, _LOOK_AGAIN_SECONDS),
            ),
        )

    def noticed(self, job_id: str, environment_id: str, glue_run_id: str) -> None:
        """Glue says that one of its runs has changed state: bring the record up to date.

        The run that waited for this one to end is started then.
        """
        seen = self._glue.get(job_id, glue_run_id)
        if seen.marker is not None:
            run = self._store.run(environment_id, seen.marker)
            if run is not None and run.status.is_final:
                self._settle_later(run)
            else:
                self.reconcile(environment_id, seen.marker)
        # One that was started by hand in the console is not ours to account for.
        waiting = [
            run
            for run in self._store.all_runs(environment_id)
            if run.status is RunStatus.PENDING and run.reason
        ]
        if waiting:
            self.reconcile(environment_id, waiting[-1].id)

    def want_stopped(self, run: JobRun, user: str | None, event: Event | None = None) -> JobRun:
        """Record that a user, or None for the service, wants a run stopped, so that it will be."""
        moment = timestamp(self._clock())
        # A call to start it that may be under way is waited for: what it started is found and stopped then.
        starting = run.start_attempts > 0 and run.glue_run_id is None
        by = {"stopped_by": user, "stopped_by_type": ActorType.USER}
        if user is None:
            by = {"stopped_by": ActorType.SERVICE, "stopped_by_type": ActorType.SERVICE}
        wanted = run.but(**by, stop_requested_at=moment, due_at=run.due_at if starting else moment)
        return self._store.save_run(run, wanted, event)

    def stop_all(self, environment: Environment) -> bool:
        """Stop every run of an environment that is deleted or reset; True once none is left.

        Those that nobody asked the service for are stopped too: the schedule's, somebody's in the console.
        """
        stopped = True
        recorded: set[str | None] = set()
        for run in self._store.all_runs(environment.id):
            if not run.status.is_final:  # what goes on of one that has ended was not meant to
                recorded |= {run.id, run.glue_run_id}
                wanted = run if run.stopped_by is not None else self.want_stopped(run, None)
                stopped = self.advance(wanted).status.is_final and stopped
        for seen in self._glue.active(environment.job_id) if environment.outputs else ():
            if not {seen.id, seen.marker} & (recorded - {None}):
                if seen.status is not RunStatus.STOPPING:
                    self._glue.stop(environment.job_id, seen.id)
                stopped = False
        return stopped

    def _settle_files(self, run: JobRun) -> None:
        """Let Glue read the job files that the record names."""
        environment = self._store.environment(run.environment_id)
        if environment is not None:
            self._files.settle(environment, environment.files_of_run)

    # -- the steps ---------------------------------------------------------------------------------------

    def _watch(self, run: JobRun) -> JobRun:
        try:
            seen = self._glue.get(run.job_id, run.glue_run_id or "")
        except AwsRefused as error:
            return self._lost(run, error)
        return self._follow(run, seen)

    def _follow(self, run: JobRun, seen: GlueRun) -> JobRun:
        moment = self._clock()
        earlier: list[GlueRun] = []
        if seen.status.is_final:
            # All that carries its mark is its cost, whatever the record says of retries.
            *earlier, seen = self._glue.attempts(run.job_id, run.id, parse(run.requested_at)) or [seen]
            if self._will_be_retried(run, seen, moment):
                reason = f"Attempt {seen.attempt + 1} failed; Glue tries again."
                if run.reason == reason and (run.due_at or "") > timestamp(moment):
                    return run
                due_at = later(moment, _RETRY_SECONDS)
                return self._store.save_run(run, run.but(glue_run_id=seen.id, reason=reason, due_at=due_at))
        after = run.but(
            status=seen.status,
            glue_run_id=seen.id,
            reason=None,
            started_at=timestamp(seen.started_at) if seen.started_at else None,
        )
        if seen.status.is_final:
            after = self._ended(after, seen, moment, earlier)
        else:
            is_due = run.due_at is None or run.due_at <= timestamp(moment)
            if run.stopped_by is not None:
                if seen.status is not RunStatus.STOPPING and (is_due or run.status is not RunStatus.STOPPING):
                    self._glue.stop(run.job_id, seen.id)
                    is_due = True
                after = after.but(status=RunStatus.STOPPING)
            if is_due:
                after = after.but(due_at=later(moment, _LOOK_AGAIN_SECONDS))
        if after == run:
            return run
        return self._store.save_run(
            run, after, self._event(run, after, moment) if after.status.is_final else None
        )

    def _will_be_retried(self, run: JobRun, seen: GlueRun, moment: datetime) -> bool:
        """Whether Glue may still start another attempt; when it has not for a while, it will not."""
        since = (moment - (seen.completed_at or moment)).total_seconds()
        return (
            seen.status is RunStatus.FAILED and seen.attempt < run.max_retries and since < _RETRY_WAIT_SECONDS
        )

    def _ended(self, run: JobRun, seen: GlueRun, moment: datetime, earlier: Sequence[GlueRun] = ()) -> JobRun:
        dpu_seconds = sum((_dpu_seconds(run, attempt) for attempt in (*earlier, seen)), Decimal(0))
        succeeded = run.status is RunStatus.SUCCEEDED
        end = seen.completed_at or moment
        written = self._written(run, (*earlier, seen), end) if succeeded else []
        return run.but(
            completed_at=timestamp(end),
            execution_seconds=seen.execution_seconds,
            dpu_seconds=float(dpu_seconds),
            cost_micro_usd=pricing.cost_micro_usd(dpu_seconds, self._price_of(run)),
            error=None if succeeded or run.status is RunStatus.STOPPED else self._error(run, seen),
            output=written[0] if written else None,
            outputs=written,
            due_at=None,
        )

    def _price_of(self, run: JobRun) -> Decimal:
        """What it was reserved at, whatever the operator has changed meanwhile."""
        return Decimal(run.price_per_dpu_hour_usd or self._prices.of(run.worker_type))

    def _settle_later(self, run: JobRun) -> None:
        """Charge what Glue has billed for a run since it was settled: another attempt, or more seconds.

        The service lets no attempt begin that was not reserved for, but somebody may change the job by hand.
        """
        attempts = self._glue.attempts(run.job_id, run.id, parse(run.requested_at))
        dpu_seconds = sum((_dpu_seconds(run, attempt) for attempt in attempts), Decimal(0))
        cost = pricing.cost_micro_usd(dpu_seconds, self._price_of(run))
        if cost <= (run.cost_micro_usd or 0):
            return
        logger.warning("run cost more than it was settled at", run_id=run.id, cost_micro_usd=cost)
        detail = {"run_id": run.id, "why": "Glue has billed more than when the run had ended."}
        event = Event.by_service(timestamp(self._clock()), "run_cost_more", detail)
        after = run.but(dpu_seconds=float(dpu_seconds), cost_micro_usd=cost)
        with suppress(StaleRecord):  # then the same event has come twice
            self._store.save_run(run, after, event)

    def _error(self, run: JobRun, seen: GlueRun) -> RunError:
        try:
            tail = self._logs.tail(f"{run.log_prefix}/error", seen.id, _LOG_TAIL_LINES)
        except AwsError as error:
            logger.warning("log tail unreadable", code=error.code, detail=error.message)
            tail = []
        words = redacted(seen.error or f"Glue says {seen.status}.", run.environment_id)
        return RunError(words, tail)

    def _written(self, run: JobRun, attempts: Sequence[GlueRun], end: datetime) -> list[RunOutput]:
        begins = [attempt.started_at for attempt in attempts if attempt.started_at is not None]
        try:
            return self._outputs.written(run, min(begins, default=parse(run.requested_at)), end)
        except AwsError as error:
            logger.warning("what a run has written is unknown", code=error.code, detail=error.message)
            return []

    def _not_started(self, run: JobRun, error: AwsError) -> JobRun:
        moment = self._clock()
        if isinstance(error, AwsThrottled) or error.code in _BUSY:
            # Refused for now, so surely not started: wait without the doubt.
            reason = "Waiting for an earlier run to end." if error.code in _BUSY else "Waiting: Glue is busy."
            due_at = later(moment, _RETRY_SECONDS)
            return self._store.save_run(run, run.but(start_attempts=0, reason=reason, due_at=due_at))
        if isinstance(error, AwsRefused):
            return self._refused(run, error)
        logger.warning("start in doubt", run_id=run.id, code=error.code, detail=error.message)
        return run  # due again when its lease runs out, and looked for first

    def _lost(self, run: JobRun, error: AwsRefused) -> JobRun:
        """The end of a run that Glue does not know; if only the question was refused, it may well go on."""
        if error.code not in _GONE:
            raise error
        return self._refused(run, error)

    def _refused(self, run: JobRun, error: AwsRefused) -> JobRun:
        logger.error("run refused", run_id=run.id, code=error.code, detail=error.message)
        if error.code in _GONE:  # by somebody's hand, and perhaps not alone
            self._store.doubt(run.environment_id, timestamp(self._clock()))
        words = (
            "The job does not exist any more."
            if error.code in _GONE
            else redacted(error.message, run.environment_id)
        )
        return self._end_without_glue(run, RunStatus.ERROR, words)

    def _end_without_glue(self, run: JobRun, status: RunStatus, words: str) -> JobRun:
        moment = self._clock()
        after = run.but(
            status=status,
            completed_at=timestamp(moment),
            execution_seconds=0,
            dpu_seconds=0,
            cost_micro_usd=0,
            error=RunError(words),
            reason=None,
            due_at=None,
        )
        return self._store.save_run(run, after, self._event(run, after, moment))

    def _event(self, run: JobRun, after: JobRun, moment: datetime) -> Event:
        detail = {"run_id": run.id, "to": str(after.status), "cost_micro_usd": after.cost_micro_usd}
        return Event.by_service(timestamp(moment), "run_ended", detail)


def default_arguments(environment: Environment) -> dict[str, str]:
    """Those of the template's arguments that tell where the job's table is."""
    return {"--OUTPUT_DB": environment.sot_database, "--OUTPUT_TABLE": SOT_TABLE}


def log_prefix(environment: Environment) -> str:
    """What the log groups of an environment's runs have in common."""
    named = environment.outputs.log_groups["output"] if environment.outputs else None
    return (named or f"/aws-glue/jobs/{environment.name}/output").removesuffix("/output")


def _dpu_seconds(run: JobRun, seen: GlueRun) -> Decimal:
    if seen.dpu_seconds is not None:
        return Decimal(str(seen.dpu_seconds))
    return pricing.dpu_seconds(run.worker_type, run.number_of_workers, seen.execution_seconds)
