"""Jobs and their runs as callers ask for them: run, look, stop, list, read the logs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from chalicelib import pricing, representations
from chalicelib.auth import Caller
from chalicelib.aws_errors import AwsError
from chalicelib.clock import Clock, later, now, sortable_id, timestamp
from chalicelib.dynamo import Page
from chalicelib.environments import Environments
from chalicelib.errors import (
    BudgetExceeded,
    Conflict,
    EnvironmentNotReady,
    JobFilesMissing,
    Misfits,
    NotFound,
    StaleRecord,
)
from chalicelib.idempotency import Asked, Created, once
from chalicelib.logs import LogPage, Logs
from chalicelib.models import RunRequest
from chalicelib.observability import logger
from chalicelib.records import (
    RUN_ID,
    Environment,
    Event,
    JobRun,
    Json,
    RunStatus,
    Status,
    environment_of_job,
)
from chalicelib.runs import Runs, default_arguments, log_prefix
from chalicelib.settings import Limits, above_ceilings
from chalicelib.store import Store

_WRITE_TRIES = 5


@dataclass(frozen=True)
class RunLogs:
    """Some lines of a run's log, and the token to go on from; None when the run has ended and all is read."""

    lines: list[tuple[str, str]]
    next: str | None


class Jobs:
    """What the routes about jobs do."""

    def __init__(
        self,
        store: Store,
        environments: Environments,
        runs: Runs,
        logs: Logs,
        *,
        price_per_dpu_hour_usd: Decimal,
        limits: Limits,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._limits = limits
        self._store = store
        self._environments = environments
        self._runs = runs
        self._logs = logs
        self._price = price_per_dpu_hour_usd
        self._lease_seconds = lease_seconds
        self._clock = clock

    def request_run(self, asked: Asked, job_id: str, wanted: RunRequest) -> Created:
        """Record a run of a job, reserve its worst cost, and start it.

        Raises `Conflict` when the environment is not READY or its budget does not cover the run, `Misfits`
        above the operator's ceilings. The answer is the record as it was written first, so a repetition of
        the request can be given the same.
        """
        return once(self._store, self._clock, asked, lambda: self._request_run(asked, job_id, wanted))

    def _request_run(self, asked: Asked, job_id: str, wanted: RunRequest) -> Created:
        if wrong := above_ceilings(
            {
                "/number_of_workers": (wanted.number_of_workers, self._limits.number_of_workers),
                "/timeout_minutes": (wanted.timeout_minutes, self._limits.timeout_minutes),
            }
        ):
            raise Misfits(wrong)
        environment = self._environment(asked.caller, job_id)
        self._check_files(environment)
        moment = self._clock()
        run = self._new_run(environment, wanted, asked.caller)
        body = representations.run(run, asked.base).model_dump(mode="json")
        location = f"{asked.base}/jobs/{job_id}/runs/{run.id}"
        detail = {"run_id": run.id, "max_cost_micro_usd": run.max_cost_micro_usd}
        event = Event(run.requested_at, asked.caller.owner, "run_requested", asked.request_id, detail)
        if not self._store.add_run(run, event, asked.answer(body, location, moment)):
            self._refuse(asked.caller, environment.id, run)
        with suppress(StaleRecord):  # then a look at the run came in between and has brought it further
            self._runs.start(run)
        return Created(body, location)

    def job(self, caller: Caller, job_id: str) -> tuple[Environment, int]:
        """The environment whose job it is, and the most that one run of it can cost."""
        environment = self._environment(caller, job_id)
        return environment, self._new_run(environment, RunRequest(), caller).max_cost_micro_usd

    def run(self, caller: Caller, job_id: str, run_id: str) -> JobRun:
        """One run as it is now: a run that goes on is looked up in Glue."""
        run = self._recorded(caller, job_id, run_id)
        try:
            return self._runs.advance(run)
        except StaleRecord:
            return self._store.run(run.environment_id, run_id) or run

    def stop(self, caller: Caller, job_id: str, run_id: str, request_id: str) -> tuple[JobRun, bool]:
        """Want a run stopped and begin to stop it; what fails of that, the schedule does.

        Gives the run as it is now, and False when it had ended already.
        """
        for _ in range(_WRITE_TRIES):
            run = self._recorded(caller, job_id, run_id)
            with suppress(StaleRecord):
                if run.glue_run_id is not None:
                    run = self._advanced(run)  # it may have ended meanwhile
                if run.status.is_final:
                    return run, False
                if run.stopped_by is None:
                    moment = timestamp(self._clock())
                    detail = {"run_id": run_id}
                    event = Event(moment, caller.owner, "run_stop_requested", request_id, detail)
                    run = self._runs.want_stopped(run, caller.owner, event)
                return self._advanced(run), True
        raise Conflict("The run is changing too fast; try again.")

    def _recorded(self, caller: Caller, job_id: str, run_id: str) -> JobRun:
        environment_id = environment_of_job(job_id)
        known = environment_id is not None and RUN_ID.fullmatch(run_id) is not None
        run = self._store.run(environment_id, run_id) if environment_id and known else None
        if run is None or run.job_id != job_id or not caller.may_see(run.owner):
            raise NotFound("There is no such run.")
        return run

    def _advanced(self, run: JobRun) -> JobRun:
        """The run one step further; if AWS does not let us, as it was: the schedule comes back to it."""
        try:
            return self._runs.advance(run)
        except AwsError as error:
            logger.warning("run left to the schedule", run_id=run.id, code=error.code, detail=error.message)
            return run

    def page(self, caller: Caller, job_id: str, *, limit: int, start: Json | None) -> Page[JobRun]:
        """The runs of a job, newest first.

        Every run says whose it is, which saves reading its environment, unless there is no run.
        """
        environment_id = environment_of_job(job_id)
        if environment_id is None:
            raise NotFound("There is no such job.")
        page = self._store.runs(environment_id, limit=limit, start=start)
        if not page.items:
            self._environment(caller, job_id)
        if any(run.job_id != job_id or not caller.may_see(run.owner) for run in page.items):
            raise NotFound("There is no such job.")
        return page

    def logs(
        self, caller: Caller, job_id: str, run_id: str, *, stream: str, limit: int, token: str | None
    ) -> RunLogs:
        """The lines of a run's log after a token; there are none before Glue writes the first."""
        run = self.run(caller, job_id, run_id)
        if run.glue_run_id is None:
            return RunLogs([], None)
        page: LogPage = self._logs.page(f"{run.log_prefix}/{stream}", run.glue_run_id, token, limit)
        all_read = run.status.is_final and not page.lines
        return RunLogs(page.lines, None if all_read else page.next)

    def _environment(self, caller: Caller, job_id: str) -> Environment:
        environment_id = environment_of_job(job_id)
        if environment_id is None:
            raise NotFound("There is no such job.")
        try:
            environment = self._environments.visible(caller, environment_id)
        except NotFound as error:
            raise NotFound("There is no such job.") from error
        if environment.job_id != job_id:
            raise NotFound("There is no such job.")
        return environment

    def _new_run(self, environment: Environment, wanted: RunRequest, caller: Caller) -> JobRun:
        job = environment.settings["job"]
        worker_type = wanted.worker_type or job["worker_type"]
        workers = wanted.number_of_workers or job["number_of_workers"]
        timeout = wanted.timeout_minutes or job["timeout_minutes"]
        worst = pricing.worst_case_micro_usd(worker_type, workers, timeout, self._price)
        moment = self._clock()
        return JobRun(
            id=sortable_id(moment),
            environment_id=environment.id,
            owner=environment.owner,
            job_id=environment.job_id,
            status=RunStatus.PENDING,
            arguments={**default_arguments(environment), **job["arguments"], **wanted.arguments},
            worker_type=worker_type,
            number_of_workers=workers,
            timeout_minutes=timeout,
            requested_by=caller.owner,
            requested_at=timestamp(moment),
            max_cost_micro_usd=worst * (1 + job["max_retries"]),
            log_prefix=log_prefix(environment),
            max_retries=job["max_retries"],
            start_attempts=1,
            due_at=later(moment, self._lease_seconds),
        )

    def _check_files(self, environment: Environment) -> None:
        """A READY sandbox without its script would only cost a minute of Spark to say so."""
        job = environment.settings["job"]
        missing = [path for path in (job["script"], *job["extra_files"]) if path not in environment.job_files]
        if environment.status is Status.READY and missing:
            raise JobFilesMissing(f"These job files are not there yet: {', '.join(missing)}; PUT them first.")

    def _refuse(self, caller: Caller, environment_id: str, run: JobRun) -> None:
        environment = self._environments.visible(caller, environment_id)
        if environment.status is not Status.READY or environment.delete_requested:
            raise EnvironmentNotReady(
                f"The environment is {environment.condition}; a job runs only in a READY one."
            )
        raise BudgetExceeded(
            f"The run could cost {pricing.usd(run.max_cost_micro_usd):.2f} USD and "
            f"{pricing.usd(environment.available_micro_usd):.2f} USD of the budget are left; "
            "ask for fewer workers or a shorter timeout."
        )
