"""What a run has written: the tables and partitions that carry its mark, or came or changed while it ran.

A job may say so itself, by the parameter `terraglue.run` of a table or partition, as the release's job does.
Of any other job the Data Catalog tells by its times: `CreateTime` and `UpdateTime` of a table, `CreationTime`
of a partition. A job that only adds objects to a partition that is in the catalog already changes nothing
there, and is not seen. Two runs at once that mark nothing are both said to have written the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws.catalog import Catalog, CatalogTable
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

# The bounds of one look: databases, tables of each (a call a hundred), calls for partitions, and reads of
# other runs whose marks are found.
_DATABASES, _TABLES, _PARTITION_CALLS, _OTHER_RUNS = 10, 500, 20, 20
_RUN_ID = re.compile("[a-z2-7]{16}")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Window:
    """From when to when a run went on."""

    begin: datetime
    end: datetime

    def has(self, moment: datetime | None) -> bool:
        """Whether something was then; Glue may tell of whole seconds only."""
        if moment is None:
            return False
        begin = self.begin if moment.microsecond else self.begin.replace(microsecond=0)
        return begin <= moment <= self.end + _SECOND


class RunOutputs:
    """Finds out what runs have written; errors come out as `AwsError`."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def written(self, run: JobRun, begin: datetime, end: datetime) -> list[RunOutput]:
        """The tables that a run has written between two times, the one that its arguments name first."""
        environment = self._store.environment(run.environment_id)
        if environment is None or environment.outputs is None:
            return []
        look = _Look(self._store, self._catalog, run, _Window(begin, end))
        found = [entry for database in _databases(environment) for entry in look.tables(database)]
        named = tuple(run.arguments.get(name, "").lower() for name in ("--OUTPUT_DB", "--OUTPUT_TABLE"))
        found.sort(key=lambda entry: (entry.database, entry.table) != named)
        return found[:MOST_OUTPUTS]


class _Look:
    """One look at the catalog for one run, whose calls are counted."""

    def __init__(self, store: Store, catalog: Catalog, run: JobRun, window: _Window) -> None:
        self._store = store
        self._catalog = catalog
        self._run = run
        self._window = window
        self._partition_calls = 0
        self._others: dict[str, JobRun | None] = {}

    def tables(self, database: str) -> Iterator[RunOutput]:
        """The tables of a database that the run has written."""
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
        if not self._window.has(moment):
            return False
        if mark is None or not _RUN_ID.fullmatch(mark):
            return True
        other = self._other(mark)
        # What another run has marked, and had ended before this one began, this one has changed.
        return other is None or (
            other.completed_at is not None and parse(other.completed_at) < self._window.begin
        )

    def _other(self, mark: str) -> JobRun | None:
        if mark not in self._others and len(self._others) < _OTHER_RUNS:
            self._others[mark] = self._store.run(self._run.environment_id, mark)
        return self._others.get(mark)


def _databases(environment: Environment) -> list[str]:
    """The environment's own databases that its job can write to."""
    own = list(environment.outputs.databases.values() if environment.outputs else ())
    if environment.settings.iam_role:  # its policy allows no other (glue_assets/modules/iam.yaml)
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
