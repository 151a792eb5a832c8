"""Import of queries that users started in AWS with credentials: they count towards the owner's budget.

An execution of the sandbox's workgroup that the service has not started becomes an active query, which is
then followed and settled like any other. Its ID depends only on the execution, so it is recorded once.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from chalicelib.aws.athena_queries import AthenaQueries, Execution
from chalicelib.aws.errors import AwsRefused
from chalicelib.clock import Clock, now, parse, run_id_of, timestamp
from chalicelib.domain import expiry, pricing
from chalicelib.domain.byte_limits import cut
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.preview_marks import PreviewMarks
from chalicelib.domain.query import Query, QueryOrigin, QueryStatus
from chalicelib.domain.query_imports import imported_since, next_import
from chalicelib.domain.query_requests import MOST_SQL_BYTES
from chalicelib.observability import logger
from chalicelib.storage.store import Store

_MOST_PAGES = 400
"""Pages of 50 executions that one step reads: more than Athena starts between two imports, 20 in a second by
default (https://docs.aws.amazon.com/athena/latest/ug/service-limits.html)."""
_FREE_PAGES = 2
"""Pages of which free executions are recorded too. Otherwise a flood of them would delay other records."""


class QueryImport:
    """Records the queries that users started in AWS."""

    def __init__(
        self,
        store: Store,
        athena_of: Callable[[Environment], AthenaQueries],
        previews: PreviewMarks,
        price_per_tb_usd: Decimal,
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._athena_of = athena_of
        self._previews = previews
        self._price = price_per_tb_usd
        self._clock = clock

    def import_due(self, environment: Environment) -> Environment:
        """Record new executions if it is time for that. Return the environment afterwards."""
        due_at = next_import(environment)
        moment = timestamp(self._clock())
        if environment.status not in (Status.READY, Status.FAILED) or due_at is None or due_at > moment:
            return environment
        self.import_now(environment)
        imported = environment.replace(queries_imported_until=moment)
        return self._store.save_environment(environment, imported.replace(due_at=expiry.next_check(imported)))

    def import_now(self, environment: Environment) -> None:
        """Record the executions that are not recorded yet, if anybody can have started any."""
        workgroup = environment.outputs.athena_workgroup if environment.outputs else None
        if workgroup is None or next_import(environment) is None:
            return
        since = parse(imported_since(environment))
        try:
            for number, page in enumerate(self._athena_of(environment).pages(workgroup), 1):
                starting = self._starting(environment.id)  # read after the page was listed
                for seen in page:
                    is_recorded = number <= _FREE_PAGES or not _is_free(seen)
                    if is_recorded and seen.submitted_at >= since and seen.sql not in starting:
                        self._record(environment, workgroup, seen)
                if any(seen.submitted_at < since for seen in page):
                    return
                if number == _MOST_PAGES:
                    logger.error("more executions than one import reads", environment_id=environment.id)
                    return
        except AwsRefused as error:
            if error.code != "InvalidRequestException":
                raise
            # The workgroup was deleted, and its executions with it.
            logger.warning("executions not listed", environment_id=environment.id, detail=error.message)

    def _starting(self, environment_id: str) -> set[str]:
        """Return the SQL of queries that the service may have started, without knowing their execution yet.

        An execution with this SQL can be theirs. The next import, which overlaps, looks at it again.
        """
        environment = self._store.environment(environment_id)
        count = environment.active_queries if environment else 0
        active = self._store.queries.active(environment_id, count)
        return {query.sql for query in active if query.execution_id is None}

    def _record(self, environment: Environment, workgroup: str, seen: Execution) -> None:
        query_id = run_id_of(f"{environment.id} {seen.id}", seen.submitted_at)
        if self._store.queries.has_started(environment.id, seen.id) or self._store.queries.get(
            environment.id, query_id
        ):
            return
        mark = self._previews.mark_of(seen.sql)
        if mark is not None and self._store.queries.claim_mark(environment.id, mark, seen.id):
            return
        query = Query(
            id=query_id,
            environment_id=environment.id,
            owner=environment.owner,
            status=QueryStatus.RUNNING,
            sql=cut(seen.sql, MOST_SQL_BYTES),
            workgroup=workgroup,
            requested_by=environment.owner,
            requested_at=timestamp(seen.submitted_at),
            max_cost_micro_usd=0,
            price_per_tb_usd=str(self._price),
            database=seen.database,
            origin=QueryOrigin.CREDENTIALS,
            start_attempts=1,
            execution_id=seen.id,
            due_at=timestamp(self._clock()),
        )
        if self._store.queries.add_found(query):
            logger.info("query found", query_id=query_id, execution_id=seen.id)


def cost_micro_usd(seen: Execution, price_per_tb_usd: Decimal) -> int:
    """Return what Athena charges for an execution (https://aws.amazon.com/athena/pricing/).

    Failed queries are free, and so are DDL statements and EXPLAIN. CREATE TABLE AS is DDL too, but reads
    data; like EXPLAIN ANALYZE, it costs what it scans
    (https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html). A cancelled query costs what
    it has scanned. That a SELECT which scans nothing costs the minimum is assumed.
    """
    if seen.status is QueryStatus.FAILED:
        return 0
    # AWS documents EXPLAIN as UTILITY. Others saw DML: https://github.com/aoyagikouhei/athena-local
    reads = seen.statement_type == "DML" and seen.substatement_type != "EXPLAIN"
    is_free = not reads or seen.status is QueryStatus.CANCELLED
    if is_free and not seen.scanned_bytes:
        return 0
    return pricing.query_micro_usd(seen.scanned_bytes, price_per_tb_usd)


def _is_free(seen: Execution) -> bool:
    return seen.status.is_final and cost_micro_usd(seen, Decimal(1)) == 0
