"""The tables of a sandbox as callers ask for them: the catalog, and a look at the first rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib import values
from chalicelib.athena import Athena
from chalicelib.auth import Caller
from chalicelib.catalog import Catalog, CatalogTable, Partitions
from chalicelib.environments import Environments
from chalicelib.errors import EnvironmentNotReady, NotFound
from chalicelib.records import Environment, Json, Status

_PRIMARY = "primary"
_ROWS_SECONDS = 18
"""How long a query may take; API Gateway hangs up after 29 s, and other calls come before and after it."""
_MOST_TABLES = 500
_MOST_PARTITIONED = 25


@dataclass(frozen=True)
class Database:
    """A database, by its short name and the catalog's; `is_complete` is False where tables are left out."""

    name: str
    catalog_name: str
    tables: list[tuple[CatalogTable, Partitions | None]]
    is_complete: bool


@dataclass(frozen=True)
class Rows:
    """The first rows of a table, as JSON values by column."""

    database: str
    table: CatalogTable
    items: list[Json]
    scanned_bytes: int


class Tables:
    """What the routes about tables do."""

    def __init__(
        self,
        environments: Environments,
        catalog: Catalog,
        athena: Athena,
        *,
        new_token: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._environments = environments
        self._catalog = catalog
        self._athena = athena
        self._new_token = new_token

    def listing(self, caller: Caller, environment_id: str) -> tuple[Environment, list[Database]]:
        """The environment and its databases with all that the catalog says of them.

        Costs a call a database (and one more for every further hundred tables, up to 500), and one for each
        of the first 25 partitioned tables; the partitions of others are not counted. A database that somebody
        has dropped is left out.
        """
        environment = self._ready(caller, environment_id)
        looks = _MOST_PARTITIONED
        databases = []
        for name, catalog_name in _databases(environment).items():
            found = self._catalog.tables(catalog_name, most=_MOST_TABLES + 1)
            if found is None:
                continue
            tables: list[tuple[CatalogTable, Partitions | None]] = []
            for table in found[:_MOST_TABLES]:
                partitions = None
                if table.partition_keys and looks:
                    partitions = self._catalog.partitions(catalog_name, table.name)
                    looks -= 1
                tables.append((table, partitions))
            databases.append(Database(name, catalog_name, tables, len(found) <= _MOST_TABLES))
        return environment, databases

    def rows(
        self, caller: Caller, environment_id: str, database: str, table: str, *, limit: int
    ) -> tuple[Environment, Rows]:
        """The first rows of a table, read by Athena.

        One call looks the table up, so that what Athena is asked has the catalog's names and never the
        caller's; the others are the query's. Raises `NotFound` for a table that is not there, and what
        `Athena.run` raises.
        """
        environment = self._ready(caller, environment_id)
        databases = _databases(environment)
        name = next((n for n, full in databases.items() if database in (n, full)), None)
        found = self._catalog.table(databases[name], table) if name else None
        if name is None or found is None:
            raise NotFound("There is no such table.")
        columns = {column.name: column.type for column in (*found.columns, *found.partition_keys)}
        outputs = environment.outputs or {}
        workgroup = outputs.get("athena_workgroup")
        result = self._athena.run(
            values.select(found.database, found.name, columns, limit),
            database=found.database,
            workgroup=workgroup or _PRIMARY,
            output_location=None if workgroup else f"s3://{environment.bucket('athena_results')}/",
            token=self._new_token(),
            seconds=_ROWS_SECONDS,
        )
        items = values.rows(columns, result.types, result.rows)
        return environment, Rows(name, found, items, result.scanned_bytes)

    def _ready(self, caller: Caller, environment_id: str) -> Environment:
        environment = self._environments.visible(caller, environment_id)
        if environment.status is not Status.READY or environment.delete_requested:
            raise EnvironmentNotReady(
                f"The environment is {environment.condition}; its tables can be seen only when it is READY."
            )
        return environment


def _databases(environment: Environment) -> dict[str, str]:
    """The catalog's names of the sandbox's databases by their short names."""
    found: dict[str, str] = (environment.outputs or {}).get("databases", {})
    return found
