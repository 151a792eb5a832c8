"""Requests about Athena queries of environments."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import NoReturn

from chalicelib.aws.dynamodb import Page
from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, later, now, sortable_id, timestamp
from chalicelib.domain import pricing
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import RUN_ID
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.query import MOST_ACTIVE_QUERIES, Query, QueryStatus
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.errors import (
    BudgetExceeded,
    Conflict,
    InvalidFields,
    NotFound,
    StaleRecord,
    TooManyQueries,
    WorkgroupUnusable,
)
from chalicelib.observability import logger
from chalicelib.queries.query_runs import QueryRuns
from chalicelib.services.environments import Environments
from chalicelib.services.idempotency import Created, IdempotentRequest, once
from chalicelib.services.optimistic_writes import repeat_if_stale
from chalicelib.services.query_results import QueryResults, ResultRows
from chalicelib.services.readiness import require_active
from chalicelib.storage import items
from chalicelib.storage.conflicts import BudgetUsedUp
from chalicelib.storage.store import Store

_PAUSES = (0.25, 0.5, 1.0)
"""Between two checks of a query while a request waits for it. The last one is repeated."""

Step = Callable[[Environment, Query], Query]


class Queries:
    """Starts, shows, lists and stops queries, and reads their results."""

    def __init__(
        self,
        store: Store,
        environments: Environments,
        runs: QueryRuns,
        results: QueryResults,
        *,
        allowance: Allowance,
        price_per_tb_usd: Decimal,
        scan_limit_bytes: int,
        lease_seconds: int,
        clock: Clock = now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._environments = environments
        self._runs = runs
        self._results = results
        self._allowance = allowance
        self._price = price_per_tb_usd
        self._scan_limit_bytes = scan_limit_bytes
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._sleep = sleep

    def start(self, request: IdempotentRequest, environment_id: str, wanted: QueryRequest) -> Created[Query]:
        """Record a query, reserve its maximum cost, and start it.

        Raises `WorkgroupUnusable` if the environment has no workgroup, `BudgetExceeded`, `TooManyQueries`,
        and what `require_active` raises.
        """
        return once(
            self._store,
            self._clock,
            request,
            lambda: self._start(request, environment_id, wanted),
            items.query,
        )

    def _start(self, request: IdempotentRequest, environment_id: str, wanted: QueryRequest) -> Query:
        environment = self._environments.visible(request.caller, environment_id)
        require_active(environment, "to run queries")
        moment = self._clock()
        query = Query(
            id=sortable_id(moment),
            environment_id=environment.id,
            owner=environment.owner,
            status=QueryStatus.QUEUED,
            sql=wanted.sql,
            workgroup=_workgroup(environment),
            requested_by=request.caller.owner,
            requested_at=timestamp(moment),
            max_cost_micro_usd=pricing.query_micro_usd(self._scan_limit_bytes, self._price),
            price_per_tb_usd=str(self._price),
            database=_database(environment, wanted.database),
            parameters=wanted.parameters,
            start_attempts=1,
            due_at=later(moment, self._lease_seconds),
        )
        try:
            accepted = self._store.queries.add(query, None, request.used_key(moment))
        except BudgetUsedUp as used_up:
            self._refuse(request.caller, query, used_up.account)
        if not accepted:
            account = self._store.account(query.owner).at(moment, self._allowance)
            self._refuse(request.caller, query, account)
        with suppress(StaleRecord):  # another request or a tick advanced the query
            self._runs.start(environment, query)
        return query

    def query(self, caller: Caller, environment_id: str, query_id: str, *, wait_seconds: int = 0) -> Query:
        """Return a query. If it has not ended, its state is new; see `QueryRuns.watch`.

        Waits up to some seconds for its end.
        """
        environment, query = self._recorded(caller, environment_id, query_id)
        query, waited, number = self._stepped(self._runs.watch, environment, query), 0.0, 0
        while not query.status.is_final and waited < wait_seconds:
            pause = _PAUSES[min(number, len(_PAUSES) - 1)]
            self._sleep(pause)
            waited, number = waited + pause, number + 1
            query = self._store.queries.get(environment_id, query_id) or query
            query = self._stepped(self._runs.watch, environment, query)
        return query

    def rows(
        self, caller: Caller, environment_id: str, query: Query, *, limit: int, place: Json | None
    ) -> ResultRows:
        """Return a page of a query's rows; see `QueryResults.page`."""
        environment = self._environments.visible(caller, environment_id)
        return self._results.page(environment, query, limit=limit, place=place)

    def result_link(self, caller: Caller, environment_id: str, query_id: str) -> str:
        """Return a URL to download the whole result; see `QueryResults.link`."""
        return self._results.link(*self._recorded(caller, environment_id, query_id))

    def page(self, caller: Caller, environment_id: str, *, limit: int, start: Json | None) -> Page[Query]:
        """Return a page of an environment's queries, newest first."""
        environment = self._environments.visible(caller, environment_id)
        return self._store.queries.page(environment.id, limit=limit, start=start)

    def stop(self, caller: Caller, environment_id: str, query_id: str) -> tuple[Query, bool]:
        """Request that a query stops, and stop it. If that fails, the next tick tries again.

        Returns the query, and False if it had ended already.
        """

        def read_and_write() -> tuple[Query, bool]:
            environment, query = self._recorded(caller, environment_id, query_id)
            if query.execution_id is not None and query.stopped_by is None:
                query = self._stepped(self._runs.advance, environment, query)  # it may have ended
            if query.status.is_final:
                return query, False
            if query.stopped_by is None:
                query = self._runs.request_stop(query, caller.owner)
            return self._stepped(self._runs.advance, environment, query), True

        return repeat_if_stale(read_and_write, "query")

    def _recorded(self, caller: Caller, environment_id: str, query_id: str) -> tuple[Environment, Query]:
        environment = self._environments.visible(caller, environment_id)
        known = RUN_ID.fullmatch(query_id) is not None
        query = self._store.queries.get(environment.id, query_id) if known else None
        if query is None:
            raise NotFound("The query does not exist.")
        return environment, query

    def _stepped(self, step: Step, environment: Environment, query: Query) -> Query:
        """Take the next step of a query. If AWS refuses, return the query unchanged: a tick tries again."""
        try:
            return step(environment, query)
        except StaleRecord:
            return self._store.queries.get(query.environment_id, query.id) or query
        except AwsError as error:
            logger.warning("query left to the schedule", query_id=query.id, detail=str(error))
            return query

    def _refuse(self, caller: Caller, query: Query, account: Account) -> NoReturn:
        environment = self._environments.visible(caller, query.environment_id)
        require_active(environment, "to run queries")
        if environment.active_queries >= MOST_ACTIVE_QUERIES:
            raise TooManyQueries(
                f"{environment.active_queries} queries of the environment are active. Wait until one ends, "
                "or stop one.",
                retry_after=5,
            )
        left = account.available_micro_usd(self._allowance)
        if left >= query.max_cost_micro_usd:  # the environment or the account changed just now
            raise Conflict("Other requests changed the environment at the same time. Retry.")
        worst, limit = pricing.usd(query.max_cost_micro_usd), pricing.usd(self._allowance.budget_micro_usd)
        words = (
            f"The query could cost up to {worst:.4f} USD, because one query may read "
            f"{self._scan_limit_bytes} bytes, but {pricing.usd(left):.4f} USD of the owner's budget of "
            f"{limit:.2f} USD is left"
        )
        if reserved := pricing.usd(account.reserved_micro_usd):
            words += f", and {reserved:.4f} USD is reserved for active runs and queries"
        raise BudgetExceeded(f"{words}. The period ends at {account.period_ends_at(self._allowance)}. Wait.")


def _workgroup(environment: Environment) -> str:
    """Return the sandbox's workgroup.

    The account's workgroup `primary` is no substitute: it has no limit of scanned bytes, so a query would
    have no maximum cost, and sessions of all sandboxes could read and stop its queries.
    """
    workgroup = environment.outputs.athena_workgroup if environment.outputs else None
    if workgroup is None:
        raise WorkgroupUnusable(
            "The environment has no Athena workgroup. Change its setting athena_workgroup to true first."
        )
    return workgroup


def _database(environment: Environment, name: str | None) -> str:
    """Return the catalog's name of a database: by default the first one with source data."""
    databases = environment.outputs.databases if environment.outputs else {}
    if name is None:
        sources = sorted(short for short in databases if short != "sot")
        return databases[sources[0]] if sources else environment.sot_database
    for short, full in databases.items():
        if name.lower() in (short, full):
            return full
    known = ", ".join(sorted(databases))
    wrong = f"Must be a database of the environment: {known}."
    raise InvalidFields([{"pointer": "/database", "detail": wrong}])
