"""What a request changes in an environment's record: one function per kind of request.

Each returns the changed environment, or the environment itself if there is nothing to change, and raises an
error if the environment's status does not allow the request. None of them reads or writes anything.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState, Frozen, QueuePosition
from chalicelib.domain.freezes import due_again, frozen, thawed
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType
from chalicelib.errors import BudgetExceeded, EnvironmentNotFailed, EnvironmentNotLive
from chalicelib.services.readiness import require_active, require_not_frozen


def request_deletion(environment: Environment, moment: datetime) -> Environment:
    """Request the deletion of an environment, unless it is requested or done."""
    if environment.delete_requested or environment.status is Status.DELETED:
        return environment
    return environment.replace(delete_requested=True, due_at=timestamp(moment))


def retry(environment: Environment, moment: datetime) -> Environment:
    """Start a FAILED environment again. Raises `EnvironmentNotFailed` for any other.

    A failed update is continued; otherwise this is another attempt to create the environment.
    """
    require_not_frozen(environment)
    if environment.status is not Status.FAILED or environment.delete_requested:
        raise EnvironmentNotFailed(
            f"The environment is {environment.condition}. It must be FAILED to be retried."
        )
    if environment.wanted is not None:
        again = replace(environment.wanted, rollbacks=0)
        return _started(environment, moment).replace(status=Status.UPDATING, wanted=again)
    return environment.replace(
        status=Status.QUEUED,
        admitted_at=environment.admitted_at or timestamp(moment),
        creations=environment.creations + 1,
        reason=None,
        failure=None,
        attempts=0,
        resources=environment.resources if environment.stack_id is not None else {},
        # A worker that still holds the lease, to clean up, is not interrupted.
        due_at=max(timestamp(moment), environment.lease_until or ""),
    )


def retry_in_queue(environment: Environment, moment: datetime, position: QueuePosition) -> Environment:
    """Start a FAILED environment again, at a position of the queue."""
    return retry(environment, moment).replace(admitted_at=None, queue=position)


def extend(environment: Environment, moment: datetime, hours: int) -> Environment:
    """Set the expiration to some hours from now. Raises `EnvironmentNotLive` once it is being deleted."""
    _require_live(environment, "Its expiration cannot be changed.")
    return due_again(environment.replace(**expiry.ending_in(hours, moment)))


def freeze(environment: Environment, moment: datetime, by: str, reason: str) -> Environment:
    """Freeze an environment, unless an admin did. Raises `EnvironmentNotLive` once it is being deleted.

    An admin's freeze replaces that of the budget, which would end by itself.
    """
    _require_live(environment, "It cannot be frozen.")
    if environment.frozen is not None and not environment.frozen.is_by_budget:
        return environment
    at = timestamp(moment)
    stopped_at = environment.frozen.stopped_at if environment.frozen else None
    return frozen(environment, moment, Frozen(at, by, ActorType.USER, reason, stopped_at))


def thaw(environment: Environment, moment: datetime, account: Account, allowance: Allowance) -> Environment:
    """Thaw an environment, if it is frozen. `account` is its owner's.

    Schedules continue with their next time, so runs that a freeze prevented are not made up for. Raises
    `EnvironmentNotLive` once it is being deleted, and `BudgetExceeded` while the budget freezes it.
    """
    _require_live(environment, "It cannot be thawed.")
    account = account.at(moment, allowance)
    if environment.frozen and environment.frozen.is_by_budget and account.is_used_up(allowance):
        raise BudgetExceeded(
            "The owner's budget is used up. The environment thaws when the period ends, at "
            f"{account.period_ends_at(allowance)}, or when the operator raises the budget."
        )
    return environment if environment.frozen is None else thawed(environment, moment)


def reset(environment: Environment, moment: datetime) -> Environment:
    """Start a reset. Raises `EnvironmentNotReady` unless the environment is READY."""
    require_active(environment, "to be reset")
    wanted = DesiredState(
        environment.settings, environment.release, data=environment.data, reverts_drift=True
    )
    return _started(environment, moment).replace(
        status=Status.RESETTING,
        wanted=wanted,
        changes=environment.changes + 1,
        is_emptied=False,
        seeded_files=0,
    )


def update(
    environment: Environment, moment: datetime, settings: Settings, release: str, data: str | None = None
) -> Environment:
    """Start an update to other settings, release or data set, if it changes anything or repairs."""
    lost = environment.wanted.lost if environment.wanted else None
    desired = DesiredState(settings, release, lost=lost, data=data)
    current = DesiredState(environment.settings, environment.release, lost=lost, data=environment.data)
    is_same = desired == current
    if is_same and not is_repairable(environment):
        return environment
    return _started(environment, moment).replace(
        status=Status.UPDATING, wanted=desired, changes=environment.changes + 1, seeded_files=0
    )


def is_repairable(environment: Environment) -> bool:
    """Return whether resources were deleted by hand and an update of the stack can create them again."""
    is_lost = environment.wanted is not None and environment.wanted.lost is not None
    return environment.status is Status.FAILED and is_lost and not environment.delete_requested


def _require_live(environment: Environment, consequence: str) -> None:
    if environment.delete_requested or environment.status in (Status.DELETING, Status.DELETED):
        raise EnvironmentNotLive(f"The environment is {environment.condition}. {consequence}")


def _started(environment: Environment, moment: datetime) -> Environment:
    """Clear what an earlier attempt left, and make the record due."""
    return environment.replace(failure=None, reason=None, attempts=0, due_at=timestamp(moment))
