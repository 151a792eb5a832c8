"""Metrics of ended runs, each in an item of its own: they are larger than the record of the run."""

from __future__ import annotations

import json
from dataclasses import asdict

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.errors import AwsError
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.run_metrics import RunMetrics
from chalicelib.observability import logger
from chalicelib.storage import items
from chalicelib.storage.codec import SCHEMA_VERSION, readable


class StoredMetrics:
    """Reads and writes the metrics of ended runs."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, run: JobRun) -> tuple[RunMetrics, bool] | None:
        """Return the metrics of a run and whether they are truncated, or None if they are not stored."""
        item = self._table.get(items.run_metrics_key(run.environment_id, run.id))
        if item is None:
            return None
        return RunMetrics.from_stored(json.loads(readable(item)["measured"])), item["is_truncated"]

    def put(self, run: JobRun, metrics: RunMetrics, is_truncated: bool) -> None:
        """Store the metrics of a run. If that fails, the next request computes them again."""
        action = self._table.update(
            items.run_metrics_key(run.environment_id, run.id),
            "SET measured = :metrics, is_truncated = :truncated, schema_version = :schema",
            None,
            {
                ":metrics": json.dumps(asdict(metrics), ensure_ascii=False),
                ":truncated": is_truncated,
                ":schema": SCHEMA_VERSION,
            },
        )
        try:
            self._table.write(action)
        except (AwsError, ConditionFailed) as error:
            logger.warning("run metrics not stored", run_id=run.id, detail=str(error))
