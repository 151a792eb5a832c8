"""Expiration of environments: warnings before it, and the times at which reconcile must act.

`warnings_due` lists the warnings that are not sent yet, in hours before the expiration. Setting an expiration
omits warnings whose time is already over. Each other warning is sent once, even if reconcile runs late.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, parse, timestamp
from chalicelib.domain import schedules
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.query_imports import next_import
from chalicelib.domain.settings import JobSettings
from chalicelib.observability import logger

_WARNINGS_HOURS = (24, 1)
NO_RUNS: Json = {"next_run_at": None, "next_runs": {}}
"""Fields of an environment whose schedules start no runs."""


def ending_in(hours: int, moment: datetime) -> Json:
    """Return the fields of an environment that expires some hours after a moment."""
    return {
        "expires_at": later(moment, hours * 3600),
        "warnings_due": [before for before in _WARNINGS_HOURS if before < hours],
    }


def ending_at(expires_at: str, moment: datetime) -> Json:
    """Return the fields of an environment that expires at a time."""
    left = (parse(expires_at) - moment).total_seconds() / 3600
    return {"expires_at": expires_at, "warnings_due": [before for before in _WARNINGS_HOURS if before < left]}


def next_check(environment: Environment) -> str:
    """Return when an idle environment is due: a warning, its expiration, a run, a check or an import."""
    moments = (
        next_warning(environment),
        environment.look_at,
        environment.freeze_check_at,
        environment.next_run_at,
        *environment.next_runs.values(),
        next_import(environment),
        environment.expires_at,
    )
    return min(moment for moment in moments if moment is not None)


def next_warning(environment: Environment) -> str | None:
    """Return when the next warning before the expiration is due, or None if no warning is left."""
    if not environment.warnings_due:
        return None
    return later(parse(environment.expires_at), -3600 * environment.warnings_due[0])


def next_runs(environment: Environment, moment: datetime) -> Json:
    """Return the fields of an environment with the times at which its schedules are next due."""
    if environment.frozen is not None:
        return NO_RUNS
    main, *more = environment.jobs.values()
    times = {job.name: _next_run(environment, job, moment) for job in more}
    return {
        "next_run_at": _next_run(environment, main, moment),
        "next_runs": {name: time for name, time in times.items() if time is not None},
    }


def after_run(environment: Environment, job: JobSettings, moment: datetime) -> Json:
    """Return the fields of an environment after one job's schedule was due. The other times stay."""
    after = _next_run(environment, job, moment)
    if job.name == environment.settings.job.name:
        return {"next_run_at": after}
    times = {name: time for name, time in environment.next_runs.items() if name != job.name}
    return {"next_runs": times if after is None else {**times, job.name: after}}


def _next_run(environment: Environment, job: JobSettings, moment: datetime) -> str | None:
    """Return when a schedule is next due after a moment, or None if there is no schedule or time left."""
    schedule = job.schedule
    if schedule is None:
        return None
    try:
        due = schedules.parse(schedule).next(moment)
    except ValueError as error:  # stored before a rule changed; an exception would block the record
        logger.error("schedule not understood", environment_id=environment.id, detail=str(error))
        return None
    return timestamp(due) if due else None
