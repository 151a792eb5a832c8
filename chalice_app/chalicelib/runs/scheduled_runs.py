"""Scheduled runs: started by the tick, with the same checks as requested runs.

The record of a READY environment contains the next time of each job's schedule, and is due at the earliest.
One transaction records the run of one job, reserves its maximum cost and advances the job's schedule, so each
time starts at most one run of a job, even if ticks overlap or die. Several missed times, after an outage,
start one run. A time is skipped if the budget, the limit of concurrent runs or a missing job file prevents
the run. The timeline shows the first of consecutive skips of a job for the same cause.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from chalicelib.clock import Clock, now, parse, run_id_of, timestamp
from chalicelib.domain import expiry, pricing
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.pricing import Prices
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.settings import JobSettings
from chalicelib.domain.timeline import ActorType, TimelineEvent
from chalicelib.errors import StaleRecord
from chalicelib.observability import logger
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.new_run import missing_files, new_run
from chalicelib.storage.conflicts import BudgetUsedUp
from chalicelib.storage.store import Store


class ScheduledRuns:
    """Starts runs that are due by the schedules of environments."""

    def __init__(
        self,
        store: Store,
        runs: Runs,
        *,
        allowance: Allowance,
        prices: Prices,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._runs = runs
        self._allowance = allowance
        self._prices = prices
        self._lease_seconds = lease_seconds
        self._clock = clock

    def start_due(self, environment_id: str) -> Environment | None:
        """Start the runs that are due. Return the environment afterwards, or None if it does not exist.

        Raises `StaleRecord` if the environment has changed since it was read.
        """
        environment, moment = self._store.environment(environment_id), self._clock()
        while environment is not None and (job := _due_job(environment, moment)):
            environment = self._start(environment, job, moment)
        return environment

    def _start(self, environment: Environment, job: JobSettings, moment: datetime) -> Environment | None:
        """Start the run of a job that is due, or skip it."""
        fires_at = environment.next_run_of(job) or ""
        advanced = environment.replace(**expiry.after_run(environment, job, moment))
        advanced = advanced.replace(due_at=expiry.next_check(advanced))
        is_main = job.name == environment.settings.job.name
        run = new_run(
            environment,
            job,
            RunRequest(),
            prices=self._prices,
            lease_seconds=self._lease_seconds,
            moment=moment,
            requested_by=ActorType.SCHEDULE,
            requested_by_type=ActorType.SCHEDULE,
            run_id=run_id_of(
                f"{environment.id} {fires_at}" + ("" if is_main else f" {job.name}"), parse(fires_at)
            ),
        )
        if reason := self._reason_against(environment, job):
            return self._skip(environment, advanced, job, reason, run)
        detail = {"run_id": run.id, "max_cost_micro_usd": run.max_cost_micro_usd, "scheduled_for": fires_at}
        event = _event(run, "run_requested", detail)
        try:
            skips = {name: why for name, why in environment.skipped_runs.items() if name != job.name}
            self._store.add_scheduled_run(run, event, environment, advanced.replace(skipped_runs=skips))
        except BudgetUsedUp as failure:
            left = pricing.usd(failure.account.available_micro_usd(self._allowance))
            worst = pricing.usd(run.max_cost_micro_usd)
            ends_at = failure.account.period_ends_at(self._allowance)
            reason = (
                f"The owner's budget does not cover the run, which could cost up to {worst:.2f} USD: "
                f"{left:.2f} USD is left until {ends_at}."
            )
            return self._skip(environment, advanced, job, reason, run)
        except StaleRecord:
            if self._store.run(environment.id, run.id) is None:
                raise
            # A worker whose clock is ahead started the run of this time before the time was set again.
            return self._store.save_environment(environment, advanced)
        with suppress(StaleRecord):  # another worker has advanced the run
            self._runs.start(run)
        return self._store.environment(environment.id)

    def _reason_against(self, environment: Environment, job: JobSettings) -> str | None:
        if missing := missing_files(environment, job):
            return f"These job files do not exist: {', '.join(missing)}."
        most = job.max_concurrent_runs
        if self._active(environment, environment.id_of(job)) >= most:
            return f"The maximum number of concurrent runs ({most}) is active."
        return None

    def _active(self, environment: Environment, job_id: str) -> int:
        """Return the number of a job's active runs.

        All active runs and queries add up to the reserved amount, so the search ends early without queries.
        """
        active, reserved = 0, environment.reserved_micro_usd
        if reserved:
            for run in self._store.all_runs(environment.id):
                if not run.status.is_final:
                    active += run.job_id == job_id
                    reserved -= run.max_cost_micro_usd
                if reserved <= 0:
                    break
        return active

    def _skip(
        self, environment: Environment, advanced: Environment, job: JobSettings, reason: str, run: JobRun
    ) -> Environment:
        """Skip a time of a job. Add a timeline event unless the previous was skipped for the same cause."""
        kind = reason.partition(":")[0]
        event = None
        if environment.skipped_runs.get(job.name) != kind:
            detail = {"why": reason, "scheduled_for": environment.next_run_of(job), "job_id": run.job_id}
            event = _event(run, "run_skipped", detail)
        logger.info("scheduled run skipped", environment_id=environment.id, why=reason)
        names = {each.name for each in environment.jobs.values()}
        skips = {name: why for name, why in environment.skipped_runs.items() if name in names}
        skipped = advanced.replace(skipped_runs={**skips, job.name: kind})
        return self._store.save_environment(environment, skipped, event)


def _event(run: JobRun, action: str, detail: Json) -> TimelineEvent:
    return TimelineEvent(
        run.requested_at, ActorType.SCHEDULE, action, detail=detail, actor_type=ActorType.SCHEDULE
    )


def _due_job(environment: Environment, moment: datetime) -> JobSettings | None:
    """Return the job whose schedule is due for the longest time, or None."""
    at = timestamp(moment)
    if not environment.is_ready or environment.frozen is not None or environment.expires_at <= at:
        return None
    times = {environment.next_run_of(job) or "~": job for job in reversed(environment.jobs.values())}
    earliest = min(times)
    return times[earliest] if earliest <= at else None
