"""Timeline events in responses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.responses.base import Page, ResponseBody, Time


class Change(ResponseBody):
    """A value that an event changed."""

    pointer: Annotated[
        str,
        Field(description="JSON pointer to the value in the environment or run.", examples=["/status"]),
    ]
    old: Annotated[Any, Field(description="Value before the event.", examples=["SEEDING"])]
    new: Annotated[Any, Field(description="Value after the event.", examples=["READY"])]


class Event(ResponseBody):
    """An event in an environment's timeline."""

    at: Annotated[Time, Field(description="Time of the event.")]
    actor: Annotated[
        str,
        Field(
            description="Name of the user, or the actor type. A user can have the name of an actor type.",
            examples=["service"],
        ),
    ]
    actor_type: Annotated[
        Literal["user", "service", "schedule"],
        Field(
            description=(
                "`user`: a request. `service`: the service itself. `schedule`: the schedule of the job."
            ),
            examples=["service"],
        ),
    ]
    as_admin: Annotated[
        bool,
        Field(description="True if an admin acted on another owner's environment.", examples=[False]),
    ]
    action: Annotated[str, Field(description="What happened.", examples=["status_changed"])]
    request_id: Annotated[
        str | None, Field(description="ID of the request, or null if none caused it.", examples=[None])
    ]
    detail: Annotated[
        dict[str, Any] | None,
        Field(description="Details of the action, or null.", examples=[{"why": "data and scripts copied"}]),
    ]
    changes: Annotated[list[Change], Field(description="Values that the event changed.")]


class EventPage(Page[Event]):
    """One page of an environment's timeline."""
