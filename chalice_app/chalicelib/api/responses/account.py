"""The caller's account in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import ResponseBody, Time
from chalicelib.api.responses.environments import Environment
from chalicelib.domain.pricing import WorkerType


class OwnerBudget(ResponseBody):
    """The caller's budget in the current period, for all their environments, including deleted ones."""

    limit_usd: Annotated[float, Field(ge=0, description="Budget for one period.", examples=[5.0])]
    spent_usd: Annotated[
        float,
        Field(
            ge=0, description="Cost of the runs and queries that ended in the period.", examples=[0.036667]
        ),
    ]
    reserved_usd: Annotated[
        float, Field(ge=0, description="Maximum cost of active runs and queries.", examples=[0.55])
    ]
    available_usd: Annotated[
        float,
        Field(ge=0, description="Maximum cost that another run or query can have.", examples=[4.413333]),
    ]
    period_begins_at: Annotated[
        Time | None,
        Field(
            description="Start of the period, or null before the first environment.",
            examples=["2026-11-24T09:30:00.000Z"],
        ),
    ]
    period_ends_at: Annotated[
        Time | None,
        Field(
            description="End of the period. Then the whole limit except reserved amounts is available again.",
            examples=["2026-12-24T09:30:00.000Z"],
        ),
    ]


class Creations(ResponseBody):
    """The caller's creations of environments in the last 24 hours, including retries of failed ones."""

    limit: Annotated[int, Field(ge=1, description="Maximum in 24 hours.", examples=[10])]
    used: Annotated[int, Field(ge=0, description="Number in the last 24 hours.", examples=[1])]
    next_at: Annotated[
        Time | None,
        Field(
            description="When the caller can create the next environment, or null if they can now.",
            examples=[None],
        ),
    ]


class Limits(ResponseBody):
    """Limits that the operator sets for an owner and an environment."""

    environments: Annotated[int, Field(description="Maximum number of live environments.", examples=[1])]
    budget_usd: Annotated[float, Field(description="Budget for `budget_days`.", examples=[5.0])]
    budget_days: Annotated[int, Field(description="Length of a budget period in days.", examples=[30])]
    creations_per_day: Annotated[
        int, Field(description="Maximum number of creations in 24 hours.", examples=[10])
    ]
    expires_in_hours: Annotated[
        int, Field(description="Maximum hours until an environment expires.", examples=[720])
    ]
    number_of_workers: Annotated[int, Field(description="Maximum number of workers of a run.", examples=[10])]
    timeout_minutes: Annotated[int, Field(description="Maximum timeout of a run in minutes.", examples=[60])]
    role_arns: Annotated[list[str], Field(description="IAM roles that `role_arn` can name.", examples=[[]])]
    kms_key_arns: Annotated[
        list[str], Field(description="KMS keys that `kms_key_arn` can name.", examples=[[]])
    ]


class WorkerPrice(ResponseBody):
    """A type of workers and its price."""

    worker_type: Annotated[WorkerType, Field(description="Type of the workers.", examples=["G.1X"])]
    usd_per_hour: Annotated[
        float, Field(ge=0, description="Price of one worker for an hour.", examples=[0.44])
    ]


class Me(ResponseBody):
    """The caller, their live environment, budget and limits."""

    owner: Annotated[str, Field(description="Name of the caller.", examples=["ana"])]
    is_admin: Annotated[bool, Field(description="True if the caller is an admin.", examples=[False])]
    environment: Annotated[Environment | None, Field(description="The caller's live environment, or null.")]
    budget: Annotated[OwnerBudget, Field(description="Budget in the current period.")]
    creations: Annotated[Creations, Field(description="Creations in the last 24 hours.")]
    limits: Annotated[Limits, Field(description="Limits that the operator sets.")]
    worker_prices: Annotated[
        list[WorkerPrice],
        Field(
            description="Prices of workers. The maximum cost of a run is number_of_workers x usd_per_hour x "
            "timeout_minutes / 60 x (1 + max_retries)."
        ),
    ]
