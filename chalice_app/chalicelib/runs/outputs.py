"""Outputs of a run: the tables and partitions that carry its mark, or were created or updated while it ran.

The release's job sets the parameter `terraglue.run`, the mark, on the tables and partitions that it writes.
For other jobs, the times in the Data Catalog decide: `CreateTime` and `UpdateTime` of a table, `CreationTime`
of a partition. Limits: a job that only adds objects to an existing partition changes nothing in the Data
Catalog, so that output is not found. Tables without a mark count as outputs of every run at that time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.catalog_tables import CatalogTable
from chalicelib.clock import parse
from chalicelib.domain.byte_limits import (
    LOCATION_BYTES,
    MOST_OUTPUT_PARTITIONS,
    MOST_OUTPUTS,
    PARTITION_VALUE_BYTES,
    cut,
)
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun, RunOutput
from chalicelib.storage.store import Store

# Limits of one search: databases, tables per database (one call per hundred), calls for partitions, and reads
# of other runs whose marks are found.
_DATABASES, _TABLES, _PARTITION_CALLS, _OTHER_RUNS = 10, 500, 20, 20
_RUN_ID = re.compile("[a-z2-7]{16}")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Window:
    """Start and end of a run."""

    begin: datetime
    end: datetime

    def contains(self, moment: datetime | None) -> bool:
        """Return whether a time of the Data Catalog, perhaps in whole seconds, is within the run."""
        if moment is None:
            return False
        begin = self.begin if moment.microsecond else self.begin.replace(microsecond=0)
        return begin <= moment <= self.end + _SECOND


class RunOutputs:
    """Finds the outputs of runs. Raises `AwsError` if AWS fails."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def written(self, run: JobRun, begin: datetime, end: datetime) -> list[RunOutput]:
        """Return the tables that a run wrote between two times.

        The table that the run's arguments name comes first.
        """
        environment = self._store.environment(run.environment_id)
        if environment is None or environment.outputs is None:
            return []
        search = _Search(self._store, self._catalog, run, _Window(begin, end))
        found = [entry for database in _databases(environment) for entry in search.tables(database)]
        named = tuple(run.arguments.get(name, "").lower() for name in ("--OUTPUT_DB", "--OUTPUT_TABLE"))
        found.sort(key=lambda entry: (entry.database, entry.table) != named)
        return found[:MOST_OUTPUTS]


class _Search:
    """Search of the Data Catalog for the outputs of one run, with a limited number of calls."""

    def __init__(self, store: Store, catalog: Catalog, run: JobRun, window: _Window) -> None:
        self._store = store
        self._catalog = catalog
        self._run = run
        self._window = window
        self._partition_calls = 0
        self._others: dict[str, JobRun | None] = {}

    def tables(self, database: str) -> Iterator[RunOutput]:
        """Yield the tables of a database that the run wrote."""
        for table in self._catalog.tables(database, most=_TABLES) or ():
            if table.location is None:
                continue
            partitions = self._partitions(table) if table.partition_keys else []
            if partitions or self._is_written(table.mark, table.updated_at):
                yield _entry(table, partitions)

    def _partitions(self, table: CatalogTable) -> list[list[str]]:
        self._partition_calls += 1
        if self._partition_calls > _PARTITION_CALLS:
            return []
        found = self._catalog.marked_partitions(table.database, table.name)
        return [each.values for each in found if self._is_written(each.mark, each.created_at)]

    def _is_written(self, mark: str | None, moment: datetime | None) -> bool:
        if mark == self._run.id:
            return True
        if not self._window.contains(moment):
            return False
        if mark is None or not _RUN_ID.fullmatch(mark):
            return True
        other = self._other(mark)
        # The mark of a run that ended before this run started means that this run updated the table.
        return other is None or (
            other.completed_at is not None and parse(other.completed_at) < self._window.begin
        )

    def _other(self, mark: str) -> JobRun | None:
        if mark not in self._others and len(self._others) < _OTHER_RUNS:
            self._others[mark] = self._store.run(self._run.environment_id, mark)
        return self._others.get(mark)


def _databases(environment: Environment) -> list[str]:
    """Return the environment's databases that its job can write to."""
    own = list(environment.outputs.databases.values() if environment.outputs else ())
    if environment.settings.iam_role:  # its policy allows only this one (glue_assets/modules/iam.yaml)
        return [name for name in own if name == environment.sot_database]
    return sorted(own, key=lambda name: name != environment.sot_database)[:_DATABASES]


def _entry(table: CatalogTable, partitions: list[list[str]]) -> RunOutput:
    keys = [key.name for key in table.partition_keys]
    return RunOutput(
        database=table.database,
        table=table.name,
        location=cut(table.location or "", LOCATION_BYTES),
        partitions=[
            {name: cut(value, PARTITION_VALUE_BYTES) for name, value in zip(keys, values, strict=False)}
            for values in partitions[:MOST_OUTPUT_PARTITIONS]
        ],
    )
