"""Cleanup of a sandbox before a reset seeds it again: its buckets and its Data Catalog."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.storage.releases import Releases


class ResetCleanup:
    """Removes everything that users and runs created in a sandbox. Can be repeated safely."""

    def __init__(self, *, buckets: Buckets, catalog: Catalog, releases: Releases) -> None:
        self._buckets = buckets
        self._catalog = catalog
        self._releases = releases

    def clear(self, environment: Environment) -> Iterator[int]:
        """Empty the buckets and restore the release's tables without partitions. Yield after each batch."""
        for key in BUCKET_KEYS:
            yield from self._buckets.empty(environment.bucket(key))
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
