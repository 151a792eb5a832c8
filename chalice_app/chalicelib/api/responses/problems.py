"""Problem documents: the bodies of error responses (RFC 9457)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chalicelib.api.responses.base import Link


class FieldProblem(BaseModel):
    """An invalid field of the body or an invalid parameter."""

    pointer: Annotated[
        str | None,
        Field(
            default=None,
            description="JSON pointer (RFC 6901) to the field in the body.",
            examples=["/job/number_of_workers"],
        ),
    ]
    parameter: Annotated[
        str | None,
        Field(default=None, description="Name of the path, query or header parameter."),
    ]
    path: Annotated[
        str | None, Field(default=None, description="Path of an invalid file in an uploaded archive.")
    ]
    detail: Annotated[
        str, Field(description="What is wrong and how to correct it.", examples=["Must be at least 2."])
    ]
    line: Annotated[int | None, Field(description="Line of the error in an uploaded file.")] = None
    column: Annotated[int | None, Field(description="Column of the error in an uploaded file.")] = None


class Problem(BaseModel):
    """An error (RFC 9457). Programs should use `code`; `detail` is for people."""

    type: Annotated[
        str,
        Field(description="URN of the error's type.", examples=["urn:terraglue:problem:not_found"]),
    ]
    title: Annotated[str, Field(description="Short name of the error's type.", examples=["Not found"])]
    status: Annotated[int, Field(description="HTTP status code.", ge=400, le=599, examples=[404])]
    detail: Annotated[
        str,
        Field(
            description="What went wrong in this request and what to do.",
            examples=["The environment does not exist or belongs to another owner."],
        ),
    ]
    instance: Annotated[
        str,
        Field(
            description="URN of this request. Include it when you report a problem.",
            examples=["urn:terraglue:request:9c2f7c1e-6a53-4ad0-9b6e-0a53c2f5a1d4"],
        ),
    ]
    code: Annotated[
        str,
        Field(
            description="Error code for programs. Treat an unknown code like its status.",
            examples=["not_found"],
        ),
    ]
    errors: Annotated[
        list[FieldProblem],
        Field(default_factory=list, description="With status 422, the invalid fields and parameters."),
    ]
    line: Annotated[
        int | None, Field(default=None, description="With code `invalid_json`, the line of the error.")
    ]
    column: Annotated[
        int | None, Field(default=None, description="With code `invalid_json`, the column of the error.")
    ]
    environment: Annotated[
        Link | None,
        Field(
            default=None, description="With code `environment_exists`, the link of the existing environment."
        ),
    ]
