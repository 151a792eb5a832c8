"""When an environment ends, when its owner is warned of that, and when it is to be looked at before.

A warning's time is fixed by the end that was set, so `warnings_due` lists those that are still to come, in
hours before the end: one whose time had gone by already when the end was set is never given, and each of the
others once, however late the schedule finds it.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, parse, timestamp
from chalicelib.domain import schedules
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.observability import logger

_WARNINGS_HOURS = (24, 1)


def ending_in(hours: int, moment: datetime) -> Json:
    """The fields of an environment that is to end some hours after a moment."""
    return {
        "expires_at": later(moment, hours * 3600),
        "warnings_due": [before for before in _WARNINGS_HOURS if before < hours],
    }


def next_look(environment: Environment) -> str:
    """When an environment that only waits needs attention: a warning, its end, a scheduled run, or a look."""
    moments = (
        next_warning(environment),
        environment.look_at,
        environment.next_run_at,
        environment.expires_at,
    )
    return min(moment for moment in moments if moment is not None)


def next_warning(environment: Environment) -> str | None:
    """When its owner is to be warned of the end next, or None when no warning is left."""
    if not environment.warnings_due:
        return None
    return later(parse(environment.expires_at), -3600 * environment.warnings_due[0])


def next_run_at(environment: Environment, moment: datetime) -> str | None:
    """When the environment's schedule is due after a moment; None when it has none, or none any more."""
    schedule = environment.settings.job.schedule
    if schedule is None:
        return None
    try:
        due = schedules.parse(schedule).next(moment)
    except ValueError as error:  # it was checked when it was asked for; the record must go on all the same
        logger.error("schedule not understood", environment_id=environment.id, detail=str(error))
        return None
    return timestamp(due) if due else None
