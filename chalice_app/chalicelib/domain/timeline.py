"""The timeline of an environment: who did what, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.json_types import Json


class ActorType(StrEnum):
    """Type of an actor. A user may have the same name as one of these values."""

    USER = "user"
    SERVICE = "service"
    SCHEDULE = "schedule"
    RELEASE = "release"


@dataclass(frozen=True)
class FieldChange:
    """A field that an event changed: its JSON pointer, and its value before and after."""

    pointer: str
    old: object = None
    new: object = None


@dataclass(frozen=True)
class TimelineEvent:
    """One line of an environment's timeline: who did what, when, in which request, and what it changed.

    `changes` are those of the environment's representation or, if `detail` has a `run_id`, of that run's.
    `owner` is the environment's owner. The store sets both from the records.
    """

    at: str
    actor: str
    action: str
    request_id: str | None = None
    detail: Json | None = None
    changes: list[FieldChange] = field(default_factory=list)
    owner: str = ""
    actor_type: str = ActorType.USER

    @classmethod
    def by_service(cls, at: str, action: str, detail: Json | None = None) -> TimelineEvent:
        """Return an event of the service itself, without a request."""
        return cls(at, ActorType.SERVICE, action, detail=detail, actor_type=ActorType.SERVICE)
