"""Base of response bodies: field types and examples that several models share."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_ID = "k3v7q2mzab"
EXAMPLE_JOB = f"terraglue-{EXAMPLE_ID}-sot-ecommerce-br"
EXAMPLE_ENVIRONMENT = f"/environments/{EXAMPLE_ID}"
EXAMPLE_SOT = f"s3://terraglue-{EXAMPLE_ID}-sot/tbsot_ecommerce_br"

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T09:30:00.000Z"])]
Link = Annotated[str, Field(json_schema_extra={"format": "uri-reference"}, examples=[EXAMPLE_ENVIRONMENT])]
EnvironmentId = Annotated[
    str, Field(description="ID of the environment.", pattern="^[a-z2-7]{10}$", examples=[EXAMPLE_ID])
]
JobId = Annotated[
    str,
    Field(
        description="ID of the environment's job.",
        pattern="^terraglue-[a-z2-7]{10}-[a-z0-9][a-z0-9-]{0,63}$",
        examples=[EXAMPLE_JOB],
    ),
]
Usd = Annotated[float, Field(ge=0, examples=[0.55])]
PollAfter = Annotated[
    int | None,
    Field(
        description="Seconds to wait before the next request, or null if no change is in progress.",
        examples=[3],
    ),
]

Item = TypeVar("Item")


class ResponseBody(BaseModel):
    """Base of all response bodies. The published schema is open, because later versions may add fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Page(ResponseBody, Generic[Item]):
    """One page of a list."""

    items: Annotated[
        list[Item],
        Field(description="Items of this page. If the request has `fields`, they have only those."),
    ]
    next: Annotated[
        str | None,
        Field(description="Cursor of the next page, or null on the last page.", examples=[None]),
    ]


class JobWarning(ResponseBody):
    """A part of a job that will fail when a run reaches it. The request succeeded."""

    code: Annotated[
        str,
        Field(
            description="Kind of the warning, for programs: `unknown_module`, `unknown_name` or "
            "`unsupported_feature`. Later versions may add codes.",
            examples=["unknown_module"],
        ),
    ]
    detail: Annotated[
        str,
        Field(
            description="What is missing, and what to do.",
            examples=[
                "Glue 5.1 does not provide the module yaml. Add its package to job.python_modules, or upload "
                "the module as a job file."
            ],
        ),
    ]
    line: Annotated[int | None, Field(description="Line of the uploaded file, or null.", examples=[3])]
