"""The record of a new environment."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import later, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.settings import Settings

_DUE_AFTER_SECONDS = 10


def new_environment(
    environment_id: str,
    owner: str,
    settings: Settings,
    release: str,
    data: str | None,
    *,
    moment: datetime,
    expires_at: str | None = None,
    cohort: str | None = None,
) -> Environment:
    """Return a QUEUED environment, which expires at a time or after the hours of its settings."""
    at = timestamp(moment)
    ending = (
        expiry.ending_in(settings.expires_in_hours, moment)
        if expires_at is None
        else expiry.ending_at(expires_at, moment)
    )
    return Environment(
        id=environment_id,
        owner=owner,
        status=Status.QUEUED,
        release=release,
        data=data,
        settings=settings,
        cohort=cohort,
        created_at=at,
        updated_at=at,
        **ending,
        due_at=later(moment, _DUE_AFTER_SECONDS),
    )
