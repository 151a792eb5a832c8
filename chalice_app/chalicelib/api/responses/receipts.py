"""Receipts of deletions in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import ResponseBody, Time


class Removed(ResponseBody):
    """A resource, or a number of them, that a deletion removed."""

    type: Annotated[str, Field(description="Type of the resource.", examples=["AWS::S3::Bucket"])]
    logical_id: Annotated[
        str | None,
        Field(description="Logical ID, or null outside the stack.", examples=["SotBucket"]),
    ]
    id: Annotated[
        str | None,
        Field(
            description="Physical ID, or null if resources are counted.",
            examples=["terraglue-abcdefgh23-sot"],
        ),
    ]
    count: Annotated[
        int | None,
        Field(description="Number of resources of the type that are not listed one by one.", examples=[None]),
    ]
    why: Annotated[str | None, Field(description="Explanation, or null.", examples=[None])]


class Remaining(ResponseBody):
    """A resource, or a number of them, that a deletion left."""

    type: Annotated[str, Field(description="Type of the resource.", examples=["AWS::KMS::Key"])]
    logical_id: Annotated[
        str | None, Field(description="Logical ID, or null outside the stack.", examples=[None])
    ]
    id: Annotated[
        str | None,
        Field(
            description="Physical ID, or null if resources are counted.",
            examples=["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"],
        ),
    ]
    why: Annotated[
        str,
        Field(
            description="Why it remains.",
            examples=["AWS keeps a deleted key for a waiting period, during which it cannot be used."],
        ),
    ]
    until: Annotated[
        Time | None,
        Field(description="When AWS removes it, or null.", examples=["2026-12-01T00:00:00.000Z"]),
    ]
    count: Annotated[
        int | None,
        Field(description="Number of resources of the type that are not listed one by one.", examples=[None]),
    ]


class Receipt(ResponseBody):
    """What a deletion removed and left, verified with AWS."""

    removed: Annotated[list[Removed], Field(description="Resources that no longer exist.")]
    remaining: Annotated[list[Remaining], Field(description="Resources that still exist.")]
