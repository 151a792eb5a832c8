"""Back to the release: an environment that is RESETTING loses all that was made in it, and is seeded again.

Afterwards it is as one that was just made with its settings: the buckets have the release's files and nothing
else (no job files of a person's own, and no old versions), the catalog has its tables and no others. Key,
role, workgroup and budget stay, and so do the records of its runs and their logs.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.transitions import Moves
from chalicelib.runs.job_runs import Runs
from chalicelib.storage.releases import Releases

_RUN_STOPS_SECONDS = 5


class Clearing:
    """What a reset asks of AWS before it seeds; it can be repeated without harm."""

    def __init__(self, *, buckets: Buckets, catalog: Catalog, releases: Releases, runs: Runs) -> None:
        self._buckets = buckets
        self._catalog = catalog
        self._releases = releases
        self._runs = runs

    def clear(self, environment: Environment) -> Iterator[bool]:
        """Stop the runs, empty the buckets, and let the catalog have the release's tables, no partitions.

        Gives True after each slice of work, and False (and ends) while a run still has to stop.
        """
        if not self._runs.stop_all(environment):
            yield False
            return
        for key in BUCKET_KEYS:
            for _ in self._buckets.empty(environment.bucket(key)):
                yield True
        for _ in self._restore(environment):
            yield True

    def _restore(self, environment: Environment) -> Iterator[int]:
        release = self._releases.get(environment.release)
        databases: dict[str, dict[str, Json | None]] = {environment.sot_database: {}}
        for table in release.tables:
            definition = table.definition
            if definition is not None:
                location = f"s3://{environment.bucket('sor')}/{table.database}/{table.name}/"
                storage = {**definition["StorageDescriptor"], "Location": location}
                definition = {**definition, "StorageDescriptor": storage}
            databases.setdefault(environment.database(table.database), {})[table.name] = definition
        for database, tables in databases.items():
            yield from self._catalog.restore(database, tables)
        for partitioned in release.partitioned:
            yield from self._catalog.remove_partitions(
                environment.database(partitioned.database), partitioned.table
            )


class Resetting:
    """The steps of RESETTING; each says whether another step may follow now."""

    def __init__(self, moves: Moves, clearing: Clearing, creation: Creation) -> None:
        self._moves = moves
        self._clearing = clearing
        self._creation = creation

    def step(self, environment: Environment, deadline: float) -> bool:
        """RESETTING: remove what was made, then seed as a creation does."""
        if environment.is_emptied:
            return self._creation.seed(environment, deadline)
        claimed = self._moves.claim(environment)
        if claimed is None:
            return False
        for finished in self._clearing.clear(claimed):
            if not finished or self._moves.now().timestamp() >= deadline:
                # A run that is still stopping could write again; look again when it has had time to stop.
                self._moves.postpone(claimed, 0 if finished else _RUN_STOPS_SECONDS)
                return False
            if self._moves.half_over(claimed):
                claimed = self._moves.renew(claimed)
        self._moves.postpone(claimed, 0, is_emptied=True, seeded_files=0, attempts=0, reason=None)
        return True
