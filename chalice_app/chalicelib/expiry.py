"""When an environment ends, and when its owner is warned of that.

A warning's time is fixed by the end that was set, so `warnings_due` lists those that are still to come, in
hours before the end: one whose time had gone by already when the end was set is never given, and each of the
others once, however late the schedule finds it.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, parse
from chalicelib.records import Environment, Json

_WARNINGS_HOURS = (24, 1)


def ending_in(hours: int, moment: datetime) -> Json:
    """The fields of an environment that is to end some hours after a moment."""
    return {
        "expires_at": later(moment, hours * 3600),
        "warnings_due": [before for before in _WARNINGS_HOURS if before < hours],
    }


def next_look(environment: Environment) -> str:
    """When an environment that only waits needs attention: at a warning, at its end, or to be looked at."""
    look_at = environment.look_at or environment.expires_at
    return min(next_warning(environment) or environment.expires_at, environment.expires_at, look_at)


def next_warning(environment: Environment) -> str | None:
    """When its owner is to be warned of the end next; None: not any more."""
    if not environment.warnings_due:
        return None
    return later(parse(environment.expires_at), -3600 * environment.warnings_due[0])
