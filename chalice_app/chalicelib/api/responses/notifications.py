"""Notifications in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import ResponseBody, Time


class WebhookDelivery(ResponseBody):
    """The last attempt to deliver a notification to a webhook."""

    at: Annotated[Time, Field(description="When it was.")]
    ok: Annotated[
        bool,
        Field(description="Whether the receiver accepted it, with a status 2xx.", examples=[True]),
    ]
    status: Annotated[
        int | None,
        Field(description="HTTP status of the response, or null without one.", examples=[200]),
    ]
    error: Annotated[str | None, Field(description="Why there was no response, or null.", examples=[None])]
    failing_since: Annotated[
        Time | None,
        Field(
            description="First of the attempts that failed since the last success, or null.",
            examples=[None],
        ),
    ]


class Webhook(ResponseBody):
    """Where notifications of an environment go."""

    url: Annotated[
        str, Field(description="URL of the receiver.", examples=["https://hooks.example.com/terraglue"])
    ]
    events: Annotated[
        list[str],
        Field(description="Events that it gets.", examples=[["environment.ready", "run.ended"]]),
    ]
    secret: Annotated[
        str | None,
        Field(
            description="Key that signs the requests. Only in the response to the request that created it, "
            "and in repetitions of that request; otherwise null.",
            examples=[None],
        ),
    ]
    disabled_at: Annotated[
        Time | None,
        Field(
            description="When it answered 410 and was disabled, or null. Set it again to enable it.",
            examples=[None],
        ),
    ]
    delivery: Annotated[
        WebhookDelivery | None,
        Field(description="Last attempt, or null before the first.", examples=[None]),
    ]


class Notifications(ResponseBody):
    """Notifications of an environment."""

    webhook: Annotated[
        Webhook | None, Field(description="The webhook, or null if there is none.", examples=[None])
    ]
