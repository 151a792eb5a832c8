"""Releases and health in responses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses.base import ResponseBody, Time


class Health(ResponseBody):
    """Health of the service."""

    status: Annotated[Literal["ok"], Field(description="Always `ok`.", examples=["ok"])]
    release: Annotated[
        str,
        Field(description="ID of the release that new environments get.", examples=["1.0.0-2f1c9a7be0d4"]),
    ]


class Release(ResponseBody):
    """A published release: template, scripts and data."""

    id: Annotated[str, Field(description="ID of the release.", examples=["1.0.0-2f1c9a7be0d4"])]
    version: Annotated[str, Field(description="Version of the release.", examples=["1.0.0"])]
    latest: Annotated[
        bool, Field(description="True for the release that new environments get.", examples=[True])
    ]
    published_at: Annotated[Time, Field(description="When it was published.")]
    notes: Annotated[str, Field(description="Release notes.", examples=["The first release."])]


class Releases(ResponseBody):
    """All published releases, newest first."""

    items: Annotated[list[Release], Field(description="The releases.")]
