"""Queries: started at most once, followed, stopped and settled.

A query is recorded, and its maximum cost reserved, before Athena is called. Its request token makes Athena
start it once, however often StartQueryExecution is called. All calls have the sandbox's own rights.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from chalicelib.aws.athena_queries import AthenaQueries, Execution
from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled
from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.query import Query, QueryError, QueryStatus
from chalicelib.domain.timeline import ActorType
from chalicelib.errors import StaleRecord
from chalicelib.observability import annotate_trace, logger
from chalicelib.queries.query_errors import query_error
from chalicelib.queries.query_import import QueryImport, cost_micro_usd
from chalicelib.storage.store import Store

CHECK_SECONDS = 20
WATCH_SECONDS = 0.25
"""How long what Athena said about a query is shown to its watchers."""
RETRY_SECONDS = 5
_GIVE_UP_SECONDS = 3600
"""After this time, Athena has ended a query by itself: its time limit is 30 minutes
(https://docs.aws.amazon.com/athena/latest/ug/service-limits.html)."""

AthenaOf = Callable[[Environment], AthenaQueries]


class QueryRuns:
    """Starts, tracks, stops and settles recorded queries."""

    def __init__(
        self,
        store: Store,
        athena_of: AthenaOf,
        imports: QueryImport,
        *,
        lease_seconds: int,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._athena_of = athena_of
        self._imports = imports
        self._lease_seconds = lease_seconds
        self._clock = clock

    def reconcile(self, environment_id: str, query_id: str) -> None:
        """Take the next step of a query, if any. May be repeated, late, or run after a crash at any line."""
        annotate_trace("query_id", query_id)
        environment = self._store.environment(environment_id)
        query = self._store.queries.get(environment_id, query_id)
        if environment is None or query is None or query.status.is_final:
            return
        try:
            self.advance(environment, query)
        except StaleRecord:
            return  # another worker took the step
        except AwsError as error:
            logger.warning("query postponed", query_id=query_id, code=error.code, detail=error.message)
            query = self._store.queries.get(environment_id, query_id) or query
            with suppress(StaleRecord):
                self._save(query, due_at=later(self._clock(), CHECK_SECONDS))
            if isinstance(error, AwsThrottled):
                raise

    def watch(self, environment: Environment, query: Query) -> Query:
        """Take the next step of a query that somebody watches, once in a moment for all its watchers.

        Raises `StaleRecord` as `advance` does. Ticks and stop requests do not wait for watchers.
        """
        claimed = self._store.checks.claim(query, self._clock(), WATCH_SECONDS)
        return self.advance(environment, query) if claimed else query

    def advance(self, environment: Environment, query: Query) -> Query:
        """Take one step of a query as it was read. Raises `StaleRecord` if it has changed since."""
        if query.status.is_final:
            return query
        moment = self._clock()
        if query.execution_id is None:
            if query.stopped_by is not None and query.start_attempts == 0:
                stopped = QueryError("The query was stopped before it started.")
                return self._end(query, QueryStatus.CANCELLED, stopped)
            if query.due_at is not None and query.due_at > timestamp(moment):
                return query  # a call of StartQueryExecution may be in progress
            due_at = later(moment, self._lease_seconds)
            query = self._save(query, start_attempts=query.start_attempts + 1, due_at=due_at)
            query = self.start(environment, query)
        if query.execution_id is None or query.status.is_final:
            return query
        return self._check(environment, query, query.execution_id)

    def start(self, environment: Environment, query: Query) -> Query:
        """Start a query in Athena. The caller must have recorded the attempt."""
        try:
            execution_id = self._athena_of(environment).start(
                query.sql,
                database=query.database,
                workgroup=query.workgroup,
                parameters=query.parameters,
                token=query.token,
            )
        except AwsError as error:
            return self._not_started(query, error)
        return self._save(query, execution_id=execution_id, due_at=later(self._clock(), CHECK_SECONDS))

    def request_stop(self, query: Query, user: str | None) -> Query:
        """Record that a user, or the service if None, requests the stop of a query."""
        moment = timestamp(self._clock())
        by = {"stopped_by": user, "stopped_by_type": ActorType.USER}
        if user is None:
            by = {"stopped_by": ActorType.SERVICE, "stopped_by_type": ActorType.SERVICE}
        # A call of StartQueryExecution may be in progress: the query is due afterwards, and is then stopped.
        is_starting = query.start_attempts > 0 and query.execution_id is None
        return self._save(
            query, **by, stop_requested_at=moment, due_at=query.due_at if is_starting else moment
        )

    def stop_all(self, environment: Environment) -> bool:
        """Stop every query of an environment. Return True when none is active.

        Also stops queries that users started in AWS. The number of active queries is read after the status or
        the freeze was written, which admits none through the API.
        """
        self._imports.import_now(environment)
        current = self._store.environment(environment.id) or environment
        if current.active_queries <= 0:
            return True
        active = list(self._store.queries.active(environment.id, current.active_queries))
        ended = [self._stopped(environment, query).status.is_final for query in active]
        return all(ended) and len(ended) >= current.active_queries

    def import_due(self, environment: Environment) -> Environment:
        """Record queries that users started in AWS, if it is time for that. Return the environment.

        A failure does not prevent other steps of the environment: the import is repeated at the next tick.
        """
        try:
            return self._imports.import_due(environment)
        except AwsError as error:
            logger.warning("import postponed", environment_id=environment.id, detail=str(error))
            return environment

    def _stopped(self, environment: Environment, query: Query) -> Query:
        requested = query if query.stopped_by is not None else self.request_stop(query, None)
        return self.advance(environment, requested)

    # -- steps -------------------------------------------------------------------------------------------

    def _check(self, environment: Environment, query: Query, execution_id: str) -> Query:
        """Ask Athena for the state of a query, and record it. Stop the query if that is requested."""
        athena = self._athena_of(environment)
        try:
            if query.stopped_by is not None:
                self._stop(athena, query, execution_id)
            seen = athena.get(execution_id)
        except AwsRefused as error:
            if not self._is_over(query):
                raise
            return self._lost(query, error)
        if seen.status.is_final:
            return self._settle(query, seen)
        moment = self._clock()
        if seen.status is query.status and query.due_at is not None and query.due_at > timestamp(moment):
            return query
        started_at = timestamp(moment) if seen.status is QueryStatus.RUNNING else None
        return self._save(
            query,
            status=seen.status,
            started_at=query.started_at or started_at,
            due_at=later(moment, RETRY_SECONDS if query.stopped_by else CHECK_SECONDS),
        )

    def _stop(self, athena: AthenaQueries, query: Query, execution_id: str) -> None:
        try:
            athena.stop(execution_id)
        except AwsRefused as error:  # it may have ended; otherwise it is stopped by the next check
            logger.warning("query not stopped", query_id=query.id, code=error.code, detail=error.message)

    def _settle(self, query: Query, seen: Execution) -> Query:
        """Record the end of a query and its cost."""
        end = seen.completed_at or self._clock()
        failed = seen.status is not QueryStatus.SUCCEEDED
        reason = seen.reason or f"Athena reported {seen.status}."
        return self._save(
            query,
            status=seen.status,
            statement_type=seen.statement_type,
            output_location=seen.output_location,
            started_at=_started_at(seen, end),
            completed_at=timestamp(end),
            queue_milliseconds=seen.queue_milliseconds,
            execution_milliseconds=seen.execution_milliseconds,
            scanned_bytes=seen.scanned_bytes,
            cost_micro_usd=cost_micro_usd(seen, Decimal(query.price_per_tb_usd)),
            error=query_error(reason, query.environment_id) if failed else None,
            due_at=None,
        )

    def _not_started(self, query: Query, error: AwsError) -> Query:
        if isinstance(error, AwsThrottled):  # Athena has certainly not started it
            attempts, due_at = query.start_attempts - 1, later(self._clock(), RETRY_SECONDS)
            return self._save(query, start_attempts=attempts, due_at=due_at)
        if isinstance(error, AwsRefused) and (query.start_attempts == 1 or self._is_over(query)):
            logger.info("query refused", query_id=query.id, code=error.code, detail=error.message)
            if query.start_attempts > 1:
                return self._lost(query, error)
            if "workgroup" in error.message.lower():  # it may be deleted, and perhaps other resources too
                self._store.request_drift_check(query.environment_id, timestamp(self._clock()))
            failure = query_error(error.message, query.environment_id)
            return self._end(query, QueryStatus.FAILED, failure)
        # Without an answer, Athena may have started it. The next call with its token returns the execution.
        logger.warning("query start unconfirmed", query_id=query.id, code=error.code, detail=error.message)
        return self._save(query, due_at=later(self._clock(), RETRY_SECONDS))

    def _is_over(self, query: Query) -> bool:
        return (self._clock() - parse(query.requested_at)).total_seconds() > _GIVE_UP_SECONDS

    def _lost(self, query: Query, error: AwsRefused) -> Query:
        """Record the end of a query that Athena does not describe any more, at its maximum cost."""
        logger.error("query lost", query_id=query.id, code=error.code, detail=error.message)
        lost = QueryError("Athena does not describe the query any more. Its maximum cost is charged.")
        return self._end(query, QueryStatus.FAILED, lost, cost_micro_usd=query.max_cost_micro_usd)

    def _end(self, query: Query, status: QueryStatus, error: QueryError, *, cost_micro_usd: int = 0) -> Query:
        """Record the end of a query that Athena has not ended."""
        return self._save(
            query,
            status=status,
            completed_at=timestamp(self._clock()),
            scanned_bytes=0,
            cost_micro_usd=cost_micro_usd,
            error=error,
            due_at=None,
        )

    def _save(self, query: Query, **changes: object) -> Query:
        return self._store.queries.save(query, query.replace(**changes))


def _started_at(seen: Execution, end: datetime) -> str | None:
    """Return when Athena began to execute a query: its description has only durations."""
    if seen.execution_milliseconds is None:
        return None
    return max(timestamp(seen.submitted_at), later(end, -seen.execution_milliseconds / 1000))
