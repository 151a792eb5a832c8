"""Checks of runs and queries: of all requests that watch one, one in some time asks AWS."""

from __future__ import annotations

from datetime import datetime

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.errors import AwsError
from chalicelib.clock import later, timestamp
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.query import Query
from chalicelib.observability import logger
from chalicelib.storage import items


class Checks:
    """Decides which watcher of a run or a query asks AWS."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, record: JobRun | Query, moment: datetime, seconds: float) -> bool:
        """Record that a watcher asks AWS about a record now, unless another one did so in the last `seconds`.

        Returns whether it was recorded. The record's version stays, so no stop and no step is delayed: a
        claim that meets their transaction fails alone, and the watcher shows what is recorded.
        """
        since = later(moment, -seconds)
        if record.status.is_final or (record.checked_at is not None and record.checked_at > since):
            return False
        action = self._table.update(
            items.charged_key(record),
            "SET checked_at = :at",
            "attribute_exists(pk) AND (attribute_not_exists(checked_at) OR checked_at <= :since)",
            {":at": timestamp(moment), ":since": since},
        )
        try:
            self._table.write(action)
        except ConditionFailed:
            return False
        except AwsError as error:
            logger.warning("check not claimed", kind=record.KIND, id=record.id, code=error.code)
            return False
        return True
