"""Freezes: how an environment's record changes when it is frozen and thawed, by an admin or the budget.

A freeze is no status: an environment that is created, changed or reset finishes that first. Then reconcile
stops what is active (lifecycle/freezing.py), until nothing is.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Frozen


def frozen(environment: Environment, moment: datetime, by: Frozen) -> Environment:
    """Return a frozen environment. Its schedules stop, and what is active is stopped from now on."""
    return due_again(environment.replace(frozen=by, freeze_check_at=timestamp(moment), **expiry.NO_RUNS))


def thawed(environment: Environment, moment: datetime) -> Environment:
    """Return an environment that is not frozen. Its schedules continue with their next time."""
    again = environment.replace(frozen=None, freeze_check_at=timestamp(moment))
    if again.status is Status.READY:
        again = again.replace(**expiry.next_runs(again, moment))
    return due_again(again)


def due_again(environment: Environment) -> Environment:
    """Return an environment with the time of its next check, if it is idle. Steps have their own times."""
    is_idle = environment.status in (Status.READY, Status.FAILED) and not environment.clean_up
    return environment.replace(due_at=expiry.next_check(environment)) if is_idle else environment
