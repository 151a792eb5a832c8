"""One Athena query of an environment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from chalicelib.domain.timeline import ActorType


class QueryStatus(StrEnum):
    """State of a query. The states are Athena's; QUEUED is also a query that Athena does not have yet."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Return whether the query has ended."""
        return self in _FINAL_QUERY_STATES


MOST_ACTIVE_QUERIES = 20
"""Maximum number of active queries of an environment. All environments share the account's quota of active
queries: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html"""

_FINAL_QUERY_STATES = frozenset({QueryStatus.SUCCEEDED, QueryStatus.FAILED, QueryStatus.CANCELLED})


class QueryOrigin(StrEnum):
    """Who started a query: a request to the API, or its user in AWS, with the sandbox's credentials."""

    API = "api"
    CREDENTIALS = "credentials"


@dataclass(frozen=True)
class QueryError:
    """Why a query failed, in Athena's words. `line` and `column` are the place in its SQL, from 1."""

    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Query:
    """One Athena query of an environment. Grain: one per accepted request, or per query found in AWS.

    - `id`: sorts by time. The request token of StartQueryExecution contains it, so repeating that call after
      a crash does not start a second query.
    - `max_cost_micro_usd`: what is reserved: the price of the workgroup's limit of scanned bytes. It is 0 for
      a query that its user started in AWS.
    - `price_per_tb_usd`: the price of the reservation, which also applies to the final cost.
    - `start_attempts`: number of StartQueryExecution calls that may have reached Athena. It is incremented
      before each call.
    - `checked_at`: when a watcher last made the service ask Athena; not part of the versioned fields.
    - `charged_micro_usd`: the sum of its charges in the ledger.
    """

    KIND: ClassVar = "QUERY"

    id: str
    environment_id: str
    owner: str
    status: QueryStatus
    sql: str
    workgroup: str
    requested_by: str
    requested_at: str
    max_cost_micro_usd: int
    price_per_tb_usd: str
    database: str | None = None
    parameters: list[str] = field(default_factory=list)
    start_attempts: int = 0
    origin: QueryOrigin = QueryOrigin.API
    version: int = 1
    due_at: str | None = None
    execution_id: str | None = None
    stopped_by: str | None = None
    stop_requested_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    scanned_bytes: int | None = None
    cost_micro_usd: int | None = None
    statement_type: str | None = None
    output_location: str | None = None
    error: QueryError | None = None
    requested_by_type: str = ActorType.USER
    stopped_by_type: str | None = None
    queue_milliseconds: int | None = None
    execution_milliseconds: int | None = None
    checked_at: str | None = None
    charged_micro_usd: int = 0

    @property
    def token(self) -> str:
        """Return the request token of StartQueryExecution, which has at least 32 characters."""
        return f"terraglue-{self.environment_id}-{self.id}"

    def replace(self, **changes: Any) -> Query:
        """Return a copy of the query with some fields replaced."""
        return replace(self, **changes)
