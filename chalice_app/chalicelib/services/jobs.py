"""Requests about jobs and job runs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, NoReturn

from chalicelib.aws.dynamodb import Page
from chalicelib.aws.errors import AwsError
from chalicelib.aws.logs import Logs
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun, RunStatus
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import RUN_ID, environment_of_job
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.pricing import Prices
from chalicelib.domain.requests import RunRequest
from chalicelib.domain.setting_rules import above_ceilings
from chalicelib.domain.settings import MOST_JOBS, JobSettings, Limits
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import (
    BudgetExceeded,
    Conflict,
    InvalidCombination,
    JobFilesMissing,
    NotFound,
    StaleRecord,
)
from chalicelib.observability import logger
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.new_run import missing_files, new_run
from chalicelib.services.environments import Environments
from chalicelib.services.idempotency import Created, IdempotentRequest, once
from chalicelib.services.optimistic_writes import repeat_if_stale
from chalicelib.services.readiness import require_active
from chalicelib.services.run_logs import LogRequest, RunLogReader, RunLogs
from chalicelib.services.run_metrics import Measured, RunMetricsReader
from chalicelib.storage import items
from chalicelib.storage.conflicts import BudgetUsedUp
from chalicelib.storage.store import Store


class FoundJob(NamedTuple):
    """A job: its environment, its settings, and the maximum cost of one run."""

    environment: Environment
    settings: JobSettings
    max_cost_micro_usd: int


class Jobs:
    """Shows jobs; starts, shows, lists and stops job runs; reads their logs."""

    def __init__(
        self,
        store: Store,
        environments: Environments,
        runs: Runs,
        logs: Logs,
        metrics: RunMetricsReader,
        *,
        allowance: Allowance,
        prices: Prices,
        limits: Limits,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._limits = limits
        self._store = store
        self._environments = environments
        self._runs = runs
        self._logs = RunLogReader(logs, clock)
        self._metrics = metrics
        self._allowance = allowance
        self._prices = prices
        self._lease_seconds = lease_seconds
        self._clock = clock

    def start_run(self, request: IdempotentRequest, job_id: str, wanted: RunRequest) -> Created[JobRun]:
        """Record a run of a job, reserve its maximum cost, and start it.

        Raises `Conflict` if the environment is not READY or its owner's budget does not cover the run, and
        `InvalidCombination` above the operator's limits.
        """
        return once(
            self._store,
            self._clock,
            request,
            lambda: self._start_run(request, job_id, wanted),
            items.run,
        )

    def _start_run(self, request: IdempotentRequest, job_id: str, wanted: RunRequest) -> JobRun:
        if wrong := above_ceilings(
            {
                "/number_of_workers": (wanted.number_of_workers, self._limits.number_of_workers),
                "/timeout_minutes": (wanted.timeout_minutes, self._limits.timeout_minutes),
            }
        ):
            raise InvalidCombination(wrong)
        environment, job = self._environment(request.caller, job_id)
        self._check_files(environment, job)
        moment = self._clock()
        run = self._new_run(environment, job, wanted, request.caller, moment)
        detail = {"run_id": run.id, "max_cost_micro_usd": run.max_cost_micro_usd}
        event = TimelineEvent(
            run.requested_at, request.caller.owner, "run_requested", request.request_id, detail
        )
        try:
            accepted = self._store.add_run(run, event, request.used_key(moment))
        except BudgetUsedUp as used_up:
            self._refuse(request.caller, run, used_up.account)
        if not accepted:
            self._refuse(request.caller, run, self._store.account(run.owner).at(moment, self._allowance))
        with suppress(StaleRecord):  # another request or a tick advanced the run
            if self._runs.start(run).status is RunStatus.ERROR:
                self._environments.reconcile_now(environment.id)
        return run

    def job(self, caller: Caller, job_id: str) -> FoundJob:
        """Return a job."""
        return self._found(caller, *self._environment(caller, job_id))

    def jobs(
        self, caller: Caller, *, owner: str | None, environment_id: str | None, limit: int, start: Json | None
    ) -> Page[FoundJob]:
        """Return a page of jobs, of one environment or of all visible ones."""
        # Of an environment whose jobs do not fit on a page, the next page skips those that were shown.
        at, skipped = (start["at"], start["skip"]) if start and "skip" in start else (start, 0)
        found = self._jobs(caller, owner, environment_id, 1 if skipped else limit, at)
        if len(found.items) > limit and not skipped:  # several jobs in one environment
            found = self._jobs(caller, owner, environment_id, max(1, limit // MOST_JOBS), at)
        shown = found.items[skipped : skipped + limit]
        if len(found.items) > skipped + limit:
            return Page(shown, {"at": at, "skip": skipped + limit})
        return Page(shown, found.next)

    def _jobs(
        self, caller: Caller, owner: str | None, environment_id: str | None, limit: int, start: Json | None
    ) -> Page[FoundJob]:
        """Return the jobs of a page of environments."""
        if environment_id is None:
            found = self._environments.page(caller, owner=owner, status=None, limit=limit, start=start)
        else:
            found = Page([], None)
            with suppress(NotFound):  # as for an owner whose environments the caller may not see
                environment = self._environments.visible(caller, environment_id)
                if owner in (None, environment.owner):
                    found = Page([environment], None)
        live = [each for each in found.items if each.status is not Status.DELETED]
        return Page(
            [self._found(caller, each, job) for each in live for job in each.jobs.values()], found.next
        )

    def _found(self, caller: Caller, environment: Environment, job: JobSettings) -> FoundJob:
        run = self._new_run(environment, job, RunRequest(), caller, self._clock())
        return FoundJob(environment, job, run.max_cost_micro_usd)

    def reset_bookmark(self, caller: Caller, job_id: str) -> FoundJob:
        """Delete the bookmark of a job. Returns the job."""
        found = self.job(caller, job_id)
        require_active(found.environment, "to reset the job's bookmark")
        self._runs.reset_bookmark(job_id)
        return found

    def run(self, caller: Caller, job_id: str, run_id: str) -> JobRun:
        """Return a run. If it has not ended, its state is at most some seconds old; see `Runs.watch`."""
        run = self._recorded(caller, job_id, run_id)
        try:
            return self._runs.watch(run)
        except StaleRecord:
            return self._store.run(run.environment_id, run_id) or run

    def stop(self, caller: Caller, job_id: str, run_id: str, request_id: str) -> tuple[JobRun, bool]:
        """Request that a run stops, and stop it. Returns the run, and False if it had ended already."""

        def read_and_write() -> tuple[JobRun, bool]:
            run = self._recorded(caller, job_id, run_id)
            if run.glue_run_id is not None:
                run = self._advanced(run)  # it may have ended
            if run.status.is_final:
                return run, False
            if run.stopped_by is None:
                moment = timestamp(self._clock())
                detail = {"run_id": run_id}
                event = TimelineEvent(moment, caller.owner, "run_stop_requested", request_id, detail)
                run = self._runs.request_stop(run, caller.owner, event)
            return self._advanced(run), True

        return repeat_if_stale(read_and_write, "run")

    def _recorded(self, caller: Caller, job_id: str, run_id: str) -> JobRun:
        environment_id = environment_of_job(job_id)
        known = environment_id is not None and RUN_ID.fullmatch(run_id) is not None
        run = self._store.run(environment_id, run_id) if environment_id and known else None
        if run is None or run.job_id != job_id or not caller.may_see(run.owner):
            raise NotFound("The run does not exist.")
        return run

    def _advanced(self, run: JobRun) -> JobRun:
        """Take the next step of a run. If AWS refuses, return the run unchanged: a tick tries again."""
        try:
            return self._runs.advance(run)
        except AwsError as error:
            logger.warning("run left to the schedule", run_id=run.id, code=error.code, detail=error.message)
            return run

    def page(self, caller: Caller, job_id: str, *, limit: int, start: Json | None) -> Page[JobRun]:
        """Return a page of the runs of a job, newest first. Runs of a removed job stay.

        Every run has its owner, so the environment is read only if the page is empty.
        """
        environment_id = environment_of_job(job_id)
        if environment_id is None:
            raise NotFound("The job does not exist or belongs to another owner.")
        page = self._store.runs(environment_id, limit=limit, start=start)
        if any(not caller.may_see(run.owner) for run in page.items):
            raise NotFound("The job does not exist or belongs to another owner.")
        shown = [run for run in page.items if run.job_id == job_id]
        if not shown:
            environment = self._visible(caller, environment_id)
            is_known = job_id in environment.jobs or any(
                run.job_id == job_id for run in self._store.all_runs(environment_id)
            )
            if not is_known:
                raise NotFound("The job does not exist or belongs to another owner.")
        return Page(shown, page.next)

    def logs(self, caller: Caller, job_id: str, run_id: str, wanted: LogRequest) -> RunLogs:
        """Return the lines of a run's log; see `RunLogReader.follow`."""
        return self._logs.follow(lambda: self.run(caller, job_id, run_id), wanted)

    def metrics(self, caller: Caller, job_id: str, run_id: str) -> Measured:
        """Return the metrics of a run, as far as it is."""
        run = self.run(caller, job_id, run_id)
        return self._metrics.read(run, self._visible(caller, run.environment_id))

    def _environment(self, caller: Caller, job_id: str) -> tuple[Environment, JobSettings]:
        environment_id = environment_of_job(job_id)
        if environment_id is None:
            raise NotFound("The job does not exist or belongs to another owner.")
        environment = self._visible(caller, environment_id)
        job = environment.job(job_id)
        if job is None:
            raise NotFound("The job does not exist or belongs to another owner.")
        return environment, job

    def _visible(self, caller: Caller, environment_id: str) -> Environment:
        try:
            return self._environments.visible(caller, environment_id)
        except NotFound as error:
            raise NotFound("The job does not exist or belongs to another owner.") from error

    def _new_run(
        self,
        environment: Environment,
        job: JobSettings,
        wanted: RunRequest,
        caller: Caller,
        moment: datetime,
    ) -> JobRun:
        return new_run(
            environment,
            job,
            wanted,
            prices=self._prices,
            lease_seconds=self._lease_seconds,
            moment=moment,
            requested_by=caller.owner,
        )

    def _check_files(self, environment: Environment, job: JobSettings) -> None:
        """Raise `JobFilesMissing` before Spark takes a minute to find out."""
        missing = missing_files(environment, job)
        if environment.status is Status.READY and missing:
            raise JobFilesMissing(f"These job files do not exist: {', '.join(missing)}. Upload them first.")

    def _refuse(self, caller: Caller, run: JobRun, account: Account) -> NoReturn:
        environment = self._environments.visible(caller, run.environment_id)
        require_active(environment, "to run the job")
        left = account.available_micro_usd(self._allowance)
        if left >= run.max_cost_micro_usd:  # the environment or the account changed just now
            raise Conflict("Other requests changed the environment at the same time. Retry.")
        worst, limit = pricing.usd(run.max_cost_micro_usd), pricing.usd(self._allowance.budget_micro_usd)
        words = (
            f"The run could cost up to {worst:.2f} USD, but {pricing.usd(left):.2f} USD of the owner's "
            f"budget of {limit:.2f} USD is left"
        )
        if reserved := pricing.usd(account.reserved_micro_usd):
            words += f", and {reserved:.2f} USD is reserved for active runs"
        ends_at = account.period_ends_at(self._allowance)
        raise BudgetExceeded(
            f"{words}. The period ends at {ends_at}. Use fewer workers or a shorter timeout, or wait."
        )
