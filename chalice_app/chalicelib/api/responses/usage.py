"""Usage in responses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses.base import EXAMPLE_ID, EXAMPLE_JOB, Page, ResponseBody

Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-11-24"])]
_Estimate = Annotated[float | None, Field(ge=0)]


class UsageAmounts(ResponseBody):
    """Amounts of money, and what was used. Settled and estimated money are never added together."""

    runs: Annotated[int, Field(ge=0, description="Number of job runs that were charged.", examples=[3])]
    dpu_seconds: Annotated[float, Field(ge=0, description="DPU-seconds of these runs.", examples=[900.0])]
    glue_usd: Annotated[float, Field(ge=0, description="Settled cost of these runs.", examples=[0.11])]
    queries: Annotated[int, Field(ge=0, description="Number of queries that were charged.", examples=[12])]
    scanned_bytes: Annotated[
        int, Field(ge=0, description="Bytes that these queries have read.", examples=[120000000])
    ]
    athena_usd: Annotated[float, Field(ge=0, description="Settled cost of these queries.", examples=[0.0006])]
    settled_usd: Annotated[
        float,
        Field(ge=0, description="`glue_usd` plus `athena_usd`, as budgets were charged.", examples=[0.1106]),
    ]
    estimated_kms_usd: Annotated[
        _Estimate, Field(description="Estimated cost of KMS keys, or null.", examples=[0.032877])
    ]
    estimated_s3_usd: Annotated[
        _Estimate, Field(description="Estimated cost of objects in S3, or null.", examples=[0.000002])
    ]


class UsageGroup(ResponseBody):
    """What an item adds up. Fields by which the usage was not added up are null."""

    day: Annotated[
        Day | None, Field(description="Day in UTC on which it was charged.", examples=["2026-11-24"])
    ]
    owner: Annotated[str | None, Field(description="Name of the owner.", examples=["ana"])]
    environment_id: Annotated[str | None, Field(description="ID of the environment.", examples=[EXAMPLE_ID])]
    job_id: Annotated[str | None, Field(description="ID of the run's job.", examples=[EXAMPLE_JOB])]
    run_id: Annotated[str | None, Field(description="ID of the run.", examples=[None])]
    query_id: Annotated[str | None, Field(description="ID of the query.", examples=[None])]


class UsageItem(UsageAmounts, UsageGroup):
    """What one group has cost. Fields by which the usage was not added up are null."""


class UsageRule(ResponseBody):
    """How an amount is computed."""

    amount: Annotated[str, Field(description="Field of the items.", examples=["estimated_kms_usd"])]
    basis: Annotated[
        Literal["settled", "estimated"],
        Field(description="Whether budgets are charged with it.", examples=["estimated"]),
    ]
    rule: Annotated[
        str,
        Field(
            description="The rule in words.",
            examples=["A key for each hour since the environment was READY first, until it is DELETED."],
        ),
    ]
    price_usd: Annotated[float, Field(ge=0, description="Price of a unit now.", examples=[1.0])]
    unit: Annotated[str, Field(description="The unit of the price.", examples=["key-month of 730 hours"])]
    pricing: Annotated[
        str, Field(description="AWS's pricing page.", examples=["https://aws.amazon.com/kms/pricing/"])
    ]


class Usage(Page[UsageItem]):
    """One page of usage. Items of the next page can belong to the same groups: add them up."""

    from_day: Annotated[Day, Field(description="First day of the usage.", examples=["2026-11-01"])]
    to_day: Annotated[Day, Field(description="Day before which the usage ends.", examples=["2026-11-25"])]
    by: Annotated[
        list[Literal["day", "owner", "environment", "run", "query"]],
        Field(description="What the usage is added up by.", examples=[["day", "environment"]]),
    ]
    totals: Annotated[UsageAmounts, Field(description="Sums of the items of this page.")]
    is_complete: Annotated[
        bool,
        Field(
            description="False if the estimates leave out the oldest environments, because there are more "
            "than 2,000. Settled amounts are always complete.",
            examples=[True],
        ),
    ]
    rules: Annotated[list[UsageRule], Field(description="How the amounts are computed.")]
