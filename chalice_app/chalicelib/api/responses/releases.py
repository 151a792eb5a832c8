"""Releases, data sets and health in responses."""

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


class DataSet(ResponseBody):
    """A data set that the operator published, with its newest release."""

    name: Annotated[
        str | None,
        Field(description="Name for `data` of an environment, or null for the default.", examples=["sales"]),
    ]
    release: Annotated[str, Field(description="ID of its newest release.", examples=["1.0.0-2f1c9a7be0d4"])]
    published_at: Annotated[Time, Field(description="When this release was published.")]
    databases: Annotated[list[str], Field(description="Its databases.", examples=[["db_ecommerce"]])]
    table_count: Annotated[int, Field(ge=0, description="Number of tables.", examples=[9])]
    row_count: Annotated[
        int | None,
        Field(ge=0, description="Number of rows of all tables, or null if unknown.", examples=[78216]),
    ]
    size_bytes: Annotated[int, Field(ge=0, description="Size of all files in bytes.", examples=[9437184])]
    notes: Annotated[str, Field(description="Release notes.", examples=["The first release."])]


class DataSets(ResponseBody):
    """What `data` of an environment can be: the default first, then the data sets by name."""

    items: Annotated[list[DataSet], Field(description="The data sets.")]


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
