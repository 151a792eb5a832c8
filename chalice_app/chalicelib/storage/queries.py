"""Records of Athena queries. They reserve and cost money as runs do (charges.py)."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.dynamodb import ConditionFailed, Page, Table
from chalicelib.domain.json_types import Json
from chalicelib.domain.query import Query
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.storage import items
from chalicelib.storage.charges import Charges
from chalicelib.storage.children import children
from chalicelib.storage.items import IdempotencyKey


class Queries:
    """Reads and writes queries. AWS errors are raised as `AwsError`."""

    def __init__(self, table: Table, charges: Charges) -> None:
        self._table = table
        self._charges = charges

    def add(self, query: Query, event: TimelineEvent | None, key: IdempotencyKey | None) -> bool:
        """Reserve the query's maximum cost and record the query; see `Charges.add`."""
        return self._charges.add(query, event, key)

    def add_found(self, query: Query) -> bool:
        """Record a query that its user started in AWS; see `Charges.add_found`."""
        return self._charges.add_found(query)

    def has_started(self, environment_id: str, execution_id: str) -> bool:
        """Return whether the service has started an execution in Athena."""
        return self._table.get(items.execution_key(environment_id, execution_id)) is not None

    def claim_mark(self, environment_id: str, mark: str, execution_id: str) -> bool:
        """Record that an execution has a mark, unless another one has it. Returns whether this one has."""
        item = {**items.execution_key(environment_id, mark), "query_id": execution_id}
        unclaimed = "attribute_not_exists(pk) OR query_id = :query"
        try:
            self._table.transact([self._table.put(item, unclaimed, {":query": execution_id})])
        except ConditionFailed:
            return False
        return True

    def active(self, environment_id: str, count: int) -> Iterator[Query]:
        """Yield up to `count` active queries, newest first, by consistent reads."""
        start: Json | None = None
        while count > 0:
            found = children(self._table, environment_id, "QUERY#", 100, start, consistent=True)
            page = found.map(items.query)
            for query in page.items:
                if not query.status.is_final:
                    count -= 1
                    yield query
            start = page.next
            if start is None:
                return

    def get(self, environment_id: str, query_id: str) -> Query | None:
        """Return a query (strongly consistent), or None if it does not exist."""
        item = self._table.get(items.query_key(environment_id, query_id))
        return items.query(item) if item else None

    def page(self, environment_id: str, *, limit: int, start: Json | None = None) -> Page[Query]:
        """Return a page of an environment's queries, newest first."""
        return children(self._table, environment_id, "QUERY#", limit, start).map(items.query)

    def save(self, old: Query, new: Query, event: TimelineEvent | None = None) -> Query:
        """Write the fields that differ, and settle the query's cost when it ends; see `Charges`."""
        return self._charges.save(old, new, event)
